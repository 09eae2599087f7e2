"""What follows the publishing of records: sequence, word2, word1, index; and EOF."""

from __future__ import annotations

import os
import struct
from typing import TYPE_CHECKING

from .. import cyclefile
from ..entries import Kind
from . import files

if TYPE_CHECKING:
    from ..entries import Entry
    from .files import State
    from .tail import Cycle, Tail


def book(state: State, cycle: Cycle, tail: Tail, entries: list[Entry]) -> None:
    """Write what follows the publishing of records."""
    for entry in entries:
        record, header = entry.record, cycle.header
        assert record is not None
        assert header is not None
        if record.sequence >= (state.next_sequence() or 1):
            state.set_next_sequence(record.sequence + 1)
        files.store(cycle.descriptor, header.word2, entry.offset << 32 | record.entry)
        files.store(cycle.descriptor, header.word1, entry.offset)
        if record.entry % header.layout.spacing == 0:
            _index(cycle, tail, entry)


def may_get_a_page(cycle: Cycle, entry: Entry) -> bool:
    """Whether a missing index page can be appended behind an entry."""
    assert entry.record is not None
    return not entry.record.batch and cycle.entries.at(entry.behind).kind is Kind.FREE


def page_to_append(_cycle: Cycle, _pages: int, number: int) -> int:
    """The slot of a missing index page: its own, also where those before are missing, too."""
    return number


def write_eof(cycle: Cycle, tail: Tail) -> None:
    """Let nothing follow the last entry."""
    if tail.offset + 8 > cycle.view.size:
        os.ftruncate(cycle.descriptor, cycle.view.size + cyclefile.CHUNK)  # it was cut
    os.pwrite(cycle.descriptor, bytes(4) + b"\xc3EOF", tail.offset)
    files.store(cycle.descriptor, tail.offset, cyclefile.EOF_WORD, width=4)


def _index(cycle: Cycle, tail: Tail, entry: Entry) -> None:
    """Write an entry's index slot; the last entry gets its page if that is missing."""
    assert cycle.header is not None
    assert entry.record is not None
    layout = cycle.header.layout
    number, slot = divmod(entry.record.entry // layout.spacing, layout.count)
    if number >= layout.count:
        return  # index2index is full
    pages = cycle.header.slots(cycle.view, cycle.header.index2index)
    page = cycle.view.u64(pages + 8 * number)
    if not page:
        if not may_get_a_page(cycle, entry):
            return
        number = page_to_append(cycle, pages, number)
        page = tail.offset
        empty = cyclefile.page(page, "index", layout.count, [])
        os.pwrite(cycle.descriptor, bytes(4) + empty[4:] + bytes(8), page)
        files.store(cycle.descriptor, page, struct.unpack_from("<I", empty)[0], width=4)
        tail.offset = cyclefile.align4(page + len(empty))
        files.store(cycle.descriptor, pages + 8 * number, page)
        raise_to(cycle, pages - 8, number + 1)
    if not cyclefile.is_page(cycle.view, page, layout.count):
        return  # a power cut kept the page's offset, and not the page
    slots = cycle.header.slots(cycle.view, page)
    files.store(cycle.descriptor, slots + 8 * slot, entry.offset)
    raise_to(cycle, slots - 8, slot + 1)
    raise_to(cycle, cycle.header.last_index, entry.record.entry + layout.spacing)


def raise_to(cycle: Cycle, offset: int, value: int) -> None:
    """Store a value where a lower one stands."""
    if cycle.view.u64(offset) < value:
        files.store(cycle.descriptor, offset, value)
