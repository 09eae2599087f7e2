"""What a writer does while it holds the lock: choose the cycle, write, publish, book."""

from __future__ import annotations

import os

from outbox_client._cycle_file import CycleFile, create_cycle_file
from outbox_client._cycle_layout import HEADROOM_BYTES, cycle_name
from outbox_client._errors import OutboxCorrupt, OutboxFull, system_error
from outbox_client._failure_counters import make_counters
from outbox_client._metadata_table import update_listing
from outbox_client._position_file import read_position
from outbox_client._record_codec import PROLOGUE_BYTES
from outbox_client._recovery import open_queue
from outbox_client._roll_rule import DAY, HOUR_MS, LAST_CYCLE, next_cycle, stays
from outbox_client._state_file import (
    COMPLEMENT,
    CYCLE,
    FAILED_BYTES,
    NEXT_SEQUENCE,
    SHARED,
    STATE_BYTES,
    NewestCycle,
)
from outbox_client._wire_fields import UnparsableError

TYPE_CHECKING = False
if TYPE_CHECKING:
    from outbox_client._disk import Disk
    from outbox_client._outbox_directory import OutboxDirectory
    from outbox_client._queue import OpenQueue
    from outbox_client._record_codec import RecordDraft

_ALL_ONES = 0xFFFFFFFFFFFFFFFF
_SEEK_END = os.SEEK_END
_fstat = os.fstat
_lseek = os.lseek


class Appender:
    """The protocol under the lock. Its caller holds that, and drops the queue after any error."""

    def __init__(
        self,
        directory: OutboxDirectory,
        disk: Disk,
        max_bytes: int | None,
        roll_bytes: int,
        lock_timeout: float,
    ) -> None:
        self._directory = directory
        self._disk = disk
        self._store = disk.store
        self._max_bytes = max_bytes
        self._roll_bytes = roll_bytes
        self._lock_timeout = lock_timeout
        self._settled_bytes = 0

    def append(self, queue: OpenQueue | None, draft: RecordDraft, now: int) -> OpenQueue:
        """Publish one record; the queue that has it as its last.

        Steps 2 to 8 of an append in FORMAT.md.

        Args:
            queue: what the last append returned, None to look anew.
            draft: of the record.
            now: milliseconds since the epoch, read under the lock.

        Raises:
            OutboxError: nothing was published.
        """
        if queue is None or not self._is_current(queue):
            queue = self.open(now)
        cycle = queue.cycle
        if (
            cycle is None
            or queue.tail + 4 + draft.length + 8 > queue.limit
            or not queue.since <= now < queue.until
        ):
            cycle = self._choose_cycle(queue, draft.length, now)
        state = queue.state
        offset = queue.tail
        entry = queue.entry + 1
        sequence: int = state.words[NEXT_SEQUENCE]
        data = draft.encode(sequence, now, entry, None if entry else queue.prologue())
        disk = self._disk
        try:
            disk.pwrite(cycle.fd, data, offset, "payload")
        except OSError as problem:
            raise system_error(f"write to {self._directory.queue}", problem) from None
        # The system call above is a barrier on weakly ordered machines too: it gives up and takes
        # the interpreter's lock, or on free-threaded builds the thread's state.
        store = self._store
        tail = offset + len(data) - 8
        store(cycle.words32, offset >> 2, tail - offset - 4, "publish")
        try:
            store(state.words, NEXT_SEQUENCE, sequence + 1, "state")
            store(state.words, COMPLEMENT, sequence + 1 ^ _ALL_ONES, "state")
            tail = cycle.book(offset, entry, tail, disk)
            queue.seen = state.map[SHARED]
        except OSError as problem:
            if problem.errno is None:
                raise  # a signal handler's TimeoutError
            # It is published: the next writer books it, or readers scan.
        queue.last = offset
        queue.entry = entry
        queue.tail = tail
        queue.sequence = sequence
        return queue

    def open(self, now: int) -> OpenQueue:
        """Open and mend the outbox.

        Raises:
            OutboxError: it is refused, or cannot be mended.
        """
        directory = self._directory
        if not directory.checked:
            directory.prepare()
        directory.checked = False
        queue = open_queue(directory, self._disk, now)
        make_counters(directory, self._disk)
        return queue

    def _is_current(self, queue: OpenQueue) -> bool:
        """Whether what is held open is still the outbox's; follows what others have appended."""
        state = queue.state
        cycle = queue.cycle
        if cycle is None or _lseek(state.fd, 0, _SEEK_END) != STATE_BYTES:
            return False
        found = _fstat(cycle.fd)
        if not found.st_nlink or found.st_size < cycle.size:
            return False
        if state.map[SHARED] == queue.seen and cycle.words64[cycle.word1] == queue.last:
            return not cycle.words32[queue.tail >> 2]
        return self._follow_others(queue, cycle)

    def _follow_others(self, queue: OpenQueue, cycle: CycleFile) -> bool:
        """Move behind what other writers have appended; False if there is more to it."""
        state = queue.state
        last = cycle.words64[cycle.word1]
        if (
            state.words[NEXT_SEQUENCE] ^ _ALL_ONES != state.words[COMPLEMENT]
            or state.words[CYCLE] != queue.newest
            or state.map[FAILED_BYTES] != queue.seen_failed
            or not queue.last <= last < cycle.size
        ):
            return False
        if last == queue.last:
            return not cycle.words32[queue.tail >> 2]
        found = cycle.peek(last)
        if found is None:
            return False
        sequence, entry, tail = found
        if (
            entry <= queue.entry
            or sequence + 1 != state.words[NEXT_SEQUENCE]
            or tail > cycle.size - 8
            or cycle.words32[tail >> 2]
        ):
            return False
        queue.last = last
        queue.entry = entry
        queue.tail = tail
        return True

    def _choose_cycle(self, queue: OpenQueue, length: int, now: int) -> CycleFile:
        """The cycle that the record belongs into, with room for it.

        Notes up to where and for how long there is nothing more to choose.
        """
        first = length + PROLOGUE_BYTES
        if queue.entry < 0:
            length = first
        cycle = queue.cycle
        hour = now // HOUR_MS
        try:
            if cycle is None or not stays(
                hour, queue.hour, queue.tail + 4 + length, self._roll_bytes
            ):
                length = first
                self._check_cap(queue, length)
                cycle = self._begin_cycle(queue, hour)
            elif self._max_bytes is not None:
                self._check_cap(queue, length)
            end = queue.tail + 4 + length + 8
            if cycle.size - end < HEADROOM_BYTES:
                cycle.make_room(end, self._lock_timeout, self._disk)
            if end > cycle.ready:
                cycle.write_ahead(queue.tail, end, self._disk)
        except OSError as problem:
            raise system_error(f"make room in {self._directory.queue}", problem) from None
        if self._max_bytes is None and queue.entry >= 0:
            queue.limit = min(cycle.ready, cycle.size - HEADROOM_BYTES, self._roll_bytes)
            queue.since = (queue.hour - DAY) * HOUR_MS
            queue.until = (queue.hour + 1) * HOUR_MS
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

    def _begin_cycle(self, queue: OpenQueue, hour: int) -> CycleFile:
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
        with directory.open(f"{directory.queue}/metadata.cq4t") as metadata:
            update_listing(metadata.fd, directory.cycles(), disk)
        newest = NewestCycle(number, queue.next_base, hour)
        queue.state.set_newest_cycle(newest, disk)
        try:
            cycle = CycleFile(number, directory.open(f"{directory.queue}/{name}"))
        except UnparsableError as problem:
            raise OutboxCorrupt(f"{name} is not what was just written: {problem}") from None
        queue.cycle = cycle
        queue.newest = number
        queue.base = newest.base
        queue.hour = hour
        queue.last = 0
        queue.entry = -1
        queue.tail = cycle.layout.first
        queue.limit = 0
        queue.note_state()
        return cycle
