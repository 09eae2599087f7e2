"""Appends one event of 1 KB per operation, in the way that the first argument names.

    lane_append.py floor|floor-sync|process|power|sqlite DIRECTORY
    lane_append.py sync DIRECTORY, the fdatasync of as many bytes alone
    lane_append.py batch|sqlite-batch DIRECTORY, 100 events per operation
    lane_append.py paced DIRECTORY TOPIC PER-SECOND
    lane_append.py confluent BOOTSTRAP TOPIC

Protocol: see lanes.Lane.
"""

from __future__ import annotations

import fcntl
import json
import os
import resource
import struct
import sys
from array import array
from time import perf_counter_ns, sleep, time_ns
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable

TOPIC = "bench"
VALUE = bytes(range(256)) * 4
BATCH = 100
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


def sync(place: str) -> tuple[Callable[[], object], Callable[[], object]]:
    """A sync, and the write that it is for."""
    data = os.open(f"{place}/sync.data", os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o660)
    return lambda: os.fdatasync(data), lambda: os.write(data, WRITTEN)


def outbox(place: str, durability: str, topic: str = TOPIC) -> Callable[[], object]:
    from outbox_client import Outbox

    append = Outbox(place, durability=durability).append
    return lambda: append(VALUE, topic=topic)


def batch(place: str) -> Callable[[], object]:
    from outbox_client import Outbox

    append_all = Outbox(place).append_all
    return lambda: append_all({"value": VALUE, "topic": TOPIC} for _ in range(BATCH))


def sqlite(place: str, *, in_batches: bool) -> Callable[[], object]:
    """The same bytes into a table, as an outbox in a database of one's own would be."""
    import sqlite3

    database = sqlite3.connect(f"{place}/floor.db", isolation_level=None)
    database.execute("PRAGMA journal_mode=WAL")
    database.execute("PRAGMA synchronous=NORMAL")
    database.execute(
        "CREATE TABLE IF NOT EXISTS outbox (sequence INTEGER PRIMARY KEY, record BLOB NOT NULL)"
    )
    # The module keeps statements prepared.
    insert = "INSERT INTO outbox (record) VALUES (?)"
    row = (WRITTEN[12:],)
    if not in_batches:
        return lambda: database.execute(insert, row)

    def append_all() -> None:
        database.execute("BEGIN")
        database.executemany(insert, (row for _ in range(BATCH)))
        database.execute("COMMIT")

    return append_all


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
    if name == "batch":
        return batch(place)
    if name.startswith("sqlite"):
        return sqlite(place, in_batches=name == "sqlite-batch")
    if name == "confluent":
        return confluent(place, topic)
    return floor(place, sync=name == "floor-sync")


def work(
    operation: Callable[[], object],
    count: int,
    per_second: float,
    before: Callable[[], object] = int,
) -> dict[str, float]:
    took = array("q", bytes(8 * count))
    now = perf_counter_ns
    usage, thread = resource.getrusage, resource.RUSAGE_THREAD
    begin = now()
    slowest, slowest_at, pauses = 0, 0, 0
    for index in range(count):
        if per_second:
            # A pace, not a wait for anything.
            sleep(max(0.0, (begin - now()) / 1e9 + index / per_second))
        before()
        slept = usage(thread).ru_nvcsw
        start = now()
        operation()
        took[index] = lasted = now() - start
        if lasted > slowest:
            slowest, slowest_at = lasted, start
            pauses = usage(thread).ru_nvcsw - slept
    ordered = sorted(took)
    return {
        "p50": ordered[count // 2],
        "p99": ordered[count * 99 // 100],
        "p999": ordered[count * 999 // 1000],
        "mean": sum(ordered) / count,
        "operations": count,
        "longest": slowest,
        "longest_at": time_ns() - (now() - slowest_at),
        "pauses": pauses,
    }


def main() -> None:
    name, place, *more = sys.argv[1:]
    if name == "sync":
        operation, before = sync(place)
    else:
        operation, before = contestant(name, place, *more[:1]), int
    per_second = float(more[1]) if name == "paced" else 0.0
    print("ready", flush=True)
    for line in sys.stdin:
        print(json.dumps(work(operation, int(line), per_second, before)), flush=True)


if __name__ == "__main__":
    main()
