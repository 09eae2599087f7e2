"""``metadata.cq4t``: Chronicle's table with the listing of the cycle files."""

from __future__ import annotations

import os
from mmap import mmap
from struct import Struct

from outbox_client._safe_files import readable
from outbox_client._wire_fields import (
    META,
    aligned_int64,
    event,
    field,
    integer,
    nested,
    type_prefix,
)

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Sequence

    from outbox_client._disk import Disk

METADATA_BYTES = 131072
HIGHEST = "listing.highestCycle"
LOWEST = "listing.lowestCycle"
MODIFICATIONS = "listing.modCount"

_NO_HIGHEST = -(1 << 31)
_NO_LOWEST = (1 << 31) - 1
_UNLOCKED = -(1 << 63)
_U32 = Struct("<I")


def _table(highest: int, lowest: int, modifications: int) -> tuple[bytes, dict[str, int]]:
    """The file's used bytes, and where the values stand."""
    roll = (
        field("length")
        + b"\xa6"
        + _U32.pack(3_600_000)
        + field("format")
        + b"\xeeyyyyMMdd-HH'F'"
        + field("epoch")
        + integer(0)
    )
    metadata = field("roll") + type_prefix("SCQSRoll") + nested(roll)
    metadata += field("sourceId") + integer(0)
    store = field("wireType") + type_prefix("WireType") + b"\xecBINARY_LIGHT"
    store += field("metadata") + type_prefix("SCQMeta") + nested(metadata)
    store += b"\x8f\x8f"  # pads the header to a multiple of 4
    header = event("header") + type_prefix("STStore") + nested(store)
    data = bytearray(_U32.pack(META | len(header)) + header)
    offsets = {}
    for key, value in (
        (HIGHEST, highest),
        (LOWEST, lowest),
        (MODIFICATIONS, modifications),
        ("chronicle.write.lock", _UNLOCKED),
        ("chronicle.append.lock", _UNLOCKED),
        ("chronicle.lastIndexReplicated", -1),
        ("chronicle.lastAcknowledgedIndexReplicated", -1),
        ("chronicle.lastIndexMSynced", -1),
    ):
        entry = event(key)
        entry += aligned_int64(len(data) + 4 + len(entry), value)
        data += _U32.pack(len(entry)) + entry
        offsets[key] = len(data) - 8
    return bytes(data), offsets


def new_metadata(cycles: Sequence[int], modifications: int) -> bytes:
    """The whole file for a queue with these cycles (ascending)."""
    highest, lowest = (cycles[-1], cycles[0]) if cycles else (_NO_HIGHEST, _NO_LOWEST)
    data, _ = _table(highest, lowest, modifications)
    return data + bytes(METADATA_BYTES - len(data))


# Our own table's keys and fixed bytes; Chronicle writes the same, and appends keys of tailers.
_TEMPLATE, _OFFSETS = _table(_NO_HIGHEST, _NO_LOWEST, 1)
_HEAD = _TEMPLATE[: _OFFSETS[HIGHEST]]


def is_valid(fd: int) -> bool:
    """Whether the file is a table whose listing can be updated in place."""
    if os.fstat(fd).st_size != METADATA_BYTES:
        return False
    data = readable(fd, len(_TEMPLATE))
    if len(data) != len(_TEMPLATE) or not data.startswith(_HEAD):
        return False
    end = _OFFSETS[HIGHEST] + 8
    for key in (LOWEST, MODIFICATIONS):
        if data[end : _OFFSETS[key]] != _TEMPLATE[end : _OFFSETS[key]]:
            return False
        end = _OFFSETS[key] + 8
    return True


def update_listing(fd: int, cycles: Sequence[int], disk: Disk) -> None:
    """Tell readers which cycles there are (ascending), if that is news."""
    highest, lowest = (cycles[-1], cycles[0]) if cycles else (_NO_HIGHEST, _NO_LOWEST)
    with mmap(fd, METADATA_BYTES) as table, memoryview(table) as view, view.cast("q") as words:
        if (words[_OFFSETS[LOWEST] >> 3], words[_OFFSETS[HIGHEST] >> 3]) == (lowest, highest):
            return
        disk.store(words, _OFFSETS[LOWEST] >> 3, lowest, "listing")
        disk.store(words, _OFFSETS[HIGHEST] >> 3, highest, "listing")
        modifications = words[_OFFSETS[MODIFICATIONS] >> 3]
        disk.store(words, _OFFSETS[MODIFICATIONS] >> 3, modifications + 1, "listing")


def read_listing(path: str) -> tuple[int, int, int]:
    """Highest cycle, lowest cycle and number of modifications, for inspection."""
    with open(path, "rb") as file:
        data = file.read(len(_TEMPLATE))
    highest, lowest, modifications = (
        int.from_bytes(data[_OFFSETS[key] : _OFFSETS[key] + 8], "little", signed=True)
        for key in (HIGHEST, LOWEST, MODIFICATIONS)
    )
    return highest, lowest, modifications
