"""The state decides: what is told of attempts that go on, of states set by hand, of other ends."""

from __future__ import annotations

import asyncio
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any

import pytest
from conftest import published

try:
    from airflow.sdk.exceptions import AirflowTaskTerminated
except ImportError:
    from airflow.exceptions import AirflowTaskTerminated

from airflow_provider_outbox import WorkflowEventNotifier
from airflow_provider_outbox._settings import Patterns
from airflow_provider_outbox._states import outcome
from airflow_provider_outbox.listener import RunListener, TaskListener

if TYPE_CHECKING:
    from collections.abc import Callable

    from outbox_client.testing import TemporaryOutbox

# What Airflow 3 has told the task's process.
SERVER = "_ti_context_from_server"


def an_attempt(**fields: Any) -> Any:
    attempt = {"dag_id": "d", "run_id": "r", "task_id": "t", "map_index": -1, "try_number": 1}
    return SimpleNamespace(**{**attempt, **fields})


def a_run(**fields: Any) -> Any:
    return SimpleNamespace(**{"dag_id": "d", "run_id": "r", "clear_number": 0, **fields})


def server(**fields: Any) -> dict[str, Any]:
    told = {"next_method": None, "task_reschedule_count": 0, "should_retry": False, **fields}
    return {SERVER: SimpleNamespace(**told)}


def by_listener(kind: str, attempt: Any, previous_state: Any = "running") -> None:
    listener = TaskListener(Patterns(), Patterns())
    error = ("ended",) if kind == "failed" else ()
    getattr(listener, f"on_task_instance_{kind}")(previous_state, attempt, *error)


def by_notifier(kind: str, attempt: Any) -> None:
    names = {"running": "TASK_STARTED", "success": "TASK_COMPLETED", "failed": "TASK_RETRYING"}
    WorkflowEventNotifier(names[kind]).notify({"ti": attempt})


TELLERS = pytest.mark.parametrize("tell", [by_listener, by_notifier])


def begun_in_triggerer(method: str) -> dict[str, Any]:
    arguments = SimpleNamespace(next_method=method)
    return {"task": SimpleNamespace(start_from_trigger=True, start_trigger_args=arguments)}


@TELLERS
@pytest.mark.parametrize(
    "told",
    [
        {"next_method": "execute_complete"},
        {"next_method": "__fail__"},
        {"next_method": "done", **begun_in_triggerer("go_on")},
        {**server(next_method="done"), **begun_in_triggerer("go_on")},
        {"next_method": None, "duration": 0.4},
        server(next_method="again"),
        server(task_reschedule_count=2),
    ],
    ids=[
        "deferred, 2.11",
        "deferred, and the trigger failed, 2.11",
        "deferred after the triggerer began it, 2.11",
        "deferred after the triggerer began it, 3",
        "rescheduled, 2.11",
        "deferred, 3",
        "rescheduled, 3",
    ],
)
def test_an_attempt_that_goes_on_has_begun_before(
    told: dict[str, Any], tell: Callable[[str, Any], None], outbox: TemporaryOutbox
) -> None:
    tell("running", an_attempt(**told))
    assert published(outbox) == []


@TELLERS
@pytest.mark.parametrize(
    "told",
    [
        {"next_method": None, "duration": None},
        # It was set to a state before it began, and was cleared then.
        {"next_method": None, "duration": 0.0},
        # Of the attempt before.
        {"next_method": None, "duration": 0.4, "try_number": 2},
        server(),
        {"next_method": "go_on", **begun_in_triggerer("go_on")},
        {**server(next_method="go_on"), **begun_in_triggerer("go_on")},
        {"next_method": "__fail__", **begun_in_triggerer("go_on")},
    ],
    ids=[
        "2.11",
        "by hand, 2.11",
        "second, 2.11",
        "3",
        "in the triggerer, 2.11",
        "in the triggerer, 3",
        "in the triggerer, where it failed",
    ],
)
def test_an_attempt_that_begins_is_told(
    told: dict[str, Any], tell: Callable[[str, Any], None], outbox: TemporaryOutbox
) -> None:
    tell("running", an_attempt(**told))
    assert [event["event_type"] for event in published(outbox)] == ["TASK_STARTED"]


@TELLERS
def test_an_end_that_airflow_did_not_take_is_not_told(
    tell: Callable[[str, Any], None], outbox: TemporaryOutbox
) -> None:
    refused = {"state": "up_for_retry", "_terminal_state_send_failed": True}
    tell("failed", an_attempt(**refused))
    assert published(outbox) == []
    tell("failed", an_attempt(**{**refused, "_terminal_state_send_failed": False}))
    assert [event["event_type"] for event in published(outbox)] == ["TASK_RETRYING"]


def test_a_skipped_task_has_not_completed_whatever_callback_is_called(
    outbox: TemporaryOutbox,
) -> None:
    by_notifier("success", an_attempt(state="skipped"))
    assert published(outbox) == []
    by_notifier("success", an_attempt(state="success"))
    assert [event["event_type"] for event in published(outbox)] == ["TASK_COMPLETED"]


def test_a_state_that_a_hand_sets_is_a_fact_of_its_own_each_time(outbox: TemporaryOutbox) -> None:
    attempt = an_attempt(state="success")
    by_listener("success", attempt)
    for _ in range(2):
        by_listener("success", attempt, previous_state=None)
    listener, run = RunListener(Patterns()), a_run(state="success")
    listener.on_dag_run_success(run, "success")
    for _ in range(2):
        listener.on_dag_run_success(run, "Dag Run's state was manually set to `success`.")
    events = published(outbox)
    assert len({event["event_id"] for event in events}) == 6
    hands = [event["metadata"].get("set_by_hand") for event in events]
    assert [hand is None for hand in hands] == [True, False, False] * 2
    assert all(hand in (None, e["timestamp"]) for hand, e in zip(hands, events, strict=True))


@pytest.mark.parametrize("name", ["_state", "state"])
def test_a_run_whose_teardowns_go_on_has_not_ended(name: str, outbox: TemporaryOutbox) -> None:
    listener = RunListener(Patterns())
    said = "Dag Run's state was manually set to `failed`."
    listener.on_dag_run_failed(a_run(**{name: "running"}), said)
    assert published(outbox) == []
    listener.on_dag_run_failed(a_run(**{name: "failed"}), said)
    listener.on_dag_run_running(a_run(**{name: "running"}))
    assert [event["event_type"] for event in published(outbox)] == [
        "WORKFLOW_FAILED",
        "WORKFLOW_STARTED",
    ]


class TaskAwaitingInput(BaseException):
    """As Airflow 3's of that name."""


LAST: dict[str, Any] = {"try_number": 2, "max_tries": 1}
MORE: dict[str, Any] = {"try_number": 1, "max_tries": 1}


@pytest.mark.parametrize(
    ("problem", "attempt", "expected"),
    [
        (AirflowTaskTerminated(), MORE, None),
        (AirflowTaskTerminated(), LAST, None),
        (TaskAwaitingInput(), MORE, None),
        (SystemExit(0), MORE, "TASK_COMPLETED"),
        (SystemExit(), MORE, "TASK_COMPLETED"),
        (SystemExit(1), MORE, "TASK_RETRYING"),
        (SystemExit(0), {**MORE, **server(should_retry=True)}, "TASK_RETRYING"),
        (SystemExit(0), {**LAST, **server()}, "TASK_FAILED"),
        (ValueError(), MORE, "TASK_RETRYING"),
        (ValueError(), LAST, "TASK_FAILED"),
        (ValueError(), {**MORE, "task": SimpleNamespace(retries=0)}, "TASK_FAILED"),
        # The server knows better than the numbers.
        (ValueError(), {**MORE, **server(should_retry=False)}, "TASK_FAILED"),
        (ValueError(), {**LAST, **server(should_retry=True)}, "TASK_RETRYING"),
        (ValueError(), {**MORE, "task": SimpleNamespace(retry_policy=object())}, None),
    ],
)
def test_what_becomes_of_an_attempt_that_raises(
    problem: BaseException, attempt: dict[str, Any], expected: str | None
) -> None:
    assert outcome(problem, an_attempt(**attempt)) == expected


# As Airflow 3.3 hands it over, shortened.
DEADLINE = {
    "dag_run": {"dag_run_id": "run 1", "dag_id": "daily", "logical_date": None, "state": "running"},
    "deadline": {"id": "01a229bb-9592-70ca-a3d9-59201bd5538c", "deadline_time": None},
}


def test_a_missed_deadline_is_a_fact_of_its_own(outbox: TemporaryOutbox) -> None:
    async def awaited() -> None:
        # Airflow's trigger passes the context on only to who has a parameter of that name.
        notifier: Any = WorkflowEventNotifier("WORKFLOW_FAILED", {"why": "late"}, context=DEADLINE)
        await notifier.async_notify(notifier.context)

    asyncio.run(awaited())
    WorkflowEventNotifier("WORKFLOW_FAILED", {"why": "late"}).notify(DEADLINE)
    first, again = published(outbox, "notifier")
    assert (first["workflow_id"], first["workflow_run_id"]) == ("daily", "run 1")
    assert first["payload"] == {"data": {"why": "late"}}
    assert first["metadata"]["deadline"] == DEADLINE["deadline"]["id"]
    assert "clear_number" not in first["metadata"]
    assert first["event_id"] == again["event_id"]
    WorkflowEventNotifier("WORKFLOW_FAILED").notify({"dag_run": a_run(), "run_id": "r"})
    assert published(outbox)[-1]["event_id"] != first["event_id"]
