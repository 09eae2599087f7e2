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
from outbox_client._new_cycle import leftover, leftovers_of, remove_leftovers
from outbox_client._outbox_directory import cycles_of
from outbox_client._position_file import settled_position
from outbox_client._roll_rule import HOUR_MS
from outbox_client._safe_files import readable
from outbox_client._state_file import (
    LAST_SEQUENCE,
    STATE_BYTES,
    Identity,
    NewestCycle,
    OutboxState,
    StateFile,
    decode_identity,
    new_identity,
)
from outbox_client._wire_fields import UnparsableError
from outbox_client._writer_session import WriterSession
from outbox_client._writers_lock import lock_of

TYPE_CHECKING = False
if TYPE_CHECKING:
    from outbox_client._outbox_directory import HeldDirectories
    from outbox_client._record_codec import Prologue
    from outbox_client._safe_files import File
    from outbox_client._writer_options import WriterOptions


def open_session(options: WriterOptions, now: int, failing: int | None = None) -> WriterSession:
    """Open an outbox. The caller holds the writers' lock.

    Args:
        options: with what.
        now: milliseconds since the epoch.
        failing: a cycle whose disk has failed: it is marked so.

    Raises:
        OutboxUnavailable: a file is refused, the system reports an error, or what was locked is not
            the lock of the outbox that the path leads to by now.
        OutboxFull: there is no space to mend a file.
    """
    try:
        with options.directory.hold() as held:
            if not lock_of(options.directory.file("outbox.lock")).is_in(held.root):
                raise held.replaced()
            session = _Recovery(options, held, now, failing).run()
            make_counters(held.root, options.disk)
            return session
    except OSError as problem:
        raise system_error(f"open {options.directory.path}", problem) from None


class _Recovery:
    """Looks at all that decides, and only then changes anything (FORMAT I11)."""

    def __init__(
        self, options: WriterOptions, held: HeldDirectories, now: int, failing: int | None
    ) -> None:
        self.options = options
        self.held = held
        self.queue = held.queue
        self.disk = options.disk
        self.now = now
        names = held.queue.names()
        self.numbers = cycles_of(names)
        self.leftovers = leftovers_of(names)
        self.position = settled_position("relay.position", held.root.fd)
        self.known: dict[tuple[int, bool], CycleFacts] = {}
        self.prologue: Prologue | None = None  # of the newest cycle
        self.state, self.identity = self._look_at_state()
        self.booked = self.state.newest_cycle()
        self.failed = self.state.failed_cycles()
        self.failing = failing if failing in self.numbers else None
        if self.failing is not None:
            self.failed.add(self.failing)

    def run(self) -> WriterSession:
        newest = self.numbers[-1] if self.numbers else None
        booked = self.booked
        if booked is not None and (newest is None or booked.number > newest):
            newest = booked.number  # it was removed, and its number is not used again
        earlier = [number for number in self.numbers if newest is None or number < newest]
        before = self._look_at_the_one_before(earlier)
        cycle, tail, last, fails = self._look_at_newest(newest, earlier)
        if self.failing is not None:
            before_it = [number for number in self.numbers if number < self.failing]
            last = max(last, self._highest(self.failing, before_it))

        remove_leftovers(self.queue, self.leftovers, self.disk)
        state = self._open_state()
        self._mend_metadata()
        place = self.held.identity
        session = WriterSession(self.options, open_session, state, self.identity, newest, place)
        if before is not None:
            self._end(*before, state)
        if cycle is not None and tail is not None:
            tail = self._book(cycle, tail, state)
            if not fails:
                self._describe(session, cycle, tail)
        # Before the mark, as nobody looks into a failed cycle again.
        self._give_behind(state, last)
        if self.failing is not None:
            state.mark_failed(self.failing, self.disk)
        if newest is not None:
            if fails:
                state.mark_failed(newest, self.disk)
                self.failed.add(newest)
            if session.cycle is None and not session.next_base:
                session.next_base = self._base_behind(newest)
        session.note_state()
        return session

    # --- the files beside the queue ---

    def _look_at_state(self) -> tuple[OutboxState, Identity]:
        """What the state says, and which outbox this is; its sequence and cycle may be damaged."""
        root = self.held.root
        try:
            with root.open("outbox.state") as file:
                data = readable(file.fd, STATE_BYTES)
        except FileNotFoundError:
            data = b""
        identity = decode_identity(data, root.where("outbox.state"))
        return OutboxState(data), identity or self._lost_identity()

    def _lost_identity(self) -> Identity:
        for number in reversed(self.numbers):
            with self._file(number) as file:
                prologue = find_prologue(number, file)
            if prologue is not None:
                return Identity(prologue.outbox, prologue.generation, self.now)
        if self.numbers and self.position is not None:
            return Identity(self.position.outbox, 1, self.now)
        return new_identity(self.now)

    def _open_state(self) -> StateFile:
        root = self.held.root
        file = root.create("outbox.state")
        data = readable(file.fd, STATE_BYTES)
        found = decode_identity(data, root.where("outbox.state"))
        if found is None or file.opened.st_size != STATE_BYTES:
            # What follows the identity has checks of its own; what fails them is rebuilt.
            whole = data.ljust(STATE_BYTES, b"\0")
            self.disk.pwrite(file.fd, self.identity.encode() + whole[44:], 0, "state")
            self.disk.truncate(file.fd, STATE_BYTES, "state")
        return StateFile(file)

    def _mend_metadata(self) -> None:
        with self.queue.create("metadata.cq4t") as file:
            fd = file.fd
            if not is_valid(fd):
                # In place: readers keep it mapped. A new count of modifications makes them look.
                data = new_metadata(self.numbers, self.now)
                self.disk.pwrite(fd, data, 0, "listing")
                if os.fstat(fd).st_size != METADATA_BYTES:
                    self.disk.truncate(fd, METADATA_BYTES, "listing")
            else:
                # A writer may have died between the link of a cycle and its listing.
                update_listing(fd, self.numbers, self.disk)

    # --- cycles ---

    def _look_at_newest(
        self, newest: int | None, earlier: list[int]
    ) -> tuple[CycleFile | None, Tail | None, int, bool]:
        """The newest cycle and its tail if it can be opened, the last sequence, whether it fails.

        "Finding the tail" in FORMAT.md.
        """
        given = self.state.next_sequence()
        if newest is None:
            return None, None, 0, False
        if newest in self.failed:
            # It was looked into before it was marked; but the state may have been damaged since.
            return None, None, 0 if given is not None else self._highest(newest, earlier), False
        if newest not in self.numbers:
            return None, None, self._last_sequence(earlier), False
        cycle = None
        try:
            cycle = self._open(newest)
            tail = find_tail(cycle, None, self.disk)
            self.prologue = prologue_of(cycle) if tail.entry >= 0 else None
        except BrokenChainError as broken:
            return cycle, broken.tail, self._highest(newest, earlier), True
        except UnparsableError:
            return None, None, self._highest(newest, earlier), True
        holds = tail.entry >= 0
        last = tail.sequence if holds else self._last_sequence(earlier)
        # Where a power cut kept what is younger, it may have lost records that are older.
        lost = self._sequence_behind(given, last) > last + 1
        if lost and (holds or self._facts(newest).sequence):
            return cycle, tail, self._highest(newest, earlier), True
        return cycle, tail, last, False

    def _look_at_the_one_before(self, earlier: list[int]) -> tuple[CycleFile, Tail, bool] | None:
        """A power cut may have kept the newest cycle and lost the EOF of the one before it.

        Its tail, and whether that can be ended.
        """
        if not earlier or earlier[-1] in self.failed:
            return None
        try:
            cycle = self._open(earlier[-1])
        except UnparsableError:
            return None  # readers salvage it
        prologue_of(cycle)  # says so if another version wrote it (FORMAT I11)
        try:
            return cycle, find_tail(cycle, None, self.disk), True
        except BrokenChainError as broken:
            return cycle, broken.tail, False  # and that

    def _book(self, cycle: CycleFile, tail: Tail, state: StateFile) -> Tail:
        """Book the records that stand behind word1; the tail afterwards."""
        if tail.last == cycle.words64[cycle.word1]:
            return tail
        try:
            return find_tail(cycle, state, self.disk)
        except BrokenChainError as broken:
            return broken.tail

    def _end(self, cycle: CycleFile, tail: Tail, whole: bool, state: StateFile) -> None:
        tail = self._book(cycle, tail, state)
        if tail.ended or not whole:
            return
        # EOF would hide from readers what stands behind the tail (FORMAT I5).
        hidden = self._facts(cycle.number).sequence > tail.sequence
        if hidden or not cycle.end(tail.offset, self.options.lock_timeout, self.disk):
            state.mark_failed(cycle.number, self.disk)

    def _describe(self, session: WriterSession, cycle: CycleFile, tail: Tail) -> None:
        session.cycle = cycle
        session.last = tail.last
        session.tail = tail.offset
        session.entry = tail.entry
        session.sequence = tail.sequence
        booked = self.booked
        if booked is not None and booked.number != cycle.number:
            booked = None
        prologue = self.prologue
        if prologue is not None:
            newest = NewestCycle(cycle.number, prologue.base, prologue.cycle_hour)
        elif booked is not None:
            newest = booked
        else:
            base = self._bytes_in(self.numbers[:-1])
            newest = NewestCycle(cycle.number, base, self.now // HOUR_MS)
        session.base = newest.base
        session.hour = newest.hour
        if booked is None or (booked.base, booked.hour) != (newest.base, newest.hour):
            session.state.set_newest_cycle(newest, self.disk)
        if tail.ended:
            session.close_cycle()
        elif self.options.directory.power:
            session.commit_through(cycle, self.held.root)

    def _open(self, number: int) -> CycleFile:
        try:
            file = self._file(number)
        except FileNotFoundError:
            raise UnparsableError("it was removed") from None
        return CycleFile(number, file, self.identity.outbox)

    def _file(self, number: int) -> File:
        """The file of a cycle, which may have a second name still, as its writer died."""
        name = cycle_name(number)
        return self.queue.open(name, 2 if leftover(name) in self.leftovers else 1)

    def _facts(self, number: int, *, failed: bool = False) -> CycleFacts:
        failed = failed or number in self.failed
        known = self.known.get((number, failed))
        if known is None:
            try:
                file = self._file(number)
            except FileNotFoundError:
                return CycleFacts(None, 0, 0)  # settled and removed meanwhile
            known = read_facts(number, file, self.identity.outbox, failed=failed)
            self.known[number, failed] = known
        return known

    # --- sequences ---

    def _sequence_behind(self, given: int | None, last: int) -> int:
        settled = self.position.sequence if self.position is not None else 0
        if settled >= LAST_SEQUENCE:
            settled = 0  # none that was given
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

    def _highest(self, newest: int, earlier: list[int]) -> int:
        found = self._facts(newest, failed=True).sequence
        return max(found, self._last_sequence(earlier))

    # --- bytes ---

    def _base_behind(self, newest: int) -> int:
        """The base of the cycle that follows one which cannot be continued."""
        if newest in self.numbers:
            base = self._bytes_in(self.numbers)
        else:
            base = self.booked.base if self.booked is not None else 0
        position = self.position
        if position is not None and position.outbox == self.identity.outbox:
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
