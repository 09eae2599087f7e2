"""What is in a topic: every record from the first to the end, as a consumer sees it."""

from __future__ import annotations

import uuid
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from confluent_kafka import Consumer, KafkaError, KafkaException, TopicPartition

from .waiting import eventually

if TYPE_CHECKING:
    from collections.abc import Iterator

EVENT_ID = "outbox-event-id"
REQUEST_SECONDS = 60.0
BATCH = 5_000


@dataclass(frozen=True)
class Delivered:
    """One record of a topic."""

    partition: int
    offset: int
    timestamp: int
    key: bytes | None
    value: bytes | None
    headers: tuple[tuple[str, bytes | None], ...] = field(repr=False)

    @property
    def event_id(self) -> str:
        """The relay's header; empty when there is none."""
        return next(
            (value.decode() for name, value in self.headers if name == EVENT_ID and value), ""
        )


def read_topic(bootstrap: str, topic: str, *, isolation: str = "read_committed") -> list[Delivered]:
    """Every record of `topic` up to its present end, by partition and offset."""
    return sorted(_records(bootstrap, topic, isolation), key=lambda r: (r.partition, r.offset))


def end_offsets(bootstrap: str, topic: str) -> int:
    """The sum of the partitions' end offsets: all records ever, if none is transactional."""
    consumer = _consumer(bootstrap, "read_uncommitted")
    try:
        return sum(
            consumer.get_watermark_offsets(TopicPartition(topic, p), timeout=REQUEST_SECONDS)[1]
            for p in _partitions(consumer, topic)
        )
    finally:
        consumer.close()


def _records(bootstrap: str, topic: str, isolation: str) -> Iterator[Delivered]:
    consumer = _consumer(bootstrap, isolation)
    try:
        unfinished = set(_partitions(consumer, topic))
        consumer.assign([TopicPartition(topic, p, 0) for p in unfinished])
        while unfinished:
            messages = eventually(
                f"records or the end of {topic} {sorted(unfinished)}",
                lambda: consumer.consume(BATCH, timeout=1.0),
            )
            for message in messages:
                error = message.error()
                partition, offset = message.partition(), message.offset()
                if error is not None:
                    if error.code() != KafkaError._PARTITION_EOF or partition is None:
                        raise KafkaException(error)
                    unfinished.discard(partition)
                    continue
                assert partition is not None
                assert offset is not None
                if partition in unfinished:
                    yield Delivered(
                        partition,
                        offset,
                        message.timestamp()[1],
                        _raw(message.key()),
                        _raw(message.value()),
                        _headers(message.headers()),
                    )
    finally:
        consumer.close()


def _consumer(bootstrap: str, isolation: str) -> Consumer:
    return Consumer(
        {
            "bootstrap.servers": bootstrap,
            "group.id": f"check-{uuid.uuid4()}",
            "enable.auto.commit": False,
            "auto.offset.reset": "earliest",
            "isolation.level": isolation,
            "enable.partition.eof": True,
            "log_level": 2,
        }
    )


def _partitions(consumer: Consumer, topic: str) -> list[int]:
    known = consumer.list_topics(topic, timeout=REQUEST_SECONDS).topics[topic]
    if known.error is not None:
        raise KafkaException(known.error)
    return sorted(known.partitions)


def _headers(headers: object) -> tuple[tuple[str, bytes | None], ...]:
    # A consumer gets a list of pairs; the library's type allows what a producer may pass, too.
    assert headers is None or isinstance(headers, list)
    return tuple((name, _raw(value)) for name, value in headers or ())


def _raw(value: object) -> bytes | None:
    if value is None:
        return None
    if isinstance(value, str):
        return value.encode()
    assert isinstance(value, bytes)
    return value
