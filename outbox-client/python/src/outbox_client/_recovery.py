"""Opening an outbox under the writers' lock, and mending what crashes left behind.

Costs the same with any backlog: it reads the newest cycle's header and last record, and the end of
the cycle before.
"""

from __future__ import annotations

import os

from outbox_client._chain_walk import BrokenChainError, Tail, find_tail
from outbox_client._cycle_facts import CycleFacts, find_prologue, prologue_of, read_facts
from outbox_client._cycle_file import CycleFile
from outbox_client._cycle_layout import cycle_name
from outbox_client._errors import system_error
from outbox_client._failure_counters import make_counters
from outbox_client._metadata_table import METADATA_BYTES, is_valid, new_metadata, update_listing
from outbox_client._position_file import read_position
from outbox_client._roll_rule import HOUR_MS
from outbox_client._state_file import (
    STATE_BYTES,
    Identity,
    NewestCycle,
    StateFile,
    decode_identity,
    new_identity,
)
from outbox_client._wire_fields import UnparsableError
from outbox_client._writer_session import WriterSession

TYPE_CHECKING = False
if TYPE_CHECKING:
    from outbox_client._writer_options import WriterOptions


def open_session(options: WriterOptions, now: int) -> WriterSession:
    """Open an outbox. The caller holds the writers' lock.

    Args:
        options: with what.
        now: milliseconds since the epoch.

    Raises:
        OutboxUnavailable: a file is refused, or the system reports an error.
        OutboxFull: there is no space to mend a file.
    """
    directory = options.directory
    try:
        if not directory.checked:
            directory.prepare()
        directory.checked = False
        session = _Recovery(options, now).run()
    except OSError as problem:
        raise system_error(f"open {directory.path}", problem) from None
    make_counters(directory, options.disk)
    return session


class _Recovery:
    def __init__(self, options: WriterOptions, now: int) -> None:
        self.options = options
        self.directory = options.directory
        self.disk = options.disk
        self.now = now
        self.numbers = self.directory.cycles()
        self.position = read_position(self.directory.file("relay.position"))
        self.outbox = b""
        self.booked: NewestCycle | None = None

    def run(self) -> WriterSession:
        numbers = self.numbers
        for leftover in self.directory.leftovers():
            # Perhaps a second name of any cycle: a power cut keeps younger links without this.
            self.disk.unlink(leftover, "unlink")
        if self.directory.power:
            # Who linked the newest cycle may have been killed before the sync, and its name would
            # be lost with all that is appended to it.
            self.disk.sync_directory(self.directory.queue, "link")
        state, identity = self._open_state()
        self._mend_metadata()
        self.outbox = identity.outbox
        self.booked = booked = state.newest_cycle()
        newest = numbers[-1] if numbers else None
        if booked is not None and (newest is None or booked.number > newest):
            newest = booked.number  # it was removed, and its number is not used again
        session = WriterSession(self.options, open_session, state, identity, newest)
        if newest is None:
            self._give_behind(state, 0)
        else:
            self._open_newest(session, newest)
            self._end_the_one_before(newest, state)
            if session.cycle is None and not session.next_base:
                session.next_base = self._base_behind(newest)
        session.note_state()
        return session

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
                # A writer may have died between the link of a cycle and its listing.
                update_listing(fd, self.numbers, self.disk)

    def _open_state(self) -> tuple[StateFile, Identity]:
        path = self.directory.file("outbox.state")
        file = self.directory.create(path)
        data = os.pread(file.fd, STATE_BYTES, 0)
        identity = decode_identity(data, path)
        if identity is None or file.opened.st_size != STATE_BYTES:
            identity = identity or self._lost_identity()
            # What follows the identity has checks of its own; what fails them is rebuilt below.
            whole = data.ljust(STATE_BYTES, b"\0")
            self.disk.pwrite(file.fd, identity.encode() + whole[44:], 0, "state")
            self.disk.truncate(file.fd, STATE_BYTES, "state")
        return StateFile(file), identity

    def _lost_identity(self) -> Identity:
        for number in reversed(self.numbers):
            with self.directory.open(f"{self.directory.queue}/{cycle_name(number)}") as file:
                prologue = find_prologue(number, file)
            if prologue is not None:
                return Identity(prologue.outbox, prologue.generation, self.now)
        if self.numbers and self.position is not None:
            return Identity(self.position.outbox, 1, self.now)
        return new_identity(self.now)

    # --- the newest cycle ---

    def _open_newest(self, session: WriterSession, number: int) -> None:
        """Open the newest cycle if it can be appended to."""
        state = session.state
        if number in state.failed_cycles():
            # It was looked into before it was marked; but the state may have been lost since.
            if state.next_sequence() is None:
                self._fail(number, state)
            else:
                self._give_behind(state, 0)
            return
        if number not in self.numbers:
            self._give_behind(state, self._last_sequence(self.numbers))
            return
        given = state.next_sequence()
        try:
            cycle = self._open(number)
            tail = find_tail(cycle, state, self.disk)
        except UnparsableError:
            self._fail(number, state)
            return
        holds = tail.entry >= 0
        last = tail.sequence if holds else self._last_sequence(self.numbers[:-1])
        if self._sequence_behind(given, last) > last + 1 and (
            holds or self._facts(number).sequence
        ):
            # A power cut kept what is younger, and lost records that are older.
            self._fail(number, state)
            return
        self._give_behind(state, last)
        self._describe(session, cycle, tail)

    def _describe(self, session: WriterSession, cycle: CycleFile, tail: Tail) -> None:
        session.cycle = cycle
        session.last = tail.last
        session.tail = tail.offset
        session.entry = tail.entry
        booked = self.booked
        prologue = prologue_of(cycle) if tail.entry >= 0 else None
        if prologue is not None:
            newest = NewestCycle(cycle.number, prologue.base, prologue.cycle_hour)
        elif booked is not None and booked.number == cycle.number:
            newest = booked
        else:
            base = self._bytes_in(self.numbers[:-1])
            newest = NewestCycle(cycle.number, base, self.now // HOUR_MS)
        session.base = newest.base
        session.hour = newest.hour
        if booked is None or (booked.number, booked.base, booked.hour) != (
            newest.number,
            newest.base,
            newest.hour,
        ):
            session.state.set_newest_cycle(newest, self.disk)
        if tail.ended:
            session.close_cycle()

    def _fail(self, number: int, state: StateFile) -> None:
        """Let no writer append to the newest cycle again."""
        found = self._facts(number).sequence
        found = max(found, self._last_sequence([one for one in self.numbers if one < number]))
        # Before the mark, as nobody looks into a failed cycle again.
        self._give_behind(state, found)
        state.mark_failed(number, self.disk)

    # --- sequences ---

    def _sequence_behind(self, given: int | None, last: int) -> int:
        settled = self.position.sequence if self.position is not None else 0
        return max(given or 1, last + 1, settled + 1)

    def _give_behind(self, state: StateFile, last: int) -> None:
        """See to it that no sequence up to the last one is given again (FORMAT I4)."""
        given = state.next_sequence()
        wanted = self._sequence_behind(given, last)
        if given != wanted:
            state.set_next_sequence(wanted, self.disk)

    def _last_sequence(self, numbers: list[int]) -> int:
        """The highest sequence of the newest of these cycles that holds a record."""
        for number in reversed(numbers):
            sequence = self._facts(number).sequence
            if sequence:
                return sequence
        return 0

    # --- bytes ---

    def _base_behind(self, newest: int) -> int:
        """The base of the cycle that follows one which cannot be continued."""
        booked = self.booked
        if newest in self.numbers:
            base = self._bytes_in(self.numbers)
        else:
            base = booked.base if booked is not None else 0
        position = self.position
        if position is not None and position.outbox == self.outbox:
            base = max(base, position.settled_bytes)
        return base

    def _bytes_in(self, numbers: list[int]) -> int:
        """The bytes in these cycles (ascending) and all before them."""
        booked = self.booked
        length = 0
        for number in reversed(numbers):
            facts = self._facts(number)
            length += facts.length
            if facts.prologue is not None:
                return facts.prologue.base + length
            if booked is not None and booked.number == number:
                return booked.base + length
        return length

    # --- cycles ---

    def _facts(self, number: int) -> CycleFacts:
        try:
            file = self.directory.open(f"{self.directory.queue}/{cycle_name(number)}")
        except FileNotFoundError:
            return CycleFacts(None, 0, 0)  # settled and removed meanwhile
        return read_facts(number, file, self.outbox)

    def _end_the_one_before(self, newest: int, state: StateFile) -> None:
        """A power cut may have kept the newest cycle and lost the EOF of the one before it."""
        earlier = [number for number in self.numbers if number < newest]
        if not earlier or earlier[-1] in state.failed_cycles():
            return
        try:
            cycle = self._open(earlier[-1])
            tail = find_tail(cycle, state, self.disk)
        except BrokenChainError:
            return  # readers salvage it
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
        return CycleFile(number, file, self.outbox)
