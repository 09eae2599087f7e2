"""States that lack a file which can be made anew."""

from __future__ import annotations

from ..cyclefile import HOUR
from ..outbox import METADATA, POSITION, STATE, OutboxImage, position
from ..sparsefiles import SparseFile
from .builder import OUTBOX_ID, Builder, State, event_id, plain


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
    image.files[POSITION] = position(
        count=5,
        sequence=9,
        event_id=event_id(9),
        cycle=image.newest.cycle,
        offset=tail,
        entry=2,
        settled_bytes=tail - image.newest.first_data,
        clock=image.clock,
        outbox_id=OUTBOX_ID,
    )
    del image.files[STATE]

    def recover(recovered: OutboxImage) -> None:
        recovered.next_sequence = 10
        _rebuild_state(recovered)

    about = "outbox.state is gone, and the relay has settled more than the queue still holds."
    return builder.finish("state-missing-position-ahead", about, recover=recover)


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
    metadata_missing,
    metadata_truncated,
    metadata_zeroed,
]
