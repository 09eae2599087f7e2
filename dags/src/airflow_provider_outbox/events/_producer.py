"""`WorkflowEventProducer`: appends workflow events to the outbox."""

from __future__ import annotations

import os
import re
from typing import TYPE_CHECKING, Any
from urllib.parse import quote

from airflow_provider_outbox.events._boundary import (
    Boundary,
    count_lost,
    from_outside,
    log_failure,
)
from airflow_provider_outbox.events._event import InvalidWorkflowEvent, WorkflowEvent
from airflow_provider_outbox.events._json import (
    CUT,
    to_json_object,
    to_json_value,
    to_text,
    withheld,
)
from airflow_provider_outbox.events._settings import (
    InvalidSettingError,
    ProducerSettings,
    from_environment,
)
from outbox_client import Outbox, OutboxError

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping
    from types import TracebackType

    from typing_extensions import Self

    from outbox_client import Receipt

MAX_METADATA_BYTES = 16 << 10
BEGINNING = 1_000

_TRACEPARENT = re.compile(r"[0-9a-f]{2}-[0-9a-f]{32}-[0-9a-f]{16}-[0-9a-f]{2}")


class WorkflowEventProducer:
    """Appends workflow events to the local outbox, from which the relay delivers them to Kafka.

    Never waits for Kafka. Creating one opens nothing and cannot fail for what the outbox or the
    environment is like; publishing can. Safe for threads and forks, as the outbox is.

    ::

        producer = WorkflowEventProducer()
        producer.publish_event(event)
    """

    def __init__(
        self,
        bootstrap_servers: object = None,  # noqa: ARG002 - see below
        outbox: Outbox | str | os.PathLike[str] | None = None,
        *,
        settings: ProducerSettings | None = None,
    ) -> None:
        """Name an outbox.

        Args:
            bootstrap_servers: ignored: only the relay talks to Kafka.
            outbox: an `outbox_client.Outbox`, which stays the caller's to close, or its directory.
                Default: ``OUTBOX_DIR``.
            settings: default: from the environment, at the first event.
        """
        self._path = None if isinstance(outbox, Outbox) else outbox
        self._outbox = outbox if isinstance(outbox, Outbox) else None
        self._owned = self._outbox is None
        self._settings = settings

    def publish_event(
        self,
        event: WorkflowEvent,
        topic: str | None = None,
        *,
        traceparent: str | None = None,
        identity: Collection[str] = (),
    ) -> Receipt:
        """Append an event. When this returns, it will be delivered, whatever happens to Kafka.

        Args:
            event: what happened.
            topic: default: ``OUTBOX_TOPIC``. ``{environment}`` in it stands for ``ENVIRONMENT``.
            traceparent: of the W3C trace that it belongs to; ignored if it is none.
            identity: names of metadata, as JSON's own types, that say what the event is about:
                neither mask nor redactor gets them. ``environment`` and ``version`` are.

        Returns:
            The outbox's receipt; its event id is the event's.

        Raises:
            InvalidWorkflowEvent: *event* is no `WorkflowEvent`.
            InvalidSettingError: a setting in the environment has no meaning.
            outbox_client.OutboxError: the outbox did not take it.
        """
        if not isinstance(event, WorkflowEvent):
            raise InvalidWorkflowEvent(f"pass a WorkflowEvent, not {type(event).__name__}")
        if self._settings is None:
            self._settings = ProducerSettings.read()
        if self._outbox is None:
            self._outbox = Outbox(self._path)
        return self._outbox.append(
            self._rendered(event, self._settings, identity),
            topic=self._settings.topic_for(topic, event.metadata["environment"]),
            key=_well_formed(f"{event.workflow_id}/{event.workflow_run_id}"),
            headers=_cloud_event(event, traceparent),
            event_id=event.event_id,
        )

    def try_publish_event(
        self,
        event: WorkflowEvent,
        topic: str | None = None,
        *,
        traceparent: str | None = None,
        identity: Collection[str] = (),
    ) -> Receipt | None:
        """`publish_event`, but what goes wrong is logged and counted, and None returned.

        It is counted in the outbox, for the relay's ``outbox_append_failures_total``. Only what a
        signal handler raises comes through.
        """
        action = "publish a workflow event"
        if isinstance(event, WorkflowEvent):
            action = f"publish {event.event_type} of {event.workflow_id} {event.workflow_run_id}"
        with Boundary(action, lost=self._count_lost):
            return self.publish_event(event, topic, traceparent=traceparent, identity=identity)
        return None

    def close(self) -> None:
        """Close the outbox's files. Optional, as nothing is buffered; publishing opens anew."""
        if self._outbox is not None and self._owned:
            self._outbox.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        problem: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self.close()

    def _count_lost(self, problem: BaseException) -> None:
        if self._outbox is not None:
            count_lost(self._outbox.path, problem)
            return
        if isinstance(problem, OutboxError):
            # One of the outbox's settings: without an outbox no append has counted it.
            problem = InvalidSettingError(str(problem))
        directory = from_environment("dir") if self._path is None else os.fspath(self._path)
        if directory is not None:
            count_lost(directory, problem)

    def _rendered(
        self, event: WorkflowEvent, settings: ProducerSettings, identity: Collection[str]
    ) -> bytes:
        kept = {name: event.metadata[name] for name in (*identity, "environment", "version")}
        others = {name: value for name, value in event.metadata.items() if name not in kept}
        payload, cut = _content(event.payload, settings, settings.max_payload_bytes)
        metadata, cut_too = _content(others, settings, MAX_METADATA_BYTES)
        truncated = {"truncated": True} if cut or cut_too else {}
        return to_text(event.with_content(payload, {**metadata, **kept, **truncated})).encode()


def _content(
    values: Mapping[str, Any], settings: ProducerSettings, limit: int
) -> tuple[dict[str, Any], bool]:
    """What may be published of payload or metadata, and whether it was cut."""
    found, too_long = to_json_object(values, limit, settings.mask)
    shown = _redacted(found, settings)
    text = to_text(shown)
    size = len(text.encode())
    if size <= limit and not too_long:
        return shown, False
    return {
        CUT: {"bytes": max(size, limit + 1), "limit": limit, "beginning": text[:BEGINNING]}
    }, True


def _redacted(values: dict[str, Any], settings: ProducerSettings) -> dict[str, Any]:
    if settings.redact is None or not values:
        return values
    try:
        shown = to_json_value(settings.redact(values), encoded=True)
    except BaseException as problem:
        if from_outside(problem):
            raise
        log_failure("redact an event, its content is withheld", problem)
        return withheld("the redactor failed")
    return shown if isinstance(shown, dict) else {"data": shown}


def _cloud_event(event: WorkflowEvent, traceparent: str | None) -> list[tuple[str, str]]:
    """The headers of CloudEvents 1.0 in Kafka's binary mode."""
    workflow = quote(_well_formed(event.workflow_id), safe="")
    headers = [
        ("ce_specversion", "1.0"),
        ("ce_id", str(event.event_id)),
        ("ce_type", event.event_type.value),
        ("ce_source", f"/{event.source.value.lower()}/{workflow}"),
        ("ce_time", event.time_text),
        ("content-type", "application/json"),
    ]
    if isinstance(traceparent, str) and _TRACEPARENT.fullmatch(traceparent):
        headers.append(("traceparent", traceparent))
    return headers


def _well_formed(text: str) -> str:
    # As in the event's JSON: an unpaired surrogate has no UTF-8 form.
    return text if text.isascii() else text.encode("utf-8", "replace").decode("utf-8")
