"""From a fact to an event in the outbox, once for all who publish in this process."""

from __future__ import annotations

import logging
from functools import cache
from time import monotonic
from typing import TYPE_CHECKING, Any
from uuid import uuid4

from airflow_provider_outbox._settings import Settings, lookup
from airflow_provider_outbox.events import (
    EventSource,
    InvalidSettingError,
    WorkflowEvent,
    WorkflowEventProducer,
)
from airflow_provider_outbox.events._boundary import Boundary, count_lost
from outbox_client import Outbox, OutboxBusy, OutboxUnavailable

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from uuid import UUID

    from airflow_provider_outbox._facts import Fact
    from airflow_provider_outbox.events import EventType
    from outbox_client import Receipt

logger = logging.getLogger("airflow_provider_outbox")

LOCK_SECONDS = 1.0
# A writer that was stopped inside the lock would otherwise cost every task and every turn of the
# scheduler that second.
HURRY_SECONDS = 30.0
# Who runs holds it for microseconds, but may have to wait for a processor.
HURRIED_LOCK_SECONDS = 0.05


class Publisher:
    """Appends events to one outbox.

    Waits at most `LOCK_SECONDS` for its lock; after that was in vain, at most
    `HURRIED_LOCK_SECONDS` until it gets it, or for `HURRY_SECONDS`.
    """

    def __init__(
        self, directory: str, settings: Settings, clock: Callable[[], float] = monotonic
    ) -> None:
        """Open nothing yet.

        Raises:
            InvalidSettingError: a setting of the outbox has no meaning.
        """
        self._settings = settings
        self._clock = clock
        self._patient = self._producer(directory, LOCK_SECONDS)
        self._hurried = self._producer(directory, HURRIED_LOCK_SECONDS)
        self._hurry_until = float("-inf")

    def _producer(self, directory: str, lock_timeout: float) -> WorkflowEventProducer:
        try:
            outbox = Outbox(directory, lock_timeout=lock_timeout)
        except OutboxUnavailable as problem:
            # One of the client's own settings; nothing was appended yet.
            raise InvalidSettingError(str(problem)) from None
        return WorkflowEventProducer(outbox=outbox, settings=self._settings.producer)

    def publish(
        self, event: WorkflowEvent, topic: str | None = None, traceparent: str | None = None
    ) -> Receipt:
        """Append an event.

        Raises:
            OutboxError: the outbox did not take it.
        """
        hurried = self._clock() < self._hurry_until
        producer = self._hurried if hurried else self._patient
        try:
            receipt = producer.publish_event(
                event, topic, traceparent=traceparent, identity=tuple(event.metadata)
            )
        except OutboxBusy:
            if not hurried:
                self._hurry_until = self._clock() + HURRY_SECONDS
            raise
        self._hurry_until = float("-inf")
        return receipt


def publishing(action: str) -> Boundary:
    """The boundary around one event: what goes wrong is logged, and the event counted as lost."""
    return Boundary(action, lost=_count_lost)


def _count_lost(problem: BaseException) -> None:
    directory = lookup("dir")
    if directory is not None:
        count_lost(directory, problem)


def publish_fact(
    fact: Fact,
    publisher: str,
    payload: Callable[[], Mapping[str, Any]] | None = None,
    topic: str | None = None,
) -> None:
    """Publish *fact*; what goes wrong is logged and counted.

    Args:
        fact: what happened.
        publisher: which of our ways saw it, for ``metadata.publisher``.
        payload: makes the payload.
        topic: default: as configured.
    """
    with publishing(f"publish {fact.event_type.value} of {fact.dag_id} {fact.run_id}"):
        found = _publisher()
        if found is None:
            return
        settings = Settings.read()
        times = {} if fact.moment is None else {"timestamp": fact.moment}
        event = WorkflowEvent(
            event_type=fact.event_type,
            source=EventSource.AIRFLOW,
            workflow_id=fact.dag_id,
            workflow_run_id=fact.run_id,
            payload={} if payload is None else payload(),
            metadata={
                "environment": settings.environment,
                "publisher": publisher,
                **fact.details,
            },
            event_id=fact.event_id(settings.instance),
            **times,
        )
        found.publish(event, topic, fact.traceparent)


def publish_statement(
    event_type: EventType,
    workflow_id: str,
    workflow_run_id: str,
    payload: Mapping[str, Any],
    *,
    fact: Fact | None,
    topic: str | None,
    event_id: UUID | str | None,
    traceparent: str | None,
) -> str | None:
    """Publish what a user's code says.

    Args:
        event_type: what happened.
        workflow_id: to which workflow.
        workflow_run_id: in which run.
        payload: the payload.
        fact: the same as something that Airflow knows, if it is.
        topic: default: as configured.
        event_id: default: the fact's, else a new one.
        traceparent: of the trace it belongs to.

    Returns:
        The event's id; None if publishing is off.

    Raises:
        Exception: whatever went wrong.
    """
    found = _publisher()
    if found is None:
        return None
    settings = Settings.read()
    if event_id is None:
        event_id = uuid4() if fact is None else fact.event_id(settings.instance)
    event = WorkflowEvent(
        event_type=event_type,
        source=EventSource.AIRFLOW,
        workflow_id=workflow_id,
        workflow_run_id=workflow_run_id,
        payload=payload,
        metadata={
            "environment": settings.environment,
            "publisher": "function",
            **({} if fact is None else fact.details),
        },
        event_id=event_id,  # type: ignore[arg-type] # text is taken, too
    )
    found.publish(event, topic, traceparent)
    return str(event.event_id)


@cache
def _publisher() -> Publisher | None:
    settings = Settings.read()
    if settings.directory is None:
        logger.warning(
            "OUTBOX_DIR is not set: no workflow events are published. Name the outbox's directory "
            "there, or as dir in the section [outbox]"
        )
        return None
    return Publisher(settings.directory, settings)


def forget() -> None:
    """Read the settings anew and say anew what is off: for tests."""
    _publisher.cache_clear()
    Settings.read.cache_clear()
