"""Events from callbacks: of the DAG when its run ends, of a task when it succeeds."""

from __future__ import annotations

from datetime import datetime, timezone

try:
    from airflow.sdk import dag, task
except ImportError:  # Airflow 2
    from airflow.decorators import dag, task

from airflow_provider_outbox import WorkflowEventNotifier


@dag(
    dag_id="example_outbox_notifier",
    start_date=datetime(2025, 1, 1, tzinfo=timezone.utc),
    schedule=None,
    catchup=False,
    tags=["outbox"],
    on_success_callback=WorkflowEventNotifier("WORKFLOW_COMPLETED", {"team": "data"}),
    on_failure_callback=WorkflowEventNotifier("WORKFLOW_FAILED", {"team": "data"}),
)
def notifying() -> None:
    """One task with a callback of its own."""

    @task(on_success_callback=WorkflowEventNotifier("TASK_COMPLETED"))
    def work() -> None:
        pass

    work()


notifying()
