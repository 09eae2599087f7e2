"""Keys, values and headers at the edges of what Kafka tells apart."""

from __future__ import annotations

from typing import TYPE_CHECKING

from harness.topics import EVENT_ID, read_topic
from harness.waiting import eventually
from outbox_client import Outbox

if TYPE_CHECKING:
    from harness.broker import Broker
    from harness.relay import Relay

EMPTY = (None, b"")
MOST_HEADERS = 128


def test_null_and_empty_stay_what_they_are(broker: Broker, relay: Relay, topic_name: str) -> None:
    topic = broker.create_topic(topic_name)
    headers = (("null", None), ("empty", b""), ("null", b"\0"), ("null", None))
    events = [(key, value) for key in (*EMPTY, b"k") for value in (*EMPTY, b"v")]
    with Outbox(relay.outbox) as client:
        for key, value in events:
            client.append(value, topic=topic, key=key, headers=headers)
        relay.start()
        eventually("all is delivered", relay.is_drained)
        assert relay.status()["dead_letters"] == 0
    records = read_topic(broker.bootstrap, topic)
    assert [(record.key, record.value) for record in records] == events
    for record in records:
        assert tuple(pair for pair in record.headers if pair[0] != EVENT_ID) == headers


def test_as_many_and_as_long_headers_as_fit_arrive(
    broker: Broker, relay: Relay, topic_name: str
) -> None:
    topic = broker.create_topic(topic_name)
    headers = tuple((f"h{n}", bytes([n]) * 7_000) for n in range(MOST_HEADERS))
    with Outbox(relay.outbox) as client:
        receipt = client.append(b"v", topic=topic, headers=headers)
        relay.start()
        assert client.wait_delivered(receipt, 60) == "DELIVERED"
    [record] = read_topic(broker.bootstrap, topic)
    assert tuple(pair for pair in record.headers if pair[0] != EVENT_ID) == headers
