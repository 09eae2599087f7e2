"""Asks an Airflow for runs; executed by that Airflow's Python, once, as its import takes seconds.

Reads lines like ``["trigger", "run", "dag", "dag"]`` or ``["clear", "run", "dag"]``.
"""

from __future__ import annotations

import json
import sys
import traceback

# Airflow prints lines of its own.
ANSWER = "answer: "


def trigger(run_id: str, *dag_ids: str) -> None:
    """Begin a run of each DAG."""
    from airflow.api.common.trigger_dag import trigger_dag

    try:
        from airflow.utils.types import DagRunTriggeredByType
    except ImportError:
        for dag_id in dag_ids:
            trigger_dag(dag_id, run_id=run_id)
    else:
        for dag_id in dag_ids:
            trigger_dag(dag_id, run_id=run_id, triggered_by=DagRunTriggeredByType.CLI)


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
            (trigger if verb == "trigger" else clear)(run_id, *dag_ids)
        except Exception:  # noqa: BLE001 - the test fails with it
            answer = traceback.format_exc()
        else:
            answer = ""
        print(ANSWER + json.dumps(answer), flush=True)


if __name__ == "__main__":
    main()
