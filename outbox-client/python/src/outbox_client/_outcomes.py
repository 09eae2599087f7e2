"""``relay.outcomes``: what was settled but not delivered. Only read here."""

from __future__ import annotations

import enum
import os
from struct import Struct
from zlib import crc32

_ENTRY = Struct("<QQB3xI")
_CHUNK_ENTRIES = 4096


class DeliveryOutcome(str, enum.Enum):
    """What has become of an appended event, as far as the relay has recorded it.

    A str, so ``outcome == "DELIVERED"`` holds too.
    """

    DELIVERED = "DELIVERED"
    """Kafka has acknowledged it."""
    PARKED = "PARKED"
    """Its topic is parked: the relay keeps it, and retries."""
    DEAD = "DEAD"
    """Kafka will never accept it: it is in the dead letters, with its reason."""
    QUARANTINED = "QUARANTINED"
    """Its bytes were damaged on disk, or are missing."""
    PENDING = "PENDING"
    """Not settled yet."""

    def __str__(self) -> str:
        return self.value


_CODES = {
    1: DeliveryOutcome.PARKED,
    2: DeliveryOutcome.DEAD,
    3: DeliveryOutcome.QUARANTINED,
    4: DeliveryOutcome.DELIVERED,
}


def outcome_of(path: str, sequence: int) -> DeliveryOutcome:
    """What became of a sequence at or below the position: the last entry that covers it holds.

    Raises:
        OSError: the file exists and cannot be read.
    """
    try:
        fd = os.open(path, os.O_RDONLY | os.O_CLOEXEC | os.O_NOFOLLOW | os.O_NONBLOCK)
    except FileNotFoundError:
        return DeliveryOutcome.DELIVERED
    try:
        entries = os.fstat(fd).st_size // _ENTRY.size
        while entries:
            count = min(entries, _CHUNK_ENTRIES)
            entries -= count
            chunk = os.pread(fd, count * _ENTRY.size, entries * _ENTRY.size)
            for offset in range(len(chunk) // _ENTRY.size * _ENTRY.size, 0, -_ENTRY.size):
                start = offset - _ENTRY.size
                first, last, code, crc = _ENTRY.unpack_from(chunk, start)
                if (
                    first <= sequence <= last
                    and crc == crc32(chunk[start : offset - 4])
                    and code in _CODES
                ):
                    return _CODES[code]
    finally:
        os.close(fd)
    return DeliveryOutcome.DELIVERED
