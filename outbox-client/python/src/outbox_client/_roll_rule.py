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


def roll(
    hour: int,
    newest: int | None,
    cycle_hour: int,
    ended: bool,
    failed: bool,
    end: int,
    roll_bytes: int = ROLL_BYTES,
) -> int | None:
    """The rule as a whole: None to stay in the newest cycle, else the number of the next.

    Args:
        hour: of the clock, since the epoch.
        newest: number of the newest cycle; None while there is none.
        cycle_hour: the hour in which the newest was begun.
        ended: it has an EOF mark.
        failed: it is flagged as failed.
        end: where the next record would end in it.
        roll_bytes: a record that ends there or beyond begins a new cycle.
    """
    if newest is not None and not ended and not failed and stays(hour, cycle_hour, end, roll_bytes):
        return None
    return next_cycle(hour, newest)
