"""States at the edges of the rules: when a cycle ends, when its file grows, when the cap holds."""

from __future__ import annotations

import uuid

from ..cyclefile import CHUNK, HOUR, OVERLAP
from ..outbox import OutboxImage, cycle_path
from .builder import NEXT, Builder, State, plain


def clock_bounds() -> State:
    builder = Builder()
    for number, hours in enumerate((0, -24, -1, 50, 25, -24), start=1):
        builder.append(plain(number), after=hours * HOUR + 1)
    about = (
        "The clock goes back by 24 hours and then by one more, on to 24 hours ahead of the newest "
        "cycle, to 25 hours ahead of that one, and back by 24: cycles begin with the third, the "
        "fourth and the fifth."
    )
    return builder.finish("clock-bounds", about, writable=True)


def roll_size_to_the_byte() -> State:
    builder = Builder().three()
    builder.roll_bytes = _end_of_next(builder) + 4
    about = "The record ends 4 bytes before the length at which a cycle is full: it fits."
    return builder.finish("roll-size-to-the-byte", about)


def empty_cycle_beyond_the_roll_size() -> State:
    builder = Builder(roll_bytes=67_000).several(2)
    builder.image.roll()
    builder.roll_bytes = 65_000
    about = "A cycle without a record takes one, though it ends beyond the length of a full cycle."
    return builder.finish("empty-cycle-beyond-the-roll-size", about)


def _end_of_next(builder: Builder) -> int:
    (record,) = builder.image.encoded(NEXT)
    return builder.image.newest.tail + 4 + len(record)


def growth() -> State:
    builder = Builder().three()
    newest = builder.image.newest
    problems = builder.problem("chain-ends-before-word1", newest.tail)
    length_of_next = _end_of_next(builder) - newest.tail
    (fourth,) = builder.image.encoded(plain(4))
    newest.tail = CHUNK - length_of_next - 4 - len(fourth)
    builder.several(1)
    about = (
        "The zeros behind the next record end less than 16 MiB before the file's end, and the "
        "record does not: the file grows. What stood before the fourth record is lost."
    )
    return builder.finish(
        "growth", about, problems=problems, problems_after=problems, chronicle=False
    )


def not_grown_yet() -> State:
    builder = Builder().three()
    builder.image.newest.file.size = _end_of_next(builder) + 8 + OVERLAP
    about = "The zeros behind the next record end 16 MiB before the file's end: it does not grow."
    return builder.finish("not-grown-yet", about, chronicle=False)


def cap_to_the_byte() -> State:
    builder = Builder().three()
    settled = builder.end(1) - builder.image.newest.first_data
    builder.settle(1, builder.end(1), settled=settled, held=40)
    builder.max_bytes = _end_of_next(builder) - builder.image.newest.first_data - settled + 40
    about = "With the next event the outbox holds as much as it may: what is not settled, and held."
    return builder.finish("cap-to-the-byte", about)


def cap_reached() -> State:
    builder = Builder().three()
    settled = builder.end(1) - builder.image.newest.first_data
    builder.settle(1, builder.end(1), settled=settled, held=40)
    builder.max_bytes = _end_of_next(builder) - builder.image.newest.first_data - settled + 39
    about = "The next event is one byte too much: refused, and counted in append.failures."
    return builder.finish("cap-reached", about, refused="full")


def cap_and_another_outbox_settled() -> State:
    builder = Builder().three()
    settled = builder.end(1) - builder.image.newest.first_data
    builder.settle(1, builder.end(1), settled=settled, outbox_id=uuid.UUID(int=7))
    builder.max_bytes = _end_of_next(builder) - builder.image.newest.first_data - 1
    about = "One byte too much, as the position is another outbox's and settles nothing here."
    return builder.finish("cap-and-another-outbox-settled", about, refused="full")


def newest_cycle_removed() -> State:
    return _without_the_newest(Builder(), "newest-cycle-removed", "The newest cycle is gone.")


def newest_cycle_removed_and_settled() -> State:
    builder = Builder()
    about = "The newest cycle is gone, and was settled: that is the next base, as it is more."
    return _without_the_newest(builder, "newest-cycle-removed-and-settled", about, settled=True)


def _without_the_newest(builder: Builder, name: str, about: str, *, settled: bool = False) -> State:
    builder.three()
    builder.append(plain(4), after=HOUR)
    image = builder.image
    base = image.base
    if settled:
        base += image.newest.tail - image.newest.first_data
        builder.settle(4, image.newest.tail, settled=base)
    removed = image.cycles.pop()
    # The state still speaks of it.
    del image.files[cycle_path(removed.cycle)]
    builder.lost = {4}

    def recover(recovered: OutboxImage) -> None:
        recovered.mod_count += 1
        recovered.begin_cycle(removed.cycle + 1, base)

    about += " Its number is not used again; the listing follows when it is seen, and at the roll."
    return builder.finish(name, about, recover=recover)


def oldest_cycle_removed() -> State:
    builder = Builder().three()
    builder.append(plain(4), after=HOUR)
    image = builder.image
    del image.files[cycle_path(image.cycles.pop(0).cycle)]
    builder.lost = {1, 2, 3}

    def recover(recovered: OutboxImage) -> None:
        recovered.mod_count += 1
        recovered.write_metadata()

    about = "A relay died between removing the oldest cycle and updating the listing."
    return builder.finish("oldest-cycle-removed", about, recover=recover)


STATES = [
    clock_bounds,
    roll_size_to_the_byte,
    empty_cycle_beyond_the_roll_size,
    growth,
    not_grown_yet,
    cap_to_the_byte,
    cap_reached,
    cap_and_another_outbox_settled,
    newest_cycle_removed,
    newest_cycle_removed_and_settled,
    oldest_cycle_removed,
]
