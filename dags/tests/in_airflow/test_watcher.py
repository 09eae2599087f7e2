"""The trigger for asset watchers: what it fires for, and what Airflow makes it from."""

from __future__ import annotations

import asyncio
from importlib import import_module
from typing import TYPE_CHECKING, Any

import pytest

from airflow_provider_outbox import watcher
from airflow_provider_outbox.events import EventType, WorkflowEvent
from airflow_provider_outbox.watcher import WorkflowEventTrigger

if TYPE_CHECKING:
    from collections.abc import AsyncIterator


def event(event_type: str, workflow_id: str) -> bytes:
    return (
        WorkflowEvent(
            event_type=event_type,  # type: ignore[arg-type]  # a name will do
            source="AIRFLOW",  # type: ignore[arg-type]
            workflow_id=workflow_id,
            workflow_run_id="run 1",
            payload={"digits": 10**20},
        )
        .to_json()
        .encode()
    )


COMPLETED = event("WORKFLOW_COMPLETED", "a")
FAILED = event("WORKFLOW_FAILED", "a")
OF_ANOTHER = event("WORKFLOW_COMPLETED", "b")


def fired(trigger: WorkflowEventTrigger, *values: bytes | None) -> list[Any]:
    """What it hands to Airflow for these records."""

    async def stream() -> AsyncIterator[bytes | None]:
        for value in values:
            yield value

    async def collected() -> list[Any]:
        return [found.payload async for found in trigger.filter_shared_stream(stream())]

    return asyncio.run(collected())


@pytest.mark.parametrize(
    ("chosen", "expected"),
    [
        ({}, [COMPLETED, FAILED, OF_ANOTHER]),
        ({"event_types": [EventType.WORKFLOW_COMPLETED]}, [COMPLETED, OF_ANOTHER]),
        ({"workflow_ids": ["a", "c"]}, [COMPLETED, FAILED]),
        ({"event_types": ["WORKFLOW_FAILED"], "workflow_ids": ["b"]}, []),
    ],
)
def test_it_fires_for_what_is_asked_for_with_the_text_as_it_stood(
    chosen: dict[str, Any], expected: list[bytes]
) -> None:
    trigger = WorkflowEventTrigger(kafka_config_id="k", **chosen)
    assert fired(trigger, COMPLETED, FAILED, OF_ANOTHER) == [text.decode() for text in expected]


@pytest.mark.parametrize("value", [None, b"", b"{}", b"\xff", b"[]"])
def test_what_is_no_event_is_refused_and_the_next_one_fires(
    value: bytes | None, monkeypatch: pytest.MonkeyPatch
) -> None:
    refused: list[bool] = []
    monkeypatch.setattr(watcher, "reject_shared_stream_event", lambda: refused.append(True))
    trigger = WorkflowEventTrigger(kafka_config_id="k")
    assert fired(trigger, value, COMPLETED) == [COMPLETED.decode()]
    assert refused == [True]


def test_airflow_makes_the_same_one_from_what_it_stored() -> None:
    trigger = WorkflowEventTrigger(
        kafka_config_id="k",
        topics=["b", "a"],
        event_types=[EventType.CUSTOM],
        workflow_ids=["w"],
        dlq_topic="d",
    )
    path, arguments = trigger.serialize()
    module, _, name = path.rpartition(".")
    again = getattr(import_module(module), name)(**arguments)
    assert again.serialize() == (path, arguments)
    assert arguments["topics"] == ["a", "b"]
    assert arguments["event_types"] == ["CUSTOM"]


def test_an_unknown_event_type_is_refused() -> None:
    with pytest.raises(ValueError, match="WORKFLOW_DONE"):
        WorkflowEventTrigger(kafka_config_id="k", event_types=["WORKFLOW_DONE"])


@pytest.mark.parametrize("name", ["topics", "event_types", "workflow_ids"])
def test_a_text_in_place_of_a_list_is_refused(name: str) -> None:
    arguments: dict[str, Any] = {name: "backup"}
    with pytest.raises(TypeError, match=rf"{name} is 'backup': pass a list, \['backup'\]"):
        WorkflowEventTrigger(kafka_config_id="kafka", **arguments)
