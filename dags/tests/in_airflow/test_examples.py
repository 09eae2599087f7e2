"""The example DAGs say exactly what they are meant to say, on each Airflow."""

from __future__ import annotations

from typing import TYPE_CHECKING

import jsonschema
import pytest
from conftest import example_dag, ids, published, run
from expected import EXPECTED, check_ids, check_told, told

from airflow_provider_outbox.events import WorkflowEvent, event_schema

if TYPE_CHECKING:
    from outbox_client.testing import TemporaryOutbox


def without_start(words: dict[str, list[str]]) -> dict[str, list[str]]:
    """dag.test() begins no run; the real schedulers do."""
    return {who: [one for one in told if one != "WORKFLOW_STARTED"] for who, told in words.items()}


@pytest.mark.parametrize("name", EXPECTED)
def test_an_example_publishes_exactly_what_is_listed(name: str, outbox: TemporaryOutbox) -> None:
    done = run(example_dag(name))
    assert done.state == "success"
    events = published(outbox)
    assert {(event["workflow_id"], event["workflow_run_id"]) for event in events} == {
        (name, done.run_id)
    }
    check_told(events, without_start(EXPECTED[name]))
    check_ids(events)


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
