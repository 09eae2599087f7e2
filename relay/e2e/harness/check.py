"""Whether what arrived is what was appended.

Everything here is a pure function of the ledgers and the records of the topics, so that tests can
feed it faults that it must find.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from dataclasses import dataclass
from typing import TYPE_CHECKING

from .ledger import Ack, Append

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from .ledger import Ledgers
    from .topics import Delivered

SHOWN = 5


@dataclass(frozen=True)
class Findings:
    """What the check found. Duplicates may be within the documented window; the rest never."""

    acked: int
    delivered: int
    missing: tuple[Ack, ...]
    duplicates: Mapping[Append, int]
    disorder: tuple[tuple[Append, Append], ...]
    phantoms: tuple[Delivered, ...]
    changed: tuple[Delivered, ...]

    @property
    def duplicate_count(self) -> int:
        """Deliveries beyond the first of each event."""
        return sum(self.duplicates.values())

    def problems(self, *, duplicates_allowed: bool) -> list[str]:
        """One line, with examples, for each kind of thing that must not be."""
        kinds: list[tuple[str, list[object]]] = [
            ("acked events are missing", [*self.missing]),
            ("events were first delivered out of their writer's order", [*self.disorder]),
            ("records come from no append", [*self.phantoms]),
            ("records differ from what was appended", [*self.changed]),
        ]
        if not duplicates_allowed:
            kinds.append(("events were delivered more than once", [*self.duplicates.items()]))
        return [
            f"{len(found)} {kind}: {', '.join(map(str, found[:SHOWN]))}"
            for kind, found in kinds
            if found
        ]


def check(ledgers: Ledgers, delivered: Iterable[Delivered]) -> Findings:
    """Compare the writers' ledgers with the records of a topic, given by partition and offset.

    Order is checked per writer over the first delivery of each event; a writer's events have one
    key, and so one partition.
    """
    records = list(delivered)
    acks = {ack.append: ack for ack in ledgers.acked}
    seen: Counter[Append] = Counter()
    last: dict[str, Append] = {}
    disorder: list[tuple[Append, Append]] = []
    phantoms: list[Delivered] = []
    changed: list[Delivered] = []
    for record in records:
        append = Append.from_value(record.value)
        if append is None or append not in ledgers.tried:
            phantoms.append(record)
            continue
        if (
            record.value != append.value(len(record.value or b""))
            or record.key != append.writer.encode()
            or (append in acks and acks[append].event_id != record.event_id)
        ):
            changed.append(record)
        seen[append] += 1
        if seen[append] == 1:
            before = last.get(append.writer)
            if before is not None and before.number > append.number:
                disorder.append((before, append))
            last[append.writer] = append
    return Findings(
        acked=len(acks),
        delivered=len(records),
        missing=tuple(ack for append, ack in acks.items() if append not in seen),
        duplicates={append: count - 1 for append, count in seen.items() if count > 1},
        disorder=tuple(disorder),
        phantoms=tuple(phantoms),
        changed=tuple(changed),
    )


def sequences_given_twice(ledgers: Ledgers) -> dict[int, list[Append]]:
    """Sequences that more than one acked append got; empty when all is well."""
    given: dict[int, list[Append]] = defaultdict(list)
    for ack in ledgers.acked:
        given[ack.sequence].append(ack.append)
    return {sequence: appends for sequence, appends in given.items() if len(appends) > 1}


def repeated_without_a_cause(
    ledgers: Ledgers, found: Findings, positions: Sequence[int]
) -> dict[Append, int]:
    """Acked events repeated more often than the relay was killed with its position before them.

    Args:
        positions: the saved position's sequence at each kill.
    """
    sequences = {ack.append: ack.sequence for ack in ledgers.acked}
    return {
        append: count
        for append, count in found.duplicates.items()
        if append in sequences
        and count > sum(position < sequences[append] for position in positions)
    }


def percentile(values: Iterable[float], percent: float) -> float:
    """The nearest-rank percentile; NaN of nothing."""
    ordered = sorted(values)
    if not ordered:
        return float("nan")
    rank = max(1, -(-len(ordered) * percent // 100))
    return ordered[int(rank) - 1]
