"""A topic takes less than what the relay sends at once."""

from __future__ import annotations

from typing import TYPE_CHECKING

from harness.relay import Relay
from harness.topics import read_topic
from harness.waiting import eventually
from outbox_client import Outbox

if TYPE_CHECKING:
    from pathlib import Path

    from harness.broker import Broker

EVENTS = 3_000
MOST = 20_000


def test_batches_that_kafkas_client_has_to_split_arrive_whole_and_in_order(
    broker: Broker, outbox: Path, topic_name: str, tmp_path: Path
) -> None:
    topic = broker.create_topic(topic_name, config={"max.message.bytes": str(MOST)})
    values = [f"{number:06}".encode() * 200 for number in range(EVENTS)]
    with (
        Outbox(outbox) as client,
        Relay(outbox, broker.bootstrap, log=tmp_path / "relay.log") as relay,
    ):
        client.append_all([{"value": value, "topic": topic} for value in values[:EVENTS]])
        relay.start()
        eventually("all is settled", relay.is_drained)
        assert relay.status()["dead_letters"] == 0
        # It is Kafka's client that says so: without it nothing was tried here.
        assert "splitting and retrying" in relay.output()
        assert relay.stop() == 0
    assert [record.value for record in read_topic(broker.bootstrap, topic)] == values
