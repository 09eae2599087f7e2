"""What decides about cycles, their length, and the cap."""

from __future__ import annotations

from ..cyclefile import OVERLAP

DAY = 24


def next_number(hour: int, newest: int | None) -> int:
    """The number of the next cycle."""
    return hour if newest is None or newest < hour <= newest + DAY else newest + 1


def is_of_its_day(hour: int, cycle_hour: int) -> bool:
    """Whether the clock has not gone on, nor back by more than a day, since the cycle began."""
    return cycle_hour - DAY <= hour <= cycle_hour


def fits(end: int, roll_bytes: int, *, empty: bool) -> bool:
    """Whether a record that ends there fits into the cycle."""
    return empty or end < roll_bytes


def must_grow(end: int, size: int) -> bool:
    """Whether a record that ends there needs a longer file."""
    return end + 8 > size - OVERLAP


def exceeds(held: int, max_bytes: int) -> bool:
    """Whether an outbox that holds so much would be too full."""
    return held > max_bytes
