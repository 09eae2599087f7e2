"""Knows nothing of events: the listener publishes what happens, if the configuration asks for it.

AIRFLOW__OUTBOX__DAG_RUN_EVENTS_ENABLED=True
AIRFLOW__OUTBOX__TASK_INSTANCE_EVENTS_ENABLED=True
"""

from __future__ import annotations

from datetime import datetime, timezone

try:
    from airflow.sdk import dag, task
except ImportError:  # Airflow 2
    from airflow.decorators import dag, task


@dag(
    dag_id="example_outbox_listener",
    start_date=datetime(2025, 1, 1, tzinfo=timezone.utc),
    schedule=None,
    catchup=False,
    tags=["outbox"],
)
def untouched() -> None:
    """Two tasks, as anywhere."""

    @task
    def extract() -> list[int]:
        return [1, 2, 3]

    @task
    def load(rows: list[int]) -> int:
        return len(rows)

    load(extract())


untouched()
