"""A cycle file's bytes, from FORMAT.md alone."""

from __future__ import annotations

import datetime as dt
import struct
from dataclasses import dataclass

from .sparsefiles import SparseFile

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


def name(cycle: int) -> str:
    """Return the file name of a cycle."""
    hour = dt.datetime(1970, 1, 1) + dt.timedelta(hours=cycle)  # noqa: DTZ001
    return f"{hour:%Y%m%d-%H}F.cq4"


def cycle_of(file_name: str) -> int:
    """Return the cycle that a file name stands for."""
    hour = dt.datetime.strptime(file_name, "%Y%m%d-%HF.cq4")  # noqa: DTZ007
    return int((hour - dt.datetime(1970, 1, 1)).total_seconds()) // 3600  # noqa: DTZ001


def aligned(data: bytes, marker: bytes) -> bytes:
    """Pad so that what follows the one-byte marker is 8-aligned: a long padding where it fits."""
    gap = -(len(data) + 1) % 8
    padding = b"\x8f" * gap if gap < 5 else b"\x8e" + _U32.pack(gap - 5) + bytes(gap - 5)
    return data + padding + marker


def _integer(value: int) -> bytes:
    return b"\xa1" + bytes([value]) if value < 256 else b"\xa5" + struct.pack("<H", value)


def _named(code: int, text: str) -> bytes:
    return bytes([code + len(text)]) + text.encode()


def _page(at: int, event: str, count: int, slots: list[int]) -> bytes:
    """Return the META entry of an index or index-of-indexes that stands at this offset."""
    head = bytes(at % 8 + 4) + b"\xb9" + bytes([len(event)]) + event.encode()
    head = aligned(head, b"\x8d")[at % 8 + 4 :]
    body = _U64.pack(count) + _U64.pack(len(slots)) + b"".join(map(_U64.pack, slots))
    body += bytes(8 * (count - len(slots)))
    return _U32.pack(META | (len(head) + len(body))) + head + body


def new_file(layout: Layout) -> SparseFile:
    """Return a cycle file without entries."""
    store = bytes(4) + b"\xb9\x06header\xb6\x08SCQStore\x82" + _U32.pack(0xAA)
    store = aligned(store + _named(0xC0, "writePosition"), b"\x8d")
    store += _U64.pack(2) + _U64.pack(2) + bytes(16)
    store += _named(0xC0, "indexing") + b"\xb6\x0cSCQSIndexing\x82" + _U32.pack(0x4C)
    store += _named(0xC0, "indexCount") + _integer(layout.count)
    store += _named(0xC0, "indexSpacing") + _integer(layout.spacing)
    store = aligned(store + _named(0xC0, "index2Index"), b"\xa7")
    index2index_field = len(store)
    store = aligned(store + bytes(8) + _named(0xC0, "lastIndex"), b"\xa7") + bytes(8)
    store += _named(0xC0, "dataFormat") + b"\xa1\x01"
    file = SparseFile(_U32.pack(META | (len(store) - 4)) + store[4:], CHUNK + OVERLAP)
    index2index = align4(len(store))
    file.write(index2index_field, _U64.pack(index2index))
    empty = _page(index2index, "index2index", layout.count, [])
    page = index2index + len(empty)
    file.write(index2index, _page(index2index, "index2index", layout.count, [page]))
    file.write(page, _page(page, "index", layout.count, []))
    return file


def align4(offset: int) -> int:
    """Round up to a multiple of 4."""
    return (offset + 3) & ~3


@dataclass
class Header:
    """Where the fields of a cycle file stand."""

    layout: Layout
    word1: int
    word2: int
    index2index: int
    last_index: int
    first_page: int
    first_data: int


class UnreadableError(Exception):
    """The file's header does not parse."""


def parse_header(file: SparseFile) -> Header:
    """Find the fields by their names.

    Raises:
        UnreadableError: the header is not one of a cycle file.
    """
    length = file.u32(0)
    head = file.read(0, 512)
    if length & ~0xFFF != META or b"SCQStore" not in head:
        raise UnreadableError("no SCQStore header")

    def after(field: str) -> int:
        at = head.find(field.encode())
        if at < 0:
            raise UnreadableError(f"no field {field}")
        return at + len(field)

    def integer(field: str) -> int:
        at = after(field)
        return head[at + 1] if head[at] == 0xA1 else int.from_bytes(head[at + 1 : at + 3], "little")

    layout = Layout(integer("indexCount"), integer("indexSpacing"))
    word1 = _align8(after("writePosition") + 1) + 16
    index2index_field = _align8(after("index2Index") + 1)
    index2index = file.u64(index2index_field)
    if index2index < 4 + (length & LENGTH_MASK):
        raise UnreadableError("index2index is out of place")
    first_page = align4(index2index + 4 + (file.u32(index2index) & LENGTH_MASK))
    first_data = align4(first_page + 4 + (file.u32(first_page) & LENGTH_MASK))
    last_index = _align8(after("lastIndex") + 1)
    return Header(layout, word1, word1 + 8, index2index, last_index, first_page, first_data)


def _align8(offset: int) -> int:
    return (offset + 7) & ~7


class CycleImage:
    """A cycle file to which records are appended, step by step where a test wants that."""

    def __init__(self, cycle: int, file: SparseFile) -> None:
        self.cycle = cycle
        self.file = file
        self.header = parse_header(file)
        self.first_data = self.tail = self.header.first_data
        self.entries = 0
        self._pages = [self.header.first_page]

    def write(self, record: bytes) -> int:
        """Write and publish a record without booking it; return its offset."""
        offset = self.tail
        end = offset + 4 + len(record)
        while end > self.file.size - OVERLAP:
            self.file.size += CHUNK
        self.file.write(offset, _U32.pack(len(record)) + record + bytes(8))
        self.tail = align4(end)
        self.entries += 1
        return offset

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
        """Write the index slot of an entry that has one, and the page if it is missing."""
        layout = self.header.layout
        if entry % layout.spacing:
            return
        page, slot = divmod(entry // layout.spacing, layout.count)
        if page == len(self._pages):
            self._append_page()
        slots = self._slots(self._pages[page])
        self.file.write(slots + 8 * slot, _U64.pack(offset))
        self.file.write(slots - 8, _U64.pack(slot + 1))
        self.file.write(self.header.last_index, _U64.pack(entry + layout.spacing))

    def _append_page(self) -> None:
        at = self.tail
        page = _page(at, "index", self.header.layout.count, [])
        self.file.write(at, page + bytes(8))
        self.tail = align4(at + len(page))
        slots = self._slots(self.header.index2index)
        self.file.write(slots + 8 * len(self._pages), _U64.pack(at))
        self._pages.append(at)
        self.file.write(slots - 8, _U64.pack(len(self._pages)))

    def _slots(self, page: int) -> int:
        return page + 4 + (self.file.u32(page) & LENGTH_MASK) - 8 * self.header.layout.count

    def end(self) -> None:
        """Write EOF."""
        self.file.write(self.tail, _U32.pack(EOF_WORD) + b"\xc3EOF")
