"""Topics that can't be written, as three real brokers have them; and leaders that change."""

from __future__ import annotations

import os
import random
from contextlib import ExitStack
from functools import partial
from typing import TYPE_CHECKING

import pytest

from harness.cluster import Cluster
from harness.position import Position
from harness.relay import Relay
from harness.setups import Writing
from harness.waiting import eventually, let_traffic_flow
from harness.writers import Traffic, Writer

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from typing_extensions import Self

SEED = int(os.environ.get("SEED", "0")) or random.SystemRandom().randrange(1, 2**32)
GOOD = tuple(f"good-{number}" for number in range(5))
MISSING, FORBIDDEN, OFFLINE, FEW = "missing", "forbidden", "offline", "few"
BAD = (MISSING, FORBIDDEN, OFFLINE, FEW)
RATE = 60.0
KILLED = (1, 2, 3, 1, 2, 3) if os.environ.get("TORTURE") == "1" else (1, 2)
WINDOW_RECORDS = 500


@pytest.fixture(scope="module")
def cluster(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Cluster]:
    with Cluster.guarded(tmp_path_factory.mktemp("cluster")) as running:
        yield running


def relay_of(cluster: Cluster, outbox: Path, log: Path, **settings: str) -> Relay:
    kafka = cluster.as_writer()
    bootstrap = kafka.pop("KAFKA_BOOTSTRAP_SERVERS")
    return Relay(outbox, bootstrap, log=log, settings={**kafka, **settings})


def reasons(relay: Relay) -> dict[str, str]:
    """Why which topics can't be written, as the status tells."""
    return {each["topic"]: each["reason"] for each in relay.status()["barred_topics"]["topics"]}


def parked(relay: Relay) -> set[str]:
    return {each["topic"] for each in relay.status()["parked"]["of"]}


def is_empty(outbox: Path) -> bool:
    position = Position.read(outbox)
    return position is not None and position.held_bytes == 0


def is_cured(relay: Relay, topic: str) -> bool:
    return topic not in reasons(relay)


def has_delivered(relay: Relay, events: int) -> bool:
    return bool(relay.status()["delivered"] > events)


def others_lead(cluster: Cluster, topics: tuple[str, ...], gone: int) -> bool:
    return all(cluster.has_leaders(topic) and cluster.leaders(topic) != [gone] for topic in topics)


class Writers:
    """One process for each topic, with a ledger of its own."""

    def __init__(self, outbox: Path, directory: Path, topics: tuple[str, ...]) -> None:
        self.traffic: dict[str, Traffic] = {}
        self._stack = ExitStack()
        self._writers: list[Writer] = []
        for topic in topics:
            ledgers = directory / f"ledgers-{topic}"
            ledgers.mkdir()
            self.traffic[topic] = Traffic(outbox, topic, ledgers, rate=RATE, size=200)

    def stop(self) -> None:
        for writer in self._writers:
            eventually(f"{writer.name} appends", writer.has_appended)
            writer.stop()

    def __enter__(self) -> Self:
        for topic, traffic in self.traffic.items():
            writer = Writer.python(topic, traffic)
            self._writers.append(self._stack.enter_context(writer))
        return self

    def __exit__(self, *_: object) -> None:
        self._stack.close()


def assert_all_arrived(
    writers: Writers, cluster: Cluster, measured: Callable[[str], None], interruptions: int
) -> None:
    for topic, traffic in writers.traffic.items():
        found = traffic.check(cluster.bootstrap)
        measured(
            f"{topic}: {found.acked} acked, {found.delivered} delivered, "
            f"{found.duplicate_count} repeats"
        )
        assert found.acked > 0, topic
        assert found.problems(duplicates_allowed=True) == [], topic
        assert found.duplicate_count <= interruptions * 2 * WINDOW_RECORDS


@pytest.mark.timeout(240)
def test_four_bad_topics_among_good_ones_come_back_one_after_the_other(
    cluster: Cluster, outbox: Path, tmp_path: Path, measured: Callable[[str], None]
) -> None:
    print(f"SEED={SEED}")
    dice = random.Random(SEED)
    for number, good in enumerate(GOOD):
        # The last one has its leader taken away, and goes on with the other replica.
        cluster.create_topic(good, [[2, 3] if good == GOOD[-1] else [[1, 3], [3, 1]][number % 2]])
    cluster.create_topic(FORBIDDEN, [[1, 3]])
    cluster.create_topic(OFFLINE, [[2]])
    cluster.create_topic(FEW, [[1, 2]], {"min.insync.replicas": "2"})
    for topic in (*GOOD, MISSING, OFFLINE, FEW):
        Writing(cluster, topic).grant()
    cures = {
        MISSING: lambda: cluster.create_topic(MISSING, [[3, 1]]),
        FORBIDDEN: Writing(cluster, FORBIDDEN).grant,
        OFFLINE: cluster.start,
    }
    relay = relay_of(
        cluster,
        outbox,
        tmp_path / "relay.log",
        OUTBOX_WINDOW_RECORDS=str(WINDOW_RECORDS),
        OUTBOX_PARK_AFTER="1s",
        OUTBOX_BACKOFF_MAX_MS="500",
    )
    with relay, Writers(outbox, tmp_path, (*GOOD, *BAD)) as writers:
        relay.start()
        eventually("two are parked", lambda: parked(relay) == {MISSING, FORBIDDEN})
        cluster.nodes[2].kill()
        told: dict[str, str] = {}

        def all_are_named() -> bool:
            # What lacks replicas looks well from outside: its lane tries, and then it is named.
            told.update({topic: why for topic, why in reasons(relay).items() if topic in BAD})
            return told.get(OFFLINE) == "no-leader" and set(told) == set(BAD)

        try:
            eventually("four are named", all_are_named)
        finally:
            print(f"told={told}")
        eventually("four are parked", lambda: parked(relay) >= set(BAD))
        assert told == {
            MISSING: "topic-missing",
            FORBIDDEN: "topic-forbidden",
            OFFLINE: "no-leader",
            FEW: "no-ack",
        }
        before = relay.status()["delivered"]
        eventually(
            "the good ones go on", lambda: relay.status()["delivered"] > before + 5 * int(RATE)
        )
        order = dice.sample(list(cures), len(cures))
        print(f"order={order}")
        for topic in order:
            cures[topic]()
            eventually(f"{topic} is as others are", partial(is_cured, relay, topic))
            let_traffic_flow(dice.uniform(0, 1))
        writers.stop()
        eventually("all is settled", relay.is_drained)
        eventually("nothing is parked", lambda: is_empty(outbox))
        assert relay.stop() == 0
    assert_all_arrived(writers, cluster, measured, interruptions=8)


@pytest.mark.timeout(240)
def test_leaders_that_change_under_traffic_lose_nothing(
    cluster: Cluster, outbox: Path, tmp_path: Path, measured: Callable[[str], None]
) -> None:
    topics = ("led-1", "led-2", "led-3")
    for number, topic in enumerate(topics):
        replicas = [1 + (number + step) % 3 for step in range(3)]
        cluster.create_topic(topic, [replicas], {"min.insync.replicas": "2"})
        Writing(cluster, topic).grant()
    relay = relay_of(
        cluster, outbox, tmp_path / "relay.log", OUTBOX_WINDOW_RECORDS=str(WINDOW_RECORDS)
    )
    with relay, Writers(outbox, tmp_path, topics) as writers:
        relay.start()
        for number in KILLED:
            cluster.nodes[number].kill()
            eventually("others lead", partial(others_lead, cluster, topics, number))
            before = relay.status()["delivered"]
            eventually("it goes on", partial(has_delivered, relay, before + 100))
            cluster.start()
            eventually(
                "all are in sync", lambda: min(cluster.in_sync(topic) for topic in topics) == 3
            )
        writers.stop()
        eventually("all is settled", relay.is_drained)
        eventually("nothing is parked", lambda: is_empty(outbox))
        assert relay.stop() == 0
    assert_all_arrived(writers, cluster, measured, interruptions=2 * len(KILLED))
