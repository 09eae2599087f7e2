"""States of another format: nothing is changed, and nothing passed over."""

from __future__ import annotations

import struct
import zlib

from .. import records
from ..outbox import STATE
from ..scanner import Stop
from .builder import PAGE, Builder, State

FORMER, LATER = "former-format", "later-version"


def former_format() -> State:
    builder = _former()
    about = "An outbox of before the first release: its state has revision 0, its records `OBXR`."
    return builder.finish(
        "former-format", about, refused=FORMER, stopped=Stop(FORMER), chronicle=False
    )


def former_format_without_state() -> State:
    builder = _former()
    del builder.image.files[STATE]
    at = Stop(FORMER, builder.image.newest.cycle, builder.image.newest.first_data)
    about = "The same without its state: none is made, as the records tell the format."
    return builder.finish(
        "former-format-without-state", about, refused=FORMER, stopped=at, chronicle=False
    )


def _former() -> Builder:
    """Three records with the former magic and CRC, and a state without a revision."""
    builder = Builder().three()
    file = builder.image.newest.file
    for sequence in (1, 2, 3):
        at, end = builder.offset(sequence) + 4, builder.end(sequence)
        data = file.read(at, end - at)
        former = records.FORMER_MAGIC + struct.pack("<I", zlib.crc32(data[8:])) + data[8:]
        file.write(at, former)
    builder.lost = {1, 2, 3}
    _identity(builder, 1, 0)
    return builder


def _identity(builder: Builder, version: int, revision: int) -> None:
    state = builder.image.files[STATE]
    state.write(8, struct.pack("<HH", version, revision))
    state.write(40, struct.pack("<I", zlib.crc32(state.read(0, 40))))


def later_revision() -> State:
    builder = Builder().three()
    _identity(builder, 1, 2)
    builder.lost = {1, 2, 3}
    about = "The state has revision 2: of a later version, whatever else it holds."
    return builder.finish(
        "later-revision", about, refused=LATER, stopped=Stop(LATER), chronicle=False
    )


def later_format() -> State:
    builder = Builder().three()
    _identity(builder, 2, 0)
    builder.lost = {1, 2, 3}
    about = "The state has format version 2: of a later version, whatever its revision."
    return builder.finish(
        "later-format", about, refused=LATER, stopped=Stop(LATER), chronicle=False
    )


def later_version_at_the_tail() -> State:
    builder = Builder().several(4)
    builder.reseal(4, (8, b"\x02"))
    return _later_at_4(builder, "later-version-at-the-tail", "The last record has version 2.")


def later_version_behind_word1() -> State:
    builder = Builder().several(4)
    builder.image.newest.book_word1(builder.offset(3))
    builder.reseal(4, (9, b"\x43"))
    about = "The record behind word1 has a flag that format 1 does not know."
    return _later_at_4(builder, "later-version-behind-word1", about)


def _later_at_4(builder: Builder, name: str, about: str) -> State:
    at = Stop(LATER, builder.image.newest.cycle, builder.offset(4))
    return builder.finish(name, about, refused=LATER, stopped=at, chronicle=False)


def later_version_in_the_middle() -> State:
    builder = Builder().three()
    builder.reseal(2, (8, b"\x02"))
    builder.lost |= {3}
    at = Stop(LATER, builder.image.newest.cycle, builder.offset(2))
    about = "The second of three records has version 2. A writer does not look there."
    return builder.finish("later-version-in-the-middle", about, stopped=at, chronicle=False)


def later_version_behind_damage() -> State:
    builder = Builder().several(5)
    builder.header_word(2, 0x30000000)
    builder.reseal(3, (8, b"\x02"))
    builder.lost |= {4, 5}
    at = Stop(LATER, builder.image.newest.cycle, builder.offset(3))
    problems = builder.problem("hostile-length", builder.offset(2))
    about = "A search comes by a record of version 2: it does not pass it over."
    return builder.finish(
        "later-version-behind-damage",
        about,
        problems=problems,
        problems_after=problems,
        stopped=at,
        chronicle=False,
    )


def later_version_in_a_failed_cycle() -> State:
    builder = Builder().three()
    builder.reseal(3, (8, b"\x02"))
    builder.image.newest.file.write(0, bytes(PAGE))
    at = Stop(LATER, builder.image.newest.cycle, builder.offset(3))
    problems = builder.problem("unreadable-header", 0)
    about = "A writer that searches the newest cycle comes by a record of version 2: it is refused."
    return builder.finish(
        "later-version-in-a-failed-cycle",
        about,
        problems=problems,
        refused=LATER,
        stopped=at,
        chronicle=False,
    )


STATES = [
    former_format,
    former_format_without_state,
    later_revision,
    later_format,
    later_version_at_the_tail,
    later_version_behind_word1,
    later_version_in_the_middle,
    later_version_behind_damage,
    later_version_in_a_failed_cycle,
]
