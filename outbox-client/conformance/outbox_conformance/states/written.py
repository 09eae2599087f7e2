"""States that writers leave which die nowhere. Both languages write them, byte for byte."""

from __future__ import annotations

import uuid

from ..cyclefile import FAST_HOURLY, HOUR, SMALL
from ..records import Event
from .builder import Builder, State, event_id, plain


def empty() -> State:
    return Builder().finish("empty", "Initialised, nothing appended.", writable=True)


def one_record() -> State:
    return Builder().several(1).finish("one-record", "One record.", writable=True)


def all_fields() -> State:
    builder = Builder()
    for event in _all_kinds_of_events():
        builder.append(event)
    about = "Null and empty keys and values, headers of all kinds, Unicode, every padding."
    return builder.finish("all-fields", about, writable=True)


def _all_kinds_of_events() -> list[Event]:
    many = tuple((f"h{number}", str(number).encode()) for number in range(128))
    odd_headers = (("ключ", "значение".encode()), ("\U0001f4e6", b"\xff\x00"), ("n" * 255, b""))
    repeated = (("a", b"1"), ("b", None), ("a", b"2"), ("a", b"1"), ("empty", b""))
    key, value = b"k", b"v"
    return [
        Event(event_id(1), topic="t", value=value),
        Event(event_id(2), topic="t" * 249, key=b"", value=b""),
        Event(event_id(3), topic="null-key", key=None, value=value),
        Event(event_id(4), topic="tombstone", key=key, value=None),
        Event(event_id(5), topic="nothing", key=None, value=None),
        Event(event_id(6), key=bytes(range(256)), value=bytes(reversed(range(256)))),
        Event(
            event_id(7),
            topic="Topics.may_hold-these.0",
            key="Schlüssel".encode(),
            value="значение \U0001f4e6".encode(),
            headers=odd_headers,
        ),
        Event(event_id(8), key=key, value=value, headers=repeated),
        Event(event_id(9), key=key, value=value, headers=many),
        Event(event_id(10), key=key, value=value, timestamp=0),
        Event(event_id(11), key=key, value=value, timestamp=(1 << 63) - 1),
        Event(uuid.UUID(int=0), key=key, value=value),
        Event(uuid.UUID("f81d4fae-7dec-41d0-a765-00a0c91e6bf6"), key=key, value=value),
        *(Event(event_id(20 + odd), topic="four", value=b"v" * (4 + odd)) for odd in range(4)),
    ]


def partition() -> State:
    builder = Builder()
    for number, chosen in enumerate((0, 7, None, (1 << 31) - 1), start=1):
        builder.append(Event(event_id(number), key=b"k", value=b"v", partition=chosen))
    about = "Partitions that the caller chose: 0, 7, none, the highest."
    return builder.finish("partition", about, writable=True)


def indexed() -> State:
    about = "257 records: the first two index slots are in use."
    return Builder().several(257).finish("indexed", about, writable=True)


def roll_by_hour() -> State:
    builder = Builder()
    for number, after in enumerate((1, 1, HOUR, 5 * HOUR, -2 * HOUR), start=1):
        builder.append(plain(number), after=after)
    about = "The clock moves on by an hour, by five, and back by two: three cycles."
    return builder.finish("roll-by-hour", about, writable=True)


def roll_by_size() -> State:
    builder = Builder(roll_bytes=67_000).several(7, size=300)
    about = "A cycle is full at 67000 bytes: several within an hour, ahead of the clock."
    return builder.finish("roll-by-size", about, writable=True)


def clock_leaps() -> State:
    builder = Builder()
    ten_years = 10 * 365 * 24 * HOUR
    for number, after in enumerate((1, ten_years, 1, -ten_years, 24 * HOUR), start=1):
        builder.append(plain(number), after=after)
    about = "The clock leaps ten years ahead and back, then on by a day: a cycle for each leap."
    return builder.finish("clock-leaps", about, writable=True)


def small_layout() -> State:
    builder = Builder()
    builder.image.layout = SMALL
    builder.several(128)
    builder.image.layout = FAST_HOURLY
    about = (
        "A cycle file with pages of 32 slots for every 4th entry. The first page is full: the next "
        "record needs a second one."
    )
    return builder.finish("small-layout", about)


def small_layout_three_pages() -> State:
    builder = Builder()
    builder.image.layout = SMALL
    for number in range(1, 262):
        builder.append(plain(number, 4 * (number % 2)))
    builder.image.layout = FAST_HOURLY
    about = "The same with pages at both alignments within 8 bytes; the third has one slot in use."
    return builder.finish("small-layout-three-pages", about)


STATES = [
    empty,
    one_record,
    all_fields,
    partition,
    indexed,
    roll_by_hour,
    roll_by_size,
    clock_leaps,
    small_layout,
    small_layout_three_pages,
]
