"""States with damage that only readers meet: a writer looks behind word1, which is whole."""

from __future__ import annotations

import dataclasses
import struct
import uuid
from typing import TYPE_CHECKING

from .. import cyclefile, records
from ..cyclefile import EOF_WORD, HOUR
from .builder import PAGE, Builder, State, fail_and_roll, plain

if TYPE_CHECKING:
    from ..scanner import Problem

HOLE = 0x11000


def hostile_length_in_the_middle() -> State:
    builder = Builder().three()
    builder.header_word(2, 0x30000000)
    problems = builder.problem("hostile-length", builder.offset(2))
    about = "The header word of the second of three records leads beyond the file."
    return _elsewhere(builder, "hostile-length-in-the-middle", about, problems)


def odd_length_in_the_middle() -> State:
    builder = Builder().three()
    builder.header_word(2, builder.end(2) - builder.offset(2) - 4 + 2)
    problems = builder.problem("hostile-length", builder.offset(2))
    about = "The header word of the second of three records is no multiple of 4."
    return _elsewhere(builder, "odd-length-in-the-middle", about, problems)


def two_damages_in_an_older_cycle() -> State:
    builder = Builder().several(6)
    builder.header_word(2, 0x30000000)
    builder.damage(5)
    problems = [
        *builder.problem("hostile-length", builder.offset(2)),
        *builder.problem("crc", builder.offset(5)),
    ]
    builder.append(plain(7), after=HOUR)
    about = "Behind the first damage the chain goes on, and so does what is said of it."
    return _elsewhere(builder, "two-damages-in-an-older-cycle", about, problems)


def flipped_byte() -> State:
    builder = Builder().three()
    builder.damage(2)
    problems = builder.problem("crc", builder.offset(2))
    about = "A bit of the second of three records is flipped."
    return _elsewhere(builder, "flipped-byte", about, problems)


def eof_before_word1() -> State:
    builder = Builder().three()
    builder.header_word(2, EOF_WORD)
    problems = builder.problem("chain-ends-before-word1", builder.offset(2))
    about = "EOF stands before word1: it is none."
    return _elsewhere(builder, "eof-before-word1", about, problems)


def alien_meta_in_the_middle() -> State:
    builder = Builder().several(2)
    newest = builder.image.newest
    problems = builder.problem("hostile-length", newest.tail)
    newest.append_meta(cyclefile.page(newest.tail, "index", 32, []))
    builder.several(2)
    about = "In the middle stands an index page of another shape than this file's."
    return _elsewhere(builder, "alien-meta-in-the-middle", about, problems)


def entries_that_are_no_records() -> State:
    builder = Builder().several(10)
    file = builder.image.newest.file
    file.write(builder.offset(2) + 4, b"OBX2")
    file.write(builder.offset(4) + 4 + 60, struct.pack("<I", 7000))
    file.write(builder.offset(6) + 4 + 8, b"\x02")
    builder.header_word(8, builder.end(9) - builder.offset(8) - 4)
    builder.lost = {2, 4, 6, 8}
    problems = [
        *builder.problem("not-a-record", builder.offset(2)),
        *builder.problem("not-a-record", builder.offset(4)),
        *builder.problem("crc", builder.offset(6)),
        *builder.problem("not-a-record", builder.offset(8)),
    ]
    about = (
        "Another magic; lengths that do not add up; another version, but not with its CRC: that "
        "is one damaged record, and none of a later version; a header word that covers two records."
    )
    return _elsewhere(builder, "entries-that-are-no-records", about, problems)


def wrong_fields() -> State:
    """Each record has one field that no check of the CRC or the sum of the lengths can find."""
    size = 400

    def u32(at: int, value: int) -> tuple[int, bytes]:
        return at, struct.pack("<I", value)

    wrong: dict[str, list[tuple[int, bytes]]] = {
        "a key's length without its flag": [(9, b"\x02")],
        "a value's length without its flag": [(9, b"\x01")],
        "a prologue, and the entry is not 0": [(9, b"\x07"), u32(60, size - 40)],
        "no topic": [(10, bytes(2)), u32(60, size + 6)],
        "a topic of 250 bytes": [(10, b"\xfa"), u32(60, size - 244)],
        "sequence 0": [(16, bytes(8))],
        "a sequence of 64 bits": [(23, b"\x80")],
        "a header that is longer than its section": [u32(56, 4), u32(60, size - 4)],
        "a header's value of length -2": [
            u32(56, 7),
            u32(60, size - 7),
            (79, b"\x01\0h" + struct.pack("<i", -2)),
        ],
        "a value that ends before the record": [u32(60, 1)],
        "a partition without its flag": [u32(68, 1)],
        "a partition of 32 bits": [(9, b"\x0b"), u32(68, 1 << 31)],
    }
    builder = Builder().several(2 * len(wrong) + 1, size)
    problems: list[Problem] = []
    for number, changes in enumerate(wrong.values(), start=1):
        builder.reseal(2 * number, *changes)
        problems += builder.problem("not-a-record", builder.offset(2 * number))
    about = "Every second record has one wrong field, and the CRC that goes with it: " + "; ".join(
        wrong
    )
    return _elsewhere(builder, "wrong-fields", f"{about}.", problems)


def order() -> State:
    builder = Builder().several(5)
    builder.reseal(3, (16, struct.pack("<Q", 9)))
    problems = builder.problem("order", builder.offset(3))
    about = "The third of five records is whole, and has sequence 9."
    return _elsewhere(builder, "order", about, problems)


def order_within_the_numbers() -> State:
    builder = Builder().several(5)
    for sequence, entry in ((2, 5), (4, 2)):
        builder.reseal(sequence, (16, struct.pack("<Q", entry + 1)), (64, struct.pack("<I", entry)))
    problems = [
        *builder.problem("order", builder.offset(2)),
        *builder.problem("order", builder.offset(4)),
    ]
    about = "The second of five records is the sixth by entry and sequence, the fourth the third."
    return _elsewhere(builder, "order-within-the-numbers", about, problems)


def order_behind_damage() -> State:
    builder = Builder().several(5)
    builder.header_word(2, 0x30000000)
    builder.reseal(3, (16, struct.pack("<Q", 9)))
    problems = builder.problem("hostile-length", builder.offset(2))
    about = "Behind a damaged header word stands a record with sequence 9: a search passes it over."
    return _elsewhere(builder, "order-behind-damage", about, problems)


def record_inside_a_value() -> State:
    builder = Builder().several(1)
    image = builder.image
    forged = dataclasses.replace(
        image.record(plain(99)), topic="payments", value=b'{"pay":1000000}', entry=5, sequence=6
    )
    offset = image.newest.tail
    # Behind header word, fixed part, topic and key the value begins at an odd offset.
    value_at = offset + 4 + 72 + 7
    value = b" " * (-value_at % 4)
    for outbox_id, cycle_on, offset_on in (
        (image.outbox_id, 0, 4),
        (image.outbox_id, 1, 0),
        (uuid.UUID(int=7), 0, 0),
    ):
        at = value_at + len(value)
        place = records.Place(outbox_id, image.newest.cycle + cycle_on, at + offset_on)
        record = records.encode(forged, place)
        value += struct.pack("<I", len(record)) + record
    builder.append(dataclasses.replace(plain(2), value=value))
    builder.several(3)
    builder.header_word(2, image.newest.file.u32(offset) ^ 0x10000000)
    problems = builder.problem("hostile-length", offset)
    about = (
        "A bit of a header word is flipped, and the event's value holds whole records, of other "
        "places: a search passes them over, and finds the record behind."
    )
    return _elsewhere(builder, "record-inside-a-value", about, problems)


def unpublished_record_in_a_searched_cycle() -> State:
    builder = Builder().three()
    (unpublished,) = builder.image.encoded(plain(4))
    newest = builder.image.newest
    newest.file.write(newest.tail, bytes(4) + unpublished)
    newest.file.write(0, bytes(PAGE))
    problems = builder.problem("unreadable-header", 0)
    about = (
        "Killed before publishing, then the first page was lost: the search does not find a record "
        "whose header word is 0, and its sequence is given again."
    )
    return builder.finish(
        "unpublished-record-in-a-searched-cycle",
        about,
        recover=fail_and_roll(),
        problems=problems,
        problems_after=problems,
        chronicle=False,
    )


def unreadable_header_and_a_hole() -> State:
    builder = Builder().several(40, size=400)
    file = builder.image.newest.file
    file.write(file.data.index(b"writePosition"), b"W")
    file.write(HOLE, bytes(PAGE))
    published = builder.image.published
    builder.lost = {
        each
        for each in range(1, 40)
        if builder.end(each) > HOLE and published[each - 1].offset < HOLE + PAGE
    }
    problems = [
        *builder.problem("unreadable-header", 0),
        *builder.problem("crc", builder.offset(min(builder.lost))),
    ]
    about = (
        "A field's name in the header is damaged, and a page is zero: nothing tells whether the "
        "zeros are the end, so they are searched."
    )
    return builder.finish(
        "unreadable-header-and-a-hole",
        about,
        recover=fail_and_roll(),
        problems=problems,
        problems_after=problems,
        chronicle=False,
    )


def _elsewhere(builder: Builder, name: str, about: str, problems: list[Problem]) -> State:
    """The damage is where no writer looks."""
    return builder.finish(name, about, problems=problems, problems_after=problems, chronicle=False)


STATES = [
    hostile_length_in_the_middle,
    odd_length_in_the_middle,
    two_damages_in_an_older_cycle,
    flipped_byte,
    eof_before_word1,
    alien_meta_in_the_middle,
    entries_that_are_no_records,
    wrong_fields,
    order,
    order_within_the_numbers,
    order_behind_damage,
    record_inside_a_value,
    unpublished_record_in_a_searched_cycle,
    unreadable_header_and_a_hole,
]
