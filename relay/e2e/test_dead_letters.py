"""What Kafka will never take, and what is corrupt, is set aside; everything else goes on."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

from harness.topics import read_topic
from outbox_client import Outbox

if TYPE_CHECKING:
    from pathlib import Path

    from harness.broker import Broker
    from harness.relay import Relay

LIMIT = 2_000


def test_an_event_too_large_for_its_topic_becomes_a_dead_letter_and_its_neighbours_arrive(
    broker: Broker, relay: Relay, outbox: Path, topic_name: str
) -> None:
    topic = broker.create_topic(topic_name, config={"max.message.bytes": str(LIMIT)})
    secret = "payload-" + "x" * LIMIT
    with Outbox(outbox) as client:
        before = [client.append(f"before {n}", topic=topic) for n in range(5)]
        poison = client.append(secret, topic=topic, key="the key")
        behind = [client.append(f"behind {n}", topic=topic) for n in range(5)]
        relay.start()
        outcomes = [client.wait_delivered(r, 60) for r in (*before, poison, *behind)]
        assert outcomes == ["DELIVERED"] * 5 + ["DEAD"] + ["DELIVERED"] * 5
    values = [record.value for record in read_topic(broker.bootstrap, topic)]
    expected = [b"before %d" % n for n in range(5)] + [b"behind %d" % n for n in range(5)]
    assert values == expected
    assert relay.status()["dead_letters"] == 1
    assert "payload-" not in relay.output()

    listed = relay.cli("dead-letters", "list", "--json")
    assert listed.returncode == 0, listed.stderr
    letters = [json.loads(line) for line in listed.stdout.splitlines()]
    assert "payload-" not in listed.stdout
    assert len(letters) == 1
    text = json.dumps(letters[0])
    assert str(poison.event_id) in text
    assert "too-large" in text
    assert topic in text

    number = str(letters[0]["number"])
    shown = relay.cli("dead-letters", "show", number)
    assert str(poison.event_id) in shown.stdout
    assert "payload-" not in shown.stdout
    assert "payload-" in relay.cli("dead-letters", "show", number, "--values").stdout

    # After a restart it is neither sent nor set aside again.
    assert relay.stop() == 0
    relay.start()
    with Outbox(outbox) as client:
        assert client.wait_delivered(client.append("after", topic=topic), 60) == "DELIVERED"
        assert client.wait_delivered(poison, 0) == "DEAD"
    assert len(relay.cli("dead-letters", "list", "--json").stdout.splitlines()) == 1


def test_a_record_whose_bytes_changed_is_quarantined_and_counted_and_the_rest_arrives(
    broker: Broker, relay: Relay, outbox: Path, topic: str
) -> None:
    with Outbox(outbox) as client:
        before = client.append("before", topic=topic, key="k")
        damaged = client.append("to be damaged", topic=topic, key="k")
        behind = client.append("behind", topic=topic, key="k")
        [cycle] = (outbox / "queue").glob("*.cq4")
        content = cycle.read_bytes()
        place = content.index(b"to be damaged")
        with cycle.open("r+b") as file:
            file.seek(place)
            file.write(b"T")
        relay.start()
        outcomes = [client.wait_delivered(r, 60) for r in (before, damaged, behind)]
        assert outcomes == ["DELIVERED", "QUARANTINED", "DELIVERED"]
    values = [record.value for record in read_topic(broker.bootstrap, topic)]
    assert values == [b"before", b"behind"]
    [kept] = (outbox / "quarantine").iterdir()
    assert b"To be damaged" in kept.read_bytes()
    assert relay.status()["quarantined"] == 1
