"""Power cuts that lost a page and left whole records behind it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from .. import cyclefile
from ..cyclefile import FAST_HOURLY, HOUR, SMALL
from ..outbox import STATE
from .builder import PAGE, Builder, State, fail_and_roll

if TYPE_CHECKING:
    from ..outbox import OutboxImage
    from ..scanner import Problem

HOLE = 0x11000


def _with_an_empty_beginning() -> Builder:
    """Twenty records; the pages of the first ones, and of the index, are as they were made."""
    builder = Builder().several(20, size=400)
    newest = builder.image.newest
    fresh = cyclefile.new_file(newest.header.layout).data
    newest.file.write(0, bytes(fresh[:PAGE]))
    newest.file.write(0x8000, bytes(fresh[0x8000 : 0x8000 + PAGE]))
    newest.file.write(newest.first_data, bytes(HOLE - newest.first_data))
    return builder


def survivors_behind_an_empty_beginning() -> State:
    builder = _with_an_empty_beginning()
    newest = builder.image.newest
    survivors = [found for found in builder.image.published if found.offset >= HOLE]
    builder.lost = set(range(1, 21))
    after = [
        *builder.problem("missing-eof", newest.first_data),
        *builder.problem("missing-eof", newest.tail),
    ]
    about = (
        "A power cut just behind a roll: the newest cycle has its first pages as they were made, "
        "whole records behind them, and the state knows of these. Nothing overwrites them, and "
        "readers find them once the cycle is not the newest."
    )
    return builder.finish(
        "survivors-behind-an-empty-beginning",
        about,
        recover=fail_and_roll(),
        problems_after=after,
        survivors=survivors,
        chronicle=False,
    )


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


def survivors_before_the_next_cycle() -> State:
    builder = _with_an_empty_beginning()
    newest = builder.image.newest
    problems = [
        *builder.problem("missing-eof", newest.first_data),
        *builder.problem("missing-eof", newest.tail),
    ]
    builder.lost = {each.record.sequence for each in builder.image.published if each.offset < HOLE}
    builder.image.clock += HOUR
    builder.image.roll(end=False)
    builder.several(1)
    about = (
        "The same before a cycle that holds a record: no EOF is written where the older one seems "
        "to end, as that would hide the survivors; it is marked failed."
    )

    def recover(image: OutboxImage) -> None:
        image.failed.append(newest.cycle)
        image.write_state()

    return builder.finish(
        "survivors-before-the-next-cycle",
        about,
        recover=recover,
        problems=problems,
        problems_after=problems,
        chronicle=False,
    )


def index_page_lost() -> State:
    builder = Builder()
    builder.image.layout = SMALL
    builder.several(132)
    builder.image.layout = FAST_HOURLY
    page = builder.end(129)
    builder.image.newest.file.write(page, bytes(builder.offset(130) - page))
    problems = builder.problem("chain-ends-before-word1", page)
    about = "The index page that entry 132 belongs into is zero: nothing is written into it."
    return builder.finish(
        "index-page-lost", about, problems=problems, problems_after=problems, chronicle=False
    )


def index_page_damaged() -> State:
    builder = Builder()
    builder.image.layout = SMALL
    builder.several(132)
    builder.image.layout = FAST_HOURLY
    page = builder.end(129)
    builder.image.newest.file.write(page + 6, b"I")
    problems = builder.problem("hostile-length", page)
    about = "A letter of the key of that index page is another: nothing is written into it."
    return builder.finish(
        "index-page-damaged", about, problems=problems, problems_after=problems, chronicle=False
    )


def hole_in_the_chain() -> State:
    builder, problems = _with_a_hole()
    about = (
        "A page in the middle of the data is zero; word1 and what follows the page survived. "
        "A writer does not look there."
    )
    return builder.finish(
        "hole-in-the-chain",
        about,
        problems=problems,
        problems_after=problems,
        chronicle=False,
    )


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
    after = [*problems, *builder.problem("missing-eof", builder.image.newest.tail)]
    about = (
        "word1 points into a zero page; records behind it survived, the state is older than they. "
        "Their sequences are not given again."
    )
    return builder.finish(
        "survivors-behind-a-hole",
        about,
        recover=fail_and_roll(),
        problems=problems,
        problems_after=after,
        chronicle=False,
    )


def survivors_before_an_empty_cycle() -> State:
    about = "The same, and a next cycle without a record: a power cut at a roll."
    return _before_empty_cycles("survivors-before-an-empty-cycle", about, 1)


def survivors_before_two_empty_cycles() -> State:
    about = "The same, and two cycles without a record: the sequence comes from the one before."
    return _before_empty_cycles("survivors-before-two-empty-cycles", about, 2)


def _before_empty_cycles(name: str, about: str, count: int) -> State:
    builder, problems = _with_a_hole()
    _forget_the_last_half(builder)
    image = builder.image
    problems += builder.problem("missing-eof", image.newest.tail)
    state = image.files[STATE]
    for number in range(count):
        image.roll(end=number > 0)
    image.files[STATE] = state
    return builder.finish(
        name,
        about,
        problems=problems,
        problems_after=problems,
        chronicle=False,
    )


STATES = [
    survivors_behind_an_empty_beginning,
    survivors_before_the_next_cycle,
    index_page_lost,
    index_page_damaged,
    hole_in_the_chain,
    survivors_behind_a_hole,
    survivors_before_an_empty_cycle,
    survivors_before_two_empty_cycles,
]
