"""Appends to an outbox on disk, as FORMAT.md has it."""

from __future__ import annotations

import os
import struct
import time
from typing import TYPE_CHECKING

from .. import cyclefile, records
from ..cyclefile import CHUNK, HOUR, align4
from ..entries import Entry, Kind
from ..outbox import GIB, Published
from . import files, group
from .booking import book, write_eof
from .errors import FullError, KilledError, UnsyncedError
from .lock import Lock
from .rules import exceeds, fits, is_of_its_day, must_grow, next_number
from .session import Session
from .tail import End

if TYPE_CHECKING:
    from collections.abc import Callable
    from types import TracebackType

    from typing_extensions import Self

    from ..records import Event, Record

_FULL = 2
# Of cycles that others or itself begin before one takes the record.
_ENOUGH = 20


class Writer:
    """One writer, which keeps its files open from one append to the next.

    Args:
        outbox: its path.
        clock: milliseconds since the epoch.
        roll_bytes: a record that ends there begins a new cycle.
        max_bytes: the cap.
        power: return when what was appended is on stable storage.
        dies_at: the step behind which it dies: sequence (stored when the tail was looked for),
            repaired, ended, linked, begun, written, published; try (for the sync lock), lock
            (had, or not to be had), word1 (read), synced, range (stored), told (of an error).
    """

    def __init__(
        self,
        outbox: str,
        *,
        clock: Callable[[], int] | None = None,
        roll_bytes: int = GIB,
        max_bytes: int | None = None,
        lock_timeout: float = 5.0,
        power: bool = False,
        dies_at: str | None = None,
    ) -> None:
        self.outbox = outbox
        self._clock = clock or (lambda: time.time_ns() // 1_000_000)
        self._roll_bytes = roll_bytes
        self._max_bytes = max_bytes
        self._power = power
        self._dies_at = dies_at
        files.make_directories(outbox)
        self._lock = Lock(outbox, lock_timeout)
        self._lock_openings = 0
        self._session: Session | None = None
        self._unsynced: group.Published | None = None

    def append(self, *events: Event) -> list[Published]:
        """Append an event, or several as a batch.

        Raises:
            OtherFormatError: the outbox is of another format.
            FullError: the cap is reached.
            BusyError: another writer holds the lock.
            UnsyncedError: they are published, and may not survive a power cut.
        """
        published = self.publish(*events)
        if self._power:
            self.make_durable()
        return published

    def publish(self, *events: Event) -> list[Published]:
        """Append without bringing it to stable storage."""
        with self._lock.held():
            now = self._clock()
            session = self._take_session(now)
            session = self._cycle_for(session, events, now)
            published = self._publish(session, events, now)
            self._session = session
        assert session.cycle is not None
        first, last = published[0].offset, published[-1].offset
        self._unsynced = group.Published(session.cycle, session.state, first, last)
        return published

    def make_durable(self) -> None:
        """Bring what was published last to stable storage, if nobody has done so.

        Raises:
            UnsyncedError: the disk failed.
        """
        published, self._unsynced = self._unsynced, None
        assert published is not None
        try:
            group.bring_to_storage(published, self._lock, self._dies)
        except OSError as problem:
            self._dies("told")
            with self._lock.held():
                published.state.mark_failed(published.cycle.number)
            raise UnsyncedError(str(problem)) from problem

    def open(self) -> None:
        """Open the outbox and mend it."""
        with self._lock.held():
            self._session = self._take_session(self._clock())

    def mark_newest_failed(self) -> None:
        """Do what a writer does whose sync of the newest cycle has failed."""
        with self._lock.held():
            session = self._take_session(self._clock())
            assert session.newest is not None
            session.state.mark_failed(session.newest)
            self._session = session

    def _take_session(self, now: int) -> Session:
        """Return what is held open if it is still good; it is put back when all is consistent."""
        session, self._session = self._session, None
        if session is not None:
            if self._lock.openings == self._lock_openings and session.is_current():
                if not session.knows_its_tail() and session.cycle is not None:
                    session.find_tail()
                return session
            session.close()
        return self._open(now)

    def _open(self, now: int) -> Session:
        self._lock_openings = self._lock.openings
        if self._power:
            files.sync_directories(self.outbox)
        return Session(self.outbox, now, self._dies)

    def _dies(self, step: str) -> None:
        if step == self._dies_at:
            raise KilledError(step)

    # --- rolling ---

    def _cycle_for(self, session: Session, events: tuple[Event, ...], now: int) -> Session:
        """Return a session whose newest cycle takes the events."""
        for _ in range(_ENOUGH):
            if self._stays(session, events, now):
                return session
            files.refuse_links(self.outbox)
            if others_went_on(session):
                session.close()
                session = self._open(now)
                continue
            failed = session.state.is_failed(session.newest)
            if session.cycle is not None and session.tail is not None and not failed:
                if session.tail.end is End.OPEN:
                    write_eof(session.cycle, session.tail)
                self._dies("ended")
            base = session.next_base()
            number = next_number(now // HOUR, session.newest)
            created = files.new_cycle(session.queue, number)
            self._dies("linked")
            if created:
                files.mend_listing(os.path.join(session.queue, "metadata.cq4t"), now)
                session.state.set_newest(number, base, now // HOUR)
                self._dies("begun")
            session.close()
            session = self._open(now)
        raise AssertionError("no cycle takes the record")

    def _stays(self, session: Session, events: tuple[Event, ...], now: int) -> bool:
        tail = session.tail
        if session.cycle is None or tail is None or tail.end is not End.OPEN:
            return False
        if session.state.is_failed(session.newest):
            return False
        end = tail.offset + sum(4 + len(each) for each in self._encode(session, events, now))
        return fits(end, self._roll_bytes, empty=tail.last is None) and is_of_its_day(
            now // HOUR, session.hour
        )

    # --- appending ---

    def _publish(self, session: Session, events: tuple[Event, ...], now: int) -> list[Published]:
        cycle, tail = session.cycle, session.tail
        assert cycle is not None
        assert tail is not None
        encoded = self._encode(session, events, now)
        data = b"".join(struct.pack("<I", len(each)) + each for each in encoded)
        offset = tail.offset
        self._check_cap(session, align4(offset + len(data)))
        if must_grow(offset + len(data), cycle.view.size):
            os.ftruncate(cycle.descriptor, cycle.view.size + CHUNK)
        os.pwrite(cycle.descriptor, bytes(4) + data[4:] + bytes(8), offset)
        self._dies("written")
        if self._power:
            group.clear_if_wrong(session.state, cycle.number, offset)
        files.store(cycle.descriptor, offset, len(encoded[0]), width=4)
        self._dies("published")
        entries = self._read_back(session, offset, len(events))
        tail.last, tail.offset = entries[-1], entries[-1].behind
        book(session.state, cycle, tail, entries)
        return [
            Published(cycle.number, entry.offset, entry.record)
            for entry in entries
            if entry.record is not None
        ]

    def _read_back(self, session: Session, offset: int, count: int) -> list[Entry]:
        entries: list[Entry] = []
        assert session.cycle is not None
        for _ in range(count):
            entry = session.cycle.entries.at(offset)
            assert entry.kind is Kind.RECORD
            entries.append(entry)
            offset = entry.behind
        return entries

    def _encode(self, session: Session, events: tuple[Event, ...], now: int) -> list[bytes]:
        assert session.cycle is not None
        assert session.tail is not None
        offset = session.tail.offset
        encoded = []
        for number, event in enumerate(events):
            record = _record(session, event, number, len(events), now)
            place = records.Place(session.state.outbox_id, session.cycle.number, offset)
            encoded.append(records.encode(record, place))
            offset += 4 + len(encoded[-1])
        return encoded

    def _check_cap(self, session: Session, end: int) -> None:
        assert session.cycle is not None
        held = session.base + end - session.cycle.first_data
        held += session.held_bytes() - session.settled_bytes()
        if self._max_bytes is not None and exceeds(held, self._max_bytes):
            files.count_refusal(self.outbox, _FULL)
            raise FullError(f"{held} bytes of {self._max_bytes}")

    # --- ending ---

    def close(self) -> None:
        """Close the files."""
        if self._session is not None:
            self._session.close()
            self._session = None
        self._lock.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self.close()


def _record(session: Session, event: Event, number: int, count: int, now: int) -> Record:
    assert session.tail is not None
    last = session.tail.record
    entry = (0 if last is None else last.entry + 1) + number
    identity = session.state.identity
    return records.Record(
        entry=entry,
        sequence=(session.state.next_sequence() or 1) + number,
        append_time=now,
        timestamp=now if event.timestamp is None else event.timestamp,
        event_id=event.event_id,
        topic=event.topic,
        key=event.key,
        value=event.value,
        headers=event.headers,
        partition=event.partition,
        batch=number < count - 1,
        continued=number > 0,
        prologue=None
        if entry
        else records.Prologue(identity.outbox_id, identity.generation, session.base, session.hour),
    )


def others_went_on(session: Session) -> bool:
    """Whether there is a newer cycle than the one that is held open."""
    numbers = cyclefile.numbers(os.listdir(session.queue))
    booked = session.state.newest()
    if booked is not None:
        numbers.append(booked[0])
    return bool(numbers) and (session.newest is None or max(numbers) > session.newest)
