"""`WorkflowEvent`: what happened to a workflow, and its strict JSON form."""

from __future__ import annotations

import json
import os
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime, timezone
from enum import Enum
from typing import TYPE_CHECKING, Any, TypeVar
from uuid import UUID, uuid4

from airflow_provider_outbox.events._json import to_json_object, to_text

if TYPE_CHECKING:
    from typing import NoReturn

    from typing_extensions import Self

VERSION = "1.0"
FIELDS = (
    "event_id",
    "event_type",
    "timestamp",
    "source",
    "workflow_id",
    "workflow_run_id",
    "payload",
    "metadata",
)

_TIMESTAMP = re.compile(r"\d{4}-\d{2}-\d{2}T\d{2}:\d{2}:\d{2}(\.\d{1,6})?(Z|[+-]\d{2}:\d{2})")

E = TypeVar("E", bound=Enum)


class InvalidWorkflowEvent(ValueError):  # noqa: N818 - says what happened, as the client's errors do
    """A field of an event is missing, unknown or has no meaning; the message names it."""


class _Name(str, Enum):
    """A name that is the same text wherever it is printed: a template's rendering prints it."""

    def __str__(self) -> str:
        return str.__str__(self)

    def __format__(self, spec: str) -> str:
        return str.__format__(self, spec)


class EventType(_Name):
    """What happened."""

    WORKFLOW_STARTED = "WORKFLOW_STARTED"
    WORKFLOW_COMPLETED = "WORKFLOW_COMPLETED"
    WORKFLOW_FAILED = "WORKFLOW_FAILED"
    TASK_STARTED = "TASK_STARTED"
    TASK_COMPLETED = "TASK_COMPLETED"
    TASK_FAILED = "TASK_FAILED"
    TASK_RETRYING = "TASK_RETRYING"
    TASK_SKIPPED = "TASK_SKIPPED"
    CUSTOM = "CUSTOM"


class EventSource(_Name):
    """Which system it happened in."""

    AIRFLOW = "AIRFLOW"
    LANGGRAPH = "LANGGRAPH"
    API = "API"
    CUSTOM = "CUSTOM"


@dataclass(frozen=True, kw_only=True)
class WorkflowEvent:
    """Something that happened to a workflow or to one of its tasks.

    Attributes:
        event_type: an `EventType` or its name.
        source: an `EventSource` or its name.
        workflow_id: in Airflow the id of the DAG.
        workflow_run_id: in Airflow the id of the DAG's run.
        payload: what belongs to it. Values that JSON does not know are encoded as the package's
            README tells.
        metadata: ``environment`` and ``version`` are added where they are missing.
        event_id: a UUID or its text; default a new random one.
        timestamp: with a time zone, kept in UTC; default now.

    Raises:
        InvalidWorkflowEvent: a field has no meaning.
    """

    event_type: EventType
    source: EventSource
    workflow_id: str
    workflow_run_id: str
    payload: Mapping[str, Any] = field(default_factory=dict)
    metadata: Mapping[str, Any] = field(default_factory=dict)
    event_id: UUID = field(default_factory=uuid4)
    timestamp: datetime = field(default_factory=lambda: datetime.now(timezone.utc))

    def __post_init__(self) -> None:
        self._set("event_type", _member(EventType, "event_type", self.event_type))
        self._set("source", _member(EventSource, "source", self.source))
        for name in ("workflow_id", "workflow_run_id"):
            value = getattr(self, name)
            if not isinstance(value, str) or not value:
                raise InvalidWorkflowEvent(f"{name} is {_shown(value)}: pass a str that is not ''")
        for name in ("payload", "metadata"):
            value = getattr(self, name)
            if not isinstance(value, Mapping) or not all(isinstance(key, str) for key in value):
                raise InvalidWorkflowEvent(f"{name} is {_shown(value)}: pass a dict with str keys")
        self._set("payload", dict(self.payload))
        self._set("metadata", _complete(self.metadata))
        self._set("event_id", parsed_id(self.event_id))
        self._set("timestamp", _utc(self.timestamp))

    def _set(self, name: str, value: object) -> None:
        object.__setattr__(self, name, value)

    def to_dict(self) -> dict[str, Any]:
        """The event with JSON's own types only, fields in the order of the schema."""
        return self.with_content(to_json_object(self.payload)[0], to_json_object(self.metadata)[0])

    def with_content(self, payload: dict[str, Any], metadata: dict[str, Any]) -> dict[str, Any]:
        """As `to_dict`, with another payload and other metadata, which have JSON's types."""
        return {
            "event_id": str(self.event_id),
            "event_type": self.event_type.value,
            "timestamp": self.time_text,
            "source": self.source.value,
            "workflow_id": self.workflow_id,
            "workflow_run_id": self.workflow_run_id,
            "payload": payload,
            "metadata": metadata,
        }

    def to_json(self) -> str:
        """The event as compact JSON, valid against `event_schema`."""
        return to_text(self.to_dict())

    @property
    def time_text(self) -> str:
        """The timestamp as it stands in JSON."""
        return self.timestamp.replace(tzinfo=None).isoformat(timespec="microseconds") + "Z"

    @classmethod
    def from_json(cls, text: str | bytes | None) -> Self:
        """Parse what `to_json` or another producer wrote.

        Raises:
            InvalidWorkflowEvent: it is not exactly an event: no JSON, a name twice, NaN, a field
                missing, unknown, or without meaning; or None, a tombstone's value.
        """
        try:
            if not isinstance(text, str):
                # As UTF-8 and nothing else, which json would guess: other readers do not.
                text = bytes(memoryview(text or b"")).decode()
            values = json.loads(
                text, object_pairs_hook=_without_repetition, parse_constant=_no_constant
            )
        except (TypeError, ValueError, RecursionError) as problem:
            if isinstance(problem, InvalidWorkflowEvent):
                raise
            raise InvalidWorkflowEvent(f"this is no JSON: {problem}") from None
        return cls.from_dict(values)

    @classmethod
    def from_dict(cls, values: Mapping[str, Any]) -> Self:
        """Take an event out of parsed JSON.

        Raises:
            InvalidWorkflowEvent: as `from_json`.
        """
        if not isinstance(values, Mapping):
            raise InvalidWorkflowEvent(f"an event is a JSON object, not {_shown(values)}")
        missing = [name for name in FIELDS if name not in values]
        unknown = [name for name in values if name not in FIELDS]
        if missing or unknown:
            raise InvalidWorkflowEvent(f"fields are missing: {missing}, or unknown: {unknown}")
        for name in FIELDS[:6]:
            if not isinstance(values[name], str):
                raise InvalidWorkflowEvent(f"{name} is {_shown(values[name])}: it must be text")
        metadata = values["metadata"]
        if not isinstance(metadata, Mapping) or not {"environment", "version"} <= set(metadata):
            raise InvalidWorkflowEvent(
                f"metadata is {_shown(metadata)}: it must have environment and version"
            )
        return cls(**{**values, "timestamp": _parsed_time(values["timestamp"])})


def environment_name(environ: Mapping[str, str] = os.environ) -> str:
    """``ENVIRONMENT``, by default ``dev``."""
    return environ.get("ENVIRONMENT", "").strip() or "dev"


def _complete(metadata: Mapping[str, Any]) -> dict[str, Any]:
    whole = {"environment": environment_name(), "version": VERSION, **metadata}
    environment, version = whole["environment"], whole["version"]
    if not isinstance(environment, str) or not environment:
        raise InvalidWorkflowEvent(f"metadata's environment is {_shown(environment)}: pass text")
    if version != VERSION:
        raise InvalidWorkflowEvent(f"metadata's version is {_shown(version)}, not {VERSION!r}")
    if whole.get("truncated", True) is not True:
        raise InvalidWorkflowEvent("metadata's truncated is the producer's to set: leave it out")
    return whole


def _member(kind: type[E], name: str, value: object) -> E:
    if isinstance(value, str):
        try:
            return kind(value)
        except ValueError:
            pass
    names = ", ".join(member.value for member in kind)
    raise InvalidWorkflowEvent(f"{name} is {_shown(value)}: it must be one of {names}")


def parsed_id(value: object) -> UUID:
    """An event's id from a UUID or its text.

    Raises:
        InvalidWorkflowEvent: it is neither.
    """
    if isinstance(value, UUID):
        return value
    if isinstance(value, str):
        try:
            parsed = UUID(value)
        except ValueError:
            pass
        else:
            if str(parsed) == value.lower():
                return parsed
    raise InvalidWorkflowEvent(f"event_id is {_shown(value)}: it must be a UUID")


def _utc(value: object) -> datetime:
    if not isinstance(value, datetime) or value.utcoffset() is None:
        raise InvalidWorkflowEvent(f"timestamp is {_shown(value)}: pass a datetime with time zone")
    try:
        moment = value.astimezone(timezone.utc)
    except OverflowError:
        raise InvalidWorkflowEvent(f"timestamp is {value}: it has no form in UTC") from None
    # Not pendulum's subclass: an event is the same, whoever made it.
    return datetime.combine(moment.date(), moment.time(), timezone.utc)


def _parsed_time(text: str) -> datetime:
    match = _TIMESTAMP.fullmatch(text)
    if match is not None:
        fraction = match[1] or "."
        zone = "+00:00" if match[2] == "Z" else match[2]
        try:
            return datetime.fromisoformat(f"{text[:19]}{fraction:0<7}{zone}")
        except ValueError:
            pass
    raise InvalidWorkflowEvent(
        f"timestamp is {_shown(text)}: it must be like 2025-01-31T12:00:00.000000Z"
    )


def _without_repetition(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    values = dict(pairs)
    if len(values) != len(pairs):
        names = [name for name, _ in pairs]
        twice = sorted({name for name in names if names.count(name) > 1})
        raise InvalidWorkflowEvent(f"names stand twice in one object: {twice}")
    return values


def _no_constant(name: str) -> NoReturn:
    raise InvalidWorkflowEvent(f"{name} is no JSON")


def _shown(value: object) -> str:
    text = repr(value)
    return text if len(text) <= 80 else text[:77] + "..."
