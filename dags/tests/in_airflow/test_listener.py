"""The listener: what it passes on, what it must never touch, and what never gets out of it."""

from __future__ import annotations

import contextlib
import signal
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any

import pytest
from conftest import example_dag, published, run
from counted import refused
from sqlalchemy import event as sqlalchemy_event
from sqlalchemy.engine import Engine

from airflow_provider_outbox import listener
from airflow_provider_outbox._facts import run_fact
from airflow_provider_outbox._settings import ListenerSettings, Patterns
from airflow_provider_outbox.events import EventType, InvalidSettingError
from airflow_provider_outbox.listener import RunListener, TaskListener

if TYPE_CHECKING:
    from collections.abc import Iterator

    from outbox_client.testing import TemporaryOutbox

PREFIX = "AIRFLOW__OUTBOX__"


def a_run(dag_id: str = "daily", **fields: Any) -> Any:
    return SimpleNamespace(dag_id=dag_id, run_id="r1", clear_number=0, **fields)


def a_task(dag_id: str = "daily", task_id: str = "load", **fields: Any) -> Any:
    return SimpleNamespace(
        **{"dag_id": dag_id, "run_id": "r1", "task_id": task_id, "map_index": -1, "try_number": 1}
        | fields
    )


# --- what is passed on ---


@pytest.mark.parametrize(
    ("allowed", "denied", "name", "wanted"),
    [
        ((), (), "any", True),
        (("a*", "b"), (), "abc", True),
        (("a*", "b"), (), "bc", False),
        ((), ("*_test",), "x_test", False),
        (("a*",), ("abc",), "abc", False),
        (("A*",), (), "abc", False),
    ],
)
def test_globs_allow_and_deny_and_deny_wins(
    allowed: tuple[str, ...], denied: tuple[str, ...], name: str, wanted: bool
) -> None:
    assert Patterns(allowed, denied).pass_on(name) is wanted


def test_its_options_are_those_of_the_kafka_providers_plugin(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    for name, value in {
        "DAG_RUN_EVENTS_ENABLED": "True",
        "TASK_INSTANCE_EVENTS_ENABLED": "f",
        "DAG_RUN_DAG_ID_ALLOWLIST": "a*, b",
        "DAG_RUN_DAG_ID_DENYLIST": "",
        "TASK_INSTANCE_DAG_ID_DENYLIST": "c,",
        "TASK_INSTANCE_TASK_ID_ALLOWLIST": "d",
    }.items():
        monkeypatch.setenv(PREFIX + name, value)
    assert ListenerSettings.read() == ListenerSettings(
        run_events=True,
        task_events=False,
        run_dags=Patterns(("a*", "b")),
        task_dags=Patterns((), ("c",)),
        tasks=Patterns(("d",)),
    )
    assert [type(found) for found in listener.configured()] == [RunListener]


def test_it_is_off_unless_asked_for(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv(PREFIX + "DAG_RUN_EVENTS_ENABLED")
    monkeypatch.delenv(PREFIX + "TASK_INSTANCE_EVENTS_ENABLED")
    assert listener.configured() == []


def test_a_setting_without_meaning_leaves_it_off(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setenv(PREFIX + "DAG_RUN_EVENTS_ENABLED", "maybe")
    with pytest.raises(InvalidSettingError, match="DAG_RUN_EVENTS_ENABLED is 'maybe'"):
        ListenerSettings.read()
    assert listener.configured() == []
    assert "it stays off" in caplog.text


def test_dags_and_tasks_are_chosen_by_name(outbox: TemporaryOutbox) -> None:
    tasks = TaskListener(Patterns(denied=("test_*",)), Patterns(allowed=("load*",)))
    for dag_id, task_id in (("daily", "load_a"), ("daily", "clean"), ("test_1", "load_a")):
        tasks.on_task_instance_running("queued", a_task(dag_id, task_id))
    runs = RunListener(Patterns(denied=("test_*",)))
    for dag_id in ("daily", "test_1"):
        runs.on_dag_run_running(a_run(dag_id))
    assert [event["event_type"] for event in published(outbox)] == [
        "TASK_STARTED",
        "WORKFLOW_STARTED",
    ]


def test_the_same_fact_told_again_has_the_same_id_and_another_fact_another(
    outbox: TemporaryOutbox,
) -> None:
    runs, tasks = RunListener(Patterns()), TaskListener(Patterns(), Patterns())
    for _ in range(2):
        runs.on_dag_run_running(a_run())
    for cleared in (a_run(), a_run()):
        cleared.clear_number = 1
        runs.on_dag_run_running(cleared)
    for fields in ({}, {"try_number": 2}, {"map_index": 0}, {"task_id": "other"}, {"dag_id": "d"}):
        tasks.on_task_instance_running("queued", a_task(**fields))
    found = [event["event_id"] for event in published(outbox)]
    assert found[0] == found[1]
    assert found[2] == found[3]
    assert len(set(found)) == 7


def test_installations_that_share_a_topic_differ() -> None:
    fact = run_fact(EventType.WORKFLOW_STARTED, a_run())
    assert fact.event_id("prod") != fact.event_id("test")


def test_the_error_of_a_failed_task_may_be_a_text_or_missing(outbox: TemporaryOutbox) -> None:
    tasks = TaskListener(Patterns(), Patterns())
    tasks.on_task_instance_failed("running", a_task(state="failed"), "killed from outside")
    tasks.on_task_instance_failed("running", a_task(state="up_for_retry"), None)
    tasks.on_task_instance_skipped("running", a_task())
    failed, retrying, skipped = published(outbox)
    assert failed["payload"] == {"error": {"type": None, "message": "killed from outside"}}
    assert (retrying["event_type"], retrying["payload"]) == ("TASK_RETRYING", {})
    assert skipped["event_type"] == "TASK_SKIPPED"


# --- what it must never touch ---


class Touched(Exception):  # noqa: N818 - what happened
    """Something was asked for that costs a query."""


@pytest.fixture
def watched(monkeypatch: pytest.MonkeyPatch) -> Iterator[list[str]]:
    """Notes every query, connection, variable, XCom and message to the supervisor in a listener."""
    touched: list[str] = []
    inside: list[bool] = []

    def entered(publish: Any) -> Any:
        def watching(*arguments: Any, **named: Any) -> None:
            inside.append(True)
            try:
                publish(*arguments, **named)
            finally:
                inside.pop()

        return watching

    for kind in (TaskListener, RunListener):
        monkeypatch.setattr(kind, "_publish", entered(kind._publish))

    def query(*arguments: Any) -> None:
        if inside:
            touched.append(str(arguments[2]))

    sqlalchemy_event.listen(Engine, "before_cursor_execute", query)

    def noting(name: str, original: Any) -> Any:
        def note(*arguments: Any, **named: Any) -> Any:
            if inside:
                touched.append(name)
            return original(*arguments, **named)

        return note

    with contextlib.suppress(ImportError):
        from airflow.sdk.execution_time import comms, supervisor

        for kind in (comms.CommsDecoder, supervisor.InProcessSupervisorComms):
            monkeypatch.setattr(kind, "send", noting("supervisor", kind.send))
    yield touched
    sqlalchemy_event.remove(Engine, "before_cursor_execute", query)


@pytest.mark.parametrize(
    "name", ["example_outbox_listener", "example_outbox_decorator", "example_outbox_notifier"]
)
def test_it_asks_neither_database_nor_supervisor(
    name: str, outbox: TemporaryOutbox, watched: list[str]
) -> None:
    assert run(example_dag(name)).state == "success"
    assert published(outbox, "listener")
    assert watched == []


def test_the_test_above_would_notice(
    outbox: TemporaryOutbox, watched: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    original = run_fact

    def asking(kind: Any, dag_run: Any, **how: Any) -> Any:
        dag_run.get_task_instances()
        return original(kind, dag_run, **how)

    monkeypatch.setattr(listener, "run_fact", asking)
    run(example_dag("example_outbox_listener"))
    assert any("task_instance" in query for query in watched)


# --- what never gets out ---


class Hostile:
    """An object of Airflow's that is not as expected."""

    def __init__(self, problem: BaseException) -> None:
        self._problem = problem

    @property
    def dag_id(self) -> str:
        raise self._problem


@pytest.mark.parametrize(
    "problem", [ValueError("v"), SystemExit(1), GeneratorExit(), MemoryError()], ids=repr
)
def test_nothing_escapes_to_the_scheduler(
    problem: BaseException, outbox: TemporaryOutbox, caplog: pytest.LogCaptureFixture
) -> None:
    try:
        from airflow.listeners.listener import get_listener_manager
    except ImportError:
        from airflow.sdk.listener import get_listener_manager

    hook = get_listener_manager().hook
    hostile: Any = Hostile(problem)
    hook.on_dag_run_running(dag_run=hostile, msg="")
    hook.on_dag_run_success(dag_run=hostile, msg="")
    hook.on_dag_run_failed(dag_run=hostile, msg="")
    assert len([r for r in caplog.records if r.name == "airflow_provider_outbox"]) == 3
    assert refused(outbox.path) == {"invalid": 3}


def test_a_stop_of_the_scheduler_is_not_swallowed(
    outbox: TemporaryOutbox, monkeypatch: pytest.MonkeyPatch
) -> None:
    def stop(number: int, frame: object) -> None:
        raise SystemExit(0)

    class Interrupted(SimpleNamespace):
        def __getattr__(self, name: str) -> str:
            signal.raise_signal(signal.SIGUSR2)
            return name

    before = signal.signal(signal.SIGUSR2, stop)
    try:
        with pytest.raises(SystemExit):
            RunListener(Patterns()).on_dag_run_success(Interrupted(), "")
    finally:
        signal.signal(signal.SIGUSR2, before)
