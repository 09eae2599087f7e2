"""A trigger for asset watchers: events of other systems start runs here.

Needs Airflow 3.3 and its Kafka provider, whose consumer does not commit what is not stored yet.
"""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING, Any

from airflow.providers.apache.kafka.triggers.shared_stream import KafkaSharedStreamTrigger
from airflow.triggers.base import TriggerEvent
from airflow.triggers.shared_stream import reject_shared_stream_event

from airflow_provider_outbox.events import EventType, InvalidWorkflowEvent, WorkflowEvent
from airflow_provider_outbox.events._settings import DEFAULT_TOPIC

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Sequence

logger = logging.getLogger("airflow_provider_outbox")


class WorkflowEventTrigger(KafkaSharedStreamTrigger):
    """Fires for the workflow events of Kafka topics that an `AssetWatcher` is interested in.

    The asset's event holds the workflow event's JSON in ``extra["payload"]``, as it stood in Kafka,
    for `WorkflowEvent.from_json`. Kafka is told that it was consumed once Airflow has stored the
    asset's event, so it may come twice, and never not at all: let `SeenEvents` drop what is
    repeated. What is no workflow event is logged, and goes to *dlq_topic* if there is one.
    """

    def __init__(
        self,
        *,
        kafka_config_id: str,
        topics: Sequence[str] = (DEFAULT_TOPIC,),
        event_types: Sequence[EventType | str] = (),
        workflow_ids: Sequence[str] = (),
        poll_timeout: float = 1.0,
        dlq_topic: str | None = None,
    ) -> None:
        """Say which events.

        Args:
            kafka_config_id: an Airflow connection of type ``kafka``, with ``"enable.auto.commit":
                "false"`` and a ``group.id``. Each watcher has one of its own: of two in one
                consumer group each may get a part of the events only.
            topics: where they come from.
            event_types: which types; none: all.
            workflow_ids: of which workflows, in Airflow of which DAGs; none: of all.
            poll_timeout: how many seconds one poll waits.
            dlq_topic: where what is no workflow event goes.

        Raises:
            TypeError: a text stands in place of a list.
            ValueError: an event type is unknown.
        """
        for name, given in (
            ("topics", topics),
            ("event_types", event_types),
            ("workflow_ids", workflow_ids),
        ):
            if isinstance(given, str):
                # It would be a list of its letters, and nothing would ever be asked for.
                raise TypeError(f"{name} is {str(given)!r}: pass a list, [{str(given)!r}]")
        super().__init__(
            topics=topics,
            kafka_config_id=kafka_config_id,
            poll_timeout=poll_timeout,
            dlq_topic=dlq_topic,
        )
        self.event_types = [EventType(kind).value for kind in event_types]
        self.workflow_ids = list(workflow_ids)

    def serialize(self) -> tuple[str, dict[str, Any]]:
        """What Airflow makes the trigger from in its triggerer."""
        _, arguments = super().serialize()
        return f"{__name__}.{type(self).__name__}", {
            **arguments,
            "event_types": self.event_types,
            "workflow_ids": self.workflow_ids,
        }

    async def filter_shared_stream(
        self, shared_stream: AsyncIterator[bytes | None]
    ) -> AsyncIterator[TriggerEvent]:
        """Fire for each event that is asked for."""
        async for value in shared_stream:
            try:
                event = WorkflowEvent.from_json(value or b"")
            except InvalidWorkflowEvent as problem:
                logger.warning("a record is no workflow event: topics=%s %s", self.topics, problem)
                reject_shared_stream_event()
                continue
            if self._is_asked_for(event):
                yield TriggerEvent((value or b"").decode())

    def _is_asked_for(self, event: WorkflowEvent) -> bool:
        return (not self.event_types or event.event_type.value in self.event_types) and (
            not self.workflow_ids or event.workflow_id in self.workflow_ids
        )
