"""A broker that answers late: long pauses, while connections stay."""

from __future__ import annotations

import socket
from typing import TYPE_CHECKING

from harness.broker import Broker
from harness.forwarding import forwarded
from harness.relay import Relay
from harness.waiting import eventually, let_traffic_flow
from harness.writers import Traffic, Writer
from outbox_client import Outbox

if TYPE_CHECKING:
    from pathlib import Path

LATE_SECONDS = 1.2
LATE_EVENTS = 500
PAUSES = 3
PAUSE_SECONDS = 3.0


def test_a_broker_that_pauses_again_and_again_makes_events_late_and_repeats_none(
    tmp_path: Path, topic_name: str
) -> None:
    ledgers = tmp_path / "ledgers"
    ledgers.mkdir()
    traffic = Traffic(tmp_path / "outbox", topic_name, ledgers, rate=500)
    log = tmp_path / "relay.log"
    # One of its own: what is paused here must not be so for another test.
    with Broker(tmp_path / "kafka" / "data") as broker:
        broker.create_topic(topic_name, partitions=3)
        with (
            Relay(traffic.outbox, broker.bootstrap, log=log) as relay,
            Writer.python("python", traffic) as writer,
        ):
            relay.start()
            for _ in range(PAUSES):
                before = relay.progress().delivered
                eventually("events flow", lambda: relay.progress().delivered > before + 200)  # noqa: B023
                broker.freeze()
                let_traffic_flow(PAUSE_SECONDS)
                waiting = relay.progress().lag
                assert relay.http("/healthz")[0] == 200
                broker.thaw()
                # Half of what the writer's pace gives; it waits for nobody.
                assert waiting > PAUSE_SECONDS * traffic.rate / 2
            writer.stop()
            eventually("all is delivered", relay.is_drained)
            assert relay.stop() == 0
        found = traffic.check(broker.bootstrap)
    assert found.problems(duplicates_allowed=False) == []


def test_a_broker_whose_every_answer_takes_more_than_a_second_gets_events_as_fast_as_others(
    outbox: Path, tmp_path: Path
) -> None:
    """As over a far line, or with brokers that wait for slow replicas."""
    listener = socket.create_server(("127.0.0.1", 0))
    address = f"127.0.0.1:{listener.getsockname()[1]}"
    with (
        Outbox(outbox) as client,
        Broker(tmp_path / "kafka" / "data", advertised={"PLAINTEXT": address}) as broker,
        forwarded(listener, lambda _: broker.port, LATE_SECONDS),
        Relay(outbox, address, log=tmp_path / "relay.log") as relay,
    ):
        topic = broker.create_topic("late")
        relay.start()
        receipts = client.append_all(
            {"value": str(number), "topic": topic, "key": "k"} for number in range(LATE_EVENTS)
        )
        # One after the other they would take ten minutes.
        assert client.wait_delivered(receipts[-1], 100) == "DELIVERED"
        assert relay.stop() == 0
