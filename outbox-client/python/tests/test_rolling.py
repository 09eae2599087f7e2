"""The rule by which cycles follow one another."""

from __future__ import annotations

import pytest

from outbox_client._roll_rule import ROLL_BYTES, next_cycle, stays

NEWEST = 1000


@pytest.mark.parametrize(
    ("about", "hour", "cycle_hour", "end", "expected"),
    [
        ("the same hour", 1000, 1000, 100, None),
        ("an hour on", 1001, 1000, 100, 1001),
        ("a day on", 1024, 1000, 100, 1024),
        ("more than a day on: one cycle", 1025, 1000, 100, 1001),
        ("ten years on: one cycle", 1000 + 87_600, 1000, 100, 1001),
        ("after that leap, in its hour", 88_600, 88_600, 100, None),
        ("after that leap, the clock is put right", 1002, 88_600, 100, 1002),
        ("an hour back", 999, 1000, 100, None),
        ("a day back", 976, 1000, 100, None),
        ("more than a day back", 975, 1000, 100, 1001),
        ("just below the size", 1000, 1000, ROLL_BYTES - 1, None),
        ("at the size", 1000, 1000, ROLL_BYTES, 1001),
        ("numbers ahead of the clock", 990, 990, ROLL_BYTES, 1001),
        ("numbers ahead, the hour moves on", 991, 990, 100, 1001),
    ],
)
def test_the_rule(about: str, hour: int, cycle_hour: int, end: int, expected: int | None) -> None:
    remains = stays(hour, cycle_hour, end, ROLL_BYTES)
    assert (None if remains else next_cycle(hour, NEWEST)) == expected, about


def test_the_first_cycle_is_the_hour() -> None:
    assert next_cycle(77, None) == 77
