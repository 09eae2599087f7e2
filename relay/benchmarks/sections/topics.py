"""What four bad topics under traffic cost five good ones beside them, on three brokers.

One is missing, one forbidden, one has no leader, one too few replicas in sync. A quota is not
among them: Kafka's are of a client, and slow all of its topics. What as many good ones cost in
their place, whose writers and events take the same host's time, stands beside.
"""

from __future__ import annotations

import time
from contextlib import ExitStack
from dataclasses import dataclass
from statistics import median
from typing import TYPE_CHECKING

from figures import Ratio, Row, at_least, at_most, p99, pair, rate
from lanes import java_program, python_program
from progress import TopicEnd

from harness.cluster import Cluster
from harness.relay import Relay
from harness.setups import Writing
from harness.waiting import eventually

if TYPE_CHECKING:
    from pathlib import Path

    from arena import Arena
    from figures import Round
    from lanes import Lane

GOOD = tuple(f"good-{number}" for number in range(5))
MISSING, FORBIDDEN, OFFLINE, FEW = "missing", "forbidden", "offline", "few"
BAD = (MISSING, FORBIDDEN, OFFLINE, FEW)
MORE = tuple(f"more-{number}" for number, _ in enumerate(BAD))
AWAY = 2
PER_SECOND = 200
PROBE_PER_SECOND = 50
SECONDS = 10


@dataclass(frozen=True)
class Side:
    """An outbox with its relay and its writers; the first writer tells how long events take."""

    relay: Relay
    lanes: list[Lane]
    rounds: list[Round]
    rates: list[float]


def run(arena: Arena) -> list[Row]:
    with ExitStack() as stack:
        cluster = stack.enter_context(Cluster.guarded(arena.directory("brokers")))
        _make_topics(cluster)
        ends = [stack.enter_context(TopicEnd(cluster.bootstrap, topic)) for topic in GOOD]
        without = _side(arena, stack, cluster, "without", GOOD)
        beside = _side(arena, stack, cluster, "beside", (*GOOD, *BAD))
        more = _side(arena, stack, cluster, "more", (*GOOD, *MORE))
        order = [without, beside, more]
        for side in order:
            _round(side, ends)  # all are warm, and what is bad is known to be
            side.rounds.clear()
            side.rates.clear()
        eventually("the bad ones are parked", lambda: _parked(beside.relay) >= set(BAD), within=60)
        for _ in range(max(3, arena.scale.rounds)):
            for side in order:
                _round(side, ends)
            order.append(order.pop(0))
    ours, theirs, full = beside.rounds, without.rounds, more.rounds
    return [
        Row(
            f"good topics' events per second, {len(BAD)} bad ones beside {len(GOOD)}",
            rate(median(beside.rates)),
            "no bad ones",
            rate(median(without.rates)),
            Ratio.of(beside.rates, without.rates),
            at_least(0.95),
        ),
        Row(
            "append to consumer of a good one, p99",
            pair(ours),
            "no bad ones",
            pair(theirs),
            Ratio.of(p99(ours), p99(theirs)),
            at_most(1.2),
        ),
        Row(
            "the same",
            pair(ours),
            f"{len(MORE)} more good ones in their place",
            pair(full),
            Ratio.of(p99(ours), p99(full)),
            at_most(1.2),
        ),
    ]


def _make_topics(cluster: Cluster) -> None:
    for number, good in enumerate((*GOOD, *MORE)):
        cluster.create_topic(good, [[1, 3] if number % 2 else [3, 1]])
    cluster.create_topic(FORBIDDEN, [[1, 3]])
    cluster.create_topic(OFFLINE, [[AWAY]])
    cluster.create_topic(FEW, [[1, AWAY]], {"min.insync.replicas": "2"})
    for topic in (*GOOD, *MORE, MISSING, OFFLINE, FEW):
        Writing(cluster, topic).grant()
    cluster.nodes[AWAY].kill()
    eventually("its leader is away", lambda: not cluster.has_leaders(OFFLINE))


def _side(
    arena: Arena, stack: ExitStack, cluster: Cluster, name: str, topics: tuple[str, ...]
) -> Side:
    outbox = arena.directory(name) / "outbox"
    kafka = cluster.as_writer()
    bootstrap = kafka.pop("KAFKA_BOOTSTRAP_SERVERS")
    relay = stack.enter_context(
        Relay(outbox, bootstrap, log=arena.log(f"relay-{name}"), settings=kafka)
    )
    relay.start()
    probe = java_program("LatencyLane", "outbox", cluster.bootstrap, GOOD[0], outbox)
    lanes = [
        arena.lane(probe, PROBE_PER_SECOND * SECONDS, warm_up=0),
        *(
            arena.lane(_paced(outbox, topic), PER_SECOND * SECONDS, warm_up=0)
            for topic in topics[1:]
        ),
    ]
    for lane in lanes:
        lane.start()
        stack.callback(lane.stop)
    return Side(relay, lanes, [], [])


def _paced(outbox: Path, topic: str) -> list[str]:
    return python_program("lane_append", "paced", outbox, topic, PER_SECOND)


def _parked(relay: Relay) -> set[str]:
    return {each["topic"] for each in relay.status()["parked"]["of"]}


def _round(side: Side, ends: list[TopicEnd]) -> None:
    """All write at their pace; what counts is when the last event of a good topic is there."""
    before = [end.offset() for end in ends]
    expected = [was + lane.operations for was, lane in zip(before, side.lanes, strict=False)]
    begun = time.perf_counter()
    for lane in side.lanes:
        lane.command_round()
    probe, *_ = [lane.finish_round() for lane in side.lanes]
    eventually(
        "the good ones are there",
        lambda: all(end.offset() >= due for end, due in zip(ends, expected, strict=True)),
        within=120,
    )
    took = time.perf_counter() - begun
    side.rounds.append(probe)
    side.rates.append(sum(lane.operations for lane in side.lanes[: len(ends)]) / took)
