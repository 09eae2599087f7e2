"""Opening an outbox under the writers' lock, and mending what crashes left behind.

Costs the same with any backlog: it reads the newest cycle's header and last record, and the end of
the cycle before.
"""

from __future__ import annotations

import os

from outbox_client._chain_walk import Tail, find_tail
from outbox_client._cycle_facts import highest_sequence
from outbox_client._cycle_file import CycleFile
from outbox_client._cycle_layout import cycle_name
from outbox_client._errors import system_error
from outbox_client._metadata_table import METADATA_BYTES, is_valid, new_metadata, update_listing
from outbox_client._position_file import read_position
from outbox_client._queue import OpenQueue
from outbox_client._state_file import (
    STATE_BYTES,
    Identity,
    NewestCycle,
    StateFile,
    decode_identity,
    new_identity,
)
from outbox_client._wire_fields import UnparsableError

TYPE_CHECKING = False
if TYPE_CHECKING:
    from outbox_client._disk import Disk
    from outbox_client._outbox_directory import OutboxDirectory
    from outbox_client._record_codec import Prologue


def open_queue(directory: OutboxDirectory, disk: Disk, now: int) -> OpenQueue:
    """Open an outbox. The caller holds the writers' lock.

    Args:
        directory: prepared.
        disk: makes the changes.
        now: milliseconds since the epoch.

    Raises:
        OutboxUnavailable: a file is refused, or the system reports an error.
        OutboxFull: there is no space to mend a file.
    """
    try:
        return _Recovery(directory, disk, now).run()
    except OSError as problem:
        raise system_error(f"open {directory.path}", problem) from None


class _Recovery:
    def __init__(self, directory: OutboxDirectory, disk: Disk, now: int) -> None:
        self.directory = directory
        self.disk = disk
        self.now = now
        self.numbers = directory.cycles()

    def run(self) -> OpenQueue:
        numbers = self.numbers
        self._mend_metadata()
        state, identity = self._open_state()
        position = read_position(self.directory.file("relay.position"))
        booked = state.newest_cycle()
        newest = numbers[-1] if numbers else None
        if booked is not None and (newest is None or booked.number > newest):
            newest = booked.number  # it was removed, and its number is not used again
        queue = OpenQueue(state, identity, newest)
        last_sequence = position.sequence if position is not None else 0
        if newest is not None:
            last_sequence = max(last_sequence, self._open_newest(queue, newest, booked))
            self._end_the_one_before(newest, state.failed_cycles())
        if queue.cycle is None and newest is not None:
            queue.next_base = max(queue.next_base, self._end_of(self.numbers, booked))
        sequence = state.next_sequence()
        if sequence is None or sequence <= last_sequence:
            state.set_next_sequence(max(sequence or 1, last_sequence + 1), self.disk)
        queue.note_state()
        return queue

    # --- the files beside the queue ---

    def _mend_metadata(self) -> None:
        path = f"{self.directory.queue}/metadata.cq4t"
        with self.directory.create(path) as file:
            fd = file.fd
            if not is_valid(fd):
                # In place: readers keep it mapped. A new count of modifications makes them look.
                data = new_metadata(self.numbers, self.now)
                self.disk.pwrite(fd, data, 0, "listing")
                if os.fstat(fd).st_size != METADATA_BYTES:
                    self.disk.truncate(fd, METADATA_BYTES, "listing")
            elif self.numbers:
                # A writer may have died between the rename of a cycle and its listing.
                update_listing(fd, self.numbers, self.disk)

    def _open_state(self) -> tuple[StateFile, Identity]:
        file = self.directory.create(self.directory.file("outbox.state"))
        data = os.pread(file.fd, STATE_BYTES, 0)
        identity = decode_identity(data)
        if identity is None or file.opened.st_size != STATE_BYTES:
            identity = identity or self._lost_identity()
            # What follows the identity has checks of its own; what fails them is rebuilt below.
            whole = data.ljust(STATE_BYTES, b"\0")
            self.disk.pwrite(file.fd, identity.encode() + whole[44:], 0, "state")
            self.disk.truncate(file.fd, STATE_BYTES, "state")
        return StateFile(file), identity

    def _lost_identity(self) -> Identity:
        for number in reversed(self.numbers):
            prologue = self._survey(number)[1]
            if prologue is not None:
                return Identity(prologue.outbox, prologue.generation, self.now)
        return new_identity(self.now)

    # --- cycles ---

    def _open_newest(self, queue: OpenQueue, number: int, booked: NewestCycle | None) -> int:
        """Open the newest cycle if it can be appended to; the highest sequence seen."""
        state = queue.state
        if number in state.failed_cycles():
            # It was looked into before it was marked.
            return self._fail(number, state) if state.next_sequence() is None else 0
        if number not in self.numbers:
            return self._last_sequence()
        try:
            cycle = self._open(number)
            sequence = state.next_sequence()
            tail = find_tail(cycle, state, self.disk)
        except UnparsableError:
            return self._fail(number, state)
        queue.cycle = cycle
        queue.last = tail.last
        queue.tail = tail.offset
        queue.entry = tail.entry
        newest = self._describe(cycle, tail, booked)
        queue.base = newest.base
        queue.hour = newest.hour
        if tail.ended:
            queue.close_cycle()
        elif tail.entry >= 0 and sequence is not None and sequence > tail.sequence + 1:
            # A power cut kept the state's page and lost pages of the cycle that are older.
            queue.close_cycle()
            return self._fail(number, state)
        elif booked is None or (booked.number, booked.base, booked.hour) != (
            newest.number,
            newest.base,
            newest.hour,
        ):
            state.set_newest_cycle(newest, self.disk)
        return tail.sequence if tail.entry >= 0 else self._last_sequence()

    def _fail(self, number: int, state: StateFile) -> int:
        """Let no writer append to the newest cycle again; the highest sequence seen."""
        found = max(self._salvaged_sequence(number), self._last_sequence())
        # Before the mark, as nobody looks into a failed cycle again.
        if found >= (state.next_sequence() or 1):
            state.set_next_sequence(found + 1, self.disk)
        state.mark_failed(number, self.disk)
        return found

    def _salvaged_sequence(self, number: int) -> int:
        try:
            file = self.directory.open(f"{self.directory.queue}/{cycle_name(number)}")
        except FileNotFoundError:
            return 0
        return highest_sequence(file.fd)

    def _describe(self, cycle: CycleFile, tail: Tail, booked: NewestCycle | None) -> NewestCycle:
        """Base and hour of the newest cycle."""
        prologue = _prologue(cycle)
        if tail.entry >= 0 and prologue is not None:
            return NewestCycle(cycle.number, prologue.base, prologue.cycle_hour)
        if booked is not None and booked.number == cycle.number:
            return booked
        earlier = [number for number in self.numbers if number < cycle.number]
        return NewestCycle(cycle.number, self._end_of(earlier, booked), self.now // 3_600_000)

    def _end_of(self, numbers: list[int], booked: NewestCycle | None) -> int:
        """The bytes in these cycles and all before them, as far as they can be known."""
        length = 0
        known = booked.base if booked is not None else 0
        for number in reversed(numbers):
            tail, prologue, first = self._survey(number)
            if tail is not None:
                length += tail.offset - first
            if prologue is not None:
                return max(known, prologue.base + length)
            if booked is not None and booked.number == number:
                return known + length
        return known + length

    def _last_sequence(self) -> int:
        """The sequence of the newest record that can be read, 0 if there is none."""
        for number in reversed(self.numbers):
            tail = self._survey(number)[0]
            sequence = self._salvaged_sequence(number) if tail is None else tail.sequence
            if sequence:
                return sequence
        return 0

    def _survey(self, number: int) -> tuple[Tail | None, Prologue | None, int]:
        """End, prologue and first offset of a cycle, as far as it can be parsed."""
        try:
            cycle = self._open(number)
        except UnparsableError:
            return None, None, 0
        try:
            tail = find_tail(cycle, None, self.disk)
        except UnparsableError:
            tail = None
        return tail, _prologue(cycle), cycle.layout.first

    def _end_the_one_before(self, newest: int, failed: set[int]) -> None:
        """A power cut may have kept the newest cycle and lost the EOF of the one before it."""
        earlier = [number for number in self.numbers if number < newest]
        if not earlier or earlier[-1] in failed:
            return
        try:
            cycle = self._open(earlier[-1])
            tail = find_tail(cycle, None, self.disk)
        except UnparsableError:
            return
        if not tail.ended:
            cycle.end(tail.offset, self.disk)

    def _open(self, number: int) -> CycleFile:
        path = f"{self.directory.queue}/{cycle_name(number)}"
        try:
            file = self.directory.open(path)
        except FileNotFoundError:
            raise UnparsableError("it was removed") from None
        return CycleFile(number, file)


def _prologue(cycle: CycleFile) -> Prologue | None:
    try:
        return cycle.record_at(cycle.layout.first)[0].prologue
    except UnparsableError:
        return None
