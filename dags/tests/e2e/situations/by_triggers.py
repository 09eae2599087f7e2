"""DAGs whose triggers do not do what was hoped for; `rows.py` says what is expected."""

from __future__ import annotations

from typing import Any

try:
    from airflow.sdk import BaseOperator
except ImportError:
    from airflow.models.baseoperator import BaseOperator

from making import AT_ONCE, OF_TASK, row, times_here
from triggers import Says

TWICE = {"retries": 1, "retry_delay": AT_ONCE}
AGAIN = {**TWICE, **OF_TASK}


class Waits(BaseOperator):
    """Is deferred to triggers that say one after the other of *says*."""

    def __init__(self, *, says: list[str], **settings: Any) -> None:
        super().__init__(**settings)
        self.says = says

    def execute(self, context: Any) -> None:
        self.defer(trigger=Says(self.says[times_here() - 1]), method_name="resume")

    def resume(self, context: Any, event: Any) -> None:
        if event == "bad":
            raise ValueError("not yet")


@row()
def resumed_in_vain() -> None:
    Waits(task_id="work", says=["bad", "good"], **AGAIN)


@row()
def trigger_breaks() -> None:
    Waits(task_id="work", says=["breaks", "good"], **AGAIN)


# Not the others: the DAG processor calls these some time after what they tell of.
@row()
def trigger_fails() -> None:
    ends = {name: OF_TASK[name] for name in ("on_retry_callback", "on_failure_callback")}
    Waits(task_id="work", says=["fails", "fails"], **TWICE, **ends)
