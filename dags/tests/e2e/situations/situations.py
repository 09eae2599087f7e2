"""A DAG for each row of "what is told" that both Airflows have; `rows.py` says what is expected."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

try:
    from airflow.providers.standard.operators.empty import EmptyOperator
    from airflow.providers.standard.triggers.temporal import DateTimeTrigger
    from airflow.sdk import Asset, BaseOperator, task, task_group
    from airflow.sdk.exceptions import AirflowFailException, AirflowSkipException
except ImportError:
    from airflow.datasets import Dataset as Asset
    from airflow.decorators import task, task_group
    from airflow.exceptions import AirflowFailException, AirflowSkipException
    from airflow.models.baseoperator import BaseOperator
    from airflow.operators.empty import EmptyOperator
    from airflow.triggers.temporal import DateTimeTrigger

from making import AT_ONCE, OF_RUN, OF_TASK, START, after, around_it, row, times_here

from airflow_provider_outbox import publish_event, publish_workflow_event

# Longer than Airflow needs to put what a task has ended with behind it.
POKE_SECONDS = 3.0


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
def silent() -> None:
    @task.sensor(poke_interval=0.1, silent_fail=True, **OF_TASK)
    @publish_event
    def work() -> bool:
        if times_here() == 1:
            raise ValueError("not yet")
        return True

    work()


@row()
def given_up() -> None:
    @task.sensor(never_fail=True, **OF_TASK)
    @publish_event
    def work() -> bool:
        raise ValueError("never")

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


@row()
def around() -> None:
    def work() -> None:
        raise ValueError("never")

    around_it(work)


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
