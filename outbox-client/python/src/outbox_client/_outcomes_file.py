"""``relay.outcomes``: what was settled but not delivered. Only read here."""

from __future__ import annotations

import enum
import os
from struct import Struct
from zlib import crc32

from outbox_client._safe_files import File

_ENTRY = Struct("<QQB3xI")
_CHUNK_ENTRIES = 4096


class DeliveryOutcome(str, enum.Enum):
    """What has become of an appended event, as far as the relay has recorded it.

    ``DELIVERED`` and ``QUARANTINED`` are final; the others may change, and whoever asks again gets
    the answer of that moment. A str, so ``outcome == "DELIVERED"`` holds too.
    """

    DELIVERED = "DELIVERED"
    """Kafka has acknowledged it. Final."""
    PARKED = "PARKED"
    """The relay keeps it until its topic can be written, or to send it once more. Becomes
    ``DELIVERED`` or ``DEAD``."""
    DEAD = "DEAD"
    """Kafka would not accept it: it is in the dead letters, with its reason. Stays so, unless an
    operator replays it: then it is ``PARKED`` again. Also what an operator gave up while it was
    parked: that stays so."""
    QUARANTINED = "QUARANTINED"
    """Its bytes were damaged on disk, or are missing. Final."""
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
        file = File(path, "r")
    except FileNotFoundError:
        return DeliveryOutcome.DELIVERED
    with file:
        entries = file.opened.st_size // _ENTRY.size
        while entries:
            count = min(entries, _CHUNK_ENTRIES)
            entries -= count
            chunk = os.pread(file.fd, count * _ENTRY.size, entries * _ENTRY.size)
            for start in range((len(chunk) // _ENTRY.size - 1) * _ENTRY.size, -1, -_ENTRY.size):
                first, last, code, crc = _ENTRY.unpack_from(chunk, start)
                if (
                    first <= sequence <= last
                    and crc == crc32(chunk[start : start + _ENTRY.size - 4])
                    and code in _CODES
                ):
                    return _CODES[code]
    return DeliveryOutcome.DELIVERED
