"""Listeners: what Airflow tells of tasks and runs, with no line changed in any DAG.

Airflow calls them in the task's process, in the scheduler (inside its transaction) and in the
api-server. So they read attributes that are there, append, and let nothing out.
"""

from __future__ import annotations

from typing import Any

from airflow.listeners import hookimpl

from airflow_provider_outbox._facts import plain, run_fact, task_fact
from airflow_provider_outbox._payloads import error_payload
from airflow_provider_outbox._publisher import publish_fact, publishing
from airflow_provider_outbox._settings import ListenerSettings, Patterns
from airflow_provider_outbox._states import run_has_ended, run_set_by_hand, task_event_holds
from airflow_provider_outbox.events import EventType
from airflow_provider_outbox.events._boundary import Boundary


class TaskListener:
    """Publishes what happens to tasks."""

    def __init__(self, dags: Patterns, tasks: Patterns) -> None:
        self._dags = dags
        self._tasks = tasks

    @hookimpl
    def on_task_instance_running(self, previous_state: Any, task_instance: Any) -> None:
        """An attempt has begun; Airflow tells the same when it goes on after a pause."""
        self._publish(EventType.TASK_STARTED, previous_state, task_instance)

    @hookimpl
    def on_task_instance_success(self, previous_state: Any, task_instance: Any) -> None:
        """An attempt has succeeded."""
        self._publish(EventType.TASK_COMPLETED, previous_state, task_instance)

    @hookimpl
    def on_task_instance_failed(self, previous_state: Any, task_instance: Any, error: Any) -> None:
        """An attempt has failed, the last one or not."""
        again = plain(task_instance, "state") == "up_for_retry"  # its enum is a str
        kind = EventType.TASK_RETRYING if again else EventType.TASK_FAILED
        self._publish(kind, previous_state, task_instance, error)

    @hookimpl(optionalhook=True)
    def on_task_instance_skipped(self, previous_state: Any, task_instance: Any) -> None:
        """A task has skipped itself; Airflow 2.11 does not tell."""
        self._publish(EventType.TASK_SKIPPED, previous_state, task_instance)

    def _publish(
        self, kind: EventType, previous_state: Any, task_instance: Any, error: Any = None
    ) -> None:
        with publishing(f"publish {kind.value}"):
            if not task_event_holds(kind, task_instance):
                return
            # Only 3.x's api-server, which sets states by hand, knows none.
            fact = task_fact(kind, task_instance, by_hand=previous_state is None)
            if self._dags.pass_on(fact.dag_id) and self._tasks.pass_on(fact.details["task_id"]):
                publish_fact(fact, "listener", lambda: error_payload(error))


class RunListener:
    """Publishes what happens to DAG runs."""

    def __init__(self, dags: Patterns) -> None:
        self._dags = dags

    @hookimpl
    def on_dag_run_running(self, dag_run: Any) -> None:
        """A run has begun."""
        self._publish(EventType.WORKFLOW_STARTED, dag_run, "")

    @hookimpl
    def on_dag_run_success(self, dag_run: Any, msg: str) -> None:
        """A run has succeeded."""
        self._publish(EventType.WORKFLOW_COMPLETED, dag_run, msg)

    @hookimpl
    def on_dag_run_failed(self, dag_run: Any, msg: str) -> None:
        """A run has failed."""
        self._publish(EventType.WORKFLOW_FAILED, dag_run, msg)

    def _publish(self, kind: EventType, dag_run: Any, reason: str) -> None:
        with publishing(f"publish {kind.value}"):
            if kind is not EventType.WORKFLOW_STARTED and not run_has_ended(dag_run):
                return
            fact = run_fact(kind, dag_run, by_hand=run_set_by_hand(reason))
            if self._dags.pass_on(fact.dag_id):
                publish_fact(fact, "listener", lambda: {"reason": reason} if reason else {})


def configured() -> list[object]:
    """The listeners that are switched on."""
    with Boundary("read the listener's settings: it stays off"):
        settings = ListenerSettings.read()
        listeners: list[object] = []
        if settings.task_events:
            listeners.append(TaskListener(settings.task_dags, settings.tasks))
        if settings.run_events:
            listeners.append(RunListener(settings.run_dags))
        return listeners
    return []
