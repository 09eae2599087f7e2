"""When a new cycle begins, and which number it gets."""

from __future__ import annotations

HOUR_MS = 3_600_000
ROLL_BYTES = 1 << 30
DAY = 24
LAST_CYCLE = 70_389_527  # 9999-12-31, 23 h


def next_cycle(hour: int, newest: int | None) -> int:
    """The number of a new cycle: the hour, unless that is behind or far ahead of the newest."""
    if newest is None or newest < hour <= newest + DAY:
        return hour
    return newest + 1


def stays(hour: int, cycle_hour: int, end: int, roll_bytes: int) -> bool:
    """Whether a record that ends at *end* still belongs into a cycle that can be continued.

    A leap of the clock moves one cycle on, a step back by less than a day moves nothing.
    """
    return end < roll_bytes and cycle_hour - DAY <= hour <= cycle_hour
