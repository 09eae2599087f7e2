"""Guesses about rolling, bases, the index, the listing, the state and the cap."""

from __future__ import annotations

import dataclasses
import os
import uuid
from typing import TYPE_CHECKING, Any

from .. import cyclefile
from ..cyclefile import FAST_HOURLY, OVERLAP
from ..reference import booking, files, session, writer
from ..reference.session import Session
from .mutant import mutant

if TYPE_CHECKING:
    from ..entries import Entry
    from ..identity import Identity
    from ..records import Record
    from ..reference.tail import Cycle, Tail
    from ..sparsefiles import SparseFile

_RECORD = writer._record
_WRITE_LISTING = files.write_listing


def _failed_counts_nothing(cycle: Cycle, found: Tail, *, known: bool) -> int:
    return found.offset if known else cycle.first_data


def _failed_ends_with_its_chain(cycle: Cycle, found: Tail, *, known: bool) -> int:
    if known:
        return found.offset
    return cycle.first_data if found.last is None else found.last.behind


def _first_free_page(cycle: Cycle, pages: int, _number: int) -> int:
    return next(slot for slot in range(4096) if not cycle.view.u64(pages + 8 * slot))


def _page_within_a_batch(cycle: Cycle, entry: Entry) -> bool:
    return True


def _any_page(*what: Any) -> bool:
    return True


def _page_by_its_count(file: SparseFile, at: int, count: int) -> bool:
    return file.u64(at + 12 + 7 & ~7) == count


def _without_marks(known: Identity, data: bytes) -> bytes:
    return known.encode() + data.ljust(4096, b"\0")[44:128] + bytes(4096 - 128)


def _listing_by_two(descriptor: int, found: tuple[int, int]) -> None:
    _WRITE_LISTING(descriptor, found)
    _WRITE_LISTING(descriptor, found)


def _over_a_leftover(queue: str, cycle: int) -> bool:
    """Write into a leftover .tmp as it stands."""
    temporary = os.path.join(queue, f".{cyclefile.name(cycle)}.tmp")
    file = cyclefile.new_file(FAST_HOURLY)
    descriptor = files.create(temporary)
    os.pwrite(descriptor, bytes(file.data), 0)
    os.ftruncate(descriptor, file.size)
    os.close(descriptor)
    os.rename(temporary, os.path.join(queue, cyclefile.name(cycle)))
    return True


def _own_leftover(name: str) -> bool:
    return False


def _makes_an_id_for_zero(*arguments: Any) -> Record:
    record = _RECORD(*arguments)
    return dataclasses.replace(
        record, event_id=record.event_id if record.event_id.int else uuid.uuid4()
    )


def _names_only(numbers: list[int], _booked: object) -> int | None:
    return max(numbers, default=None)


MUTANTS = [
    # --- rolling ---
    mutant(
        "the zeros count for the size of a cycle",
        "append roll-size-to-the-byte",
        (writer, "fits", lambda end, size, *, empty: empty or end + 8 < size),
    ),
    mutant(
        "a record may end with the cycle",
        "write roll-by-size",
        (writer, "fits", lambda end, size, *, empty: empty or end <= size),
    ),
    mutant(
        "an empty cycle can be full",
        "append empty-cycle-beyond-the-roll-size",
        (writer, "fits", lambda end, size, *, empty: end < size),
    ),
    mutant(
        "24 hours back is a leap",
        "write clock-bounds",
        (writer, "is_of_its_day", lambda hour, begun: begun - 24 < hour <= begun),
    ),
    mutant(
        "25 hours back is none",
        "write clock-bounds",
        (writer, "is_of_its_day", lambda hour, begun: begun - 25 <= hour <= begun),
    ),
    mutant(
        "24 hours ahead is a leap",
        "write clock-bounds",
        (
            writer,
            "next_number",
            lambda hour, newest: (
                hour if newest is None or newest < hour < newest + 24 else newest + 1
            ),
        ),
    ),
    mutant(
        "25 hours ahead is none",
        "write clock-bounds",
        (
            writer,
            "next_number",
            lambda hour, newest: (
                hour if newest is None or newest < hour <= newest + 25 else newest + 1
            ),
        ),
    ),
    mutant(
        "the hour of a cycle is that of any other",
        "append unlisted-cycle-of-another-hour",
        (session, "speaks_of", lambda booked, cycle: True),
    ),
    mutant(
        "the number of a removed cycle is free",
        "append newest-cycle-removed",
        (session, "newest_number", _names_only),
    ),
    mutant(
        "a leftover .tmp is written into",
        "append leftover-tmp-longer",
        (files, "new_cycle", _over_a_leftover),
        (session, "is_leftover", _own_leftover),
    ),
    mutant(
        "a leftover .tmp stays",
        "append leftover-tmp-of-another-cycle",
        (session, "is_leftover", _own_leftover),
    ),
    mutant(
        "a failed cycle counts nothing",
        "append failed-cycle",
        (session, "end_of", _failed_counts_nothing),
    ),
    mutant(
        "a failed cycle ends with its chain",
        "append unbooked-batch-torn-in-the-middle",
        (session, "end_of", _failed_ends_with_its_chain),
    ),
    mutant(
        "a base may be below what was settled",
        "append failed-cycle-that-was-settled",
        (session, "at_least_settled", lambda base, settled: base),
    ),
    # --- the file and the index ---
    mutant("a file never grows", "append growth", (writer, "must_grow", lambda end, size: False)),
    mutant(
        "a file grows for the record alone",
        "append growth",
        (writer, "must_grow", lambda end, size: end > size - OVERLAP),
    ),
    mutant(
        "a file grows one byte early",
        "append not-grown-yet",
        (writer, "must_grow", lambda end, size: end + 8 >= size - OVERLAP),
    ),
    mutant(
        "index pages have no gaps",
        "append two-index-pages-missing",
        (booking, "page_to_append", _first_free_page),
    ),
    mutant(
        "a slot is written wherever a page was",
        "append index-page-lost",
        (cyclefile, "is_page", _any_page),
    ),
    mutant(
        "a slot is written wherever a page's count is",
        "append index-page-damaged",
        (cyclefile, "is_page", _page_by_its_count),
    ),
    mutant(
        "a page may stand behind any record",
        "append append-batch-over-a-missing-page",
        (booking, "may_get_a_page", _page_within_a_batch),
    ),
    # --- listing and state ---
    mutant(
        "the lowest cycle is not looked at",
        "append oldest-cycle-removed",
        (files, "is_stale", lambda listed, found: listed[0] != found[0]),
    ),
    mutant(
        "the listing counts each value",
        "write roll-by-hour",
        (files, "write_listing", _listing_by_two),
    ),
    mutant(
        "a state without identity has no marks",
        "append state-without-identity-and-failed-marks",
        (files, "mended", _without_marks),
    ),
    mutant(
        "failed marks go into the first slot",
        "append failed-slots-in-use",
        (files, "slot_for", lambda marks: marks.index(0) if 0 in marks else 0),
    ),
    mutant(
        "an event id of zeros is none",
        "write all-fields",
        (writer, "_record", _makes_an_id_for_zero),
    ),
    # --- the cap ---
    mutant(
        "a cap is never reached to the byte",
        "append cap-to-the-byte",
        (writer, "exceeds", lambda held, cap: held >= cap),
    ),
    mutant(
        "a cap may be passed by a byte",
        "append cap-reached",
        (writer, "exceeds", lambda held, cap: held > cap + 1),
    ),
    mutant(
        "what the relay holds does not count",
        "append cap-reached",
        (Session, "held_bytes", lambda self: 0),
    ),
    mutant(
        "any position settles",
        "append cap-and-another-outbox-settled",
        (Session, "_is_ours", lambda self: True),
    ),
]
