"""What a user sees in Kafka: real schedulers, a real relay, a real broker.

The tests of one Airflow share its processes and run in the order of this file.
"""

from __future__ import annotations

import json
import os
import re
import signal
from statistics import median
from typing import TYPE_CHECKING, Any

import broken
import jsonschema
import pytest
from expected import EXPECTED, check_ids, check_told
from outbox_conformance import mounts

from airflow_provider_outbox.events import WorkflowEvent, event_schema
from harness.topics import read_topic
from harness.waiting import eventually

if TYPE_CHECKING:
    from collections.abc import Callable

    from broken import Broken
    from conftest import World

USERS_OWN = "example_kafka_integration"
TRIGGERED = [name for name in EXPECTED if name != USERS_OWN]
PAIR = ["example_outbox_listener", "example_outbox_notifier"]
SHORT = "example_outbox_notifier"
# Airflow 2 needs several seconds for one, and always as many.
RUNS = {"airflow-2": 1, "airflow-3": 5}


def check_records(world: World, run_id: str | None = None) -> None:
    """Assert that each record is valid, keyed by its run and described by its headers."""
    validator = jsonschema.Draft202012Validator(event_schema())
    for record in world.delivered(run_id):
        value = record.value or b""
        validator.validate(json.loads(value))
        event = WorkflowEvent.from_json(value)
        assert record.key == f"{event.workflow_id}/{event.workflow_run_id}".encode()
        headers = dict(record.headers)
        assert headers["ce_id"] == headers["outbox-event-id"] == str(event.event_id).encode()
        assert headers["ce_type"] == event.event_type.value.encode()
        assert event.metadata["environment"] == world.airflow.version


def test_the_users_own_dag_runs_under_dags_test_and_its_event_is_in_kafka(world: World) -> None:
    lineage = world.broker.create_topic(f"lineage.{world.airflow.version}")
    transport = json.dumps({"type": "outbox", "topic": lineage})
    world.airflow.command(
        "airflow", "dags", "test", USERS_OWN, AIRFLOW__OPENLINEAGE__TRANSPORT=transport
    )
    events = [e for e in world.events() if e["metadata"]["publisher"] == "function"]
    (event,) = events
    assert event["event_type"] == "WORKFLOW_COMPLETED"
    assert event["workflow_id"] == USERS_OWN
    assert event["payload"] == {"data": {"status": "success", "count": 100}}
    check_records(world)
    # OpenLineage's provider took the same way.
    jobs = {
        (value["eventType"], value["job"]["name"])
        for record in read_topic(world.broker.bootstrap, lineage)
        for value in [json.loads(record.value or b"")]
    }
    assert jobs >= {
        (kind, f"{USERS_OWN}.{task}")
        for kind in ("START", "COMPLETE")
        for task in ("process_data", "publish_completion_event")
    }


def test_every_event_of_the_examples_is_in_kafka_exactly_as_listed(world: World) -> None:
    airflow = world.airflow
    airflow.start()
    airflow.trigger("all", *TRIGGERED)
    airflow.await_run("all", *TRIGGERED)
    for name in TRIGGERED:
        eventually_told(world, "all", name, EXPECTED[name])
    # It has a schedule, so its run began by itself.
    (scheduled,) = eventually(
        "the user's own DAG is scheduled",
        lambda: airflow.query(
            "select run_id from dag_run where dag_id = ? and run_id like 'scheduled%'", USERS_OWN
        ),
    )
    airflow.await_run(scheduled[0], USERS_OWN)
    eventually_told(world, scheduled[0], USERS_OWN, EXPECTED[USERS_OWN])
    check_records(world)


def eventually_told(
    world: World, run_id: str, dag_id: str, expected: dict[str, list[str]]
) -> list[dict[str, Any]]:
    """Wait for as many events as are expected (callbacks come later), then compare."""
    count = sum(map(len, expected.values()))
    found = eventually(
        f"{count} events of {dag_id} {run_id}",
        lambda: events if len(events := world.events(run_id, dag_id)) >= count else [],
        every=0.5,
    )
    check_told(found, expected)
    check_ids(found, world.airflow.version)
    return found


def test_with_kafka_down_no_task_fails_and_every_event_arrives_afterwards(
    world: World, measured: Callable[[str], None]
) -> None:
    took: dict[str, list[float]] = {"up": [], "down": []}
    # Airflow's own runs differ by seconds: so more than one, one after the other.
    runs = RUNS[world.airflow.version]
    for kafka, seconds in took.items():
        if kafka == "down":
            world.broker.kill()
        for number in range(runs):
            run_id = f"{kafka}-{number}"
            world.airflow.trigger(run_id, *PAIR)
            world.airflow.await_run(run_id, *PAIR)
            seconds.append(world.airflow.duration(run_id))
    world.broker.start()
    for kafka in took:
        for number in range(runs):
            for name in PAIR:
                eventually_told(world, f"{kafka}-{number}", name, EXPECTED[name])
    up, down = median(took["up"]), median(took["down"])
    measured(
        f"{world.airflow.version}: the median of {runs} runs was {up:.1f} s with Kafka up, "
        f"{down:.1f} s with Kafka down ({down / up:.2f}x)"
    )


def test_a_task_killed_before_its_end_is_told_by_the_scheduler_and_by_its_next_attempt(
    world: World,
) -> None:
    airflow = world.airflow
    airflow.trigger("kill", "killed")
    pid = airflow.home / "pid"
    eventually("the task has done its work", pid.exists, within=120)
    os.kill(int(pid.read_text()), signal.SIGKILL)
    airflow.await_run("kill", "killed")
    events = eventually_told(
        world,
        "kill",
        "killed",
        {
            "function": ["CUSTOM", "CUSTOM"],
            "decorator": ["TASK_COMPLETED work #2"],
            "listener": [
                "WORKFLOW_STARTED",
                "TASK_STARTED work",
                "TASK_RETRYING work",
                "TASK_STARTED work #2",
                "TASK_COMPLETED work #2",
                "WORKFLOW_COMPLETED",
            ],
        },
    )
    completed = {e["event_id"] for e in events if e["event_type"] == "TASK_COMPLETED"}
    assert len(completed) == 1


def test_a_cleared_run_tells_everything_again_under_new_ids(world: World) -> None:
    name = "example_outbox_listener"
    before = {event["event_id"] for event in world.events("all", name)}
    world.airflow.clear("all", name)
    again = [re.sub(r"$", " #2", words) for words in EXPECTED[name]["listener"][1:-1]]
    again = ["WORKFLOW_STARTED (cleared 1)", *again, "WORKFLOW_COMPLETED (cleared 1)"]
    events = eventually_told(
        world, "all", name, {"listener": [*EXPECTED[name]["listener"], *again]}
    )
    assert len({event["event_id"] for event in events} - before) == len(again)


# What a task's log says of it.
BROKEN: dict[str, tuple[Broken, str]] = {
    "missing": (broken.missing, "OutboxUnavailable: .* does not exist"),
    "no directory": (broken.no_directory, "OutboxUnavailable: .* is not a directory"),
    "read-only": (broken.read_only, "OutboxUnavailable: .*Read-only file system"),
    "full": (broken.full, "OutboxFull: "),
    "locked by a stopped process": (broken.stopped_holder, "OutboxBusy: "),
}
ON_MOUNTS = {"read-only", "full"}


@pytest.mark.parametrize("how", BROKEN)
def test_with_a_broken_outbox_tasks_and_scheduler_go_on(how: str, world: World) -> None:
    lack = mounts.missing() if how in ON_MOUNTS else None
    if lack is not None:
        pytest.skip(lack)
    breaking, said = BROKEN[how]
    run_id = "broken-" + how.replace(" ", "-")
    locked = breaking is broken.stopped_holder
    if not locked:
        world.relay.stop()
    with breaking(world.outbox):
        world.airflow.trigger(run_id, SHORT)
        world.airflow.await_run(run_id, SHORT)
    if not locked:
        world.relay.start()
    world.airflow.assert_running()
    # A DAG's callback runs later, when the outbox may be whole again.
    assert [e for e in world.events(run_id) if e["metadata"]["publisher"] == "listener"] == []
    assert re.search(f"cannot publish TASK_COMPLETED.*: {said}", world.airflow.task_logs(run_id))


def test_afterwards_events_flow_again(world: World) -> None:
    world.airflow.trigger("after", SHORT)
    world.airflow.await_run("after", SHORT)
    # Whoever met the held lock stops waiting for it, and takes it again as soon as it is free.
    eventually_told(world, "after", SHORT, EXPECTED[SHORT])
