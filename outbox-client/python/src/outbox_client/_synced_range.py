"""Which records of a cycle are known to be on stable storage, as ``outbox.state`` says."""

from __future__ import annotations

TYPE_CHECKING = False
if TYPE_CHECKING:
    from outbox_client._disk import Disk

# In words of 8 bytes.
_TO = 32
_FROM = 33
_LOW = 0xFFFFFFFF


class SyncedRange:
    """The records of a cycle whose header words stand at *first* to *last*."""

    __slots__ = ("first", "last")

    def __init__(self, first: int, last: int) -> None:
        self.first = first
        self.last = last

    def covers(self, first: int, last: int) -> bool:
        """Whether these records, and all between them, are on stable storage."""
        return self.first <= first and last <= self.last

    def store(self, words: memoryview, cycle: int, disk: Disk) -> None:
        """Note it. The caller has the sync lock."""
        check = self.last ^ cycle & _LOW
        disk.store(words, _FROM, check << 32 | self.first, "synced")
        disk.store(words, _TO, cycle << 32 | self.last, "synced")


def synced_range(words: memoryview, cycle: int) -> SyncedRange | None:
    """What is known to be synced of this cycle; None if that is nothing.

    Args:
        words: of the state.
        cycle: its number.
    """
    to = words[_TO]
    first = words[_FROM]
    last = to & _LOW
    if to >> 32 != cycle or first >> 32 != last ^ cycle & _LOW or not first & _LOW:
        return None
    return SyncedRange(first & _LOW, last)


def clear(words: memoryview, disk: Disk) -> None:
    """Know of none any more."""
    disk.store(words, _TO, 0, "synced")
    disk.store(words, _FROM, 0, "synced")
