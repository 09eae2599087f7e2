"""What only a person can mend has a name, harms nothing, and is over once it is mended."""

from __future__ import annotations

import json
import shutil
import uuid
from dataclasses import dataclass
from typing import TYPE_CHECKING

import pytest

from harness.position import Position
from harness.relay import Relay
from harness.topics import read_topic
from harness.waiting import eventually
from outbox_client import Outbox

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from harness.broker import Broker

WRONG_CONFIGURATION = 2
HELD_BY_ANOTHER = 3
UNUSABLE = 4
NEEDS_OPERATOR = 5


def test_a_second_relay_on_the_same_outbox_refuses_to_start(
    broker: Broker, relay: Relay, outbox: Path, topic: str, tmp_path: Path
) -> None:
    relay.start()
    with Relay(outbox, broker.bootstrap, log=tmp_path / "second.log") as second:
        second.start(wait=False)
        assert second.child.wait() == HELD_BY_ANOTHER
        assert str(outbox) in second.output()
        assert "another relay" in second.output()
        with Outbox(outbox) as client:
            assert client.wait_delivered(client.append("v", topic=topic), 60) == "DELIVERED"
        # The lock is the kernel's: it goes with the process.
        relay.kill()
        second.start()
        assert second.stop() == 0


@pytest.mark.parametrize("how", ["removed", "moved"])
def test_an_outbox_that_is_taken_away_ends_the_relay_and_the_next_one_serves_the_new(
    how: str, broker: Broker, relay: Relay, outbox: Path, topic: str, tmp_path: Path
) -> None:
    relay.start()
    with Outbox(outbox) as client:
        assert client.wait_delivered(client.append("before", topic=topic), 60) == "DELIVERED"
    if how == "removed":
        shutil.rmtree(outbox)
    else:
        outbox.rename(tmp_path / "aside")
    with Outbox(outbox) as client:
        receipt = client.append("after", topic=topic)
        assert relay.child.wait() == UNUSABLE
        assert "outbox was removed, moved or replaced" in relay.output()
        relay.start()
        assert client.wait_delivered(receipt, 60) == "DELIVERED"
    values = [record.value for record in read_topic(broker.bootstrap, topic)]
    assert len(values) == 2
    assert set(values) == {b"after", b"before"}


@dataclass(frozen=True)
class Tampering:
    """Makes a position that does not belong to the outbox."""

    name: str
    changes: Callable[[Position], dict[str, object]]


TAMPERINGS = [
    Tampering("of another outbox", lambda p: {"outbox_id": uuid.uuid4()}),
    Tampering("of another event", lambda p: {"event_id": uuid.uuid4()}),
    Tampering(
        "beyond the data",
        lambda p: {
            "sequence": p.sequence + 1_000,
            "offset": p.offset + 100_000,
            "index": p.index + 1_000,
            "settled_bytes": p.settled_bytes + 100_000,
        },
    ),
]


@pytest.mark.parametrize("tampering", TAMPERINGS, ids=lambda tampering: tampering.name)
def test_a_position_that_does_not_belong_to_the_outbox_stops_the_relay_before_it_sends(
    tampering: Tampering, broker: Broker, relay: Relay, outbox: Path, topic: str
) -> None:
    with Outbox(outbox) as client:
        receipts = [client.append(f"{n}", topic=topic) for n in range(10)]
        relay.start()
        assert client.wait_delivered(receipts[-1], 60) == "DELIVERED"
        assert relay.stop() == 0
        true_position = (outbox / "relay.position").read_bytes()
        position = Position.read(outbox)
        assert position is not None
        assert position.sequence == receipts[-1].sequence
        waiting = client.append("waiting", topic=topic)

        forged = position.forge(outbox, **tampering.changes(position))
        relay.start(wait=False)
        assert relay.child.wait() == NEEDS_OPERATOR
        assert "position" in relay.output()
        assert Position.read(outbox) == forged, "the evidence is left alone"
        assert len(read_topic(broker.bootstrap, topic)) == len(receipts)

        (outbox / "relay.position").write_bytes(true_position)
        relay.start()
        assert client.wait_delivered(waiting, 60) == "DELIVERED"
    assert len(read_topic(broker.bootstrap, topic)) == len(receipts) + 1


def test_a_lost_position_file_is_no_reason_to_lose_events(
    broker: Broker, relay: Relay, outbox: Path, topic: str
) -> None:
    with Outbox(outbox) as client:
        first = client.append("first", topic=topic)
        relay.start()
        assert client.wait_delivered(first, 60) == "DELIVERED"
        assert relay.stop() == 0
        (outbox / "relay.position").unlink()
        second = client.append("second", topic=topic)
        relay.start()
        assert client.wait_delivered(second, 60) == "DELIVERED"
    values = {record.value for record in read_topic(broker.bootstrap, topic)}
    assert values == {b"first", b"second"}


def test_an_outbox_put_back_from_an_older_copy_stops_the_relay(
    relay: Relay, outbox: Path, topic: str, tmp_path: Path
) -> None:
    copy = tmp_path / "copy"
    with Outbox(outbox) as client:
        client.append("in the copy", topic=topic)
    shutil.copytree(outbox, copy)
    with Outbox(outbox) as client:
        receipts = [client.append("later", topic=topic) for _ in range(10)]
        relay.start()
        assert client.wait_delivered(receipts[-1], 60) == "DELIVERED"
        assert relay.stop() == 0
    newer_position = (outbox / "relay.position").read_bytes()
    shutil.rmtree(outbox)
    shutil.copytree(copy, outbox)
    (outbox / "relay.position").write_bytes(newer_position)
    relay.start(wait=False)
    assert relay.child.wait() == NEEDS_OPERATOR


def test_a_missing_topic_pauses_by_name_until_it_is_created(
    broker: Broker, relay: Relay, outbox: Path, topic_name: str
) -> None:
    with Outbox(outbox) as client:
        receipt = client.append("v", topic=topic_name)
        relay.start()
        eventually("the relay says so", lambda: relay.status()["barred_topics"]["total"] == 1)
        trouble = relay.status()["trouble"]
        assert topic_name in json.dumps(trouble)
        assert relay.http("/healthz")[0] == 200
        assert topic_name in relay.output()
        assert client.wait_delivered(receipt, 0.05) in {"PENDING", "PARKED"}
        created = relay.cli(
            *("topics", "create", topic_name, "--partitions", "2", "--replication", "1")
        )
        assert created.returncode == 0, created.stderr
        assert client.wait_delivered(receipt, 60) == "DELIVERED"
        eventually("all is well", lambda: relay.progress().state == "delivering")
    assert [record.value for record in read_topic(broker.bootstrap, topic_name)] == [b"v"]


def test_a_wrong_configuration_is_told_whole_and_at_once(
    broker: Broker, outbox: Path, tmp_path: Path
) -> None:
    settings = {
        "OUTBOX_DURABILITY": "maybe",
        "OUTBOX_DELIVERY": "exactly-once",
        "OUTBOX_MAX_BYTES": "lots",
        "KAFKA_ACKS": "0",
        "OUTBOX_HTTP_ADDRESS": "nowhere",
    }
    log = tmp_path / "relay.log"
    with Relay(outbox, broker.bootstrap, log=log, settings=settings) as relay:
        relay.start(wait=False)
        assert relay.child.wait() == WRONG_CONFIGURATION
        wrong = settings.keys() - {"OUTBOX_DURABILITY"}  # the clients' own
        assert [name for name in sorted(wrong) if name not in relay.output()] == []
    assert not outbox.exists()


def test_an_outbox_that_others_could_replace_is_refused(broker: Broker, tmp_path: Path) -> None:
    parent = tmp_path / "open"
    parent.mkdir()
    parent.chmod(0o777)
    outbox = parent / "outbox"
    with Relay(outbox, broker.bootstrap, log=tmp_path / "relay.log") as relay:
        relay.start(wait=False)
        assert relay.child.wait() == UNUSABLE
        assert "OUTBOX_TRUST_PARENT" in relay.output()
    settings = {"OUTBOX_TRUST_PARENT": "1"}
    log = tmp_path / "trusting.log"
    with Relay(outbox, broker.bootstrap, log=log, settings=settings) as relay:
        relay.start()
        assert relay.stop() == 0
