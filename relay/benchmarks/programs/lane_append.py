"""Appends one event of 1 KB per operation, in the way that the first argument names.

    lane_append.py floor|floor-sync|process|power DIRECTORY
    lane_append.py paced DIRECTORY TOPIC PER-SECOND
    lane_append.py confluent BOOTSTRAP TOPIC

Protocol: see lanes.Lane.
"""

from __future__ import annotations

import fcntl
import json
import os
import struct
import sys
from array import array
from time import perf_counter_ns, sleep
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable

TOPIC = "bench"
VALUE = bytes(range(256)) * 4
# A record's fixed part and topic, the header word before it, the zeros behind it.
WRITTEN = bytes(4 + 72 + len(TOPIC) + len(VALUE) + 3 + 8)


def floor(place: str, *, sync: bool) -> Callable[[], object]:
    """The least that any shared durable append has to do: lock, write, unlock."""
    data = os.open(f"{place}/floor.data", os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o660)
    lock = os.open(f"{place}/floor.lock", os.O_RDWR | os.O_CREAT, 0o660)
    locked = struct.pack("hhqqi4x", fcntl.F_WRLCK, os.SEEK_SET, 0, 1, 0)
    unlocked = struct.pack("hhqqi4x", fcntl.F_UNLCK, os.SEEK_SET, 0, 1, 0)
    control, set_lock, write, flush = fcntl.fcntl, fcntl.F_OFD_SETLK, os.write, os.fdatasync

    def append() -> None:
        control(lock, set_lock, locked)
        write(data, WRITTEN)
        control(lock, set_lock, unlocked)

    def append_and_sync() -> None:
        append()
        flush(data)

    return append_and_sync if sync else append


def outbox(place: str, durability: str, topic: str = TOPIC) -> Callable[[], object]:
    from outbox_client import Outbox

    append = Outbox(place, durability=durability).append
    return lambda: append(VALUE, topic=topic)


def confluent(bootstrap: str, topic: str) -> Callable[[], object]:
    from confluent_kafka import Producer

    producer = Producer({"bootstrap.servers": bootstrap, "acks": "all"})

    def append() -> None:
        producer.produce(topic, VALUE)
        if producer.flush(60):
            raise RuntimeError("not delivered within a minute")

    return append


def contestant(name: str, place: str, topic: str = TOPIC) -> Callable[[], object]:
    if name in ("process", "power"):
        return outbox(place, name)
    if name == "paced":
        return outbox(place, "process", topic)
    if name == "confluent":
        return confluent(place, topic)
    return floor(place, sync=name == "floor-sync")


def work(operation: Callable[[], object], count: int, per_second: float) -> dict[str, float]:
    took = array("q", bytes(8 * count))
    now = perf_counter_ns
    begin = now()
    for index in range(count):
        if per_second:
            # A pace, not a wait for anything.
            sleep(max(0.0, (begin - now()) / 1e9 + index / per_second))
        start = now()
        operation()
        took[index] = now() - start
    ordered = sorted(took)
    return {
        "p50": ordered[count // 2],
        "p99": ordered[count * 99 // 100],
        "mean": sum(ordered) / count,
        "operations": count,
    }


def main() -> None:
    name, place, *more = sys.argv[1:]
    operation = contestant(name, place, *more[:1])
    per_second = float(more[1]) if name == "paced" else 0.0
    print("ready", flush=True)
    for line in sys.stdin:
        print(json.dumps(work(operation, int(line), per_second)), flush=True)


if __name__ == "__main__":
    main()
