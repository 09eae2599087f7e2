"""Reads an outbox as it lies on disk, damaged or not. Slow and plain: a judge, not a relay."""

from __future__ import annotations

import os
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from . import cyclefile, identity
from .entries import CycleView, Entries, Entry, Kind, UnreadableError
from .outbox import Published
from .wire import UnparsableError

if TYPE_CHECKING:
    import uuid

    from .records import Record

_STOPS = {Kind.FORMER_FORMAT: "former-format", Kind.LATER_VERSION: "later-version"}
_PROBLEMS = {
    Kind.DAMAGED_RECORD: "crc",
    Kind.NOT_A_RECORD: "not-a-record",
    Kind.HOSTILE: "hostile-length",
    Kind.UNREADABLE: "unreadable-block",
}


@dataclass(frozen=True)
class Problem:
    """What a reader must report: where, and which kind."""

    cycle: int
    offset: int
    kind: str


@dataclass(frozen=True)
class Stop:
    """What a reader must stop at; without a place it is outbox.state."""

    kind: str
    cycle: int | None = None
    offset: int | None = None


@dataclass
class Scan:
    """All that an outbox holds, in order."""

    outbox_id: uuid.UUID | None = None
    records: list[Published] = field(default_factory=list)
    problems: list[Problem] = field(default_factory=list)
    stopped: Stop | None = None


def scan(outbox: str, behind: Published | None = None) -> Scan:
    """Read the records of an outbox, and name every problem.

    Args:
        outbox: its path.
        behind: the last record that was read before; without it, all are read.
    """
    result = Scan()
    try:
        result.outbox_id = identity.of_reader(outbox)
    except identity.OtherFormatError as other:
        result.stopped = Stop(other.kind)
        return result
    queue = os.path.join(outbox, "queue")
    cycles = cyclefile.numbers(os.listdir(queue))
    for cycle in cycles:
        if behind is not None and cycle < behind.cycle:
            continue
        with open(os.path.join(queue, cyclefile.name(cycle)), "rb", buffering=0) as file:
            entries = Entries(CycleView(file.fileno()), result.outbox_id, cycle)
            walk = _Walk(result, entries, newest=cycle == cycles[-1])
            walk.run(behind if behind is not None and cycle == behind.cycle else None)
        if result.stopped is not None:
            break
    return result


class _Walk:
    """Through one cycle; each step returns where to go on, or None at the end."""

    def __init__(self, result: Scan, entries: Entries, *, newest: bool) -> None:
        self.result = result
        self.entries = entries
        self.newest = newest
        self.last: Record | None = None
        self.damaged = False
        self.word1: int | None = None

    def run(self, behind: Published | None) -> None:
        at: int | None
        try:
            header = cyclefile.parse_header(self.entries.file)
            # Before the walk: what it names by now is published.
            self.word1 = self.entries.file.u64(header.word1)
            self.entries.count = header.layout.count
            at = header.first_data
        except (UnparsableError, UnreadableError):
            self._problem(0, "unreadable-header")
            at = None if behind else self._search(0)
        if behind is not None:
            self.last = behind.record
            at = self.entries.at(behind.offset).behind
            if behind.record.batch:
                at = self._rest_of_a_batch(at)
        while at is not None:
            at = self._step(self.entries.at(at))

    def _step(self, entry: Entry) -> int | None:
        if entry.kind in _STOPS:
            self._stop(entry)
            return None
        if entry.kind is Kind.PAGE:
            return entry.behind
        if entry.kind in (Kind.FREE, Kind.EOF):
            return self._end(entry)
        if entry.record is not None:
            return self._record(entry, entry.record)
        self._problem(entry.offset, _PROBLEMS[entry.kind])
        if entry.kind is Kind.DAMAGED_RECORD:
            return entry.behind
        return self._search(entry.behind if entry.kind is Kind.UNREADABLE else entry.offset + 4)

    def _end(self, entry: Entry) -> int | None:
        if self.word1 is None:
            # Nothing tells whether this is the end: what is found behind it says that it is not.
            return self._search(entry.offset + 4)
        if entry.offset <= self.word1:
            self._problem(entry.offset, "chain-ends-before-word1")
            return self._search(entry.offset + 4)
        if entry.kind is Kind.EOF or self.newest:
            return None
        self._problem(entry.offset, "missing-eof")
        return self._search(entry.offset + 4)

    def _search(self, start: int) -> int | None:
        self.damaged = True
        found = self.entries.search(start, self.last)
        while found is not None and found.record is not None and found.record.continued:
            # Its batch's beginning is lost, or was never published.
            found = self.entries.search(found.behind, self.last)
        return None if found is None else found.offset

    def _record(self, entry: Entry, record: Record) -> int | None:
        if not self._follows(record):
            self._problem(entry.offset, "order")
            return entry.behind
        if record.continued:
            # The head of its batch is lost.
            self._problem(entry.offset, "incomplete-batch")
            run, _ = self._run(entry, record)
            self.last = run[-1].record
            return run[-1].behind
        if not record.batch:
            self._deliver([entry])
            return entry.behind
        run, next_entry = self._run(entry, record)
        self.last = run[-1].record
        if next_entry is None:
            self._deliver(run)
            return run[-1].behind
        if next_entry.kind in _STOPS:
            # It may be whole for who can read the rest.
            self._stop(entry)
            return None
        self._problem(entry.offset, "incomplete-batch")
        return run[-1].behind

    def _run(self, entry: Entry, record: Record) -> tuple[list[Entry], Entry | None]:
        """Return the records of a batch from one on, and what breaks it off before its last."""
        run = [entry]
        while record.batch:
            entry = self.entries.at(entry.behind)
            following = entry.record
            if following is None or not following.continued or not _is_next(following, record):
                return run, entry
            record = following
            run.append(entry)
        return run, None

    def _rest_of_a_batch(self, at: int) -> int:
        """Go on within a batch whose records before were delivered."""
        while self.last is not None and self.last.batch:
            entry = self.entries.at(at)
            following = entry.record
            if following is None or not following.continued or not _is_next(following, self.last):
                break
            self._deliver([entry])
            at = entry.behind
        return at

    def _follows(self, record: Record) -> bool:
        last = self.last
        if last is None:
            return self.damaged or record.entry == 0
        if record.sequence - record.entry != last.sequence - last.entry:
            return False
        return record.entry == last.entry + 1 or (self.damaged and record.entry > last.entry)

    def _deliver(self, run: list[Entry]) -> None:
        for entry in run:
            assert entry.record is not None
            self.last = entry.record
            self.result.records.append(Published(self.entries.cycle, entry.offset, entry.record))
        self.damaged = False

    def _problem(self, offset: int, kind: str) -> None:
        self.damaged = True
        self.result.problems.append(Problem(self.entries.cycle, offset, kind))

    def _stop(self, entry: Entry) -> None:
        kind = _STOPS.get(entry.kind, "later-version")
        self.result.stopped = Stop(kind, self.entries.cycle, entry.offset)


def _is_next(record: Record, last: Record) -> bool:
    return (record.entry, record.sequence) == (last.entry + 1, last.sequence + 1)
