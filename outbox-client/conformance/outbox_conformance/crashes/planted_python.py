"""The Python client's group commit as it would be if it were wrong."""

from __future__ import annotations

import os
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any

from outbox_client._group_commit import GroupCommit
from outbox_client._synced_range import SyncedRange

from .. import cyclefile
from .planted_groups import Fault

if TYPE_CHECKING:
    from outbox_client._disk import Disk

_SYNC: Any = GroupCommit._sync


def _returns_before(self: GroupCommit, *_: Any) -> None:
    pass


def _through(self: GroupCommit, path: str, last: int, disk: Disk, note: bool) -> None:
    """Sync by another descriptor than the one that vouches."""
    cycle = self._cycle
    with open(path, "r+b") as file:
        self._cycle = SimpleNamespace(  # type: ignore[assignment]
            fd=file.fileno(), booked=cycle.booked, number=cycle.number
        )
        try:
            _SYNC(self, last, disk, note=note)
        finally:
            self._cycle = cycle


def _syncs_a_fresh_descriptor(self: GroupCommit, last: int, disk: Disk, *, note: bool) -> None:
    _through(self, self._cycle.path, last, disk, note)


def _syncs_the_newest_cycle(self: GroupCommit, last: int, disk: Disk, *, note: bool) -> None:
    queue = os.path.dirname(self._cycle.path)
    newest = cyclefile.name(cyclefile.numbers(os.listdir(queue))[-1])
    _through(self, f"{queue}/{newest}", last, disk, note)


def _advances_first(self: GroupCommit, last: int, disk: Disk, *, note: bool) -> None:
    cycle = self._cycle
    newest = max(cycle.words64[cycle.word1], last)
    if note:
        self._extended(newest).store(self._state.words, cycle.number, disk)
    disk.sync_payload(cycle.fd, [])


def _reads_word1_last(self: GroupCommit, last: int, disk: Disk, *, note: bool) -> None:
    cycle = self._cycle
    disk.sync_payload(cycle.fd, [])
    newest = max(cycle.words64[cycle.word1], last)
    if note:
        self._extended(newest).store(self._state.words, cycle.number, disk)


def _vouches_for_all(self: GroupCommit, newest: int) -> SyncedRange:
    return SyncedRange(cyclefile.FIRST_DATA, newest)


FAULTS = (
    Fault("return before the sync", "beside-covers", "bring", _returns_before),
    Fault("sync of a fresh descriptor", "beside-told", "_sync", _syncs_a_fresh_descriptor),
    Fault("sync of another cycle's file", "beside-rolls", "_sync", _syncs_the_newest_cycle),
    Fault("range advanced before the sync", "beside-covers", "_sync", _advances_first),
    Fault("word1 read after the sync", "beside-later", "_sync", _reads_word1_last),
    Fault("vouching from the beginning", "beside-opens", "_extended", _vouches_for_all),
)
