"""What a writer keeps open between appends, and what it does with it while it holds the lock."""

from __future__ import annotations

import os
from errno import EBADF, EIO, ENOENT

from outbox_client._cap import Cap
from outbox_client._cycle_layout import HEADROOM_BYTES
from outbox_client._errors import (
    broken_invariant,
    system_error,
)
from outbox_client._group_commit import GroupCommit, Published
from outbox_client._new_cycle import begin_cycle
from outbox_client._record_codec import PROLOGUE_BYTES, Prologue
from outbox_client._roll_rule import DAY, HOUR_MS, next_cycle, stays
from outbox_client._settled_names import SettledNames
from outbox_client._state_file import (
    ALL_ONES,
    COMPLEMENT,
    CYCLE,
    FAILED_BYTES,
    LAST_SEQUENCE,
    NEXT_SEQUENCE,
    SHARED,
    STATE_BYTES,
    NewestCycle,
)
from outbox_client._sync_lock import SyncLock
from outbox_client._synced_range import clear, synced_range

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable

    from outbox_client._batch_draft import BatchDraft
    from outbox_client._cycle_file import CycleFile
    from outbox_client._record_draft import RecordDraft
    from outbox_client._safe_files import Folder
    from outbox_client._state_file import Identity, StateFile
    from outbox_client._writer_options import WriterOptions
    from outbox_client._writers_lock import WritersLock

_fstat = os.fstat
_lstat = os.lstat
_lseek = os.lseek
_SEEK_END = os.SEEK_END


class WriterSession:
    """The state and, if it can be appended to, the newest cycle.

    Made by `open_session`. Used by the holder of the writers' lock alone, and dropped after any
    error.

    Attributes:
        state: the mapped state file.
        identity: of the outbox.
        newest: number of the newest cycle, None while there has been none.
        cycle: the newest cycle; None when the next append has to begin a new one.
        last: offset of its last booked record, 0 while there is none.
        tail: offset of the free header word behind the last entry.
        entry: number of the last record within the cycle, -1 while there is none.
        sequence: of the last record of the cycle, 0 while there is none.
        base: bytes in all cycles before it.
        hour: the hour in which it was begun.
        commit: brings what is appended to it to stable storage; None unless that is for `power`.
        first: offset of the last appended record, of a batch the first one's.
        next_base: base of the next cycle while `cycle` is None.
        names: whether names within these have changed; None until the session is used again.
        place: which directories it was opened in.
        fresh: whether it was opened in the hold of the lock that still lasts.
    """

    __slots__ = (
        "_begun",
        "_cap",
        "_limit",
        "_options",
        "_reopen",
        "_seen",
        "_seen_failed",
        "_since",
        "_until",
        "base",
        "commit",
        "cycle",
        "entry",
        "first",
        "fresh",
        "hour",
        "identity",
        "last",
        "names",
        "newest",
        "next_base",
        "place",
        "sequence",
        "state",
        "tail",
    )

    def __init__(
        self,
        options: WriterOptions,
        reopen: Callable[[WriterOptions, int, int | None], WriterSession],
        state: StateFile,
        identity: Identity,
        newest: int | None,
        place: tuple[tuple[int, int], tuple[int, int]],
    ) -> None:
        self._options = options
        self._reopen = reopen
        cap = options.max_bytes
        path = options.directory.file("relay.position")
        self._cap = None if cap is None else Cap(cap, path)
        self._begun = False
        self._limit = 0
        self._since = 0
        self._until = 0
        self._seen = b""
        self._seen_failed = b""
        self.state = state
        self.identity = identity
        self.newest = newest
        self.cycle: CycleFile | None = None
        self.last = 0
        self.tail = 0
        self.entry = -1
        self.sequence = 0
        self.base = 0
        self.hour = 0
        self.commit: GroupCommit | None = None
        self.first = 0
        self.next_base = 0
        self.place = place
        self.names: SettledNames | None = None
        self.fresh = True

    # --- one append: steps 2 to 8 of FORMAT.md ---

    def append(self, draft: RecordDraft | BatchDraft, now: int) -> WriterSession:
        """Publish a record or batch; the session that has it as its last.

        Args:
            draft: of the record or batch.
            now: milliseconds since the epoch, read under the lock.

        Raises:
            OutboxError: nothing was published.
        """
        cycle = self.cycle
        if (
            cycle is None
            or self.tail + 4 + draft.length + 8 > self._limit
            or not self._since <= now < self._until
        ):
            session = self._with_room(draft.length, now)
            cycle = self.cycle
            if session is not self or cycle is None:
                return session.append(draft, now)
        state = self.state
        offset = self.tail
        entry = self.entry + 1
        sequence: int = state.words[NEXT_SEQUENCE]
        highest = LAST_SEQUENCE + 1 - draft.count
        if (sequence != self.sequence + 1 and entry) or not 0 < sequence <= highest:
            raise broken_invariant(4, f"sequence {sequence} would follow {self.sequence}")
        prologue = None if entry else self._prologue()
        data = b"".join(draft.parts(sequence, now, entry, prologue, cycle.place, offset))
        tail = offset + len(data) - 8
        count = draft.count
        if count == 1:
            last = offset
            length = tail - offset - 4
        else:
            last = offset + draft.offsets[-1]
            length = draft.first
            sequence += count - 1
            entry += count - 1
        disk = self._options.disk
        if self.commit is not None:
            known = synced_range(state.words, cycle.number)
            if known is not None and known.last >= offset:  # FORMAT I13
                clear(state.words, disk)
        try:
            # A system call in it is a barrier on weakly ordered machines too: it gives up and takes
            # the interpreter's lock, or on free-threaded builds the thread's state.
            disk.publish(cycle, data, offset, length)  # FORMAT I1
        except OSError as problem:
            if problem.errno == EIO:
                return self._past_a_bad_block(draft, now, problem)
            raise system_error(f"write to {self._options.directory.queue}", problem) from None
        try:
            disk.book(cycle, state, last, entry, sequence)
            if count > 1:
                tail = cycle.index_batch(offset, draft.offsets, entry, tail, disk)
            elif not entry % cycle.spacing:
                tail = cycle.index(offset, entry, tail, disk, newest=True)
            self._seen = state.map[SHARED]
        except OSError as problem:
            if problem.errno is None:
                raise  # a signal handler's TimeoutError
            # It is published: the next writer books it, or readers scan.
        self.first = offset
        self.last = last
        self.entry = entry
        self.tail = tail
        self.sequence = sequence
        self.fresh = self._begun = False
        return self

    def published(self, count: int) -> Published:
        """Where that stands which was appended last.

        Args:
            count: of its records.
        """
        if self.newest is None:
            raise broken_invariant(3, "there is no cycle where a record was published")
        return Published(self.newest, self.first, self.last, count, self.sequence)

    def _prologue(self) -> Prologue:
        return Prologue(self.identity.outbox, self.identity.generation, self.base, self.hour)

    def _past_a_bad_block(
        self, draft: RecordDraft | BatchDraft, now: int, problem: OSError
    ) -> WriterSession:
        """The tail's block can be neither read nor written: go on in the next cycle, once."""
        if self.newest is not None and not self._begun:
            return self._reopen(self._options, now, self.newest).append(draft, now)
        raise system_error(f"write to {self._options.directory.queue}", problem) from None

    # --- whether it is still what the outbox is ---

    def is_current(self, lock: WritersLock, looked: SettledNames | None) -> bool:
        """Whether what is held open is still the outbox's; follows what others have appended.

        Args:
            lock: which the caller has.
            looked: what was asked about names when it was taken.
        """
        state = self.state
        cycle = self.cycle
        if cycle is None:
            return False
        names = self.names
        try:
            if _lseek(state.fd, 0, _SEEK_END) != STATE_BYTES:
                return False
            if _lseek(cycle.fd, 0, _SEEK_END) != cycle.size:
                return False
            if names is None:
                self.names = names = SettledNames(self._options.directory, self.place)
            # A look at a name counts for the times that were read before it; and what another
            # thread has found was so then.
            if looked is not names and not names.hold() and not lock.is_the_paths():
                return False
            if not names.held:
                if not _fstat(state.fd).st_nlink or _lstat(cycle.path).st_ino != cycle.inode:
                    return False  # moved away
                names.remember()
        except OSError as problem:
            if problem.errno not in (EBADF, ENOENT):
                raise
            return False  # finalized already, and an object with them that appends; or removed
        if state.map[SHARED] == self._seen and cycle.words64[cycle.word1] == self.last:
            return not cycle.words32[self.tail >> 2]  # FORMAT I2
        return self._follow_others(state, cycle)

    def _follow_others(self, state: StateFile, cycle: CycleFile) -> bool:
        """Move behind what other writers have appended; False if there is more to it."""
        last = cycle.words64[cycle.word1]
        if (
            state.words[NEXT_SEQUENCE] ^ ALL_ONES != state.words[COMPLEMENT]
            or state.words[CYCLE] != self.newest
            or state.map[FAILED_BYTES] != self._seen_failed
            or not self.last <= last < cycle.size
        ):
            return False
        if last == self.last:
            return not cycle.words32[self.tail >> 2]
        found = cycle.peek(last)
        if found is None:
            return False
        sequence, entry, tail = found
        if (
            entry <= self.entry
            or sequence + 1 != state.words[NEXT_SEQUENCE]
            or tail > cycle.size - 8
            or cycle.words32[tail >> 2]
        ):
            return False
        self.last = last
        self.entry = entry
        self.sequence = sequence
        self.tail = tail
        return True

    def note_state(self) -> None:
        """Remember which cycles have failed, to see later that another has."""
        self._seen_failed = self.state.map[FAILED_BYTES]

    # --- which cycle, and room in it ---

    def _with_room(self, length: int, now: int) -> WriterSession:
        """A session in whose cycle there is room for the record.

        Notes up to where and for how long there is nothing more to choose.
        """
        try:
            cycle = self.cycle
            if cycle is None or not self._stays(length, now // HOUR_MS):
                if not self.fresh:
                    # Others roll, too: what is held open never decides a roll (FORMAT, Rolling 1).
                    return self._reopen(self._options, now, None)
                self._check_cap(length + PROLOGUE_BYTES)
                cycle = self._begin_cycle(now)
                if cycle is None:
                    failing = None if self.cycle is None else self.newest  # it took no EOF
                    return self._reopen(self._options, now, failing)
            else:
                self._check_cap(self._with_prologue(length))
            end = self.tail + 4 + self._with_prologue(length) + 8
            if cycle.size - end < HEADROOM_BYTES:
                cycle.make_room(end, self._options.lock_timeout, self._options.disk)
            if end > cycle.ready:
                cycle.write_ahead(self.tail, end, self._options.disk)
        except OSError as problem:
            action = f"make room in {self._options.directory.queue}"
            raise system_error(action, problem) from None
        if self._options.max_bytes is None and self.entry >= 0:
            self._limit = min(cycle.ready, cycle.size - HEADROOM_BYTES, self._options.roll_bytes)
            self._since = (self.hour - DAY) * HOUR_MS
            self._until = (self.hour + 1) * HOUR_MS
        return self

    def _with_prologue(self, length: int) -> int:
        return length if self.entry >= 0 else length + PROLOGUE_BYTES

    def _stays(self, length: int, hour: int) -> bool:
        end = self.tail + 4 + length if self.entry >= 0 else 0  # a cycle takes at least one record
        return stays(hour, self.hour, end, self._options.roll_bytes)

    def appended_bytes(self) -> int:
        """Bytes in all cycles, to compare with the settled bytes of the position."""
        if self.cycle is None:
            return self.next_base
        return self.base + self.tail - self.cycle.layout.first

    def _check_cap(self, length: int) -> None:
        if self._cap is not None:
            self._cap.check(self.appended_bytes() + 4 + length, self.identity.outbox)

    def _begin_cycle(self, now: int) -> CycleFile | None:
        """End the newest cycle and begin the next.

        None if that is not to be: it is still open if the disk took no EOF, else another has begun
        the next (FORMAT I5).
        """
        disk = self._options.disk
        hour = now // HOUR_MS
        number = next_cycle(hour, self.newest)
        with self._options.directory.hold() as held:
            if held.identity != self.place:
                raise held.replaced()
            if self.cycle is not None:
                if not self.cycle.end(self.tail, self._options.lock_timeout, disk):  # FORMAT I7
                    return None
                self.close_cycle()
            begun = NewestCycle(number, self.next_base, hour)
            cycle = begin_cycle(held, begun, self.state, self.identity.outbox, disk)
            if cycle is None:
                return None
            self.last = 0
            self.tail = cycle.layout.first
            if self._options.directory.power:
                self.commit_through(cycle, held.root)
        self.cycle = cycle
        self.newest = number
        self.base = begun.base
        self.hour = hour
        self.entry = -1
        self.sequence = 0
        self._limit = 0
        self._begun = True
        self.note_state()
        return cycle

    def close_cycle(self) -> None:
        """Append no more to this cycle; the next append begins another."""
        self.next_base = self.appended_bytes()
        self.cycle = None
        self.commit = None

    def commit_through(self, cycle: CycleFile, root: Folder) -> None:
        """From here on sync what is appended through the cycle's descriptor.

        Args:
            cycle: just opened.
            root: the outbox's directory.
        """
        self.commit = GroupCommit(cycle, self.state, SyncLock(root), self.tail, self.last)
