"""metadata.cq4t, from FORMAT.md alone."""

from __future__ import annotations

import struct

from . import wire
from .cyclefile import HOUR, META
from .sparsefiles import SparseFile

LENGTH = 131072

_METADATA_HEADER = (
    b"\xb9\x06header\xb6\x07STStore\x82"
    + struct.pack("<I", 0x82)
    + b"\xc8wireType\xb6\x08WireType\xecBINARY_LIGHT\xc8metadata\xb6\x07SCQMeta\x82"
    + struct.pack("<I", 0x49)
    + b"\xc4roll\xb6\x08SCQSRoll\x82"
    + struct.pack("<I", 0x2A)
    + b"\xc6length\xa6"
    + struct.pack("<I", HOUR)
    + b"\xc6format\xeeyyyyMMdd-HH'F'\xc5epoch\xa1\x00\xc8sourceId\xa1\x00\x8f\x8f"
)
_UNLOCKED = -(1 << 63)
NO_CYCLES = (-(1 << 31), (1 << 31) - 1)


def metadata(highest: int, lowest: int, mod_count: int) -> SparseFile:
    """Return metadata.cq4t."""
    table = {
        "listing.highestCycle": highest,
        "listing.lowestCycle": lowest,
        "listing.modCount": mod_count,
        "chronicle.write.lock": _UNLOCKED,
        "chronicle.append.lock": _UNLOCKED,
        "chronicle.lastIndexReplicated": -1,
        "chronicle.lastAcknowledgedIndexReplicated": -1,
        "chronicle.lastIndexMSynced": -1,
    }
    data = struct.pack("<I", META | len(_METADATA_HEADER)) + _METADATA_HEADER
    for key, value in table.items():
        entry = bytes(len(data) % 8 + 4) + b"\xb9" + bytes([len(key)]) + key.encode()
        entry = wire.aligned(entry, b"\xa7")[len(data) % 8 + 4 :] + struct.pack("<q", value)
        data += struct.pack("<I", len(entry)) + entry
    return SparseFile(data, LENGTH)
