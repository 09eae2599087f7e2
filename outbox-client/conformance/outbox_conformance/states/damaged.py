"""States that power cuts, failing disks and hostile hands leave."""

from __future__ import annotations

import struct
from typing import TYPE_CHECKING

from ..cyclefile import HOUR
from ..outbox import STATE
from .builder import Builder, State, plain

if TYPE_CHECKING:
    from ..outbox import OutboxImage
    from ..scanner import Problem

PAGE = 4096


def _fail_and_roll(image: OutboxImage) -> None:
    image.fail_newest()
    image.roll(end=False, tail_known=False)


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


def state_ahead() -> State:
    builder = Builder().three()
    builder.image.next_sequence = 7
    builder.image.write_state()
    about = "The state has given out sequences 4 to 6 and the chain ends at 3: records are lost."

    def recover(image: OutboxImage) -> None:
        image.fail_newest()
        image.roll(end=False)

    after = builder.problem("missing-eof", builder.image.newest.tail)
    return builder.finish(
        "state-ahead", about, recover=recover, problems_after=after, chronicle=False
    )


HOLE = 0x11000


def _with_a_hole() -> tuple[Builder, list[Problem]]:
    """Forty records, a zero page among them, and what a reader must report."""
    builder = Builder().several(40, size=400)
    builder.image.newest.file.write(HOLE, bytes(PAGE))
    ends = {number: builder.offset(number + 1) for number in range(1, 40)}
    torn = next(number for number, end in ends.items() if end > HOLE)
    builder.lost = {
        number
        for number, end in ends.items()
        if end > HOLE and builder.offset(number) < HOLE + PAGE
    }
    problems = [
        *builder.problem("crc", builder.offset(torn)),
        *builder.problem("chain-ends-before-word1", ends[torn]),
    ]
    return builder, problems


def hole_in_the_chain() -> State:
    builder, problems = _with_a_hole()
    about = (
        "A page in the middle of the data is zero; word1 and what follows the page survived. "
        "A writer does not look there."
    )
    return _elsewhere(builder, "hole-in-the-chain", about, problems)


def _forget_the_last_half(builder: Builder) -> None:
    """word1 and the state are older than the records behind the hole."""
    image = builder.image
    image.newest.book_word1(builder.offset(max(builder.lost)))
    image.next_sequence = max(builder.lost) + 1
    image.write_state()
    image.next_sequence = 41


def survivors_behind_a_hole() -> State:
    builder, problems = _with_a_hole()
    _forget_the_last_half(builder)
    about = (
        "word1 points into a zero page; records behind it survived, the state is older than they. "
        "Their sequences are not given again."
    )
    return _unusable(builder, "survivors-behind-a-hole", about, problems, problems)


def survivors_before_an_empty_cycle() -> State:
    builder, problems = _with_a_hole()
    _forget_the_last_half(builder)
    image = builder.image
    state = image.files[STATE]
    image.roll(end=False, tail_known=False)
    image.files[STATE] = state
    about = "The same, and a next cycle without a record: a power cut at a roll."
    return _elsewhere(builder, "survivors-before-an-empty-cycle", about, problems)


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


def hostile_length_in_the_middle() -> State:
    builder = Builder().three()
    offset = builder.offset(2)
    builder.image.newest.file.write(offset, struct.pack("<I", 0x30000000))
    builder.lost = {2}
    problems = builder.problem("hostile-length", offset)
    about = "The header word of the second of three records leads beyond the file."
    return _elsewhere(builder, "hostile-length-in-the-middle", about, problems)


def flipped_byte() -> State:
    builder = Builder().three()
    builder.flip(builder.offset(2) + 4 + 76)
    builder.lost = {2}
    problems = builder.problem("crc", builder.offset(2))
    about = "A bit of the second of three records is flipped."
    return _elsewhere(builder, "flipped-byte", about, problems)


def flipped_byte_in_the_last() -> State:
    builder = Builder().three()
    builder.flip(builder.offset(3) + 4 + 76)
    builder.lost = {3}
    problems = builder.problem("crc", builder.offset(3))
    after = [*problems, *builder.problem("missing-eof", builder.image.newest.tail)]
    about = "A bit of the last record is flipped: word1 points to where no record is."
    return _unusable(builder, "flipped-byte-in-the-last", about, problems, after)


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


def _unusable(
    builder: Builder, name: str, about: str, before: list[Problem], after: list[Problem]
) -> State:
    """The newest cycle can't be continued: writers mark it failed and go on in the next one.

    Where it ends can't be known, so it counts nothing in the base of the next.
    """
    return builder.finish(
        name,
        about,
        recover=_fail_and_roll,
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
    state_ahead,
    hole_in_the_chain,
    survivors_behind_a_hole,
    survivors_before_an_empty_cycle,
    page_0_zeroed,
    older_page_0_zeroed,
    hostile_length,
    hostile_length_in_the_middle,
    flipped_byte,
    flipped_byte_in_the_last,
    failed_cycle,
]
