"""What an event is, what is refused, and that its JSON is what the schema says."""

from __future__ import annotations

import json
from datetime import datetime, timedelta, timezone
from typing import Any
from uuid import UUID

import jsonschema
import pytest

import workflow_events
from airflow_provider_outbox import events
from airflow_provider_outbox.events import (
    EventSource,
    EventType,
    InvalidWorkflowEvent,
    WorkflowEvent,
    event_schema,
)

FACTS: dict[str, Any] = {
    "event_type": EventType.TASK_COMPLETED,
    "source": EventSource.AIRFLOW,
    "workflow_id": "daily",
    "workflow_run_id": "manual__2025",
}


def validate(document: object) -> None:
    validator = jsonschema.Draft202012Validator(
        event_schema(), format_checker=jsonschema.FormatChecker()
    )
    validator.validate(document)


def test_an_event_needs_only_what_happened_to_which_run() -> None:
    event = WorkflowEvent(**FACTS)
    assert event.payload == {}
    assert event.metadata == {"environment": "dev", "version": "1.0"}
    assert event.event_id != WorkflowEvent(**FACTS).event_id
    assert event.timestamp.tzinfo is timezone.utc
    assert timedelta() <= datetime.now(timezone.utc) - event.timestamp < timedelta(minutes=5)
    validate(event.to_dict())


def test_names_are_as_good_as_members() -> None:
    event = WorkflowEvent(**{**FACTS, "event_type": "TASK_FAILED", "source": "LANGGRAPH"})
    assert event.event_type is EventType.TASK_FAILED
    assert event.source is EventSource.LANGGRAPH


def test_members_are_printed_as_their_names() -> None:
    assert str(EventType.TASK_FAILED) == f"{EventType.TASK_FAILED}" == "TASK_FAILED"
    assert str(EventSource.LANGGRAPH) == "LANGGRAPH"


def test_the_environment_is_named_by_its_variable(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ENVIRONMENT", " prod ")
    assert WorkflowEvent(**FACTS).metadata["environment"] == "prod"
    given = WorkflowEvent(**FACTS, metadata={"environment": "test", "team": "a"})
    assert given.metadata == {"environment": "test", "version": "1.0", "team": "a"}


def test_json_has_the_fields_of_the_schema_in_its_order() -> None:
    moment = datetime(2025, 1, 31, 13, 0, 0, 5, tzinfo=timezone(timedelta(hours=1)))
    event = WorkflowEvent(
        **FACTS, payload={"data": [1, "ä"]}, event_id=UUID(int=7), timestamp=moment
    )
    assert event.to_json() == (
        '{"event_id":"00000000-0000-0000-0000-000000000007","event_type":"TASK_COMPLETED",'
        '"timestamp":"2025-01-31T12:00:00.000005Z","source":"AIRFLOW","workflow_id":"daily",'
        '"workflow_run_id":"manual__2025","payload":{"data":[1,"ä"]},'
        '"metadata":{"environment":"dev","version":"1.0"}}'
    )
    assert list(json.loads(event.to_json())) == event_schema()["required"]


def test_an_event_survives_json() -> None:
    event = WorkflowEvent(**FACTS, payload={"data": {"a": [None, 1.5, True]}})
    assert WorkflowEvent.from_json(event.to_json()) == event
    assert WorkflowEvent.from_json(event.to_json().encode()) == event


@pytest.mark.parametrize("text", ["2025-01-31T12:00:00Z", "2025-01-31T13:00:00.0+01:00"])
def test_other_producers_may_write_the_same_time_differently(text: str) -> None:
    values = {**WorkflowEvent(**FACTS).to_dict(), "timestamp": text}
    parsed = WorkflowEvent.from_dict(values)
    assert parsed.timestamp == datetime(2025, 1, 31, 12, tzinfo=timezone.utc)


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("event_type", "TASK_EXPLODED"),
        ("event_type", None),
        ("source", "airflow"),
        ("workflow_id", ""),
        ("workflow_id", 5),
        ("workflow_run_id", None),
        ("payload", ["data"]),
        ("payload", {1: "data"}),
        ("metadata", "prod"),
        ("metadata", {"version": "2.0"}),
        ("metadata", {"environment": ""}),
        ("metadata", {"truncated": "no"}),
        ("event_id", "7"),
        ("event_id", 7),
        ("event_id", "{00000000-0000-0000-0000-000000000007}"),
        ("timestamp", datetime(2025, 1, 1)),  # noqa: DTZ001
        ("timestamp", datetime.min.replace(tzinfo=timezone(timedelta(hours=1)))),
        ("timestamp", "2025-01-01T00:00:00Z"),
    ],
)
def test_a_field_without_meaning_is_named(field: str, value: object) -> None:
    with pytest.raises(InvalidWorkflowEvent, match=field):
        WorkflowEvent(**{**FACTS, field: value})


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        ({"colour": "red"}, r"unknown: \['colour'\]"),
        ({"event_id": 7}, "event_id is 7"),
        ({"event_type": None}, "event_type is None"),
        ({"timestamp": "yesterday"}, "timestamp is 'yesterday'"),
        ({"timestamp": "2025-01-31T12:00:00"}, "timestamp"),
        ({"timestamp": "2025-02-30T12:00:00Z"}, "timestamp"),
        ({"metadata": {"environment": "dev"}}, "it must have environment and version"),
        ({"metadata": []}, "it must have environment and version"),
    ],
)
def test_parsing_is_strict(change: dict[str, Any], reason: str) -> None:
    values = {**WorkflowEvent(**FACTS).to_dict(), **change}
    with pytest.raises(InvalidWorkflowEvent, match=reason):
        WorkflowEvent.from_json(json.dumps(values))
    with pytest.raises(jsonschema.ValidationError):
        validate(values)


@pytest.mark.parametrize("field", event_schema()["required"])
def test_no_field_may_be_missing(field: str) -> None:
    values = WorkflowEvent(**FACTS).to_dict()
    del values[field]
    with pytest.raises(InvalidWorkflowEvent, match=rf"missing: \['{field}'\]"):
        WorkflowEvent.from_dict(values)
    with pytest.raises(jsonschema.ValidationError):
        validate(values)


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("", "no JSON"),
        (b"\xff", "no JSON"),
        (None, "no JSON"),  # a tombstone's
        (b"\xed\xa0\x80", "no JSON"),
        ("{}".encode("utf-16"), "no JSON"),
        (b"\xef\xbb\xbf{}", "no JSON"),
        ("[]", "JSON object"),
        ("{" * 100_000, "no JSON"),
        ("[" * 100_000, "no JSON"),
        ('{"payload": {"a": 1, "a": 2}}', r"twice in one object: \['a'\]"),
        ('{"payload": NaN}', "NaN is no JSON"),
    ],
)
def test_what_is_no_json_is_refused(text: Any, reason: str) -> None:
    with pytest.raises(InvalidWorkflowEvent, match=reason):
        WorkflowEvent.from_json(text)


def test_the_schema_is_valid_and_knows_every_type_and_source() -> None:
    schema = event_schema()
    jsonschema.Draft202012Validator.check_schema(schema)
    properties = schema["properties"]
    assert properties["event_type"]["enum"] == [kind.value for kind in EventType]
    assert properties["source"]["enum"] == [source.value for source in EventSource]


def test_the_top_level_module_has_the_same_objects() -> None:
    for name in workflow_events.__all__:
        assert getattr(workflow_events, name) is getattr(events, name)
