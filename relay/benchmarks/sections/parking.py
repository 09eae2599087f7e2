"""What bad topics cost the good ones: their throughput, and the start with a backlog."""

from __future__ import annotations

import time
from statistics import median
from typing import TYPE_CHECKING

from figures import Ratio, Row, at_least, at_most, duration, rate
from lanes import Lane, java_client_program
from progress import TopicEnd

from harness.waiting import eventually

if TYPE_CHECKING:
    from pathlib import Path

    from arena import Arena

BACKLOG = 1_000_000
CHUNK = 1_000
START_SECONDS = 300.0


def run(arena: Arena) -> list[Row]:
    """A restart with events waiting, half of them for a topic that is not there."""
    events = arena.scale.of(BACKLOG)
    with_bad: list[float] = []
    without: list[float] = []
    drained: list[float] = []
    alone: list[float] = []
    for _ in range(max(2, arena.scale.rounds // 3)):
        first, whole = _restart(arena, events, bad=False)
        without.append(first)
        alone.append(whole)
        first, whole = _restart(arena, events, bad=True)
        with_bad.append(first)
        drained.append(whole)
    return [
        Row(
            f"restart to the first delivery, {events:,} events, half of a missing topic",
            duration(median(with_bad) * 1e9),
            "all of the good one",
            duration(median(without) * 1e9),
            Ratio.of(with_bad, without),
            at_most(1.5),
        ),
        Row(
            "events per second, half of them parked, until the good one's last arrives",
            rate(events / median(drained)),
            "all of the good one",
            rate(events / median(alone)),
            Ratio.of([events / took for took in drained], [events / took for took in alone]),
            at_least(0.95),
        ),
    ]


def _restart(arena: Arena, events: int, *, bad: bool) -> tuple[float, float]:
    """Seconds from a start to the first delivery, and to that of the last."""
    outbox = arena.directory("parking") / "outbox"
    good = arena.topic("good")
    chunks = events // CHUNK
    _fill(arena, outbox, [f"{good}-missing" if bad and n % 2 == 0 else good for n in range(chunks)])
    expected = chunks * CHUNK // (2 if bad else 1)
    with arena.relay(outbox) as relay, TopicEnd(arena.broker.bootstrap, good) as end:
        begun = time.perf_counter()
        relay.start(wait=False)

        def offset() -> int:
            relay.assert_running()
            return end.offset()

        eventually("the first", lambda: offset() > 0, within=START_SECONDS, every=0.005)
        first = time.perf_counter() - begun
        eventually("the last", lambda: offset() >= expected, within=START_SECONDS)
        return first, time.perf_counter() - begun


def _fill(arena: Arena, outbox: Path, topics: list[str]) -> None:
    """A chunk of events for each of these, in this order: whoever comes first is at the head."""
    lanes = {
        topic: Lane(
            java_client_program("AppendLane", "fill", outbox, topic),
            CHUNK,
            arena.log("lanes"),
            warm_up=0,
        )
        for topic in dict.fromkeys(topics)
    }
    try:
        for lane in lanes.values():
            lane.start()
        for topic in topics:
            lanes[topic].round()
    finally:
        for lane in lanes.values():
            lane.stop()
