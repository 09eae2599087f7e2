"""Events arrive as they were appended, once, and `wait_delivered` tells so."""

from __future__ import annotations

import os
import time
import uuid
from typing import TYPE_CHECKING

import pytest

from harness.relay import Relay
from harness.topics import EVENT_ID, read_topic
from harness.waiting import eventually
from harness.writers import Traffic, Writer
from outbox_client import Outbox, OutboxFull

if TYPE_CHECKING:
    from pathlib import Path

    from harness.broker import Broker

JDK_25 = os.environ.get("JAVA25_HOME")
KEPT = 50


def test_key_value_headers_and_timestamp_arrive_as_bytes(
    broker: Broker, relay: Relay, outbox: Path, topic: str
) -> None:
    event_id = uuid.uuid4()
    before = time.time_ns() // 1_000_000
    binary = bytes(range(256))
    with Outbox(outbox) as client:
        client.append("text", topic=topic, key="k", event_id=event_id, timestamp=1_700_000_000_123)
        client.append(
            binary, topic=topic, key="k", headers=[("a", b"1"), ("a", b"\xff"), ("b", None)]
        )
        client.append(None, topic=topic, key="k")
        client.append(b"", topic=topic)
        largest = client.append(b"x" * 1_000_000, topic=topic, key="k")
        relay.start()
        assert client.wait_delivered(largest, 60) == "DELIVERED"
    records = read_topic(broker.bootstrap, topic)
    keyed = [record for record in records if record.key == b"k"]
    [keyless] = [record for record in records if record.key is None]
    assert [record.value for record in keyed] == [b"text", binary, None, b"x" * 1_000_000]
    assert keyless.value == b""
    assert keyed[0].headers == ((EVENT_ID, str(event_id).encode()),)
    assert keyed[0].timestamp == 1_700_000_000_123
    assert keyed[1].headers[:3] == (("a", b"1"), ("a", b"\xff"), ("b", None))
    assert [name for name, _ in keyed[1].headers[3:]] == [EVENT_ID]
    assert uuid.UUID(keyed[1].event_id).version == 7
    assert before <= keyed[1].timestamp <= time.time_ns() // 1_000_000
    assert len({record.event_id for record in records}) == 5


def test_events_of_python_and_java_writers_arrive_once_and_in_order(
    broker: Broker, relay: Relay, traffic: Traffic
) -> None:
    fast = traffic.at_full_speed()
    writers = [Writer.python("python-1", fast), Writer.java("java-1", fast)]
    relay.start()
    with writers[0], writers[1]:
        for writer in writers:
            eventually(f"{writer.name} appends", writer.has_appended)
        eventually("ten thousand are delivered", lambda: relay.progress().delivered > 10_000)
        for writer in writers:
            writer.stop()
    eventually("all is delivered", relay.is_drained)
    assert traffic.check(broker.bootstrap).problems(duplicates_allowed=False) == []


def test_a_restarted_relay_goes_on_where_it_stopped(
    broker: Broker, relay: Relay, outbox: Path, topic: str
) -> None:
    with Outbox(outbox) as client:
        for half in (b"before", b"after"):
            receipts = [client.append(half, topic=topic) for _ in range(KEPT)]
            relay.start()
            assert client.wait_delivered(receipts[-1], 60) == "DELIVERED"
            assert relay.stop() == 0
    values = [record.value for record in read_topic(broker.bootstrap, topic)]
    assert sorted(v for v in values if v) == [b"after"] * KEPT + [b"before"] * KEPT


def test_a_receipt_is_pending_until_the_relay_has_settled_it(
    relay: Relay, outbox: Path, topic: str
) -> None:
    with Outbox(outbox) as client:
        receipt = client.append("v", topic=topic)
        assert client.wait_delivered(receipt, 0.05) == "PENDING"
        relay.start()
        assert client.wait_delivered(receipt, 60) == "DELIVERED"


def test_a_full_outbox_takes_events_again_once_the_relay_has_delivered(
    relay: Relay, outbox: Path, topic: str
) -> None:
    with Outbox(outbox, max_bytes=200_000) as client:

        def append_for_ever() -> None:
            while True:
                client.append(b"x" * 1_000, topic=topic)

        with pytest.raises(OutboxFull):
            append_for_ever()
        relay.start()
        eventually("all is delivered and saved", lambda: client.status().lag_events == 0)
        last = client.append("again", topic=topic)
        assert client.wait_delivered(last, 60) == "DELIVERED"


@pytest.mark.skipif(JDK_25 is None, reason="JAVA25_HOME names no second JDK")
def test_the_same_jar_delivers_on_jdk_25(
    broker: Broker, outbox: Path, topic: str, tmp_path: Path
) -> None:
    log = tmp_path / "relay.log"
    with (
        Relay(outbox, broker.bootstrap, log=log, java_home=JDK_25) as relay,
        Outbox(outbox) as client,
    ):
        relay.start()
        receipts = [client.append(f"{n}", topic=topic) for n in range(KEPT)]
        assert client.wait_delivered(receipts[-1], 60) == "DELIVERED"
        assert relay.stop() == 0
    values = {record.value for record in read_topic(broker.bootstrap, topic)}
    assert values == {b"%d" % n for n in range(KEPT)}
