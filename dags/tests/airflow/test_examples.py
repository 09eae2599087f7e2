"""The example DAGs say exactly what they are meant to say, on each Airflow."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

import jsonschema
import pytest
from conftest import example_dag, ids, published, run

from airflow_provider_outbox.events import WorkflowEvent, event_schema

if TYPE_CHECKING:
    from outbox_client.testing import TemporaryOutbox

# By example and publisher: what happened to what, in order. dag.test() starts no run, so
# WORKFLOW_STARTED is seen under the real schedulers only.
EXPECTED: dict[str, dict[str, list[str]]] = {
    "example_kafka_integration": {
        "function": ["WORKFLOW_COMPLETED"],
        "listener": [
            "TASK_STARTED process_data",
            "TASK_COMPLETED process_data",
            "TASK_STARTED publish_completion_event",
            "TASK_COMPLETED publish_completion_event",
            "WORKFLOW_COMPLETED",
        ],
    },
    "example_outbox_decorator": {
        "function": ["CUSTOM"],
        "decorator": [
            "TASK_COMPLETED load[0]",
            "TASK_COMPLETED load[1]",
            "TASK_RETRYING count",
            "TASK_COMPLETED count #2",
        ],
        "listener": [
            "TASK_STARTED load[0]",
            "TASK_COMPLETED load[0]",
            "TASK_STARTED load[1]",
            "TASK_COMPLETED load[1]",
            "TASK_STARTED count",
            "TASK_RETRYING count",
            "TASK_STARTED count #2",
            "TASK_COMPLETED count #2",
            "TASK_STARTED publish_workflow_event",
            "TASK_COMPLETED publish_workflow_event",
            "WORKFLOW_COMPLETED",
        ],
    },
    "example_outbox_listener": {
        "listener": [
            "TASK_STARTED extract",
            "TASK_COMPLETED extract",
            "TASK_STARTED load",
            "TASK_COMPLETED load",
            "WORKFLOW_COMPLETED",
        ],
    },
    "example_outbox_notifier": {
        "notifier": ["TASK_COMPLETED work", "WORKFLOW_COMPLETED"],
        "listener": ["TASK_STARTED work", "TASK_COMPLETED work", "WORKFLOW_COMPLETED"],
    },
}


def told(event: dict[str, Any]) -> str:
    """An event as it stands in the list above."""
    metadata = event["metadata"]
    words = [event["event_type"]]
    if "task_id" in metadata:
        index = metadata["map_index"]
        words.append(metadata["task_id"] + (f"[{index}]" if index >= 0 else ""))
        if metadata["try_number"] != 1:
            words.append(f"#{metadata['try_number']}")
    return " ".join(words)


def unmapped(words: str) -> str:
    return re.sub(r"\[\d+\]", "", words)


def mapped(words: str) -> str:
    """For a stable sort: all events of one instance of a task stay in their order."""
    return "".join(re.findall(r" (\w+\[\d+\])", words))


@pytest.mark.parametrize("name", EXPECTED)
def test_an_example_publishes_exactly_what_is_listed(name: str, outbox: TemporaryOutbox) -> None:
    done = run(example_dag(name))
    assert done.state == "success"
    events = published(outbox)
    by_publisher: dict[str, list[str]] = {}
    for event in events:
        assert (event["workflow_id"], event["workflow_run_id"]) == (name, done.run_id)
        by_publisher.setdefault(event["metadata"]["publisher"], []).append(told(event))
    assert by_publisher.keys() == EXPECTED[name].keys()
    for publisher, expected in EXPECTED[name].items():
        found = by_publisher[publisher]
        # Airflow runs mapped instances in any order.
        assert [unmapped(words) for words in found] == [unmapped(words) for words in expected]
        assert sorted(found, key=mapped) == sorted(expected, key=mapped)


@pytest.mark.parametrize("name", EXPECTED)
def test_who_says_the_same_says_it_under_the_same_id(name: str, outbox: TemporaryOutbox) -> None:
    run(example_dag(name))
    events = published(outbox)
    facts = {event["event_id"]: told(event) for event in events}
    assert len(set(facts.values())) == len(facts) == len(ids(events))
    assert sorted(facts.values()) == sorted({told(event) for event in events})


def test_every_event_is_valid_and_keyed_by_its_run(outbox: TemporaryOutbox) -> None:
    validator = jsonschema.Draft202012Validator(event_schema())
    for name in EXPECTED:
        run(example_dag(name))
    for event in outbox.events():
        validator.validate(event.json())
        parsed = WorkflowEvent.from_json(event.value or b"")
        assert event.key == f"{parsed.workflow_id}/{parsed.workflow_run_id}".encode()
        assert event.event_id == parsed.event_id


def test_the_completion_event_carries_the_result(outbox: TemporaryOutbox) -> None:
    run(example_dag("example_kafka_integration"))
    (event,) = published(outbox, "function")
    assert event["payload"] == {"data": {"status": "success", "count": 100}}


def test_a_retried_attempt_tells_the_error_and_the_next_one_the_value(
    outbox: TemporaryOutbox,
) -> None:
    run(example_dag("example_outbox_decorator"))
    *loads, retrying, completed = published(outbox, "decorator")
    assert sorted(event["payload"]["data"] for event in loads) == [5, 6]
    assert retrying["payload"]["error"]["type"] == "ConnectionError"
    assert completed["payload"] == {"data": 11}
