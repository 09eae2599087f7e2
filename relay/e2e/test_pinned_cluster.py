"""A relay that may deliver to one cluster only (OUTBOX_CLUSTER_ID)."""

from __future__ import annotations

import json
import os
import random
import re
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

import pytest

from harness.broker import Broker
from harness.forwarding import Crossing, as_before_4_1
from harness.ports import free_port
from harness.relay import Relay
from harness.topics import read_topic
from harness.waiting import eventually, let_traffic_flow
from outbox_client import Outbox

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

TORTURE = os.environ.get("TORTURE") == "1"
ROUNDS = 100 if TORTURE else 8
DRAIN_SECONDS = 120.0
PARTITIONS = 2
MANY = 3_000
PAUSES = (0.0, 0.0, 0.001, 0.003, 0.01, 0.03, 0.1, 0.2)
FAR_SECONDS = 0.1


class Numbered:
    """Appends numbered events of about a kilobyte, with a few keys."""

    def __init__(self, outbox: Path) -> None:
        self._client = Outbox(outbox)
        self.count = 0

    def append(self, count: int) -> None:
        for number in range(self.count, self.count + count):
            value = b"%06d%01000d" % (number, 0)
            self._client.append(value, topic="t", key=b"k%d" % (number % 4))
        self.count += count


@contextmanager
def cluster(crossing: Crossing, home: Path) -> Iterator[Broker]:
    """A broker that clients reach by the crossing only, with the topic."""
    home.mkdir()
    with Broker(home / "data", advertised={"PLAINTEXT": crossing.address}) as broker:
        crossing.lead_to(broker.port)
        broker.create_topic("t", partitions=PARTITIONS)
        yield broker


def is_paused(relay: Relay) -> bool:
    trouble: dict[str, Any] = relay.status().get("trouble", {})
    return trouble.get("reason") == "wrong-cluster"


def cluster_of(relay: Relay) -> str:
    return eventually("the cluster is known", lambda: str(relay.status()["cluster"] or ""))


def change_when_idle(
    crossing: Crossing, other: Broker, events: Numbered, chance: random.Random
) -> None:
    crossing.lead_to(other.port)
    let_traffic_flow(chance.choice(PAUSES))
    events.append(chance.choice([1, 20]))


def change_in_flight(
    crossing: Crossing, other: Broker, events: Numbered, chance: random.Random
) -> None:
    events.append(MANY)
    let_traffic_flow(chance.uniform(0.0, 0.03))
    crossing.lead_to(other.port)
    events.append(1)


def change_after_an_outage(
    crossing: Crossing, other: Broker, events: Numbered, chance: random.Random
) -> None:
    events.append(MANY)
    let_traffic_flow(chance.uniform(0.0, 0.03))
    crossing.lead_to(free_port())
    let_traffic_flow(chance.uniform(0.1, 1.0))
    crossing.lead_to(other.port)


@contextmanager
def pinned_relay(
    outbox: Path, home: Path, crossing: Crossing
) -> Iterator[tuple[Broker, Broker, Relay]]:
    """Another cluster, the one that is at the address, and a relay that delivers to this alone."""
    with (
        crossing,
        cluster(crossing, home / "other") as other,
        cluster(crossing, home / "own") as own,
        Relay(outbox, crossing.address, log=home / "relay.log") as relay,
    ):
        relay.start()
        pinned = cluster_of(relay)
        assert relay.stop() == 0
        relay.environment |= {"OUTBOX_CLUSTER_ID": pinned, "OUTBOX_BACKOFF_MAX_MS": "100"}
        relay.start()
        yield other, own, relay


def assert_all_delivered(crossing: Crossing, events: Numbered) -> None:
    got = {(record.value or b"")[:6] for record in read_topic(crossing.address, "t")}
    assert got == {b"%06d" % number for number in range(events.count)}


def assert_none_at(crossing: Crossing, other: Broker) -> None:
    crossing.lead_to(other.port)
    assert read_topic(crossing.address, "t") == []


@pytest.mark.parametrize("change", [change_when_idle, change_in_flight, change_after_an_outage])
def test_another_cluster_at_the_address_gets_nothing(
    change: Any, outbox: Path, tmp_path: Path
) -> None:
    chance = random.Random(1)
    crossing = Crossing(free_port())
    with pinned_relay(outbox, tmp_path, crossing) as (other, own, relay):
        events = Numbered(outbox)
        for _ in range(ROUNDS):
            events.append(4)
            eventually("all are delivered", relay.is_drained, within=DRAIN_SECONDS)
            change(crossing, other, events, chance)
            eventually("the relay pauses", lambda: is_paused(relay))
            crossing.lead_to(own.port)
        eventually("all are delivered", relay.is_drained, within=DRAIN_SECONDS)
        assert_all_delivered(crossing, events)
        assert_none_at(crossing, other)


def losses(relay: Relay) -> float:
    """How many connections the present producer has lost."""
    return metric(relay.http("/metrics")[1], "kafka_producer_connection_close_total")


def lead_away(crossing: Crossing, other: Broker, relay: Relay) -> None:
    """Return once the relay has seen that its connections have gone."""
    before = losses(relay)
    crossing.lead_to(other.port)
    eventually("the loss is seen", lambda: losses(relay) > before or is_paused(relay))


def metric(text: str, name: str) -> float:
    found = re.search(rf"^{name}\S* (\S+)$", text, re.MULTILINE)
    return float(found[1]) if found else 0.0


def test_what_comes_while_another_cluster_is_asked_who_it_is_does_not_get_there(
    outbox: Path, tmp_path: Path
) -> None:
    """Of brokers before 4.1, which take what was meant for another one's topic of this name."""
    crossing = Crossing(free_port(), FAR_SECONDS, as_before_4_1)
    with pinned_relay(outbox, tmp_path, crossing) as (other, own, relay):
        events = Numbered(outbox)
        for _ in range(ROUNDS):
            events.append(4)
            eventually("all are delivered", relay.is_drained, within=DRAIN_SECONDS)
            lead_away(crossing, other, relay)
            for _ in range(20):
                events.append(1)
                let_traffic_flow(FAR_SECONDS / 5)
            eventually("the relay pauses", lambda: is_paused(relay))
            crossing.lead_to(own.port)
        eventually("all are delivered", relay.is_drained, within=DRAIN_SECONDS)
        assert_all_delivered(crossing, events)
        assert_none_at(crossing, other)


def test_the_trouble_is_named_and_ends_when_the_right_cluster_is_back(
    outbox: Path, tmp_path: Path
) -> None:
    crossing = Crossing(free_port())
    with pinned_relay(outbox, tmp_path, crossing) as (other, own, relay):
        pinned = cluster_of(relay)
        events = Numbered(outbox)
        events.append(10)
        eventually("some are delivered", relay.is_drained)
        crossing.lead_to(other.port)
        eventually("the relay pauses", lambda: is_paused(relay))
        assert pinned in relay.status()["trouble"]["error"]
        eventually("it says why", lambda: "wrong-cluster" in json.dumps(relay.status()["summary"]))
        (finding,) = [
            line
            for line in relay.cli("doctor").stdout.splitlines()
            if line.split()[1:2] == ["cluster"]
        ]
        assert "problem" in finding
        crossing.lead_to(own.port)
        events.append(10)
        eventually("all are delivered", relay.is_drained, within=DRAIN_SECONDS)
        assert len(read_topic(crossing.address, "t")) == events.count
