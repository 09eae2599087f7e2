"""Any value becomes JSON, and what can be kept is kept."""

from __future__ import annotations

import json
import math
from collections import OrderedDict, defaultdict, deque, namedtuple
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta, timezone
from decimal import Decimal
from enum import Enum, IntEnum
from fractions import Fraction
from pathlib import Path
from typing import Any
from uuid import UUID

import attrs
import pytest
from hypothesis import given
from hypothesis import strategies as st

from airflow_provider_outbox.events import EventSource, EventType, WorkflowEvent
from airflow_provider_outbox.events._json import (
    MAX_DEPTH,
    to_json_object,
    to_json_value,
    to_text,
)


def encoded(value: object) -> Any:
    """As a consumer sees it."""
    event = WorkflowEvent(
        event_type=EventType.CUSTOM,
        source=EventSource.CUSTOM,
        workflow_id="w",
        workflow_run_id="r",
        payload={"data": value},
    )
    return WorkflowEvent.from_json(event.to_json().encode()).payload["data"]


class Colour(Enum):
    RED = "red"


class Level(IntEnum):
    HIGH = 3


class Text(str):
    __slots__ = ()


@dataclass
class Order:
    number: int
    due: date


@attrs.define
class Parcel:
    weight: Decimal


Point = namedtuple("Point", "x y")  # noqa: PYI024 - what users have


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        # what JSON knows
        (None, None),
        (True, True),
        (2**64, 2**64),
        (0.1, 0.1),
        ("ä\U0001f600\0", "ä\U0001f600\0"),
        ([1, (2, 3)], [1, [2, 3]]),
        (deque([1]), [1]),
        (range(3), [0, 1, 2]),
        (OrderedDict(b=1, a=2), {"b": 1, "a": 2}),
        (defaultdict(int, a=1), {"a": 1}),
        # one obvious text
        (
            datetime(2025, 1, 31, 12, tzinfo=timezone.utc),
            "2025-01-31T12:00:00+00:00",
        ),
        (datetime(2025, 1, 31), "2025-01-31T00:00:00"),  # noqa: DTZ001
        (date(2025, 1, 31), "2025-01-31"),
        (time(12, 30), "12:30:00"),
        (timedelta(days=1, seconds=1, microseconds=500_000), "P1DT1.5S"),
        (timedelta(seconds=-1), "-P0DT1S"),
        (Decimal("1.10"), "1.10"),
        (Decimal("NaN"), "NaN"),
        (Fraction(1, 3), "1/3"),
        (UUID(int=1), "00000000-0000-0000-0000-000000000001"),
        (Path("/a/b"), "/a/b"),
        (Colour.RED, "red"),
        (Level.HIGH, 3),
        (EventType.TASK_FAILED, "TASK_FAILED"),
        (Text("text"), "text"),
        # made of named parts
        (Order(7, date(2025, 1, 1)), {"number": 7, "due": "2025-01-01"}),
        (Parcel(Decimal("1.5")), {"weight": "1.5"}),
        (Point(1, 2), {"x": 1, "y": 2}),
        # the rest says what it is
        (math.nan, {"$float": "NaN"}),
        (-math.inf, {"$float": "-Infinity"}),
        (b"\x00\xff", {"$bytes": "AP8="}),
        (bytearray(b"a"), {"$bytes": "YQ=="}),
        ({3, 1, 2}, {"$set": [1, 2, 3]}),
        (frozenset({"b", "a"}), {"$set": ["a", "b"]}),
        # keys
        ({1: "a", None: "b", False: "c"}, {"1": "a", "null": "b", "false": "c"}),
        ({date(2025, 1, 1): 1}, {"2025-01-01": 1}),
        ({1: "a", "1": "b"}, {"$pairs": [[1, "a"], ["1", "b"]]}),
        ({(1, 2): "a"}, {"$pairs": [[[1, 2], "a"]]}),
        ({"$set": [1]}, {"$pairs": [["$set", [1]]]}),
        ({"$ref": "x"}, {"$ref": "x"}),
    ],
    ids=repr,
)
def test_values_are_encoded_as_documented(value: object, expected: object) -> None:
    found = encoded(value)
    assert found == expected
    assert type(found) is type(expected)


def test_a_number_too_long_for_decimal_digits_is_written_in_hexadecimal() -> None:
    assert encoded(1 << 20_000) == {"$int": hex(1 << 20_000)}


def test_what_is_unknown_is_shown_with_its_type() -> None:
    class Unknown:
        def __repr__(self) -> str:
            return "x" * 5_000

    shown = encoded(Unknown())["$object"]
    assert shown["type"].endswith("Unknown")
    assert shown["repr"] == "x" * 1_000 + "..."
    assert "$object" in encoded(iter([1]))
    assert "$object" in encoded(Unknown)


def test_a_value_that_raises_is_still_shown() -> None:
    class Hostile(dict[str, int]):
        def items(self) -> Any:
            raise RuntimeError("no")

        def __repr__(self) -> str:
            raise RuntimeError("never")

    assert encoded(Hostile(a=1))["$object"]["repr"] == "<no repr: RuntimeError>"


def test_cycles_and_depth_are_cut() -> None:
    cycle: list[Any] = [1]
    cycle.append(cycle)
    assert encoded(cycle) == [1, {"$cut": "cycle"}]
    shared = [1]
    assert encoded([shared, shared]) == [[1], [1]]
    deep: list[Any] = []
    for _ in range(10_000):
        deep = [deep]
    found = to_json_value(deep)
    for _ in range(MAX_DEPTH):
        (found,) = found
    assert found == {"$cut": "depth"}


def test_a_lone_surrogate_does_not_break_utf8() -> None:
    assert encoded({"\ud800": "a\udfff"}) == {"?": "a?"}


values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text() | st.binary()
    | st.decimals() | st.datetimes() | st.timedeltas() | st.uuids() | st.fractions(),
    lambda inner: st.lists(inner)
    | st.dictionaries(st.text() | st.integers() | st.none() | st.booleans(), inner)
    | st.tuples(inner, inner),
    max_leaves=20,
)  # fmt: skip


@given(values)
def test_nothing_raises_and_everything_is_json(value: object) -> None:
    found = to_json_value(value)
    assert json.loads(json.dumps(found, allow_nan=False)) == found


json_values = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.text(st.characters(exclude_categories=["Cs"])),
    lambda inner: (
        st.lists(inner) | st.dictionaries(st.text(st.characters(exclude_categories=["Cs"])), inner)
    ),
    max_leaves=20,
)


@given(json_values)
def test_json_stays_as_it_is(value: object) -> None:
    assert encoded(value) == value


# --- how much of a value is looked at ---


def doubled(times: int) -> list[Any]:
    """Short to write down, and 2 ** *times* long."""
    value: list[Any] = [1]
    for _ in range(times):
        value = [value, value]
    return value


@pytest.mark.parametrize(
    "value",
    [
        range(10**15),
        doubled(60),
        "x" * 10_000_000,
        bytes(10_000_000),
        memoryview(bytes(10_000_000)),
        {"a": range(10**15)},
        [[range(10**15)]] * 10,
        {(1, 2): range(10**15)},
        [{"x" * 100_000: 1}] * 100,
    ],
    ids=lambda value: type(value).__name__,
)
def test_what_is_too_long_is_not_read_to_its_end(value: Any) -> None:
    found, too_long = to_json_object({"data": value}, 10_000)
    assert too_long
    assert len(to_text(found)) < 40_000


@pytest.mark.parametrize(
    "value",
    [
        [1] * 100,
        [[]] * 100,
        ["ä"] * 100,
        [{"a": 1}] * 100,
        {str(number): None for number in range(100)},
        {number: {} for number in range(100)},
        {(1, 2): [3]},
        b"abc" * 100,
        memoryview(b"abc" * 100),
        {1, 2, 3},
        [math.nan, Decimal("1.5"), date(2025, 1, 1)],
        doubled(4),
    ],
    ids=lambda value: type(value).__name__,
)
def test_what_is_as_long_as_allowed_is_whole(value: Any) -> None:
    whole, _ = to_json_object({"data": value}, 1_000_000)
    size = len(to_text(whole).encode())
    assert to_json_object({"data": value}, size) == (whole, False)


@given(values)
def test_json_is_never_taken_for_longer_than_it_is(value: object) -> None:
    size = len(to_text({"data": to_json_value(value)}).encode())
    assert to_json_object({"data": value}, size) == ({"data": to_json_value(value)}, False)
