"""A cycle file's bytes, from FORMAT.md alone."""

from __future__ import annotations

import datetime as dt
import struct
from dataclasses import dataclass

from . import wire
from .sparsefiles import SparseFile
from .wire import UnparsableError

EOF_WORD = 0xC0000000
META = 0x40000000
NOT_COMPLETE = 0x80000000
LENGTH_MASK = 0x3FFFFFFF
MIB = 1 << 20
CHUNK, OVERLAP = 64 * MIB, 16 * MIB
HOUR = 3_600_000
_U32, _U64 = struct.Struct("<I"), struct.Struct("<Q")


@dataclass(frozen=True)
class Layout:
    """Slots of an index page, and entries per slot."""

    count: int
    spacing: int


FAST_HOURLY = Layout(4096, 256)
SMALL = Layout(32, 4)
# Where the data of a file of ours begin: what counts for one whose header does not parse.
FIRST_DATA = 0x10110


def name(cycle: int) -> str:
    """Return the file name of a cycle."""
    hour = dt.datetime(1970, 1, 1) + dt.timedelta(hours=cycle)  # noqa: DTZ001
    return f"{hour:%Y%m%d-%H}F.cq4"


def cycle_of(file_name: str) -> int:
    """Return the cycle that a file name stands for."""
    hour = dt.datetime.strptime(file_name, "%Y%m%d-%HF.cq4")  # noqa: DTZ007
    return int((hour - dt.datetime(1970, 1, 1)).total_seconds()) // 3600  # noqa: DTZ001


def numbers(names: list[str]) -> list[int]:
    """Return the cycles among the names of a directory, in order."""
    return sorted(
        cycle_of(each) for each in names if each.endswith(".cq4") and not each.startswith(".")
    )


def align4(offset: int) -> int:
    """Round up to a multiple of 4."""
    return (offset + 3) & ~3


def page(at: int, event: str, count: int, slots: list[int]) -> bytes:
    """Return the META entry of an index or index-of-indexes that stands at this offset."""
    body = wire.array(at, event, count, slots)
    return _U32.pack(META | len(body)) + body


def is_page(file: SparseFile, at: int, count: int) -> bool:
    """Whether an index page of so many slots stands at this offset."""
    empty = page(at, "index", count, [])
    head = len(empty) - 8 * count - 8  # what is used, and the slots, may be anything
    return file.read(at, head) == empty[:head]


def new_file(layout: Layout) -> SparseFile:
    """Return a cycle file without entries."""
    store = bytes(4) + b"\xb9\x06header\xb6\x08SCQStore\x82" + _U32.pack(0xAA)
    store = wire.aligned(store + wire.named(0xC0, "writePosition"), b"\x8d")
    store += _U64.pack(2) + _U64.pack(2) + bytes(16)
    store += wire.named(0xC0, "indexing") + b"\xb6\x0cSCQSIndexing\x82" + _U32.pack(0x4C)
    store += wire.named(0xC0, "indexCount") + wire.integer(layout.count)
    store += wire.named(0xC0, "indexSpacing") + wire.integer(layout.spacing)
    store = wire.aligned(store + wire.named(0xC0, "index2Index"), b"\xa7")
    index2index_field = len(store)
    store = wire.aligned(store + bytes(8) + wire.named(0xC0, "lastIndex"), b"\xa7") + bytes(8)
    store += wire.named(0xC0, "dataFormat") + b"\xa1\x01"
    file = SparseFile(_U32.pack(META | (len(store) - 4)) + store[4:], CHUNK + OVERLAP)
    index2index = align4(len(store))
    file.write(index2index_field, _U64.pack(index2index))
    empty = page(index2index, "index2index", layout.count, [])
    first_page = index2index + len(empty)
    file.write(index2index, page(index2index, "index2index", layout.count, [first_page]))
    file.write(first_page, page(first_page, "index", layout.count, []))
    # Written, not left as a hole: the first header word and zeros behind it.
    file.write(align4(first_page + 4 + (file.u32(first_page) & LENGTH_MASK)), bytes(8))
    return file


@dataclass(frozen=True)
class Header:
    """Where the fields of a cycle file stand."""

    layout: Layout
    word1: int
    word2: int
    index2index: int
    last_index: int
    first_data: int

    def slots(self, file: SparseFile, at: int) -> int:
        """Return where the slots of an index, or of the index of indexes, begin."""
        return at + 4 + (file.u32(at) & LENGTH_MASK) - 8 * self.layout.count


def parse_header(file: SparseFile) -> Header:
    """Find the fields by their names.

    Raises:
        UnparsableError: the header is not one of a cycle file.
    """
    word = file.u32(0)
    if word & ~0xFFF != META:
        raise UnparsableError("no META entry")
    found = wire.fields(file.read(0, 4 + (word & LENGTH_MASK)), 4)
    try:
        layout = Layout(found["indexing.indexCount"].number, found["indexing.indexSpacing"].number)
        word1 = found["writePosition"].offset
        index2index = found["indexing.index2Index"].number
        last_index = found["indexing.lastIndex"].offset
    except KeyError as missing:
        raise UnparsableError(f"no field {missing}") from None
    first_page = _behind(file, index2index, "index2index", layout)
    first_data = _behind(file, first_page, "index", layout)
    return Header(layout, word1, word1 + 8, index2index, last_index, first_data)


def _behind(file: SparseFile, at: int, key: str, layout: Layout) -> int:
    if min(layout.count, layout.spacing) < 1 or not 0 < at < file.size:
        raise UnparsableError(f"no {key}")
    length = len(page(at, key, layout.count, []))
    if file.u32(at) != META | (length - 4):
        raise UnparsableError(f"the {key} has another length")
    return align4(at + length)


class CycleImage:
    """A cycle file to which records are appended, step by step where a test wants that."""

    def __init__(self, cycle: int, file: SparseFile) -> None:
        self.cycle = cycle
        self.file = file
        self.header = parse_header(file)
        self.first_data = self.tail = self.header.first_data
        self.entries = 0

    def write(self, *records: bytes) -> list[int]:
        """Write and publish records without booking them; return their offsets."""
        length = sum(4 + len(record) for record in records)
        if self.tail + length + 8 > self.file.size - OVERLAP:
            self.file.size += CHUNK
        offsets = []
        for record in records:
            offsets.append(self.tail)
            self.file.write(self.tail, _U32.pack(len(record)) + record + bytes(8))
            self.tail = align4(self.tail + 4 + len(record))
            self.entries += 1
        return offsets

    def book(self, offset: int, entry: int) -> None:
        """Write word2, word1 and the index for a published record."""
        self.book_word2(offset, entry)
        self.book_word1(offset)
        self.book_index(offset, entry)

    def book_word2(self, offset: int, entry: int) -> None:
        """Write word2."""
        self.file.write(self.header.word2, _U64.pack(offset << 32 | entry))

    def book_word1(self, offset: int) -> None:
        """Write word1."""
        self.file.write(self.header.word1, _U64.pack(offset))

    def book_index(self, offset: int, entry: int) -> None:
        """Write the index slot of an entry that has one; the last entry gets a missing page."""
        layout = self.header.layout
        if entry % layout.spacing:
            return
        number, slot = divmod(entry // layout.spacing, layout.count)
        index_page = self.file.u64(self._page_slot(number))
        if not index_page:
            if entry != self.entries - 1:
                return
            index_page = self._append_page(number)
        if not is_page(self.file, index_page, layout.count):
            return
        slots = self.header.slots(self.file, index_page)
        self.file.write(slots + 8 * slot, _U64.pack(offset))
        self._raise(slots - 8, slot + 1)
        self._raise(self.header.last_index, entry + layout.spacing)

    def _append_page(self, number: int) -> int:
        at = self.tail
        empty = page(at, "index", self.header.layout.count, [])
        self.file.write(at, empty + bytes(8))
        self.tail = align4(at + len(empty))
        slot = self._page_slot(number)
        self.file.write(slot, _U64.pack(at))
        self._raise(slot - 8 * number - 8, number + 1)
        return at

    def _page_slot(self, number: int) -> int:
        return self.header.slots(self.file, self.header.index2index) + 8 * number

    def _raise(self, offset: int, value: int) -> None:
        if self.file.u64(offset) < value:
            self.file.write(offset, _U64.pack(value))

    def append_meta(self, entry: bytes) -> None:
        """Append a META entry, which is not counted."""
        self.file.write(self.tail, entry + bytes(8))
        self.tail = align4(self.tail + len(entry))

    def end(self) -> None:
        """Write EOF."""
        self.file.write(self.tail, _U32.pack(EOF_WORD) + b"\xc3EOF")
