"""The demo's last word: a table that counts every event."""

from __future__ import annotations

from bisect import bisect_right
from typing import TYPE_CHECKING

from live import NANOSECONDS_PER_MICROSECOND, Kafka

from harness.check import percentile

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from harness.check import Findings
    from harness.ledger import Ack, Ledgers

COLUMNS = ("", "appended", "delivered", "duplicates", "missing", "Kafka up", "Kafka down")
UP = {Kafka.UP}
DOWN = {Kafka.DOWN, Kafka.STARTING}


def table(ledgers: Ledgers, found: Findings, timeline: Sequence[tuple[int, Kafka]]) -> str:
    """Events by language, and how long their appends took; appends of the warm-up are not timed."""
    rows = [COLUMNS]
    for label, language in (("Python", "python"), ("Java", "java"), ("all", "")):
        acked = [ack for ack in ledgers.acked if ack.append.writer.startswith(language)]
        missing = sum(ack.append.writer.startswith(language) for ack in found.missing)
        duplicates = sum(
            count
            for append, count in found.duplicates.items()
            if append.writer.startswith(language)
        )
        rows.append(
            (
                label,
                f"{len(acked):,}",
                f"{len(acked) - missing:,}",
                f"{duplicates:,}",
                f"{missing:,}",
                _latency(acked, timeline, UP),
                _latency(acked, timeline, DOWN),
            )
        )
    widths = [max(len(row[column]) for row in rows) for column in range(len(COLUMNS))]
    lines = [
        "  ".join(
            cell.ljust(width) if column == 0 else cell.rjust(width)
            for column, (cell, width) in enumerate(zip(row, widths, strict=True))
        )
        for row in rows
    ]
    rule = "-" * len(lines[0])
    above = "append p50 / p99".rjust(len(rule))
    note = (
        f"{found.delivered:,} records in the topic, read back from Kafka and compared one by one "
        f"with the writers' ledgers."
    )
    return "\n".join(["", above, lines[0], rule, *lines[1:-1], rule, lines[-1], "", note])


def _latency(
    acked: Iterable[Ack], timeline: Sequence[tuple[int, Kafka]], states: set[Kafka]
) -> str:
    starts = [start for start, _ in timeline]
    taken = [
        ack.nanoseconds / NANOSECONDS_PER_MICROSECOND
        for ack in acked
        if ack.unix_milliseconds >= starts[0]
        and timeline[bisect_right(starts, ack.unix_milliseconds) - 1][1] in states
    ]
    return f"{percentile(taken, 50):.0f} / {percentile(taken, 99):.0f} µs" if taken else "-"
