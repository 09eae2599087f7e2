"""What the DAGs of the situations have in common; Airflow finds it in its home's `config`."""

from __future__ import annotations

import os
from datetime import datetime, timedelta, timezone
from pathlib import Path
from typing import TYPE_CHECKING, Any

try:
    from airflow.sdk import DAG, get_current_context, setup, task, teardown
except ImportError:
    from airflow import DAG
    from airflow.decorators import setup, task, teardown
    from airflow.operators.python import get_current_context

    FAIL_FAST = {"fail_stop": True}
else:
    FAIL_FAST = {"fail_fast": True}

from airflow_provider_outbox import WorkflowEventNotifier, publish_event

if TYPE_CHECKING:
    from collections.abc import Callable

START = datetime(2025, 1, 1, tzinfo=timezone.utc)
HOME = Path(os.environ["AIRFLOW_HOME"])
AT_ONCE = timedelta(seconds=0)
OF_TASK = {
    "on_execute_callback": WorkflowEventNotifier("TASK_STARTED"),
    "on_success_callback": WorkflowEventNotifier("TASK_COMPLETED"),
    "on_failure_callback": WorkflowEventNotifier("TASK_FAILED"),
    "on_retry_callback": WorkflowEventNotifier("TASK_RETRYING"),
    "on_skipped_callback": WorkflowEventNotifier("TASK_SKIPPED"),
}
OF_RUN = {
    "on_success_callback": WorkflowEventNotifier("WORKFLOW_COMPLETED"),
    "on_failure_callback": WorkflowEventNotifier("WORKFLOW_FAILED"),
}


def row(*dag_ids: str, **settings: Any) -> Callable[[Callable[[], Any]], None]:
    """Makes a DAG, or one for each id, of the tasks that a function defines."""

    def make(function: Callable[[], Any]) -> None:
        for dag_id in dag_ids or [function.__name__]:
            with DAG(
                dag_id, **{"start_date": START, "catchup": False, "schedule": None} | settings
            ):
                function()

    return make


def times_here() -> int:
    """How often this DAG's function came here in this run, from 1."""
    context = get_current_context()
    mark = HOME / f"here-{context['dag'].dag_id}-{context['run_id']}"
    with mark.open("a") as file:
        file.write(".")
    return mark.stat().st_size


def running_mark() -> Path:
    """Is there when this DAG's task runs."""
    return HOME / f"running-{get_current_context()['dag'].dag_id}"


def say_it_runs() -> None:
    """For the test to go on."""
    running_mark().touch()


@task
def after() -> None:
    """Comes after another one."""


def around_it(work: Callable[[], None]) -> None:
    """A setup before, a teardown behind a task of this function."""

    @setup
    def before() -> None:
        pass

    @teardown
    def clean() -> None:
        pass

    first, last = before(), clean()
    first >> task(task_id="work")(publish_event(work))() >> last
    first >> last
