"""How fast a backlog gets into Kafka, against Kafka's own benchmark of its producer."""

from __future__ import annotations

import re
from statistics import median
from time import perf_counter
from typing import TYPE_CHECKING

from arena import RELAY_JVM
from figures import Ratio, Row, at_least, rate
from lanes import BENCHMARKS_JAR
from progress import TopicEnd

from harness.child import Child, clean_environment
from harness.places import java
from harness.waiting import eventually

if TYPE_CHECKING:
    from collections.abc import Callable

    from arena import Arena

EVENTS = 400_000
EVENT_BYTES = 1024
DRAIN_SECONDS = 600.0
# What the relay's producer is set to; ProducerPerformance gets the same.
PRODUCER = {
    "acks": "all",
    "enable.idempotence": "true",
    "batch.size": "262144",
    "linger.ms": "5",
    "compression.type": "none",
    "buffer.memory": str(64 << 20),
}


def run(arena: Arena) -> list[Row]:
    events = arena.scale.of(EVENTS)
    ours: list[float] = []
    theirs: list[float] = []
    for _ in range(max(3, arena.scale.rounds // 2)):
        ours.append(_relay(arena, events))
        theirs.append(_producer_performance(arena, events))
    return [
        Row(
            f"drain of {events:,} x 1 KB, at least once",
            rate(median(ours)),
            "ProducerPerformance",
            rate(median(theirs)),
            Ratio.of(ours, theirs),
            at_least(0.95),
        )
    ]


def observed_rate(
    bootstrap: str, topic: str, events: int, running: Callable[[], object], *, already: int = 0
) -> float:
    """Records per second from the first look that finds new ones to the one that finds all.

    The same yardstick for both contestants: neither its JVM's start nor its connecting counts.
    """
    with TopicEnd(bootstrap, topic) as end:

        def offset() -> int:
            running()
            return end.offset()

        eventually("new records", lambda: offset() > already, within=DRAIN_SECONDS)
        first, begun = end.offset(), perf_counter()
        eventually(f"{events} records", lambda: offset() >= events, within=DRAIN_SECONDS)
        return (events - first) / (perf_counter() - begun)


def _relay(arena: Arena, events: int) -> float:
    outbox = arena.directory("drain") / "outbox"
    topic = arena.topic("drain")
    arena.backlog(outbox, topic, events)
    with arena.relay(outbox) as relay:
        relay.start(wait=False)
        return observed_rate(arena.broker.bootstrap, topic, events, relay.assert_running)


def _producer_performance(arena: Arena, events: int) -> float:
    topic = arena.topic("ceiling")
    settings = {**PRODUCER, "bootstrap.servers": arena.broker.bootstrap}
    command = [
        *(java(), *RELAY_JVM, "-cp", str(BENCHMARKS_JAR)),
        "org.apache.kafka.tools.ProducerPerformance",
        *("--topic", topic, "--num-records", str(events), "--record-size", str(EVENT_BYTES)),
        *("--throughput", "-1", "--command-property"),
        *(f"{name}={value}" for name, value in settings.items()),
    ]
    with Child(command, log=arena.log("ceiling"), env=clean_environment()) as child:
        observed = observed_rate(arena.broker.bootstrap, topic, events, lambda: None)
        if child.wait():
            raise RuntimeError(child.output()[-4000:])
    if not re.search(rf"^{events} records sent", child.output(), re.MULTILINE):
        raise RuntimeError(child.output()[-4000:])
    return observed
