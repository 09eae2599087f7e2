"""What lies in the outbox after an event was published, and what happens if it cannot be."""

from __future__ import annotations

import json
import logging
import os
import subprocess
import sys
from typing import TYPE_CHECKING, Any
from uuid import UUID

import pytest
from counted import refused
from test_event import FACTS, validate

from airflow_provider_outbox.events import (
    InvalidSettingError,
    InvalidWorkflowEvent,
    ProducerSettings,
    WorkflowEvent,
    WorkflowEventProducer,
)
from outbox_client import InvalidEvent, Outbox, OutboxUnavailable
from outbox_client.testing import Event, read_events

if TYPE_CHECKING:
    from pathlib import Path

    from outbox_client.testing import TemporaryOutbox

TRACE = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01"


def an_event(**fields: Any) -> WorkflowEvent:
    return WorkflowEvent(**{**FACTS, **fields})


def only(outbox: TemporaryOutbox) -> Event:
    (found,) = outbox.events()
    validate(found.json())
    return found


def masked(values: Any) -> Any:
    """A redactor that `package.module:function` names."""
    return {**values, "data": "***"} if "data" in values else values


def test_an_event_is_appended_with_the_headers_of_a_cloud_event(outbox: TemporaryOutbox) -> None:
    event = an_event(payload={"data": 1}, workflow_id="täglich/1")
    with WorkflowEventProducer() as producer:
        receipt = producer.publish_event(event, traceparent=TRACE)
    assert receipt.event_id == event.event_id
    found = only(outbox)
    assert WorkflowEvent.from_json(found.value or b"") == event
    assert found.topic == "workflow-events"
    assert found.key == "täglich/1/manual__2025".encode()
    assert found.event_id == event.event_id
    assert dict(found.headers) == {
        "ce_specversion": b"1.0",
        "ce_id": str(event.event_id).encode(),
        "ce_type": b"TASK_COMPLETED",
        "ce_source": b"/airflow/t%C3%A4glich%2F1",
        "ce_time": event.time_text.encode(),
        "content-type": b"application/json",
        "traceparent": TRACE.encode(),
    }


@pytest.mark.parametrize("traceparent", [None, "", "00-1-2-3", TRACE + "\n", 5])
def test_what_is_no_trace_is_left_out(traceparent: Any, outbox: TemporaryOutbox) -> None:
    WorkflowEventProducer().publish_event(an_event(), traceparent=traceparent)
    assert "traceparent" not in dict(only(outbox).headers)


@pytest.mark.parametrize(
    ("variable", "argument", "environment", "topic"),
    [
        (None, None, None, "workflow-events"),
        ("", None, None, "workflow-events"),
        ("events", None, None, "events"),
        ("events", "mine", None, "mine"),
        ("events.{environment}", None, None, "events.dev"),
        ("events.{environment}", None, "prod", "events.prod"),
        (None, "mine.{environment}", "prod", "mine.prod"),
    ],
)
def test_the_topic_is_the_arguments_then_the_environments(
    variable: str | None,
    argument: str | None,
    environment: str | None,
    topic: str,
    outbox: TemporaryOutbox,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    for name, value in (("OUTBOX_TOPIC", variable), ("ENVIRONMENT", environment)):
        if value is not None:
            monkeypatch.setenv(name, value)
    WorkflowEventProducer().publish_event(an_event(), topic=argument)
    assert only(outbox).topic == topic


def test_bootstrap_servers_are_accepted_and_ignored(outbox: TemporaryOutbox) -> None:
    WorkflowEventProducer(bootstrap_servers="localhost:9092").publish_event(an_event())
    WorkflowEventProducer(["a:1", "b:2"]).publish_event(an_event())
    assert len(outbox.events()) == 2


def test_an_outbox_or_its_path_can_be_given(tmp_path: Path) -> None:
    path = tmp_path / "outbox"
    with Outbox(path) as outbox:
        for given in (path, str(path), outbox):
            with WorkflowEventProducer(outbox=given) as producer:
                producer.publish_event(an_event())
    assert len(read_events(path)) == 3


def test_a_closed_producer_opens_anew(outbox: TemporaryOutbox) -> None:
    producer = WorkflowEventProducer()
    producer.close()
    for _ in range(2):
        producer.publish_event(an_event())
        producer.close()
    assert len(outbox.events()) == 2


def test_a_payload_that_is_too_large_is_cut_and_says_so(outbox: TemporaryOutbox) -> None:
    settings = ProducerSettings(max_payload_bytes=20_000)
    WorkflowEventProducer(settings=settings).publish_event(an_event(payload={"data": "ä" * 10_000}))
    value = only(outbox).json()
    cut = value["payload"]["$cut"]
    assert cut["bytes"] == len(json.dumps({"data": "ä" * 10_000}, ensure_ascii=False).encode()) - 1
    assert cut["limit"] == 20_000
    assert cut["beginning"] == ('{"data":"' + "ä" * 1_000)[:1_000]
    assert value["metadata"] == {"environment": "dev", "version": "1.0", "truncated": True}
    assert WorkflowEvent.from_json(only(outbox).value or b"").metadata["truncated"] is True


def test_a_payload_at_the_limit_is_whole(outbox: TemporaryOutbox) -> None:
    payload = {"data": "x" * 30_000}
    size = len(json.dumps(payload, separators=(",", ":")))
    for limit, whole in ((size, True), (size - 1, False)):
        settings = ProducerSettings(max_payload_bytes=limit)
        WorkflowEventProducer(settings=settings).publish_event(an_event(payload=payload))
        assert (outbox.events()[-1].json()["payload"] == payload) is whole


def test_by_default_even_the_largest_payload_fits(outbox: TemporaryOutbox) -> None:
    settings = ProducerSettings(max_payload_bytes=900 << 10)
    payload = {"data": "x" * ((900 << 10) - 11)}
    metadata = {"note": "y" * 16_000}
    event = an_event(payload=payload, metadata=metadata)
    WorkflowEventProducer(settings=settings).publish_event(event)
    assert only(outbox).json()["payload"] == payload
    WorkflowEventProducer().publish_event(an_event(payload={"data": "x" * (2 << 20)}))
    assert "$cut" in outbox.events()[-1].json()["payload"]


def test_large_metadata_is_cut_but_for_what_the_schema_asks(outbox: TemporaryOutbox) -> None:
    event = an_event(payload={"data": 1}, metadata={"note": "y" * 20_000})
    WorkflowEventProducer().publish_event(event)
    value = only(outbox).json()
    assert value["payload"] == {"data": 1}
    assert value["metadata"]["environment"] == "dev"
    assert value["metadata"]["$cut"]["limit"] == 16 << 10


def test_a_redactor_sees_plain_json_and_decides_what_is_published(
    outbox: TemporaryOutbox,
) -> None:
    seen: list[Any] = []

    def redact(values: Any) -> Any:
        seen.append(values)
        return dict.fromkeys(values, "***")

    event = an_event(payload={"data": {1, 2}}, metadata={"token": b"a"})
    WorkflowEventProducer(settings=ProducerSettings(redact=redact)).publish_event(event)
    assert seen[0] == {"data": {"$set": [1, 2]}}
    assert seen[1]["token"] == {"$bytes": "YQ=="}
    value = only(outbox).json()
    assert value["payload"] == {"data": "***"}
    assert value["metadata"] == {"environment": "dev", "version": "1.0", "token": "***"}


def test_what_a_redactor_leaves_alone_stays_as_it_is(outbox: TemporaryOutbox) -> None:
    payload = {"data": {1, 2}, "odd": {"$set": "?"}, "raw": b"a"}
    for redact in (None, lambda values: values):
        settings = ProducerSettings(redact=redact)
        WorkflowEventProducer(settings=settings).publish_event(an_event(payload=payload))
    without, with_one = outbox.events()
    assert with_one.json()["payload"] == without.json()["payload"]


@pytest.mark.parametrize("problem", [ValueError("no"), SystemExit(1)])
def test_when_the_redactor_fails_nothing_of_the_content_is_published(
    problem: BaseException, outbox: TemporaryOutbox, caplog: pytest.LogCaptureFixture
) -> None:
    def redact(values: Any) -> Any:
        raise problem

    settings = ProducerSettings(redact=redact)
    event = an_event(payload={"data": "secret"})
    WorkflowEventProducer(settings=settings).publish_event(event)
    assert only(outbox).json()["payload"] == {"$withheld": "the redactor failed"}
    assert b"secret" not in (only(outbox).value or b"")
    assert "cannot redact an event" in caplog.text


def test_settings_come_from_the_environment(
    outbox: TemporaryOutbox, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("AIRFLOW__OUTBOX__REDACTOR", f"{__name__}:masked")
    monkeypatch.setenv("AIRFLOW__OUTBOX__MAX_PAYLOAD_BYTES", "70000")
    assert ProducerSettings.read().max_payload_bytes == 70_000
    WorkflowEventProducer().publish_event(an_event(payload={"data": "secret"}))
    assert only(outbox).json()["payload"] == {"data": "***"}


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("AIRFLOW__OUTBOX__MAX_PAYLOAD_BYTES", "1M"),
        ("AIRFLOW__OUTBOX__MAX_PAYLOAD_BYTES", "0"),
        ("AIRFLOW__OUTBOX__MAX_PAYLOAD_BYTES", "-1"),
        ("AIRFLOW__OUTBOX__REDACTOR", "no.such.module:function"),
        ("AIRFLOW__OUTBOX__REDACTOR", "json:no_such_function"),
        ("AIRFLOW__OUTBOX__REDACTOR", "masked"),
        ("AIRFLOW__OUTBOX__REDACTOR", "os:sep"),
    ],
)
def test_a_setting_without_meaning_is_named(
    name: str, value: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(name, value)
    with pytest.raises(InvalidSettingError, match=f"{name} is '{value}'"):
        WorkflowEventProducer(outbox="/nowhere/outbox").publish_event(an_event())


def test_a_payload_limit_beyond_what_the_outbox_takes_is_refused() -> None:
    with pytest.raises(InvalidSettingError, match="max_payload_bytes is 1048576"):
        ProducerSettings(max_payload_bytes=1 << 20)


def test_creating_a_producer_cannot_fail_but_publishing_says_why() -> None:
    producer = WorkflowEventProducer()
    with pytest.raises(OutboxUnavailable, match="OUTBOX_DIR is not set"):
        producer.publish_event(an_event())
    producer.close()


def test_only_a_workflow_event_is_published(outbox: TemporaryOutbox) -> None:
    with pytest.raises(InvalidWorkflowEvent, match="pass a WorkflowEvent, not dict"):
        WorkflowEventProducer().publish_event({})  # type: ignore[arg-type]


# --- never raising ---


def test_trying_gives_a_receipt_or_one_line_in_the_log(
    outbox: TemporaryOutbox, caplog: pytest.LogCaptureFixture
) -> None:
    producer = WorkflowEventProducer()
    event = an_event(event_id=UUID(int=9))
    receipt = producer.try_publish_event(event)
    assert receipt is not None
    assert receipt.event_id == UUID(int=9)
    assert producer.try_publish_event(event, topic="no topic") is None
    (record,) = caplog.records
    assert record.levelno == logging.ERROR
    assert record.getMessage().startswith(
        f"cannot publish {event.event_type} of {event.workflow_id} {event.workflow_run_id}: "
        "InvalidEvent: topic 'no topic' is no Kafka topic name"
    )


def test_what_the_outbox_refuses_is_counted_for_the_relay(outbox: TemporaryOutbox) -> None:
    producer = WorkflowEventProducer()
    with pytest.raises(InvalidEvent):
        producer.publish_event(an_event(), topic="no topic")
    producer.try_publish_event(an_event(), topic="no topic")
    producer.try_publish_event(an_event(workflow_id="x" * (1 << 20)))
    assert refused(outbox.path) == {"too-large": 1, "invalid": 2}


def test_an_event_that_is_lost_before_the_outbox_is_asked_is_counted_once(
    outbox: TemporaryOutbox, monkeypatch: pytest.MonkeyPatch
) -> None:
    no_event: Any = {"event_type": "CUSTOM"}
    for given in (None, outbox.path, outbox.outbox):
        producer = WorkflowEventProducer(outbox=given)
        assert producer.try_publish_event(no_event) is None
    assert refused(outbox.path) == {"invalid": 3}
    for name, value in (
        ("AIRFLOW__OUTBOX__MAX_PAYLOAD_BYTES", "much"),
        ("AIRFLOW__OUTBOX__REDACTOR", "no.such:thing"),
        ("OUTBOX_MAX_BYTES", "much"),
        ("OUTBOX_DURABILITY", "some"),
    ):
        with monkeypatch.context() as patch:
            patch.setenv(name, value)
            assert WorkflowEventProducer().try_publish_event(an_event()) is None
    assert refused(outbox.path) == {"invalid": 3, "unavailable": 4}


def test_where_nothing_can_be_counted_nothing_is_raised(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    no_event: Any = None
    for directory in ("", "relative", str(tmp_path / "no" / "outbox")):
        monkeypatch.setenv("OUTBOX_DIR", directory)
        assert WorkflowEventProducer().try_publish_event(no_event) is None
        assert WorkflowEventProducer().try_publish_event(an_event()) is None


def test_a_missing_parent_is_logged_and_no_more(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    producer = WorkflowEventProducer(outbox=tmp_path / "no" / "outbox")
    assert producer.try_publish_event(an_event()) is None
    assert "does not exist: create it" in caplog.text


# --- what it costs ---


def test_it_needs_no_airflow_and_starts_no_thread(outbox: TemporaryOutbox) -> None:
    program = (
        "import sys, threading\n"
        "sys.modules['airflow'] = None\n"
        "from workflow_events import *\n"
        "event = WorkflowEvent(event_type='CUSTOM', source='API', workflow_id='w',"
        " workflow_run_id='r')\n"
        "WorkflowEventProducer().publish_event(event)\n"
        "assert threading.active_count() == 1\n"
    )
    subprocess.run([sys.executable, "-W", "error", "-c", program], check=True, env=os.environ)
    assert only(outbox).json()["source"] == "API"
