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
    nested,
    read_entry,
    type_prefix,
)

TYPE_CHECKING = False
if TYPE_CHECKING:
    from mmap import mmap

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


def align4(offset: int) -> int:
    """The next multiple of 4."""
    return (offset + 3) & ~3


def index_page(offset: int, capacity: int) -> bytes:
    """An empty index page as an entry at *offset*, header word included."""
    name = event("index")
    array = aligned_array(offset + 4 + len(name), capacity, 0, bytes(8 * capacity))
    return _U32.pack(META | (len(name) + len(array))) + name + array


def new_cycle_file(capacity: int = INDEX_COUNT, spacing: int = INDEX_SPACING) -> bytes:
    """The first bytes of a cycle file, up to 8 zero bytes behind the first index page."""
    head = event("header") + type_prefix("SCQStore")
    # 4 for the header word, 5 for the code and length of a nested object.
    start = 4 + len(head) + 5
    position = field("writePosition")
    position += aligned_array(start + len(position), 2, 2, bytes(16))
    indexing = field("indexing") + type_prefix("SCQSIndexing")

    start += len(position) + len(indexing) + 5
    fields = field("indexCount") + integer(capacity) + field("indexSpacing") + integer(spacing)
    fields += field("index2Index")
    fields += aligned_int64(start + len(fields), 0)
    index2index_value = start + len(fields) - 8
    fields += field("lastIndex")
    fields += aligned_int64(start + len(fields), 0)

    store = position + indexing + nested(fields) + field("dataFormat") + integer(1)
    body = head + nested(store)
    padding = -len(body) & 3
    data = bytearray(_U32.pack(META | len(body)) + body + bytes(padding))
    index2index = len(data)
    _U64.pack_into(data, index2index_value, index2index)
    name = event("index2index")
    slots_offset = index2index + 4 + len(name)
    length = len(name) + len(aligned_array(slots_offset, capacity, 1, b"")) + 8 * capacity
    first_page = align4(index2index + 4 + length)
    slots = _U64.pack(first_page) + bytes(8 * (capacity - 1))
    data += _U32.pack(META | length) + name + aligned_array(slots_offset, capacity, 1, slots)
    data += index_page(first_page, capacity)
    return bytes(data) + _ENTRY_END


class CycleLayout:
    """Where the fields of one cycle file stand.

    Attributes:
        word1: offset of the write position; word2 follows it.
        last_index: offset of lastIndex.
        index2index: offset of the capacity of index2index; used and slots follow.
        capacity: slots of index2index and of an index page.
        spacing: every so manyth entry is indexed.
        first: offset of the first data entry.
    """

    __slots__ = ("capacity", "first", "index2index", "last_index", "spacing", "word1")

    def __init__(self, data: bytes | mmap) -> None:
        """Parse the beginning of a cycle file.

        Raises:
            UnparsableError: it is no cycle file.
        """
        fields = read_entry(data, 0)
        try:
            position = fields["header.writePosition"]
            self.capacity = fields["header.indexing.indexCount"]
            self.spacing = fields["header.indexing.indexSpacing"]
            index2index = self._u64(data, fields["header.indexing.index2Index"])
            self.last_index = fields["header.indexing.lastIndex"]
        except KeyError as missing:
            raise UnparsableError(f"the header lacks {missing}") from None
        self.word1 = position + 16
        array = read_entry(data, index2index).get("index2index")
        if array is None or self._u64(data, array) != self.capacity or not self.spacing:
            raise UnparsableError(f"no index2index of {self.capacity} slots at 0x{index2index:x}")
        self.index2index = array
        page = self._u64(data, array + 16)
        slots = read_entry(data, page).get("index")
        if slots is None or self._u64(data, slots) != self.capacity:
            raise UnparsableError(f"no index page of {self.capacity} slots at 0x{page:x}")
        (word,) = _U32.unpack_from(data, page)
        self.first = align4(page + 4 + (word & (META - 1)))
        aligned = (self.word1, self.last_index, self.index2index)
        if self.first >= len(data) or any(offset & 7 for offset in aligned):
            raise UnparsableError("the header's fields are not aligned or lead beyond the file")

    @staticmethod
    def _u64(data: bytes | mmap, offset: int) -> int:
        if not 0 <= offset <= len(data) - 8:
            raise UnparsableError(f"offset 0x{offset:x} leads beyond the file")
        return int(_U64.unpack_from(data, offset)[0])
