"""`power` durability: one sync for all that is published, whoever published it.

"Group commit" in FORMAT.md has the protocol. A record is published when it comes here, so nothing
here ends an append for want of a lock: who cannot have it syncs without.
"""

from __future__ import annotations

import os
from errno import EBADF, EIO
from time import monotonic

from outbox_client._claim import Claim, Token
from outbox_client._disk import forked
from outbox_client._errors import OutboxBusy
from outbox_client._lock_deadline import sleep
from outbox_client._state_file import NEXT_SEQUENCE
from outbox_client._synced_range import SyncedRange, synced_range

TYPE_CHECKING = False
if TYPE_CHECKING:
    from outbox_client._cycle_file import CycleFile
    from outbox_client._disk import Disk
    from outbox_client._state_file import StateFile
    from outbox_client._sync_lock import SyncLock

# That long a sync is waited for that another process may have been stopped in.
_LONGEST_WAIT = 0.1
# What a sync is taken to last until one was seen.
_USUAL_SYNC = 200e-6
_SHORTEST_PAUSE = 50e-6
_LONGEST_PAUSE = 5e-3
_PAUSES_IN_A_SYNC = 3


class Published:
    """Where the records of one append stand.

    Attributes:
        cycle: number of it.
        first: offset of the first one's header word.
        last: of the last one's.
        count: how many they are.
        sequence: of the last one.
    """

    __slots__ = ("count", "cycle", "first", "last", "sequence")

    def __init__(self, cycle: int, first: int, last: int, count: int, sequence: int) -> None:
        self.cycle = cycle
        self.first = first
        self.last = last
        self.count = count
        self.sequence = sequence


class GroupCommit:
    """Brings to stable storage what is appended through one descriptor of a cycle file.

    Safe for many threads.

    Attributes:
        syncer: the claim of whoever syncs through this descriptor.
    """

    syncer: Claim | None = None

    def __init__(
        self, cycle: CycleFile, state: StateFile, lock: SyncLock, tail: int, before: int
    ) -> None:
        """Take over what was opened under the writers' lock.

        Args:
            cycle: its file.
            state: of the outbox.
            lock: of the outbox.
            tail: where the cycle ended when its file was opened: the descriptor vouches for what
                is appended from there on.
            before: offset of the last record before that, 0 if there was none.
        """
        self._cycle = cycle
        self._outbox = os.path.dirname(os.path.dirname(cycle.path))
        self._state = state
        self._lock = lock
        self._tail = tail
        self._before = before
        self._took = _USUAL_SYNC
        self._synced_to = 0  # offset of the last record that a sync of this descriptor has covered
        self._without_lock: int | None = None  # what the range was when the lock was given up
        self._synced = 0  # sequence of a record that a sync has covered
        self._others_before = 0  # records of others that the last one covered
        # Whether an error of this descriptor was told, or may have been: the kernel does so once.
        self._failed = False

    def covers(self, first: int, last: int) -> bool:
        """Whether these records, of this process, are known to be on stable storage."""
        if last <= self._synced_to:
            return True
        known = self._known()
        return known is not None and known.covers(first, last)

    def _known(self) -> SyncedRange | None:
        """The synced range of this cycle.

        Read, as is all that is looked at without the writers' lock: where the mapped file was cut
        meanwhile, a look into the mapping would be a SIGBUS.
        """
        words = self._read_state()
        return None if words is None else synced_range(words, self._cycle.number)

    def _read_state(self) -> memoryview | None:
        return self._state.read() if self._lock.is_open() else None

    def bring(self, appended: Published, disk: Disk) -> None:
        """Return when what was appended is on stable storage.

        Args:
            appended: through this descriptor.
            disk: syncs.

        Raises:
            OSError: this sync, or one before through the same descriptor, has failed.
            OutboxBusy: this thread is inside a sync already.
        """
        first = appended.first
        last = appended.last
        if self.covers(first, last):
            return
        token = Token()
        claim = Claim(token)
        try:
            try:
                if self._wait_for_claim(claim, first, last):
                    self._lead(appended, disk)
            finally:
                if self.syncer is claim:
                    self._lock.release(disk)
        finally:
            try:
                if self.syncer is claim:
                    # Again, as a signal handler may have raised at the beginning of the former.
                    self._lock.release(disk)
            finally:
                if self.syncer is claim:
                    del self.syncer
                del token

    def _lead(self, appended: Published, disk: Disk) -> None:
        """Sync for all, having the claim, unless another process has done so."""
        if self._failed:
            raise OSError(EIO, "a sync of this file has failed before")
        locked = self._wait_for_lock(appended.first, appended.last, disk)
        if disk.stopped:
            raise forked()  # its parent sees to it
        if self.covers(appended.first, appended.last):
            return
        if locked:
            self._let_come_in(appended)
        self._sync(appended.last, disk, note=locked)
        self._synced = max(self._synced, appended.sequence)

    def _sync(self, last: int, disk: Disk, *, note: bool) -> None:
        cycle = self._cycle
        # Before the sync: what is published behind it may not be covered by it.
        newest = max(cycle.booked(), last)
        begun = monotonic()
        steps: list[None] = []
        self._failed = True  # until it is known to have ended well, or not to have begun
        try:
            disk.sync_payload(cycle.fd, steps)
        finally:
            self._failed = len(steps) == 1
        if not self._lock.is_open():
            # Whoever closed it has closed others, too, and may have done so before the sync.
            self._failed = True
            raise OSError(EBADF, "the files of this process were closed by somebody else")
        self._synced_to = max(self._synced_to, newest)
        self._took += (monotonic() - begun - self._took) / 4
        if note and self._state.is_whole():
            self._extended(newest).store(self._state.words, cycle.number, disk)

    def _extended(self, newest: int) -> SyncedRange:
        """The range that this sync makes of the one that is known."""
        known = self._known()
        if known is None or known.last < self._before or known.last > newest:  # FORMAT I13
            return SyncedRange(self._tail, newest)
        return SyncedRange(min(known.first, self._tail), newest)

    # --- waiting ---

    def refuse_to_interrupt(self) -> None:
        """Refuse an append that would wait for a sync which its own thread is inside of.

        Raises:
            OutboxBusy: it would.
        """
        holder = self.syncer
        if holder is not None and not holder.abandoned():
            holder.refuse_to_wait(self._outbox)

    def _wait_for_claim(self, claim: Claim, first: int, last: int) -> bool:
        """Wait for other threads that sync; False if that made it needless."""
        while (holder := vars(self).setdefault("syncer", claim)) is not claim:
            if holder.abandoned():
                if holder.inherited_by(claim) and self.syncer is holder:
                    del self.syncer
                    continue
            else:
                holder.refuse_to_wait(self._outbox)
            self._pause()
            if self.covers(first, last):
                return False
        return True

    def _wait_for_lock(self, first: int, last: int, disk: Disk) -> bool:
        """Wait for other processes that sync; whether the sync lock is held now.

        Once in vain, not again before the lock is free or the range has moved: its holder may have
        been stopped for long.
        """
        if not self._lock.can_be_had():
            return False
        deadline = None
        while not self._lock.acquire(disk):
            known = self._known()
            noted = 0 if known is None else known.last
            if noted == self._without_lock:
                return False
            now = monotonic()
            if deadline is None:
                deadline = now + _LONGEST_WAIT
            if now >= deadline:
                self._without_lock = noted
                return False
            try:
                self._pause()
            except OutboxBusy:
                return False  # the event loop itself: it cannot wait
            if self.covers(first, last):
                return False
        self._without_lock = None
        return True

    def _pause(self) -> None:
        sleep(min(max(self._took / _PAUSES_IN_A_SYNC, _SHORTEST_PAUSE), _LONGEST_PAUSE))

    def _let_come_in(self, appended: Published) -> None:
        """Wait for as many records of others as the last sync covered, while they keep coming.

        For a part of what a sync takes: one that covers them is worth as much as two. Who is alone
        waits for nobody.
        """
        longest = self._took / 2
        now = begun = last_came = monotonic()
        others = self._others(appended)
        while others < self._others_before and now - begun < longest:
            if now - last_came > longest / 2:
                break
            sleep(_SHORTEST_PAUSE)
            now = monotonic()
            seen = self._others(appended)
            if seen > others:
                others = seen
                last_came = now
        self._others_before = others

    def _others(self, appended: Published) -> int:
        """How many records others have appended since the last sync; a guess is good enough."""
        words = self._read_state()
        if words is None:
            return 0
        known = synced_range(words, self._cycle.number)
        synced = self._synced
        if known is not None:
            synced = max(synced, self._cycle.sequence_at(known.last))
        if not synced:
            return 0
        return max(0, words[NEXT_SEQUENCE] - 1 - synced - appended.count)
