"""A DAG for each row of "what is told" that both Airflows have; `rows.py` says what is expected."""

from __future__ import annotations

import os
import time
from datetime import datetime, timedelta, timezone
from pathlib import Path
from typing import TYPE_CHECKING, Any

try:
    from airflow.providers.standard.operators.empty import EmptyOperator
    from airflow.providers.standard.triggers.temporal import DateTimeTrigger
    from airflow.sdk import (
        DAG,
        Asset,
        BaseOperator,
        get_current_context,
        setup,
        task,
        task_group,
        teardown,
    )
    from airflow.sdk.exceptions import AirflowFailException, AirflowSkipException
except ImportError:
    from airflow import DAG
    from airflow.datasets import Dataset as Asset
    from airflow.decorators import setup, task, task_group, teardown
    from airflow.exceptions import AirflowFailException, AirflowSkipException
    from airflow.models.baseoperator import BaseOperator
    from airflow.operators.empty import EmptyOperator
    from airflow.operators.python import get_current_context
    from airflow.triggers.temporal import DateTimeTrigger

from airflow_provider_outbox import WorkflowEventNotifier, publish_event, publish_workflow_event

if TYPE_CHECKING:
    from collections.abc import Callable

START = datetime(2025, 1, 1, tzinfo=timezone.utc)
HOME = Path(os.environ["AIRFLOW_HOME"])
AT_ONCE = timedelta(seconds=0)
# Longer than Airflow needs to put what a task has ended with behind it.
POKE_SECONDS = 3.0

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


def say_it_runs() -> None:
    (HOME / f"running-{get_current_context()['dag'].dag_id}").touch()


@task
def after() -> None:
    pass


@row()
def success() -> None:
    @task
    @publish_event
    def work() -> int:
        return 1

    work()


@row(**OF_RUN)
def retry() -> None:
    @task(retries=1, retry_delay=AT_ONCE, **OF_TASK)
    @publish_event
    def work() -> None:
        if times_here() == 1:
            raise ValueError("not yet")

    work()


@row(**OF_RUN)
def failure() -> None:
    @task(**OF_TASK)
    @publish_event
    def work() -> None:
        raise ValueError("never")

    work() >> after()


@row()
def for_good() -> None:
    @task(retries=3)
    @publish_event
    def work() -> None:
        raise AirflowFailException("never")

    work()


@row("exit")
def leaving() -> None:
    @task
    @publish_event
    def work() -> None:
        raise SystemExit(0)

    work()


@row()
def skipped() -> None:
    @task(**OF_TASK)
    @publish_event
    def work() -> None:
        raise AirflowSkipException("nothing to do")

    work() >> after()


@row()
def branch() -> None:
    @task.branch
    @publish_event
    def choose() -> str:
        return "after"

    @task
    def other() -> None:
        pass

    choose() >> [after(), other()]


@row()
def short() -> None:
    @task.short_circuit
    @publish_event
    def check() -> bool:
        return False

    check() >> after()


@row()
def empty() -> None:
    EmptyOperator(task_id="nothing")


@row()
def mapped() -> None:
    @task
    @publish_event
    def work(n: int) -> int:
        return n

    work.expand(n=[1, 2])


class Deferring(BaseOperator):
    """Is deferred, twice."""

    def execute(self, context: Any) -> None:
        self.defer(trigger=DateTimeTrigger(START), method_name="once_more")

    def once_more(self, context: Any, event: Any) -> None:
        self.defer(trigger=DateTimeTrigger(START), method_name="done")

    def done(self, context: Any, event: Any) -> str:
        return "done"


@row()
def deferred() -> None:
    Deferring(task_id="work", **OF_TASK)


@row()
def rescheduled() -> None:
    @task.sensor(
        mode="reschedule",
        poke_interval=POKE_SECONDS,
        timeout=600,
        retries=1,
        retry_delay=AT_ONCE,
        **OF_TASK,
    )
    @publish_event
    def work() -> bool:
        poke = times_here()
        if poke == 2:
            raise ValueError("fails once")
        return poke == 4

    work()


@row()
def groups() -> None:
    @task_group
    def outer() -> None:
        @task_group
        def inner() -> None:
            @task
            @publish_event
            def work() -> None:
                pass

            work()

        inner()

    outer()


def _around(work: Callable[[], None]) -> None:
    @setup
    def before() -> None:
        pass

    @teardown
    def clean() -> None:
        pass

    first, last = before(), clean()
    first >> task(task_id="work")(publish_event(work))() >> last
    first >> last


@row()
def around() -> None:
    def work() -> None:
        raise ValueError("never")

    _around(work)


# 240 characters: Airflow names a directory by 7 more, and fails where that is too long.
@row(
    "20250131",
    "with.dots-and_dashes",
    "überblick.日次",
    "x" * 240,
    render_template_as_native_obj=True,
)
def unusual() -> None:
    publish_workflow_event("CUSTOM", "{{ dag.dag_id }}", "{{ run_id }}", payload=1)


PRODUCED = Asset("x-outbox://produced")


@row()
def produces() -> None:
    task(task_id="work", outlets=[PRODUCED])(lambda: None)()


@row(schedule=[PRODUCED])
def consumes() -> None:
    after()


@row(schedule="@daily", end_date=START + timedelta(days=1))
def backfilled() -> None:
    after()


# --- what a hand does to a task that runs ---


@task(retries=1, retry_delay=AT_ONCE, **OF_TASK)
@publish_event
def waits_for_a_hand() -> None:
    if times_here() == 1:
        say_it_runs()
        while True:
            time.sleep(1)


@row(
    "task_to_success",
    "task_to_failed",
    "task_to_skipped",
    "task_cleared",
    "run_to_success",
    "run_to_failed",
)
def by_hand() -> None:
    waits_for_a_hand.override(task_id="work")() >> after()


@row()
def run_cleared() -> None:
    waits_for_a_hand.override(task_id="work")()


@row()
def run_to_failed_around() -> None:
    def work() -> None:
        say_it_runs()
        while True:
            time.sleep(1)

    _around(work)


class Stubborn(BaseOperator):
    """As those that wait for a command: one that is killed ends with an error of its own."""

    killed = False

    def on_kill(self) -> None:
        self.killed = True

    def execute(self, context: Any) -> None:
        if times_here() > 1:
            return
        say_it_runs()
        try:
            while not self.killed:
                time.sleep(0.1)
        except BaseException as problem:
            raise ValueError("the command was killed") from problem
        raise ValueError("the command was killed")


# On 2.11 Airflow itself takes that error for the state, and retries what was set to success.
@row("stubborn_to_success", "stubborn_to_failed", "stubborn_cleared")
def stubborn() -> None:
    Stubborn(task_id="work", retries=1, retry_delay=AT_ONCE, **OF_TASK)


@row()
def scheduler_killed() -> None:
    @task
    @publish_event
    def work() -> None:
        say_it_runs()
        while not (HOME / "go-on").exists():
            time.sleep(0.1)

    work()
