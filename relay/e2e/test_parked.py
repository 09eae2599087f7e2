"""What waits for topics that can't be written: shown, asked for again, and given up."""

from __future__ import annotations

import json
import shutil
from typing import TYPE_CHECKING, Any

import pytest

from harness.position import Position
from harness.topics import read_topic
from harness.waiting import eventually
from outbox_client import Outbox

if TYPE_CHECKING:
    from pathlib import Path

    from harness.broker import Broker
    from harness.relay import Relay
    from outbox_client import Receipt


@pytest.fixture(autouse=True)
def parks_soon(relay: Relay) -> None:
    relay.environment["OUTBOX_PARK_AFTER"] = "500ms"


def parked(outbox: Path, topic: str, count: int) -> list[Receipt]:
    with Outbox(outbox) as client:
        receipts = [client.append(f"secret {n}", topic=topic, key="k") for n in range(count)]
        assert {client.wait_delivered(each, 60) for each in receipts} == {"PARKED"}
    return receipts


def held_bytes(outbox: Path) -> int:
    position = Position.read(outbox)
    assert position is not None
    return position.held_bytes


def lines(relay: Relay, *arguments: str) -> list[dict[str, Any]]:
    done = relay.cli("parked", *arguments, "--json")
    assert done.returncode == 0, done.stderr
    return [json.loads(line) for line in done.stdout.splitlines()]


def test_what_is_parked_is_shown_and_given_up_while_the_relay_runs(
    broker: Broker, relay: Relay, outbox: Path, topic_name: str
) -> None:
    relay.start()
    assert lines(relay, "list") == []
    receipts = parked(outbox, topic_name, 5)
    [told] = lines(relay, "list")
    assert told["topic"] == topic_name
    assert told["events"] == 5
    assert told["trouble"]["reason"] == "topic-missing"
    shown = relay.cli("parked", "show", topic_name)
    assert [
        str(each.event_id) in line
        for each, line in zip(receipts, shown.stdout.splitlines(), strict=True)
    ] == [True] * 5
    assert "secret" not in shown.stdout
    assert "outbox-source" not in shown.stdout
    assert "secret 4" in relay.cli("parked", "show", topic_name, "--values").stdout

    [done] = lines(relay, "discard", topic_name)
    assert done["discarded"] == 5
    assert done["not_settled"] == 0
    assert lines(relay, "list") == []
    with Outbox(outbox) as client:
        assert {client.wait_delivered(each, 0) for each in receipts} == {"DEAD"}
    eventually("clients count none of it", lambda: held_bytes(outbox) == 0)

    # The topic is as it was: what comes is parked, and delivered when it can be.
    more = parked(outbox, topic_name, 2)
    broker.create_topic(topic_name)
    asked = relay.cli("parked", "retry", topic_name)
    assert asked.returncode in (0, 7)  # it may have been delivered by itself just now
    assert f"topic={topic_name}" in asked.stdout
    with Outbox(outbox) as client:
        eventually(
            "they are delivered",
            lambda: {client.wait_delivered(each, 0) for each in more} == {"DELIVERED"},
        )
        assert client.wait_delivered(client.append("last", topic=topic_name), 60) == "DELIVERED"
    values = [each.value for each in read_topic(broker.bootstrap, topic_name)]
    assert values == [b"secret 0", b"secret 1", b"last"]


def test_without_a_relay_the_command_gives_it_up(
    broker: Broker, relay: Relay, outbox: Path, topic_name: str
) -> None:
    relay.start()
    receipts = parked(outbox, topic_name, 3)
    assert relay.stop() == 0
    [done] = lines(relay, "discard", topic_name)
    assert done["discarded"] == 3
    assert held_bytes(outbox) == 0
    broker.create_topic(topic_name)
    relay.start()
    with Outbox(outbox) as client:
        assert client.wait_delivered(client.append("new", topic=topic_name), 60) == "DELIVERED"
        assert {client.wait_delivered(each, 0) for each in receipts} == {"DEAD"}
    assert [each.value for each in read_topic(broker.bootstrap, topic_name)] == [b"new"]


def test_verify_reads_what_is_parked_and_what_is_staged(
    relay: Relay, outbox: Path, topic_name: str
) -> None:
    relay.start()
    parked(outbox, topic_name, 2)
    assert relay.stop() == 0
    shutil.copytree(outbox / "parked" / topic_name, outbox / "staged")
    sound = relay.cli("verify", "--json")
    assert sound.returncode == 0, sound.stdout
    assert {"queue", "staged", "parked"} <= json.loads(sound.stdout).keys()
    assert list(json.loads(sound.stdout)["parked"]) == [topic_name]

    [cycle] = (outbox / "parked" / topic_name / "queue").glob("*.cq4")
    written = cycle.read_bytes()
    cycle.write_bytes(written.replace(b"secret 0", b"sEcret 0"))
    damaged = relay.cli("verify")
    assert damaged.returncode == 7
    assert f"problems parked/{topic_name}" in damaged.stdout
    assert "ok       staged" in damaged.stdout


def test_what_nobody_may_name_is_refused(relay: Relay, outbox: Path) -> None:
    with Outbox(outbox) as client:
        client.append("v", topic="t")
    for arguments in (
        ("parked", "discard"),
        ("parked", "discard", "../queue"),
        ("parked",),
        ("dead-letters", "replay", "--to-topic", "__consumer_offsets", "--all"),
        ("dead-letters", "discard", "--request", "019ad1a2-0000-7000-8000-000000000000"),
    ):
        assert relay.cli(*arguments).returncode == 2, arguments
    assert relay.cli("parked", "show", "never-parked").returncode == 7
