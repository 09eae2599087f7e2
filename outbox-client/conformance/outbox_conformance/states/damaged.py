"""States that power cuts, failing disks and hostile hands leave."""

from __future__ import annotations

import struct
from typing import TYPE_CHECKING

from ..cyclefile import HOUR
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


def hole_in_the_chain() -> State:
    builder = Builder().several(40, size=400)
    hole = 0x11000
    builder.image.newest.file.write(hole, bytes(PAGE))
    ends = {
        found.record.sequence: builder.offset(found.record.sequence + 1)
        for found in builder.image.published[:-1]
    }
    torn = next(sequence for sequence, end in ends.items() if end > hole)
    builder.lost = {
        sequence
        for sequence, end in ends.items()
        if end > hole and builder.offset(sequence) < hole + PAGE
    }
    problems = [
        *builder.problem("crc", builder.offset(torn)),
        *builder.problem("chain-ends-before-word1", ends[torn]),
    ]
    about = (
        "A page in the middle of the data is zero; word1 and what follows the page survived. "
        "A writer does not look there."
    )
    return _elsewhere(builder, "hole-in-the-chain", about, problems)


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
    page_0_zeroed,
    older_page_0_zeroed,
    hostile_length,
    hostile_length_in_the_middle,
    flipped_byte,
    flipped_byte_in_the_last,
    failed_cycle,
]
