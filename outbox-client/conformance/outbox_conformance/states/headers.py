"""Cycle files whose header is damaged where nobody needs it: it does not parse all the same."""

from __future__ import annotations

import struct

from .. import cyclefile
from .builder import Builder, State, fail_and_roll


def header_with_another_data_format() -> State:
    builder = Builder().three()
    file = builder.image.newest.file
    file.write(file.data.index(b"dataFormat") + 11, b"\x02")
    about = "The field dataFormat, which nobody needs, is 2."
    return _unparsable(builder, "header-with-another-data-format", about)


def header_with_a_wider_count() -> State:
    builder = Builder().three()
    file = builder.image.newest.file
    file.write(file.data.index(b"indexCount") + 10, b"\xa2")
    about = "The index count is 4096, but written as a u16, and not as the i16 that it is made as."
    return _unparsable(builder, "header-with-a-wider-count", about)


def header_with_padding_of_its_own() -> State:
    builder = Builder().three()
    newest = builder.image.newest
    newest.file.write(newest.header.index2index - 1, b"\x20")
    about = "Of the three bytes between header and index2index one is not zero."
    return _unparsable(builder, "header-with-padding-of-its-own", about)


def header_with_a_damaged_first_page() -> State:
    builder = Builder().three()
    newest = builder.image.newest
    file, page = newest.file, newest.header.first_page
    file.write(file.data.index(b"index\x8f", page) + 5, b"\x0f")
    about = "A bit is flipped in the padding of the first index page."
    return _unparsable(builder, "header-with-a-damaged-first-page", about)


def header_with_another_first_page() -> State:
    builder = Builder().several(2)
    newest = builder.image.newest
    page = newest.tail
    newest.append_meta(cyclefile.page(page, "index", newest.header.layout.count, []))
    builder.several(2)
    slot_0 = newest.header.slots(newest.file, newest.header.index2index)
    newest.file.write(slot_0, struct.pack("<Q", page))
    about = "Slot 0 of index2index names an index page behind two records: data begin before it."
    return _unparsable(builder, "header-with-another-first-page", about)


def _unparsable(builder: Builder, name: str, about: str) -> State:
    """Readers search such a cycle, and writers go on in the next one."""
    problems = builder.problem("unreadable-header", 0)
    return builder.finish(
        name,
        about,
        recover=fail_and_roll(),
        problems=problems,
        problems_after=problems,
        chronicle=False,
    )


STATES = [
    header_with_another_data_format,
    header_with_a_wider_count,
    header_with_padding_of_its_own,
    header_with_a_damaged_first_page,
    header_with_another_first_page,
]
