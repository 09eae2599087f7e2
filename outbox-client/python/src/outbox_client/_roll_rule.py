"""When a new cycle begins, and which number it gets."""

from __future__ import annotations

from outbox_client._errors import OutboxCorrupt, broken_invariant

HOUR_MS = 3_600_000
ROLL_BYTES = 1 << 30
DAY = 24
LAST_CYCLE = 70_389_527  # 9999-12-31, 23 h


def next_cycle(hour: int, newest: int | None) -> int:
    """The number of a new cycle: the hour, unless that is behind or far ahead of the newest.

    Raises:
        OutboxCorrupt: there is no number left.
    """
    number = hour if newest is None or newest < hour <= newest + DAY else newest + 1
    if number > LAST_CYCLE:
        raise OutboxCorrupt(
            f"cycle {newest} is the last that has a name (year 9999): move the outbox away once it "
            "is drained, and begin a new one"
        )
    if newest is not None and number <= newest:
        raise broken_invariant(6, f"cycle {number} would be begun behind {newest}")
    return number


def stays(hour: int, cycle_hour: int, end: int, roll_bytes: int) -> bool:
    """Whether a record that ends at *end* still belongs into a cycle that can be continued.

    A leap of the clock moves one cycle on, a step back by less than a day moves nothing.
    """
    return end < roll_bytes and cycle_hour - DAY <= hour <= cycle_hour
