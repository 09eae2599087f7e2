"""Group commit: the synced range, and bringing what a writer has published to stable storage."""

from __future__ import annotations

import os
import struct
import time
from dataclasses import dataclass
from typing import TYPE_CHECKING, NamedTuple

from . import files

if TYPE_CHECKING:
    from collections.abc import Callable

    from .files import State
    from .lock import Lock
    from .tail import Cycle

_RANGE = 256
_LOW = (1 << 32) - 1
# A holder of the sync lock that is stopped costs the others so much.
_PATIENCE = 0.1
_PAUSE = 0.001


class Range(NamedTuple):
    """What is known to be on stable storage of a cycle: by the offsets of header words."""

    cycle: int
    first: int
    to: int

    def covers(self, cycle: int, first: int, last: int) -> bool:
        """Whether all records from first to last are."""
        return self.cycle == cycle and self.first <= first and last <= self.to


@dataclass(frozen=True)
class Published:
    """What a writer has published, and what it needs to answer for it.

    Attributes:
        cycle: that holds it, kept open.
        state: in which its range stands.
        first: the offset of the first record.
        last: the offset of the last.
    """

    cycle: Cycle
    state: State
    first: int
    last: int


def read(state: State) -> Range | None:
    """Return the synced range, None if there is none."""
    upper, lower = struct.unpack("<QQ", os.pread(state.descriptor, 16, _RANGE))
    cycle, to = upper >> 32, upper & _LOW
    if not lower & _LOW or lower >> 32 != to ^ cycle:
        return None
    return Range(cycle, lower & _LOW, to)


def write(state: State, found: Range) -> None:
    """Store the synced range."""
    check = found.to ^ found.cycle & _LOW
    files.store(state.descriptor, _RANGE + 8, check << 32 | found.first)
    files.store(state.descriptor, _RANGE, (found.cycle & _LOW) << 32 | found.to)


def clear_if_wrong(state: State, cycle: int, tail: int) -> None:
    """Take back a range that covers the tail, where nothing stands (FORMAT I13)."""
    found = read(state)
    if found is not None and found.covers(cycle, tail, tail):
        files.store(state.descriptor, _RANGE + 8, 0)
        files.store(state.descriptor, _RANGE, 0)


def is_covered(published: Published) -> bool:
    """Whether somebody has synced it."""
    found = read(published.state)
    cycle = published.cycle.number
    return found is not None and found.covers(cycle, published.first, published.last)


def bring_to_storage(published: Published, lock: Lock, step: Callable[[str], None]) -> None:
    """Return when it is on stable storage.

    Args:
        published: by this writer, which has given the writers' lock back.
        lock: of the outbox.
        step: told what has been done.

    Raises:
        OSError: the disk says that it is not.
    """
    deadline = time.monotonic() + _PATIENCE
    while not is_covered(published):
        step("try")
        locked = lock.try_to_sync()
        if not locked and time.monotonic() < deadline:
            time.sleep(_PAUSE)
            continue
        try:
            step("lock")
            if not (locked and is_covered(published)):
                sync(published, step, locked=locked)
        finally:
            if locked:
                lock.end_sync()
        return


def sync(published: Published, step: Callable[[str], None], *, locked: bool) -> None:
    """Sync the cycle, and say up to where."""
    end = max(published.cycle.word1(), published.last)
    step("word1")
    flush(published)
    step("synced")
    if locked:
        advance(published.state, published.cycle, end)
    step("range")


def flush(published: Published) -> None:
    """Sync the cycle file through the descriptor that vouches for the records."""
    os.fdatasync(published.cycle.descriptor)


def advance(state: State, cycle: Cycle, end: int) -> None:
    """Let the range cover what was synced."""
    first, before = vouched_from(cycle)
    found = read(state)
    if found is not None and found.cycle == cycle.number and before <= found.to <= end:
        first = min(first, found.first)
    write(state, Range(cycle.number, first, end))


def vouched_from(cycle: Cycle) -> tuple[int, int]:
    """The tail and word1 when the cycle was opened: what was appended since, its syncs tell of."""
    return cycle.tail_then, cycle.word1_then
