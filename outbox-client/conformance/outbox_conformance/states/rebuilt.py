"""States that lack a file which can be made anew."""

from __future__ import annotations

from ..cyclefile import HOUR
from ..outbox import METADATA, STATE, OutboxImage
from ..sparsefiles import SparseFile
from .builder import PAGE, Builder, State, fail_and_roll, plain


def _rebuild_state(image: OutboxImage) -> None:
    image.created = image.clock
    image.write_state()


def state_missing() -> State:
    builder = Builder().three()
    del builder.image.files[STATE]
    about = "outbox.state is gone: identity comes from the prologue, the sequence from the records."
    return builder.finish("state-missing", about, recover=_rebuild_state)


def state_zeroed() -> State:
    builder = Builder().three()
    builder.append(plain(4), after=HOUR)
    builder.image.files[STATE] = SparseFile(size=4096)
    about = "outbox.state is zero; the newest prologue holds the base of the second cycle."
    return builder.finish("state-zeroed", about, recover=_rebuild_state)


def state_truncated() -> State:
    builder = Builder().three()
    builder.image.files[STATE] = SparseFile(bytes(builder.image.files[STATE].data[:100]))
    about = "outbox.state is cut to 100 bytes: its identity is intact and stays."
    return builder.finish("state-truncated", about)


def state_missing_position_ahead() -> State:
    builder = Builder().three()
    image = builder.image
    tail = image.newest.tail
    builder.settle(9, tail, settled=tail - image.newest.first_data)
    del image.files[STATE]

    def recover(recovered: OutboxImage) -> None:
        recovered.next_sequence = 10
        _rebuild_state(recovered)
        fail_and_roll()(recovered)

    about = (
        "outbox.state is gone, and the relay has settled more than the queue still holds: records "
        "are lost, so the cycle is not gone on with."
    )
    return builder.finish(
        "state-missing-position-ahead",
        about,
        recover=recover,
        problems_after=builder.problem("missing-eof", tail),
        chronicle=False,
    )


def state_longer() -> State:
    builder = Builder().three()
    builder.image.files[STATE].write(4096, b"behind the state's end")

    def recover(recovered: OutboxImage) -> None:
        recovered.write_state()

    about = "outbox.state is longer than it should be: it is cut."
    return builder.finish("state-longer", about, recover=recover)


def state_without_identity_and_failed_marks() -> State:
    builder = Builder().three()
    image = builder.image
    image.failed = [image.newest.cycle - 2, image.newest.cycle]
    image.write_state()
    image.files[STATE].write(20, b"\xff")
    about = "The identity in outbox.state fails its CRC; sequence and failed marks stay."

    def recover(recovered: OutboxImage) -> None:
        _rebuild_state(recovered)
        recovered.roll(end=False)

    return builder.finish(
        "state-without-identity-and-failed-marks",
        about,
        recover=recover,
        problems_after=builder.problem("missing-eof", image.newest.tail),
        chronicle=False,
    )


def failed_mark_and_damaged_sequence() -> State:
    builder = Builder().several(5)
    image = builder.image
    image.newest.book_word1(builder.offset(3))
    builder.damage(4)
    image.failed = [image.newest.cycle]
    image.write_state()
    image.files[STATE].write(64, bytes(16))
    problems = builder.problem("crc", builder.offset(4))
    about = (
        "The newest cycle is marked failed, and the next sequence is lost: it comes from chain and "
        "search of that cycle, the failed one."
    )
    return builder.finish(
        "failed-mark-and-damaged-sequence",
        about,
        recover=lambda recovered: recovered.roll(end=False),
        problems=problems,
        problems_after=[*problems, *builder.problem("missing-eof", image.newest.tail)],
        chronicle=False,
    )


def state_missing_another_generation() -> State:
    builder = Builder().three()
    builder.image.generation = 2
    builder.append(plain(4), after=HOUR)
    del builder.image.files[STATE]
    about = "outbox.state is gone, and the prologues differ in generation: the newest counts."
    return builder.finish("state-missing-another-generation", about, recover=_rebuild_state)


def state_missing_page_0_zeroed() -> State:
    builder = Builder().three()
    builder.image.generation = 2
    builder.append(plain(4), after=HOUR)
    problems = builder.problem("unreadable-header", 0)
    builder.image.newest.file.write(0, bytes(PAGE))
    del builder.image.files[STATE]
    about = (
        "outbox.state is gone, and the newest cycle's header with it: its prologue is searched for."
    )

    def recover(recovered: OutboxImage) -> None:
        _rebuild_state(recovered)
        fail_and_roll()(recovered)

    return builder.finish(
        "state-missing-page-0-zeroed",
        about,
        recover=recover,
        problems=problems,
        problems_after=problems,
        chronicle=False,
    )


def identity_from_position() -> State:
    builder = Builder().three()
    image = builder.image
    image.generation = 2
    builder.damage(1)
    builder.settle(2, builder.end(2), settled=builder.end(2) - image.newest.first_data)
    del image.files[STATE]
    problems = builder.problem("crc", builder.offset(1))

    def recover(recovered: OutboxImage) -> None:
        recovered.generation = 1
        _rebuild_state(recovered)

    about = (
        "outbox.state is gone, and the only prologue is damaged: the identity is the position's, "
        "the generation 1, the base 0, the cycle hour the clock's."
    )
    return builder.finish(
        "identity-from-position",
        about,
        recover=recover,
        problems=problems,
        problems_after=problems,
        chronicle=False,
    )


def _rewrite_metadata(image: OutboxImage) -> None:
    image.mod_count = image.clock
    image.write_metadata()


def metadata_missing() -> State:
    builder = Builder().three()
    del builder.image.files[METADATA]
    about = "metadata.cq4t is gone."
    return builder.finish("metadata-missing", about, recover=_rewrite_metadata, chronicle=False)


def metadata_truncated() -> State:
    builder = Builder().three()
    table = builder.image.files[METADATA]
    builder.image.files[METADATA] = SparseFile(bytes(table.data[:300]))
    about = "metadata.cq4t is cut to 300 bytes."
    return builder.finish("metadata-truncated", about, recover=_rewrite_metadata, chronicle=False)


def metadata_zeroed() -> State:
    builder = Builder().three()
    builder.append(plain(4), after=HOUR)
    builder.image.files[METADATA] = SparseFile(size=131072)
    about = "metadata.cq4t is zero."
    return builder.finish("metadata-zeroed", about, recover=_rewrite_metadata, chronicle=False)


STATES = [
    state_missing,
    state_zeroed,
    state_truncated,
    state_missing_position_ahead,
    state_longer,
    state_without_identity_and_failed_marks,
    failed_mark_and_damaged_sequence,
    state_missing_another_generation,
    state_missing_page_0_zeroed,
    identity_from_position,
    metadata_missing,
    metadata_truncated,
    metadata_zeroed,
]
