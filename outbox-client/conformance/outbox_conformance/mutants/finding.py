"""Guesses about finding the tail, of the newest cycle and of the one before."""

from __future__ import annotations

import dataclasses
import os
from typing import TYPE_CHECKING

from .. import cyclefile, identity, records
from ..entries import Entry, Kind
from ..reference import session, tail
from ..reference.session import Session
from ..reference.tail import End
from .mutant import mutant

if TYPE_CHECKING:
    from ..reference.tail import Cycle, Tail

_KNOWN = tail.known
_CONCLUDE = Session._conclude
_END_THE_ONE_BEFORE = Session._end_the_one_before


def _alien_meta_is_stepped_over(cycle: Cycle, entry: Entry) -> Entry:
    entry = _KNOWN(cycle, entry)
    if entry.kind is Kind.HOSTILE and cycle.view.u32(entry.offset) & cyclefile.META:
        return dataclasses.replace(entry, kind=Kind.PAGE)
    return entry


def _crc_is_not_looked_at(cycle: Cycle, entry: Entry) -> Entry:
    if entry.kind is not Kind.DAMAGED_RECORD:
        return _KNOWN(cycle, entry)
    place = cycle.entries._place(entry.offset)
    data = cycle.view.read(entry.offset + 4, cycle.view.u32(entry.offset))
    record = records.decode(records.seal(data, place), place)
    return dataclasses.replace(entry, kind=Kind.RECORD, record=record)


def _highest_of_the_chain(_cycle: Cycle, found: Tail) -> int:
    return 0 if found.record is None else found.record.sequence


def _last_of_the_newest(self: Session) -> int:
    return 0 if self.tail is None or self.tail.record is None else self.tail.record.sequence


def _last_of_the_one_before(self: Session) -> int:
    if self.tail is not None and self.tail.record is not None:
        return self.tail.record.sequence
    before = self._before[-1:]
    return sum(tail.last_sequence(cycle, tail.find_tail(cycle)) for cycle in before)


def _settled_by_our_relay(self: Session) -> int:
    position = self.position
    booked = identity.of_state(_state_of(self))
    ours = position is not None and booked is not None and position.outbox_id == booked.outbox_id
    return position.sequence if ours and position is not None else 0


def _state_of(self: Session) -> bytes:
    with open(os.path.join(self.outbox, "outbox.state"), "rb") as state:
        return state.read()


def _books_nothing_of_a_failed_cycle(self: Session, sequence: int | None, failed: bool) -> None:
    if failed and self.tail is not None:
        self.tail.unbooked.clear()
    _CONCLUDE(self, sequence, failed)


def _books_nothing_in_the_one_before(self: Session, cycle: Cycle, found: Tail) -> None:
    found.unbooked.clear()
    _END_THE_ONE_BEFORE(self, cycle, found)


def _marks_the_one_before(self: Session, cycle: Cycle, found: Tail) -> None:
    _END_THE_ONE_BEFORE(self, cycle, found)
    if found.end is End.FAILED:
        self.state.mark_failed(cycle.number)


def _ahead_if_the_chain_holds_a_record(
    _cycle: Cycle, found: Tail, following: int, last: int
) -> bool:
    return following > last + 1 and found.record is not None


MUTANTS = [
    # --- finding the tail ---
    mutant(
        "a writer steps over any META entry",
        "append alien-meta-behind-word1",
        (tail, "known", _alien_meta_is_stepped_over),
    ),
    mutant(
        "a writer looks at no CRC",
        "append flipped-byte-behind-word1",
        (tail, "known", _crc_is_not_looked_at),
    ),
    mutant(
        "entry 0 may stand anywhere",
        "append entry-0-elsewhere",
        (tail, "is_booked", lambda cycle, entry: entry.record is not None),
    ),
    mutant(
        "a writer goes on behind half a batch",
        "append batch-without-its-last",
        (tail, "breaks_off", lambda found: False),
    ),
    mutant(
        "sequences are those of the chains",
        "append unbooked-batch-torn-in-the-middle",
        (session, "highest_sequence", _highest_of_the_chain),
        # Else the next cycle's opening makes good what this one left.
        (session, "last_sequence", _highest_of_the_chain),
    ),
    mutant(
        "an empty cycle has no sequence",
        "append survivors-before-an-empty-cycle",
        (Session, "_last_sequence", _last_of_the_newest),
    ),
    mutant(
        "one cycle before the newest is looked at",
        "append survivors-before-two-empty-cycles",
        (Session, "_last_sequence", _last_of_the_one_before),
    ),
    mutant(
        "a position says nothing of sequences",
        "append position-ahead",
        (Session, "_settled_sequence", lambda self: 0),
    ),
    mutant(
        "another outbox's position says nothing",
        "append position-of-another-outbox-ahead",
        (Session, "_settled_sequence", _settled_by_our_relay),
    ),
    mutant(
        "a state that is ahead is taken as it is",
        "append state-ahead",
        (session, "is_ahead", lambda *what: False),
    ),
    mutant(
        "a state that is ahead fails an empty cycle",
        "append state-ahead-of-an-empty-cycle",
        (session, "is_ahead", lambda cycle, found, following, last: following > last + 1),
    ),
    mutant(
        "survivors are overwritten",
        "append survivors-behind-an-empty-beginning",
        (session, "is_ahead", _ahead_if_the_chain_holds_a_record),
    ),
    mutant(
        "a failed mark hides a damaged sequence",
        "append failed-mark-and-damaged-sequence",
        (session, "is_damaged", lambda sequence: False),
        (session, "last_sequence", _highest_of_the_chain),
    ),
    mutant(
        "nothing is booked in a failed cycle",
        "append flipped-byte-behind-word1",
        (Session, "_conclude", _books_nothing_of_a_failed_cycle),
    ),
    # --- the cycle before ---
    mutant(
        "the cycle before is not ended",
        "append missing-eof",
        (Session, "_end_the_one_before", lambda *what: None),
    ),
    mutant(
        "nothing is booked in the cycle before",
        "append missing-eof-and-an-unbooked-entry",
        (Session, "_end_the_one_before", _books_nothing_in_the_one_before),
    ),
    mutant(
        "EOF hides what is behind it",
        "append survivors-before-the-next-cycle",
        (session, "hides", lambda *what: False),
    ),
    mutant(
        "the cycle before is marked failed",
        "append older-page-0-zeroed",
        (Session, "_end_the_one_before", _marks_the_one_before),
    ),
]
