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
# Of Chronicle's other roll cycles, two whose integers have other widths.
HUGE = Layout(1 << 15, 1024)
SPARSE = Layout(2048, 1 << 20)
# Where the data of a file of ours begin: what counts for one whose header does not parse.
FIRST_DATA = 0x10110
# What stands before the count is as long in all headers, and none is longer than that.
_COUNT_AT, _LONGEST = 0x77, 0x100
_POWERS_OF_TWO = {1 << power for power in range(21)}


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


def page_head(at: int, event: str, count: int, used: int = 0) -> bytes:
    """Return what stands before the slots of an index page, or of index2index, at this offset."""
    head = wire.array_head(at, event, count, used)
    return _U32.pack(META | (len(head) + 8 * count)) + head


def page(at: int, event: str, count: int, slots: list[int]) -> bytes:
    """Return an index page, or index2index, that stands at this offset."""
    data = page_head(at, event, count, len(slots)) + b"".join(map(_U64.pack, slots))
    return data + bytes(8 * (count - len(slots)))


def is_page(file: SparseFile, at: int, count: int) -> bool:
    """Whether an index page of so many slots stands at this offset."""
    head = page_head(at, "index", count)[:-8]  # how many are in use, and the slots, may be anything
    return file.read(at, len(head)) == head


@dataclass(frozen=True)
class Header:
    """Where the fields of a cycle file stand."""

    layout: Layout
    word1: int
    word2: int
    index2index: int
    last_index: int
    first_page: int
    first_data: int

    def slots(self, file: SparseFile, at: int) -> int:
        """Return where the slots of an index, or of the index of indexes, begin."""
        return at + 4 + (file.u32(at) & LENGTH_MASK) - 8 * self.layout.count


def _beginning(layout: Layout) -> tuple[bytes, Header]:
    """Return a new file's bytes up to slot 0 of index2index, and where its fields stand."""
    data = bytes(4) + b"\xb9\x06header\xb6\x08SCQStore\x82" + bytes(4)
    store = len(data)
    data = wire.aligned(data + wire.named(0xC0, "writePosition"), b"\x8d")
    word1 = len(data) + 16
    data += _U64.pack(2) + _U64.pack(2) + bytes(16)
    data += wire.named(0xC0, "indexing") + b"\xb6\x0cSCQSIndexing\x82" + bytes(4)
    indexing = len(data)
    data += wire.named(0xC0, "indexCount") + wire.integer(layout.count)
    data += wire.named(0xC0, "indexSpacing") + wire.integer(layout.spacing)
    data = wire.aligned(data + wire.named(0xC0, "index2Index"), b"\xa7")
    index2index_field = len(data)
    data = wire.aligned(data + bytes(8) + wire.named(0xC0, "lastIndex"), b"\xa7")
    last_index = len(data)
    data += bytes(8)
    indexing_end = len(data)
    data += wire.named(0xC0, "dataFormat") + b"\xa1\x01"

    index2index = align4(len(data))
    head = page_head(index2index, "index2index", layout.count, used=1)
    first_page = index2index + len(head) + 8 * layout.count
    first_data = first_page + len(page_head(first_page, "index", layout.count)) + 8 * layout.count
    file = SparseFile(data)
    file.write(0, _U32.pack(META | (len(data) - 4)))
    file.write(store - 4, _U32.pack(len(data) - store))
    file.write(indexing - 4, _U32.pack(indexing_end - indexing))
    file.write(index2index_field, _U64.pack(index2index))
    file.write(index2index, head + _U64.pack(first_page))
    header = Header(layout, word1, word1 + 8, index2index, last_index, first_page, first_data)
    return bytes(file.data), header


def new_file(layout: Layout) -> SparseFile:
    """Return a cycle file without entries."""
    beginning, header = _beginning(layout)
    file = SparseFile(beginning, CHUNK + OVERLAP)
    file.write(header.first_page, page(header.first_page, "index", layout.count, []))
    # Written, not left as a hole: the first header word and zeros behind it.
    file.write(header.first_data, bytes(8))
    return file


def parse_header(file: SparseFile) -> Header:
    """Find the fields of a file that begins as a new one of its count and spacing does.

    Raises:
        UnparsableError: the header does not parse.
    """
    data = file.read(0, _LONGEST)
    count, at = wire.read_integer(data, _COUNT_AT)
    spacing, _ = wire.read_integer(data, at + len(wire.named(0xC0, "indexSpacing")))
    if not {count, spacing} <= _POWERS_OF_TWO:
        raise UnparsableError(f"index count {count}, spacing {spacing}")
    beginning, header = _beginning(Layout(count, spacing))
    if file.size < header.first_data + 8:
        raise UnparsableError(f"only {file.size} bytes long")
    if not is_as_made(file, beginning, header):
        raise UnparsableError("the header is not as it was made")
    return header


def is_as_made(file: SparseFile, beginning: bytes, header: Header) -> bool:
    """Whether a file begins as it was made, but for the values and slots that change."""
    found = _unchanging(file.read(0, len(beginning)), header)
    same = found == _unchanging(beginning, header)
    return same and is_page(file, header.first_page, header.layout.count)


def _unchanging(beginning: bytes, header: Header) -> bytes:
    """Return the bytes up to slot 0 of index2index with the values that change cut out."""
    used = len(beginning) - 16
    kept, at = b"", 0
    for value in (header.word1, header.word2, header.last_index, used):
        kept, at = kept + beginning[at:value], value + 8
    return kept + beginning[at:]


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
