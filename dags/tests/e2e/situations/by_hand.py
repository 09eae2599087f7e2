"""DAGs for what people and machines do while a task runs; `rows.py` says what is expected."""

from __future__ import annotations

import time
from typing import Any

try:
    from airflow.sdk import BaseOperator, task
except ImportError:
    from airflow.decorators import task
    from airflow.models.baseoperator import BaseOperator

from making import AT_ONCE, HOME, OF_TASK, after, around_it, row, say_it_runs, times_here

from airflow_provider_outbox import publish_event


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
def late_to_failed() -> None:
    @task(**OF_TASK)
    @publish_event
    def work() -> None:
        say_it_runs()
        while not (HOME / "set-late_to_failed").exists():
            time.sleep(0.1)

    work() >> after.override(trigger_rule="all_done")()


@row()
def run_to_failed_around() -> None:
    def work() -> None:
        say_it_runs()
        while True:
            time.sleep(1)

    around_it(work)


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
