"""The harness against the real broker: what is produced is read, also after SIGKILL and restart."""

from __future__ import annotations

from typing import TYPE_CHECKING

from confluent_kafka import Producer

from harness.topics import end_offsets, read_topic

if TYPE_CHECKING:
    from harness.broker import Broker


def produce(bootstrap: str, topic: str, count: int) -> None:
    producer = Producer({"bootstrap.servers": bootstrap, "acks": "all", "log_level": 2})
    for number in range(count):
        producer.produce(
            topic, b"%d" % number, b"key-%d" % (number % 7), headers=[("n", b"1"), ("null", None)]
        )
    assert producer.flush(60) == 0


def test_a_topic_is_read_whole_and_survives_a_killed_broker(broker: Broker, topic: str) -> None:
    assert read_topic(broker.bootstrap, topic) == []
    produce(broker.bootstrap, topic, 2_000)
    broker.kill()
    assert not broker.running
    broker.start()
    produce(broker.bootstrap, topic, 10)
    records = read_topic(broker.bootstrap, topic)
    assert len(records) == end_offsets(broker.bootstrap, topic) == 2_010
    assert {record.value for record in records} == {b"%d" % n for n in range(2_000)}
    assert {record.partition for record in records} == {0, 1, 2}
    assert records[0].headers == (("n", b"1"), ("null", None))
    assert records[0].event_id == ""
