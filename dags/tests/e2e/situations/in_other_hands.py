"""DAGs of tasks that begin, run or end elsewhere, or that Airflow itself ends."""

from __future__ import annotations

import sys
import time
from datetime import timedelta
from typing import Any

try:
    from airflow.providers.standard.triggers.temporal import DateTimeTrigger
    from airflow.sdk import BaseOperator, task
except ImportError:
    from airflow.decorators import task
    from airflow.models.baseoperator import BaseOperator
    from airflow.triggers.temporal import DateTimeTrigger

from airflow.triggers.base import StartTriggerArgs
from making import (
    AT_ONCE,
    FAIL_FAST,
    OF_RUN,
    OF_TASK,
    START,
    after,
    row,
    running_mark,
    say_it_runs,
    times_here,
)

from airflow_provider_outbox import publish_event


@row()
def bash() -> None:
    @task.bash(retries=1, retry_delay=AT_ONCE, **OF_TASK)
    @publish_event
    def work() -> str:
        if times_here() == 1:
            return "exit 1"
        raise ValueError("never")

    work()


@row()
def other_python() -> None:
    @task.external_python(python=sys.executable, **OF_TASK)
    @publish_event
    def work() -> None:
        pass

    work()


def in_triggerer(**arguments: Any) -> StartTriggerArgs:
    """How a task begins there."""
    return StartTriggerArgs(
        trigger_cls=f"{DateTimeTrigger.__module__}.{DateTimeTrigger.__name__}",
        trigger_kwargs={"moment": START, **arguments},
        next_method="go_on",
    )


class Begun(BaseOperator):
    """Begins in the triggerer, and is deferred once more."""

    start_from_trigger = True
    start_trigger_args = in_triggerer()

    def execute(self, context: Any) -> None:
        raise AssertionError("it begins in the triggerer")

    def go_on(self, context: Any, event: Any) -> None:
        self.defer(trigger=DateTimeTrigger(START), method_name="done")

    def done(self, context: Any, event: Any) -> None:
        if times_here() == 1:
            raise ValueError("not yet")


@row()
def begun_in_triggerer() -> None:
    Begun(task_id="work", retries=1, retry_delay=AT_ONCE, **OF_TASK)


class Ended(BaseOperator):
    """Ends in the triggerer."""

    def execute(self, context: Any) -> None:
        self.defer(trigger=DateTimeTrigger(START, end_from_trigger=True), method_name="never")


class Nowhere(Begun):
    """Begins and ends in the triggerer."""

    start_trigger_args = in_triggerer(end_from_trigger=True)


@row()
def ended_in_triggerer() -> None:
    Ended(task_id="work", **OF_TASK) >> Nowhere(task_id="nowhere", **OF_TASK) >> after()


@task(**OF_TASK)
@publish_event
def never_ends() -> None:
    say_it_runs()
    while True:
        time.sleep(1)


@row(**FAIL_FAST, **OF_RUN)
def fail_fast() -> None:
    @task
    @publish_event
    def fails(n: int) -> None:
        while not running_mark().exists():
            time.sleep(0.1)
        raise ValueError("never")

    never_ends.override(task_id="work")() >> after()
    # Mapped, as either may start first.
    fails.expand(n=[0])


# Long enough for the task to begin.
@row(dagrun_timeout=timedelta(seconds=20), **OF_RUN)
def timed_out() -> None:
    never_ends.override(task_id="work")() >> after()
