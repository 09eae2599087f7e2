"""Asks an Airflow for runs; executed by that Airflow's Python, once, as its import takes seconds.

Reads lines like ``["trigger", "run", "dag", "dag"]`` or ``["clear", "run", "dag"]``.
"""

from __future__ import annotations

import json
import sys
import traceback
from functools import partial
from time import monotonic
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Callable

# Airflow prints lines of its own.
ANSWER = "answer: "
# Time enough for Airflow to come to its database, which others write to.
WITHIN = 120.0


def patiently(call: Callable[[], object]) -> None:
    """Call, again where others have held SQLite's lock for too long."""
    from sqlalchemy.exc import OperationalError

    def done() -> bool:
        try:
            call()
        except OperationalError as problem:
            if "locked" not in str(problem) or monotonic() > until:
                raise
            return False
        return True

    until = monotonic() + WITHIN
    while not done():
        pass


def trigger(run_id: str, *dag_ids: str) -> None:
    """Begin a run of each DAG."""
    from airflow.api.common.trigger_dag import trigger_dag

    try:
        from airflow.utils.types import DagRunTriggeredByType
    except ImportError:
        by: dict[str, Any] = {}
    else:
        by = {"triggered_by": DagRunTriggeredByType.CLI}
    for dag_id in dag_ids:
        patiently(partial(trigger_dag, dag_id, run_id=run_id, **by))


def clear(run_id: str, dag_id: str) -> None:
    """Clear all tasks of a run, as the UI does."""
    from airflow.models.taskinstance import TaskInstance, clear_task_instances
    from airflow.utils.session import create_session

    with create_session() as session:
        tasks = session.query(TaskInstance).filter_by(dag_id=dag_id, run_id=run_id).all()
        clear_task_instances(tasks, session)


def main() -> None:
    """Do what each line of the input says, and answer by one line."""
    for line in sys.stdin:
        verb, run_id, *dag_ids = json.loads(line)
        try:
            if verb == "trigger":
                trigger(run_id, *dag_ids)
            else:
                patiently(partial(clear, run_id, *dag_ids))
        except Exception:  # noqa: BLE001 - the test fails with it
            answer = traceback.format_exc()
        else:
            answer = ""
        print(ANSWER + json.dumps(answer), flush=True)


if __name__ == "__main__":
    main()
