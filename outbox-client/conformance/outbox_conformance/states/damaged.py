"""States that power cuts, failing disks and hostile hands leave, for the writer to notice."""

from __future__ import annotations

import struct
import uuid
from typing import TYPE_CHECKING

from .. import cyclefile
from ..cyclefile import HOUR
from ..outbox import STATE, OutboxImage, cycle_path
from .builder import OUTBOX_ID, PAGE, Builder, State, fail_and_roll, plain, several

if TYPE_CHECKING:
    from ..scanner import Problem


def missing_eof() -> State:
    builder = Builder().three()
    older = builder.image.newest
    tail = older.tail
    problems = builder.problem("missing-eof", tail)
    builder.append(plain(4), after=HOUR)
    older.file.write(tail, bytes(8))
    about = "No EOF in the cycle before the newest: a power cut."
    return builder.finish(
        "missing-eof", about, recover=lambda _image: older.end(), problems=problems
    )


def word1_ahead() -> State:
    builder = Builder().three()
    newest = builder.image.newest
    newest.book_word1(newest.tail + PAGE)
    problems = builder.problem("chain-ends-before-word1", newest.tail)
    about = "word1 points behind the data, to where no record is: newer pages outlived older ones."
    return _unusable(builder, "word1-ahead", about, problems, problems)


def word1_within_an_entry() -> State:
    builder = Builder().three()
    builder.image.newest.book_word1(builder.offset(3) + 2)
    about = "word1 points into the last entry."
    after = builder.problem("missing-eof", builder.image.newest.tail)
    return _unusable(builder, "word1-within-an-entry", about, [], after)


def entry_0_elsewhere() -> State:
    builder = Builder().several(2)
    builder.image.newest.entries = 0
    builder.several(1)
    builder.lost = {3}
    problems = builder.problem("order", builder.offset(3))
    after = [*problems, *builder.problem("missing-eof", builder.image.newest.tail)]
    about = "word1 points to a whole record of entry 0, which does not stand where the data begin."
    return _unusable(
        builder, "entry-0-elsewhere", about, problems, after, newest_end=builder.end(2)
    )


def state_ahead() -> State:
    builder = Builder().three()
    builder.image.next_sequence = 7
    builder.image.write_state()
    after = builder.problem("missing-eof", builder.image.newest.tail)
    about = "The state has given out sequences 4 to 6 and the chain ends at 3: records are lost."
    return _unusable(builder, "state-ahead", about, [], after)


def state_ahead_of_an_empty_cycle() -> State:
    builder = Builder().three()
    builder.image.roll()
    builder.image.next_sequence = 7
    builder.image.write_state()
    about = "The same, and the newest cycle is empty: nothing can be overwritten, so it stays."
    return builder.finish("state-ahead-of-an-empty-cycle", about)


def position_ahead() -> State:
    about = "The relay has settled more than queue and state know: they are of before a power cut."
    return _position_ahead("position-ahead", about, OUTBOX_ID)


def position_of_another_outbox_ahead() -> State:
    about = "The same with another outbox's position: the sequence goes on behind it all the same."
    return _position_ahead("position-of-another-outbox-ahead", about, uuid.UUID(int=7))


def _position_ahead(name: str, about: str, outbox_id: uuid.UUID) -> State:
    builder = Builder().three()
    tail = builder.image.newest.tail
    settled = tail - builder.image.newest.first_data
    builder.settle(9, tail, settled=settled, outbox_id=outbox_id)
    after = builder.problem("missing-eof", tail)

    def recover(image: OutboxImage) -> None:
        image.next_sequence = 10
        fail_and_roll()(image)

    return builder.finish(name, about, recover=recover, problems_after=after, chronicle=False)


def page_0_zeroed() -> State:
    builder = Builder().three()
    builder.image.newest.file.write(0, bytes(PAGE))
    problems = builder.problem("unreadable-header", 0)
    about = "The first page of the newest cycle is zero."
    return _unusable(builder, "page-0-zeroed", about, problems, problems)


def older_page_0_zeroed() -> State:
    builder = Builder().three()
    older = builder.image.newest
    problems = builder.problem("unreadable-header", 0)
    builder.append(plain(4), after=HOUR)
    older.file.write(0, bytes(PAGE))
    about = "The first page of an older cycle is zero. A writer leaves it as it is."
    return _elsewhere(builder, "older-page-0-zeroed", about, problems)


def hostile_length() -> State:
    builder = Builder().three()
    newest = builder.image.newest
    newest.file.write(newest.tail, struct.pack("<I", 0x3FFFFFF0))
    problems = builder.problem("hostile-length", newest.tail)
    about = "A header word at the tail that leads beyond the file."
    return _unusable(builder, "hostile-length", about, problems, problems)


def flipped_byte_in_the_last() -> State:
    builder = Builder().three()
    builder.damage(3)
    problems = builder.problem("crc", builder.offset(3))
    after = [*problems, *builder.problem("missing-eof", builder.image.newest.tail)]
    about = "A bit of the last record is flipped: word1 points to where no record is."
    return _unusable(
        builder, "flipped-byte-in-the-last", about, problems, after, newest_end=builder.end(2)
    )


def flipped_byte_behind_word1() -> State:
    builder = Builder().three()
    (whole,) = builder.publish_unbooked(plain(4))
    builder.publish_unbooked(plain(5))
    builder.damage(5)
    builder.image.next_sequence = 5
    problems = builder.problem("crc", builder.offset(5))
    after = [*problems, *builder.problem("missing-eof", builder.image.newest.tail)]
    about = "Two entries behind word1: the first is booked, the second fails its CRC."

    def recover(image: OutboxImage) -> None:
        image.book(whole)
        fail_and_roll(builder.end(4))(image)

    return builder.finish(
        "flipped-byte-behind-word1",
        about,
        recover=recover,
        problems=problems,
        problems_after=after,
        chronicle=False,
    )


def alien_meta_behind_word1() -> State:
    builder = Builder().three()
    newest = builder.image.newest
    problems = builder.problem("hostile-length", newest.tail)
    entry = cyclefile.page(newest.tail, "index", 32, [])
    newest.file.write(newest.tail, entry)
    about = "Behind word1 stands an index page of another shape than this file's."
    return _unusable(builder, "alien-meta-behind-word1", about, problems, problems)


def foreign_cycle() -> State:
    builder = Builder().three()
    image = builder.image
    stranger = OutboxImage(uuid.UUID(int=7), image.clock + HOUR)
    stranger.append(*several(101, 1))
    stranger.append(*several(102, 1))
    foreign = stranger.newest
    state = image.files[STATE]
    image.roll()
    image.files[STATE] = state
    image.files[cycle_path(foreign.cycle)] = foreign.file
    assert image.newest.cycle == foreign.cycle
    image.newest.file = foreign.file
    problems = [
        *builder.problem("crc", stranger.published[0].offset),
        *builder.problem("crc", stranger.published[1].offset),
    ]
    after = [*problems, *builder.problem("missing-eof", foreign.tail)]
    about = "The newest cycle is another outbox's: none of its records is one here."
    return _unusable(
        builder, "foreign-cycle", about, problems, after, newest_end=foreign.first_data
    )


def failed_cycle() -> State:
    builder = Builder().three()
    builder.image.fail_newest()
    after = builder.problem("missing-eof", builder.image.newest.tail)
    about = "The newest cycle is marked failed: an fsync of it failed."
    return builder.finish(
        "failed-cycle",
        about,
        recover=lambda image: image.roll(end=False),
        problems_after=after,
        chronicle=False,
    )


def failed_cycle_that_was_settled() -> State:
    builder = Builder().three()
    newest = builder.image.newest
    builder.settle(3, newest.tail, settled=newest.tail - newest.first_data)
    builder.damage(3)
    problems = builder.problem("crc", builder.offset(3))
    after = [*problems, *builder.problem("missing-eof", newest.tail)]
    about = (
        "The last record is damaged, and had been settled: the next base is what was settled, not "
        "less, or a cap would let as much more through."
    )
    return _unusable(builder, "failed-cycle-that-was-settled", about, problems, after)


def failed_slots_in_use() -> State:
    builder = Builder().three()
    image = builder.image
    image.failed = [image.newest.cycle - 100 + 7 * number % 16 for number in range(16)]
    image.failed[0], image.failed[5] = image.failed[5], image.failed[0]
    builder.damage(3)
    image.write_state()
    problems = builder.problem("crc", builder.offset(3))
    after = [*problems, *builder.problem("missing-eof", image.newest.tail)]
    about = "All sixteen failed cycles are in use: the oldest, which is not the first, makes room."
    return _unusable(
        builder, "failed-slots-in-use", about, problems, after, newest_end=builder.end(2)
    )


def _unusable(
    builder: Builder,
    name: str,
    about: str,
    before: list[Problem],
    after: list[Problem],
    *,
    newest_end: int | None = None,
) -> State:
    """The newest cycle can't be continued: writers mark it failed and go on in the next one."""
    return builder.finish(
        name,
        about,
        recover=fail_and_roll(newest_end),
        problems=before,
        problems_after=after,
        chronicle=False,
    )


def _elsewhere(builder: Builder, name: str, about: str, problems: list[Problem]) -> State:
    """The damage is where no writer looks."""
    return builder.finish(name, about, problems=problems, problems_after=problems, chronicle=False)


STATES = [
    missing_eof,
    word1_ahead,
    word1_within_an_entry,
    entry_0_elsewhere,
    state_ahead,
    state_ahead_of_an_empty_cycle,
    position_ahead,
    position_of_another_outbox_ahead,
    page_0_zeroed,
    older_page_0_zeroed,
    hostile_length,
    flipped_byte_in_the_last,
    flipped_byte_behind_word1,
    alien_meta_behind_word1,
    foreign_cycle,
    failed_cycle,
    failed_cycle_that_was_settled,
    failed_slots_in_use,
]
