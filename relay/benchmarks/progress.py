"""How far a topic with one partition has got, asked often and cheaply."""

from __future__ import annotations

from typing import TYPE_CHECKING

from confluent_kafka import Consumer, TopicPartition

if TYPE_CHECKING:
    from types import TracebackType

    from typing_extensions import Self

REQUEST_SECONDS = 60.0


class TopicEnd:
    """One connection to ask over."""

    def __init__(self, bootstrap: str, topic: str) -> None:
        self._partition = TopicPartition(topic, 0)
        self._consumer = Consumer(
            {"bootstrap.servers": bootstrap, "group.id": "bench", "enable.auto.commit": False}
        )

    def offset(self) -> int:
        """Of the record to come: how many there were."""
        ends = self._consumer.get_watermark_offsets(self._partition, timeout=REQUEST_SECONDS)
        return int(ends[1])

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self._consumer.close()
