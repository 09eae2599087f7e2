"""Rights that are taken away and given back while the relay runs."""

from __future__ import annotations

from typing import TYPE_CHECKING

from harness.relay import Relay
from harness.setups import WRITER, GuardedBroker, Writing
from harness.topics import read_topic
from harness.waiting import eventually
from outbox_client import Outbox

if TYPE_CHECKING:
    from pathlib import Path

EVENTS = 20
SECONDS = 60


def test_a_right_that_is_revoked_is_named_and_what_waits_arrives_once_it_is_granted_again(
    outbox: Path, topic_name: str, tmp_path: Path
) -> None:
    # One of its own: what is forbidden here must not be so for another test.
    with GuardedBroker(tmp_path / "kafka") as broker:
        topic = broker.create_topic(topic_name)
        writing = Writing(broker, topic)
        writing.grant()
        settings = broker.as_user(WRITER)
        bootstrap = settings.pop("KAFKA_BOOTSTRAP_SERVERS")
        with (
            Outbox(outbox) as client,
            Relay(outbox, bootstrap, log=tmp_path / "relay.log", settings=settings) as relay,
        ):
            relay.start()
            values = [f"{number}".encode() for number in range(2 * EVENTS)]
            before = [client.append(value, topic=topic, key="k") for value in values[:EVENTS]]
            assert client.wait_delivered(before[-1], SECONDS) == "DELIVERED"
            writing.revoke()
            after = [client.append(value, topic=topic, key="k") for value in values[EVENTS:]]
            eventually("it is named", lambda: relay.status()["summary"]["level"] == "action")
            assert "Write" in relay.status()["summary"]["do"]
            writing.grant()
            assert client.wait_delivered(after[-1], SECONDS) == "DELIVERED"
            assert relay.status()["dead_letters"] == 0
            assert relay.stop() == 0
        assert [record.value for record in read_topic(broker.bootstrap, topic)] == values
