"""Compares what is found in an outbox with what its writers were told."""

from __future__ import annotations

import itertools
import re
from collections import Counter
from typing import TYPE_CHECKING, Any, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Sequence

    from .outbox import Published
    from .writers import History


class Event(NamedTuple):
    """One record, as a reader found it."""

    writer: str
    number: int
    sequence: int
    event_id: str
    chronicle_index: int


def from_chronicle(lines: Iterable[dict[str, Any]]) -> list[Event]:
    """Return the events of a dump of Chronicle's."""
    return [
        Event(
            line["key"],
            _number(line["value"]),
            line["sequence"],
            line["event_id"],
            line["cycle"] << 32 | line["entry"],
        )
        for line in lines
    ]


def from_scan(found: Iterable[Published]) -> list[Event]:
    """Return the events of a scan of our own."""
    return [
        Event(
            (published.record.key or b"").decode(),
            _number((published.record.value or b"")[:64].decode()),
            published.record.sequence,
            str(published.record.event_id),
            published.index,
        )
        for published in found
    ]


def _number(value: str) -> int:
    found = re.search(r'"n":(\d+)', value)
    if found is None:
        raise ValueError(f"no writer of ours made the value {value!r}")
    return int(found[1])


def violations(
    events: Sequence[Event], histories: Iterable[History], *, may_lose: Collection[str] = ()
) -> list[str]:
    """Name everything that a reader must not find.

    Nothing acknowledged is missing; nothing is there twice, or that nobody appended; the events of
    each writer of one thread are in its order; sequences and indexes grow and are used once; a
    batch is whole and nothing stands within it, or nothing of it is there.

    Args:
        events: as read, in the reader's order.
        histories: of all writers.
        may_lose: writers whose acknowledged events need not survive what was done to them.
    """
    histories = list(histories)
    unordered = {history.writer for history in histories if history.threads > 1}
    found = [
        *_growth(events),
        *_used_twice(events),
        *_out_of_order([event for event in events if event.writer not in unordered]),
    ]
    by_append = {(event.writer, event.number): event for event in events}
    allowed: set[tuple[str, int]] = set()
    for history in histories:
        writer = history.writer
        found += _in_part(by_append, history)
        allowed.update((writer, number) for number in history.acks.keys() | history.in_doubt())
        for number, ack in history.acks.items():
            event = by_append.get((writer, number))
            if event is None:
                if writer not in may_lose:
                    found.append(f"lost: {writer} {number}, acknowledged as {ack.sequence}")
            elif (event.sequence, event.event_id) != ack:
                found.append(f"not what was acknowledged: {event} but {ack}")
    found += [f"phantom: {event}" for key, event in by_append.items() if key not in allowed]
    return found


def _in_part(by_append: dict[tuple[str, int], Event], history: History) -> list[str]:
    batches: dict[int, list[Event]] = {}
    last = max(history.acks.keys() | history.in_doubt(), default=-1)
    for number in range(history.first, last + 1) if history.batch > 1 else ():
        event = by_append.get((history.writer, number))
        if event is not None:
            batches.setdefault((number - history.first) // history.batch, []).append(event)
    return [
        f"in part: of a batch of {history.writer} {len(batch)} of {history.batch}, from {batch[0]}"
        for batch in batches.values()
        if len(batch) != history.batch
        or {event.sequence - event.number for event in batch}
        != {batch[0].sequence - batch[0].number}
    ]


def _growth(events: Sequence[Event]) -> list[str]:
    return [
        f"{name} does not grow: {one} {other}"
        for one, other in itertools.pairwise(events)
        for name in ("sequence", "chronicle_index")
        if getattr(other, name) <= getattr(one, name)
    ]


def _used_twice(events: Sequence[Event]) -> list[str]:
    identities: dict[str, Counter[Any]] = {
        "append": Counter((event.writer, event.number) for event in events),
        "event id": Counter(event.event_id for event in events),
        "sequence": Counter(event.sequence for event in events),
        "chronicle index": Counter(event.chronicle_index for event in events),
    }
    return [
        f"{name} {value} is there {count} times"
        for name, counts in identities.items()
        for value, count in counts.items()
        if count > 1
    ]


def _out_of_order(events: Sequence[Event]) -> list[str]:
    last: dict[str, int] = {}
    found = []
    for event in events:
        if event.number < last.get(event.writer, -1):
            found.append(f"out of order: {event} after number {last[event.writer]}")
        last[event.writer] = event.number
    return found
