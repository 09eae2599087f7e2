"""Finding the tail of a cycle: looking at it changes nothing."""

from __future__ import annotations

import enum
import os
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from .. import cyclefile
from ..entries import CycleView, Entries, Entry, Kind, UnreadableError
from ..identity import OtherFormatError
from ..wire import UnparsableError

if TYPE_CHECKING:
    import uuid
    from collections.abc import Iterator

    from ..cyclefile import Header
    from ..records import Prologue, Record

_OTHER_FORMATS = {Kind.FORMER_FORMAT: "former-format", Kind.LATER_VERSION: "later-version"}


class End(enum.Enum):
    """How a walk ended."""

    OPEN = enum.auto()
    ENDED = enum.auto()
    FAILED = enum.auto()


@dataclass
class Tail:
    """What a walk from word1 found.

    Attributes:
        end: how it ended, at `offset`.
        last: the last record that is known.
        unbooked: the records behind word1.
    """

    end: End
    offset: int
    last: Entry | None = None
    unbooked: list[Entry] = field(default_factory=list)

    @property
    def record(self) -> Record | None:
        """The last record that is known."""
        return None if self.last is None else self.last.record


class Cycle:
    """A cycle file, held open.

    Attributes:
        tail_then: the tail when it was opened, and all behind word1 was booked.
        word1_then: word1 at that moment.
    """

    def __init__(self, queue: str, number: int, outbox_id: uuid.UUID) -> None:
        self.number = number
        self.path = os.path.join(queue, cyclefile.name(number))
        self.descriptor = os.open(self.path, os.O_RDWR | os.O_NOFOLLOW)
        self.view = CycleView(self.descriptor)
        self.entries = Entries(self.view, outbox_id, number)
        self.header: Header | None = None
        self.tail_then = self.word1_then = 0
        try:
            self.header = cyclefile.parse_header(self.view)
            self.entries.count = self.header.layout.count
        except (UnparsableError, UnreadableError):
            pass

    @property
    def first_data(self) -> int:
        """Where the data begin; an assumption if the header does not parse."""
        return cyclefile.FIRST_DATA if self.header is None else self.header.first_data

    def prologue(self) -> Prologue | None:
        """What the cycle's first record carries, if that is valid."""
        if self.header is not None:
            record = self.entries.at(self.header.first_data).record
        else:
            record = self.entries.any_prologue()
        prologue = None if record is None else record.prologue
        return prologue if prologue and prologue.outbox_id == self.entries.outbox_id else None

    def word1(self) -> int:
        """The offset of the last booked record."""
        assert self.header is not None
        return self.view.u64(self.header.word1)

    def close(self) -> None:
        """Close the file."""
        os.close(self.descriptor)


def find_tail(cycle: Cycle) -> Tail:
    """Walk from word1 to the end of a cycle.

    Raises:
        OtherFormatError: the walk comes by an entry of another format.
    """
    if cycle.header is None:
        return Tail(End.FAILED, 0)
    tail = Tail(End.OPEN, cycle.first_data)
    try:
        word1 = cycle.word1()
    except UnreadableError:
        return Tail(End.FAILED, cycle.first_data)
    if word1:
        if word1 % 4 or word1 < cycle.first_data:
            return Tail(End.FAILED, cycle.first_data)
        entry = known(cycle, cycle.entries.at(word1))
        if not is_booked(cycle, entry):
            return Tail(End.FAILED, cycle.first_data)
        tail = Tail(End.OPEN, entry.behind, entry)
    whole = _walk(cycle, tail)
    if not whole or breaks_off(tail):
        tail.end = End.FAILED
    return tail


def breaks_off(tail: Tail) -> bool:
    """Whether the last record's batch goes on, and no record does."""
    return tail.record is not None and tail.record.batch


def is_booked(cycle: Cycle, entry: Entry) -> bool:
    """Whether the entry at word1 is what must stand there."""
    record = entry.record
    return record is not None and (record.entry == 0) == (entry.offset == cycle.first_data)


def _walk(cycle: Cycle, tail: Tail) -> bool:
    """Go on to the end; return whether the batches on the way are whole."""
    whole = True
    while True:
        entry = known(cycle, cycle.entries.at(tail.offset))
        last = tail.record
        if entry.kind is Kind.PAGE:
            whole = whole and not (last is not None and last.batch)
        elif entry.record is not None and follows(entry.record, last):
            whole = whole and is_where_it_belongs(entry.record, last)
            tail.last = entry
            tail.unbooked.append(entry)
        else:
            tail.end = {Kind.FREE: End.OPEN, Kind.EOF: End.ENDED}.get(entry.kind, End.FAILED)
            return whole
        tail.offset = entry.behind


def is_where_it_belongs(record: Record, last: Record | None) -> bool:
    """Whether a record goes on with a batch exactly where one goes on."""
    return record.continued == (last is not None and last.batch)


def follows(record: Record, last: Record | None) -> bool:
    """Whether a record is the next one."""
    if last is None:
        return record.entry == 0
    return (record.entry, record.sequence) == (last.entry + 1, last.sequence + 1)


def known(_cycle: Cycle, entry: Entry) -> Entry:
    """Return an entry of a cycle if it is of this format.

    Raises:
        OtherFormatError: it is of another one.
    """
    if entry.kind in _OTHER_FORMATS:
        raise OtherFormatError(_OTHER_FORMATS[entry.kind])
    return entry


def survivors(cycle: Cycle, tail: Tail) -> Iterator[Entry]:
    """Search for records behind the last that is known.

    Raises:
        OtherFormatError: the search comes by a record of another format.
    """
    last = tail.record
    at = tail.last.behind if tail.last is not None else 0 if cycle.header is None else tail.offset
    while True:
        entry = cycle.entries.search(at, last)
        if entry is None:
            return
        yield known(cycle, entry)
        last, at = entry.record, entry.behind


def highest_sequence(cycle: Cycle, tail: Tail) -> int:
    """The highest sequence that chain and search find, 0 if there is none."""
    found = [0 if tail.record is None else tail.record.sequence]
    found += [entry.record.sequence for entry in survivors(cycle, tail) if entry.record]
    return max(found)


def last_sequence(cycle: Cycle, tail: Tail) -> int:
    """The sequence of the last record, which is the chain's only where that has ended; or 0."""
    if tail.end is End.ENDED:
        return 0 if tail.record is None else tail.record.sequence
    return highest_sequence(cycle, tail)


def end_of(cycle: Cycle, tail: Tail, *, known: bool) -> int:
    """Return what counts as the end of a cycle: the tail where that is known to be the end."""
    if known:
        return tail.offset
    last = cycle.first_data if tail.last is None else tail.last.behind
    return max((entry.behind for entry in survivors(cycle, tail)), default=last)
