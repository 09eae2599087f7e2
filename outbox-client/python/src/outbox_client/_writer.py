"""The writers' protocol: from a draft to a published record."""

from __future__ import annotations

import os
from time import time_ns

from outbox_client._cycle import Cycle, create_cycle_file
from outbox_client._directory import POWER
from outbox_client._disk import Disk
from outbox_client._errors import (
    OutboxCorrupt,
    OutboxError,
    OutboxFull,
    OutboxUnavailable,
    system_error,
)
from outbox_client._layout import HEADROOM_BYTES, cycle_name
from outbox_client._lock import get_ident, lock_of
from outbox_client._metadata import update_listing
from outbox_client._position import read_position
from outbox_client._receipt import Receipt
from outbox_client._record import PROLOGUE_BYTES, Prologue
from outbox_client._recovery import open_queue
from outbox_client._rolling import HOUR_MS, LAST_CYCLE, ROLL_BYTES, next_cycle, stays
from outbox_client._state import (
    COMPLEMENT,
    CYCLE_BYTES,
    FAILED_BYTES,
    NEXT_SEQUENCE,
    STATE_BYTES,
    NewestCycle,
)
from outbox_client._wire import UnparsableError

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable

    from outbox_client._directory import Directory
    from outbox_client._queue import OpenQueue
    from outbox_client._record import Draft

_ALL_ONES = 0xFFFFFFFFFFFFFFFF
_SEEK_END = os.SEEK_END
_fstat = os.fstat
_lseek = os.lseek


class QueueWriter:
    """Appends to one outbox. Safe for many threads."""

    def __init__(
        self,
        directory: Directory,
        *,
        durability: str,
        max_bytes: int | None,
        lock_timeout: float,
        disk: Disk | None = None,
        clock: Callable[[], int] = time_ns,
        roll_bytes: int = ROLL_BYTES,
    ) -> None:
        """Open nothing yet: that is the first append's.

        Args:
            directory: of the outbox.
            durability: ``"process"`` or ``"power"``.
            max_bytes: cap on appended but not settled bytes; None for none.
            lock_timeout: seconds to wait for the writers' lock.
            disk: how files are changed.
            clock: nanoseconds since the epoch.
            roll_bytes: a record that would end there begins a new cycle.
        """
        self._directory = directory
        self._durability = durability
        self._max_bytes = max_bytes
        self._lock_timeout = lock_timeout
        self._disk = disk if disk is not None else Disk()
        self._clock = clock
        self._roll_bytes = roll_bytes
        self._settled_bytes = 0
        self._lock = lock_of(directory.file("outbox.lock"))
        # Taken out while an append runs and put back when all of it is consistent again: what an
        # exception interrupted, wherever it came from, is opened anew.
        self._queue: OpenQueue | None = None

    def append(self, draft: Draft) -> Receipt:
        """Append one event.

        Raises:
            OutboxError: see the subclasses; nothing was appended, unless `maybe_appended`.
        """
        lock = self._lock
        token = [get_ident()]
        try:
            try:
                lock.acquire(token, self._lock_timeout, self._directory, self._disk)
                queue, self._queue = self._queue, None
                now = self._clock() // 1_000_000
                if queue is None or not self._is_current(queue):
                    queue = self._open(now)
                cycle = self._choose_cycle(queue, draft.length, now)
                sequence = self._publish(queue, cycle, draft, now)
                self._queue = queue
                identity = queue.identity
            except OSError as problem:
                raise system_error(f"append to {self._directory.path}", problem) from None
            finally:
                if lock.owner is token and lock.fd >= 0:
                    lock.kernel_call(lock.fd, lock.unlock_command, lock.unlock_argument)
                if lock.owner is token:
                    del lock.owner
        finally:
            lock.release(token)
        if self._durability == POWER:
            self._make_durable(cycle, draft.event_id)
        return Receipt(
            identity.outbox, identity.generation, sequence, draft.event_id, self._durability
        )

    # --- under the lock ---

    def _is_current(self, queue: OpenQueue) -> bool:
        """Whether what is held open is still the outbox's; follows what others have appended."""
        state = queue.state
        cycle = queue.cycle
        if (
            cycle is None
            or _lseek(state.fd, 0, _SEEK_END) != STATE_BYTES
            or state.words[NEXT_SEQUENCE] ^ _ALL_ONES != state.words[COMPLEMENT]
            or state.map[CYCLE_BYTES] != queue.seen_cycle
            or state.map[FAILED_BYTES] != queue.seen_failed
        ):
            return False
        found = _fstat(cycle.fd)
        if not found.st_nlink or found.st_size < cycle.size:
            return False
        last = cycle.words64[cycle.word1]
        if last != queue.last:
            return self._follow_others(queue, cycle, last)
        return not cycle.words32[queue.tail >> 2]

    def _follow_others(self, queue: OpenQueue, cycle: Cycle, last: int) -> bool:
        """Move behind what other writers have appended; False if there is more to it."""
        if last < queue.last or last >= cycle.size:
            return False
        found = cycle.peek(last)
        if found is None:
            return False
        sequence, entry, tail = found
        if (
            entry <= queue.entry
            or sequence + 1 != queue.state.words[NEXT_SEQUENCE]
            or tail > cycle.size - 8
            or cycle.words32[tail >> 2]
        ):
            return False
        queue.last = last
        queue.entry = entry
        queue.tail = tail
        return True

    def _open(self, now: int) -> OpenQueue:
        directory = self._directory
        if not directory.checked:
            directory.prepare()
        directory.checked = False
        return open_queue(self._directory, self._disk, now)

    def _choose_cycle(self, queue: OpenQueue, length: int, now: int) -> Cycle:
        """The cycle that the record belongs into, with room for it."""
        if queue.entry < 0:
            length += PROLOGUE_BYTES
        cycle = queue.cycle
        hour = now // HOUR_MS
        try:
            if cycle is None or not stays(
                hour, queue.hour, queue.tail + 4 + length, self._roll_bytes
            ):
                self._check_cap(queue, length + PROLOGUE_BYTES)
                cycle = self._begin_cycle(queue, hour)
                length += PROLOGUE_BYTES
            elif self._max_bytes is not None:
                self._check_cap(queue, length)
            end = queue.tail + 4 + length + 8
            if cycle.size - end < HEADROOM_BYTES:
                cycle.make_room(end, self._lock_timeout, self._disk)
        except OSError as problem:
            raise system_error(f"make room in {self._directory.queue}", problem) from None
        return cycle

    def _check_cap(self, queue: OpenQueue, length: int) -> None:
        cap = self._max_bytes
        if cap is None:
            return
        appended = queue.appended_bytes() + 4 + length
        if appended - self._settled_bytes <= cap:
            return  # what is settled only grows
        position = read_position(self._directory.file("relay.position"))
        if position is not None and position.outbox == queue.identity.outbox:
            self._settled_bytes = position.settled_bytes
        backlog = appended - self._settled_bytes
        if backlog > cap:
            raise OutboxFull(
                f"{backlog} bytes would wait for delivery, OUTBOX_MAX_BYTES allows {cap}: nothing "
                "was appended. Is the relay running, and Kafka reachable? See 'outbox status'"
            )

    def _begin_cycle(self, queue: OpenQueue, hour: int) -> Cycle:
        """End the newest cycle and begin the next."""
        directory = self._directory
        disk = self._disk
        number = next_cycle(hour, queue.newest)
        if number > LAST_CYCLE:
            raise OutboxCorrupt(
                f"cycle {queue.newest} is the last that has a name (year 9999): move the outbox "
                "away once it is drained, and begin a new one"
            )
        if queue.cycle is not None:
            queue.cycle.end(queue.tail, disk)
            queue.close_cycle()
        name = cycle_name(number)
        create_cycle_file(directory, name, disk)
        fd = directory.open(f"{directory.queue}/metadata.cq4t")
        try:
            update_listing(fd, directory.cycles(), disk)
        finally:
            os.close(fd)
        newest = NewestCycle(number, queue.next_base, hour)
        queue.state.set_newest_cycle(newest, disk)
        try:
            cycle = Cycle(number, directory.open(f"{directory.queue}/{name}"))
        except UnparsableError as problem:
            raise OutboxCorrupt(f"{name} is not what was just written: {problem}") from None
        queue.cycle = cycle
        queue.newest = number
        queue.base = newest.base
        queue.hour = hour
        queue.last = 0
        queue.entry = -1
        queue.tail = cycle.layout.first
        queue.note_state()
        return cycle

    def _publish(self, queue: OpenQueue, cycle: Cycle, draft: Draft, now: int) -> int:
        state = queue.state
        disk = self._disk
        offset = queue.tail
        entry = queue.entry + 1
        sequence: int = state.words[NEXT_SEQUENCE]
        length = draft.length
        prologue = None
        if entry == 0:
            identity = queue.identity
            prologue = Prologue(identity.outbox, identity.generation, queue.base, queue.hour)
            length += PROLOGUE_BYTES
        data = draft.encode(sequence, now, entry, prologue)
        try:
            disk.pwrite(cycle.fd, data, offset, "payload")
        except OSError as problem:
            raise system_error(f"write to {self._directory.queue}", problem) from None
        # The system call above is a barrier on weakly ordered machines too: it gives up and takes
        # the interpreter's lock, or on free-threaded builds the thread's state.
        disk.store(cycle.words32, offset >> 2, length, "publish")
        tail = offset + 4 + length
        try:
            disk.store(state.words, NEXT_SEQUENCE, sequence + 1, "state")
            disk.store(state.words, COMPLEMENT, sequence + 1 ^ _ALL_ONES, "state")
            tail = cycle.book(offset, entry, tail, disk)
        except OSError as problem:
            if problem.errno is None:
                raise  # a signal handler's TimeoutError
            # It is published: the next writer books it, or readers scan.
        queue.last = offset
        queue.entry = entry
        queue.tail = tail
        return sequence

    # --- after the lock ---

    def _make_durable(self, cycle: Cycle, event_id: bytes) -> None:
        """Bring the record to stable storage; the place of a group commit."""
        try:
            self._disk.fdatasync(cycle.fd, "payload")
        except OSError as problem:
            error = OutboxUnavailable(
                f"the event was published but {self._directory.queue} could not be synced: "
                f"{problem.strerror}. It may not survive a power cut: append it again with the "
                "same event_id, so that consumers can tell the copies"
            )
            error.maybe_appended = True
            error._event_id = event_id
            try:
                self._mark_failed(cycle.number)
            except OutboxError as another:
                raise error from another
            raise error from problem

    def _mark_failed(self, number: int) -> None:
        """Let no writer append to a cycle whose fsync failed.

        A later fsync could succeed without the data.
        """
        lock = self._lock
        token = [get_ident()]
        try:
            try:
                lock.acquire(token, self._lock_timeout, self._directory, self._disk)
                self._queue = None
                self._open(self._clock() // 1_000_000).state.mark_failed(number, self._disk)
            finally:
                if lock.owner is token and lock.fd >= 0:
                    lock.kernel_call(lock.fd, lock.unlock_command, lock.unlock_argument)
                if lock.owner is token:
                    del lock.owner
        finally:
            lock.release(token)
