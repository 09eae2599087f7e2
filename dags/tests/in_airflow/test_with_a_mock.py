"""As a user tests a DAG: with a mock in place of Kafka, or with what was really published."""

from __future__ import annotations

import logging
import re
from pathlib import Path
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any
from unittest.mock import patch

import pytest
from conftest import example_dag, run

from airflow_provider_outbox.testing import PublishedEvents, published_events
from workflow_events import EventSource, EventType
from workflow_integration import publish_workflow_event

if TYPE_CHECKING:
    from collections.abc import Iterator
    from unittest.mock import MagicMock

DAG = "example_kafka_integration"


@pytest.fixture
def published() -> Iterator[PublishedEvents]:
    with published_events() as events:
        yield events


@pytest.fixture
def publish_event(published: PublishedEvents) -> Iterator[MagicMock]:
    """The producer's method, mocked."""
    with patch("workflow_events.WorkflowEventProducer.publish_event") as mock:
        yield mock


def test_the_function_hands_one_event_to_the_producer(publish_event: MagicMock) -> None:
    event_id = publish_workflow_event(
        event_type=EventType.WORKFLOW_COMPLETED,
        workflow_id="daily",
        workflow_run_id="run 1",
        payload={"count": 100},
    )
    publish_event.assert_called_once()
    event = publish_event.call_args.args[0]
    assert str(event.event_id) == event_id
    assert event.event_type is EventType.WORKFLOW_COMPLETED
    assert event.source is EventSource.AIRFLOW
    assert (event.workflow_id, event.workflow_run_id) == ("daily", "run 1")
    assert event.payload == {"data": {"count": 100}}
    assert {"environment": "dev", "version": "1.0"}.items() <= event.metadata.items()


@pytest.mark.parametrize(
    "problem", [ConnectionError("Kafka is down"), TimeoutError("60 s"), SystemExit(1)], ids=repr
)
def test_a_producer_that_fails_fails_no_task(
    problem: BaseException, publish_event: MagicMock, caplog: pytest.LogCaptureFixture
) -> None:
    publish_event.side_effect = problem
    with caplog.at_level(logging.ERROR, "airflow_provider_outbox"):
        assert publish_workflow_event(EventType.CUSTOM, "daily", "run 1") is None
    assert f"cannot publish a workflow event: {type(problem).__name__}: {problem}" in caplog.text


def test_the_dag_succeeds_whatever_the_producer_does(publish_event: MagicMock) -> None:
    publish_event.side_effect = ConnectionError("Kafka is down")
    assert run(example_dag(DAG)).state == "success"
    told = [call.args[0] for call in publish_event.call_args_list]
    assert [e.payload for e in told if e.metadata["publisher"] == "function"] == [
        {"data": {"status": "success", "count": 100}}
    ]


def test_without_a_mock_what_the_dag_published_is_read_back(published: PublishedEvents) -> None:
    done = run(example_dag(DAG))
    (event,) = [e for e in published() if e.metadata["publisher"] == "function"]
    assert event.event_type is EventType.WORKFLOW_COMPLETED
    assert (event.workflow_id, event.workflow_run_id) == (DAG, done.run_id)
    assert event.payload == {"data": {"status": "success", "count": 100}}
    assert {event.topic for event in published.outbox.events()} == {"workflow-events"}


def test_what_the_documentation_shows_runs() -> None:
    text = Path(__file__).parents[2].joinpath("docs", "testing.md").read_text()
    names: dict[str, Any] = {
        "load_dag": lambda name: SimpleNamespace(test=lambda: run(example_dag(name)))
    }
    for block in re.findall("```python\n(.*?)```", text, re.DOTALL):
        exec(block, names)
    shown = [found for name, found in names.items() if name.startswith("test_")]
    assert len(shown) == 3
    for test in shown:
        with published_events() as events:
            test(events)


def test_settings_that_a_test_made_are_forgotten(
    published: PublishedEvents, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("OUTBOX_TOPIC", "mine")
    with published_events() as inner:
        publish_workflow_event("CUSTOM", "daily", "run 1")
        assert [event.topic for event in inner.outbox.events()] == ["mine"]
    monkeypatch.delenv("OUTBOX_TOPIC")
    publish_workflow_event("CUSTOM", "daily", "run 1")
    assert [event.topic for event in published.outbox.events()] == ["workflow-events"]
