"""An outbox opened under the writers' lock: what is held open, and what is mended on the way."""

from __future__ import annotations

import os
import uuid
from typing import TYPE_CHECKING

from .. import cyclefile, identity
from ..cyclefile import HOUR
from ..entries import Kind
from ..identity import Identity
from . import files
from .booking import book, write_eof
from .files import State
from .tail import Cycle, End, Tail, end_of, find_tail, highest_sequence, last_sequence, survivors

if TYPE_CHECKING:
    from collections.abc import Callable


class Session:
    """What a writer holds open.

    Attributes:
        newest: the newest cycle's number, None before the first.
        cycle: its file, None before the first and where it was removed.
    """

    def __init__(self, outbox: str, now: int, step: Callable[[str], None]) -> None:
        """Open an outbox and mend it.

        Args:
            outbox: its path.
            now: milliseconds since the epoch.
            step: told what has been done, so that a test can end it there.

        Raises:
            OtherFormatError: it is of another format; nothing was changed.
            OSError: a directory or file is a link.
        """
        files.refuse_links(outbox)
        self.outbox = outbox
        self._step = step
        self.queue = os.path.join(outbox, "queue")
        self.numbers = cyclefile.numbers(os.listdir(self.queue))
        self.position = identity.read_position(outbox)
        path = os.path.join(outbox, "outbox.state")
        data = identity.read_file(path)
        known = identity.of_state(data) or self._lost_identity(now)
        booked = files.newest_cycle(data)
        failed = set(files.failed_marks(data))
        self.newest = newest_number(self.numbers, booked)
        self.tail: Tail | None = None
        self.cycle: Cycle | None = None
        before = [number for number in self.numbers if self.newest is None or number < self.newest]
        self._before = [Cycle(self.queue, number, known.outbox_id) for number in before]
        sequence, is_failed = files.next_sequence(data), False
        if self.newest in self.numbers:
            assert self.newest is not None
            self.cycle = Cycle(self.queue, self.newest, known.outbox_id)
        if self.newest is None or self.newest + 1 not in failed or is_damaged(sequence):
            sequence, is_failed = self._look(sequence)
        ended = None
        if before and before[-1] + 1 not in failed:
            ended = find_tail(self._before[-1])
        # All that is looked at is of this format: from here on files are changed.
        self.state = State(path, known)
        self._mend_others(now)
        self._conclude(sequence, is_failed)
        self._note_from_where_syncs_tell()
        self._describe_newest(now // HOUR)
        if ended is not None:
            self._end_the_one_before(self._before[-1], ended)
        self._step("repaired")

    def _note_from_where_syncs_tell(self) -> None:
        if self.cycle is not None and self.tail is not None and self.cycle.header is not None:
            self.cycle.tail_then = self.tail.offset
            self.cycle.word1_then = self.cycle.word1()

    def _lost_identity(self, now: int) -> Identity:
        prologue = identity.newest_prologue(self.outbox)
        if prologue is not None:
            return Identity(prologue.outbox_id, prologue.generation, now)
        if self.numbers and self.position is not None:
            return Identity(self.position.outbox_id, 1, now)
        return Identity(uuid.uuid4(), 1, now)

    def _mend_others(self, now: int) -> None:
        files.mend_listing(os.path.join(self.queue, "metadata.cq4t"), now)
        counters = files.create(os.path.join(self.outbox, "append.failures"))
        if os.fstat(counters).st_size < 512:
            os.pwrite(counters, b"\0", 511)
        os.close(counters)
        for name in os.listdir(self.queue):
            if is_leftover(name):
                os.unlink(os.path.join(self.queue, name))

    # --- the newest cycle ---

    def find_tail(self) -> None:
        """Look at the newest cycle again, as another writer may have gone on in it."""
        self._conclude(*self._look(self.state.next_sequence()))

    def _look(self, sequence: int | None) -> tuple[int, bool]:
        """Find the tail; return the next sequence, and whether the cycle can't be continued."""
        tail = None if self.cycle is None else find_tail(self.cycle)
        self.tail = tail
        last = self._last_sequence()
        following = max(sequence or 1, last + 1, self._settled_sequence() + 1)
        if self.cycle is None or tail is None:
            return following, False
        failed = tail.end is End.FAILED or is_ahead(self.cycle, tail, following, last)
        if failed:
            following = max(following, highest_sequence(self.cycle, tail) + 1)
        return following, failed

    def _last_sequence(self) -> int:
        if self.tail is not None and self.tail.record is not None:
            return self.tail.record.sequence
        for cycle in reversed(self._before):
            found = last_sequence(cycle, find_tail(cycle))
            if found:
                return found
        return 0

    def _settled_sequence(self) -> int:
        return 0 if self.position is None else self.position.sequence

    def _conclude(self, sequence: int | None, failed: bool) -> None:
        if self.cycle is not None and self.tail is not None:
            book(self.state, self.cycle, self.tail, self.tail.unbooked)
        if sequence is not None and self.state.next_sequence() != sequence:
            self.state.set_next_sequence(sequence)
        self._step("sequence")
        if failed and self.cycle is not None:
            self.state.mark_failed(self.cycle.number)

    def _describe_newest(self, hour: int) -> None:
        """Take base and cycle hour from the prologue, else from the state, else from before."""
        self.base, self.hour = 0, hour
        booked = self.state.newest()
        if self.cycle is None:
            if booked is not None:
                _, self.base, self.hour = booked
            return
        prologue = self.cycle.prologue()
        if prologue is not None:
            self.base, self.hour = prologue.base, prologue.cycle_hour
        elif booked is not None and speaks_of(booked, self.cycle.number):
            _, self.base, self.hour = booked
        else:
            self.base = self._base_behind(self._before)
        self.state.set_newest(self.cycle.number, self.base, self.hour)

    def _base_behind(self, cycles: list[Cycle]) -> int:
        """Reckon the base of what comes behind these cycles."""
        if not cycles:
            return 0
        newest = cycles[-1]
        prologue = newest.prologue()
        booked = self.state.newest()
        if prologue is not None:
            base = prologue.base
        elif booked is not None and speaks_of(booked, newest.number):
            base = booked[1]
        else:
            base = self._base_behind(cycles[:-1])
        tail = find_tail(newest)
        return self._base_and_length(newest, tail, base, known=tail.end is End.ENDED)

    def _base_and_length(self, cycle: Cycle, tail: Tail, base: int, *, known: bool) -> int:
        """Add a cycle's length to its base.

        Args:
            cycle: that one.
            tail: what a walk found.
            base: where the cycle begins.
            known: whether it ends where the walk did.
        """
        known = known and not self.state.is_failed(cycle.number)
        base += end_of(cycle, tail, known=known) - cycle.first_data
        return base if known else at_least_settled(base, self.settled_bytes())

    def next_base(self) -> int:
        """The base of the cycle behind the newest."""
        if self.newest is None:
            return 0
        if self.cycle is None:
            return at_least_settled(self.base, self.settled_bytes())
        tail = self.tail or find_tail(self.cycle)
        known = tail.end is not End.FAILED
        return self._base_and_length(self.cycle, tail, self.base, known=known)

    def settled_bytes(self) -> int:
        """How many bytes the relay has settled of this outbox."""
        return self.position.settled_bytes if self.position and self._is_ours() else 0

    def held_bytes(self) -> int:
        """How many bytes the relay keeps besides the queue."""
        return self.position.held_bytes if self.position and self._is_ours() else 0

    def _is_ours(self) -> bool:
        return self.position is not None and self.position.outbox_id == self.state.outbox_id

    # --- the one before ---

    def _end_the_one_before(self, cycle: Cycle, tail: Tail) -> None:
        book(self.state, cycle, tail, tail.unbooked)
        if tail.end is End.OPEN and hides(cycle, tail):
            self.state.mark_failed(cycle.number)
        elif tail.end is End.OPEN:
            write_eof(cycle, tail)

    # --- what is held ---

    def is_current(self) -> bool:
        """Whether the files held open are still those of the outbox."""
        if not self.state.is_current():
            return False
        return self.cycle is None or os.fstat(self.cycle.descriptor).st_nlink > 0

    def knows_its_tail(self) -> bool:
        """Whether nobody has gone on in the newest cycle since."""
        if self.cycle is None or self.tail is None or self.state.is_failed(self.newest):
            return False
        last = 0 if self.tail.last is None else self.tail.last.offset
        record = self.tail.record
        return (
            self.tail.end is End.OPEN
            and self.cycle.word1() == last
            and self.state.next_sequence() is not None
            and (record is None or self.state.next_sequence() == record.sequence + 1)
            and self.cycle.entries.at(self.tail.offset).kind is Kind.FREE
        )

    def close(self) -> None:
        """Close all files."""
        os.close(self.state.descriptor)
        for cycle in (*self._before, *([self.cycle] if self.cycle else [])):
            cycle.close()


def is_damaged(sequence: int | None) -> bool:
    """Whether the next sequence has to be found anew, though nobody looks into a failed cycle."""
    return sequence is None


def is_leftover(name: str) -> bool:
    """Whether a name is one that a cycle file has before it is one."""
    return name.startswith(".") and name.endswith(".cq4.tmp")


def speaks_of(booked: tuple[int, int, int], cycle: int) -> bool:
    """Whether base and cycle hour in the state are those of a cycle."""
    return booked[0] == cycle


def at_least_settled(base: int, settled: int) -> int:
    """The base behind a cycle whose end may be before what was settled."""
    return max(base, settled)


def newest_number(numbers: list[int], booked: tuple[int, int, int] | None) -> int | None:
    """The newest cycle: by the names, unless the state knows of a higher that was removed."""
    known = numbers if booked is None else [*numbers, booked[0]]
    return max(known, default=None)


def is_ahead(cycle: Cycle, tail: Tail, following: int, last: int) -> bool:
    """Whether records are lost that were given out, and others could be overwritten."""
    if following <= last + 1:
        return False
    return tail.record is not None or any(survivors(cycle, tail))


def hides(cycle: Cycle, tail: Tail) -> bool:
    """Whether readers would not find records any more if the cycle ended there."""
    return any(survivors(cycle, tail))
