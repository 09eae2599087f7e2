"""How a cycle file begins, and what it is called."""

from __future__ import annotations

from struct import Struct
from time import gmtime

from outbox_client._roll_rule import LAST_CYCLE
from outbox_client._wire_fields import (
    META,
    UnparsableError,
    aligned_array,
    aligned_int64,
    event,
    field,
    integer,
    integer_at,
    nested,
    type_prefix,
)

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable

INDEX_COUNT = 4096
INDEX_SPACING = 256
FILE_BYTES = (64 + 16) << 20
GROWTH_BYTES = 64 << 20
HEADROOM_BYTES = 16 << 20
# First data offset of the files that we make, for one whose header does not tell.
USUAL_FIRST = 0x10110

_U32 = Struct("<I")
_U64 = Struct("<Q")
_ENTRY_END = bytes(8)
# What stands before the count is as long in all headers.
_COUNT_AT = 0x77
_LONGEST_HEAD = 0x100
_MOST = 1 << 20


def cycle_name(number: int) -> str:
    """The file name of a cycle, ``yyyyMMdd-HH'F'.cq4``."""
    moment = gmtime(number * 3600)
    return f"{moment.tm_year:04}{moment.tm_mon:02}{moment.tm_mday:02}-{moment.tm_hour:02}F.cq4"


def cycle_number(name: str) -> int | None:
    """The cycle that a file name stands for; None if it is not a cycle file's name."""
    digits = name[:8] + name[9:11]
    if len(name) != 16 or name[8] != "-" or not name.endswith("F.cq4") or not digits.isdecimal():
        return None
    year, month, day = int(name[:4]), int(name[4:6]), int(name[6:8])
    # Days from civil, proleptic Gregorian, the year beginning in March.
    year -= month <= 2
    era, of_era = divmod(year, 400)
    of_year = (153 * ((month + 9) % 12) + 2) // 5 + day - 1
    days = era * 146097 + of_era * 365 + of_era // 4 - of_era // 100 + of_year - 719468
    number = days * 24 + int(name[9:11])
    return number if 0 <= number <= LAST_CYCLE and cycle_name(number) == name else None


def index_page(offset: int, capacity: int) -> bytes:
    """An empty index page as an entry at *offset*, header word included."""
    return index_page_head(offset, capacity) + bytes(8 + 8 * capacity)


def index_page_head(offset: int, capacity: int) -> bytes:
    """The same up to its use, which the slots follow."""
    return _page_head("index", offset, capacity)


def behind_index_page(offset: int, capacity: int) -> int:
    """The offset behind an index page that stands at *offset*."""
    return offset + len(index_page_head(offset, capacity)) + 8 + 8 * capacity


def _page_head(key: str, offset: int, capacity: int) -> bytes:
    name = event(key)
    head = name + aligned_array(offset + 4 + len(name), capacity)
    return _U32.pack(META | (len(head) + 8 + 8 * capacity)) + head


class CycleLayout:
    """Where the fields of a cycle file stand: that follows from its index count and spacing.

    Attributes:
        capacity: slots of index2index and of an index page.
        spacing: every so manyth entry is indexed.
        word1: offset of the write position; word2 follows it.
        last_index: offset of lastIndex.
        index2index: offset of the capacity of index2index; used and slots follow.
        first_page: offset of the first index page.
        first: offset of the first data entry.
        head: a new file's bytes up to slot 0 of index2index, which names the first index page.
    """

    __slots__ = (
        "capacity",
        "first",
        "first_page",
        "head",
        "index2index",
        "last_index",
        "spacing",
        "word1",
    )

    def __init__(self, capacity: int = INDEX_COUNT, spacing: int = INDEX_SPACING) -> None:
        self.capacity = capacity
        self.spacing = spacing
        key = event("header") + type_prefix("SCQStore")
        # 4 for the header word, 5 for the code and length of a nested object.
        start = 4 + len(key) + 5
        position = field("writePosition")
        position += aligned_array(start + len(position), 2) + _U64.pack(2)
        self.word1 = start + len(position)
        position += bytes(16)
        indexing = field("indexing") + type_prefix("SCQSIndexing")

        start += len(position) + len(indexing) + 5
        fields = field("indexCount") + integer(capacity) + field("indexSpacing") + integer(spacing)
        fields += field("index2Index")
        fields += aligned_int64(start + len(fields), 0)
        index2index_value = start + len(fields) - 8
        fields += field("lastIndex")
        fields += aligned_int64(start + len(fields), 0)
        self.last_index = start + len(fields) - 8

        store = position + indexing + nested(fields) + field("dataFormat") + integer(1)
        body = key + nested(store)
        head = bytearray(_U32.pack(META | len(body)) + body + bytes(-len(body) & 3))
        _U64.pack_into(head, index2index_value, len(head))
        head += _page_head("index2index", len(head), capacity)
        self.index2index = len(head) - 8
        self.first_page = len(head) + 8 + 8 * capacity
        self.first = behind_index_page(self.first_page, capacity)
        self.head = bytes(head + _U64.pack(1) + _U64.pack(self.first_page))

    @classmethod
    def parse(cls, read: Callable[[int, int], bytes], size: int) -> CycleLayout:
        """The layout of a file that begins as it was made, but for what changes.

        Slots are not read: a block of them that the disk does not give is none of the header.

        Args:
            read: gives so many bytes, from an offset on; fewer at the file's end.
            size: of the file, bytes.

        Raises:
            UnparsableError: it does not begin so.
        """
        found = read(_LONGEST_HEAD, 0)
        capacity, behind = integer_at(found, _COUNT_AT)
        spacing, _ = integer_at(found, behind + len(field("indexSpacing")))
        for value in (capacity, spacing):
            if not 0 < value <= _MOST or value & (value - 1):
                raise UnparsableError(f"index count or spacing is {value}, no power of two")
        layout = cls(capacity, spacing)
        if size < layout.first + len(_ENTRY_END):
            raise UnparsableError(f"only {size} bytes long")
        layout._compare(found)
        page = index_page_head(layout.first_page, capacity)
        if read(len(page), layout.first_page) != page:
            raise UnparsableError(f"no index page of {capacity} slots at 0x{layout.first_page:x}")
        return layout

    def _compare(self, found: bytes) -> None:
        same = bytearray(found[: len(self.head)])
        for value in (self.word1, self.word1 + 8, self.last_index, self.index2index + 8):
            same[value : value + 8] = self.head[value : value + 8]
        if same != self.head:
            differ = (at for at, byte in enumerate(same) if byte != self.head[at])
            at = next(differ, len(same))
            raise UnparsableError(f"the header is not as it was made at 0x{at:x}")

    def new_file(self) -> bytes:
        """The first bytes of a new cycle file, up to 8 zero bytes behind the first index page."""
        slots = bytes(8 * (self.capacity - 1))
        return self.head + slots + index_page(self.first_page, self.capacity) + _ENTRY_END
