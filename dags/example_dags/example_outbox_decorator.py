"""How each task ended is an event: of mapped tasks one by one, of a retried one each attempt."""

from __future__ import annotations

from datetime import datetime, timedelta, timezone
from typing import Any

try:
    from airflow.sdk import dag, get_current_context, task
except ImportError:  # Airflow 2
    from airflow.decorators import dag, task
    from airflow.operators.python import get_current_context

from airflow_provider_outbox import publish_event, publish_workflow_event


@dag(
    dag_id="example_outbox_decorator",
    start_date=datetime(2025, 1, 1, tzinfo=timezone.utc),
    schedule=None,
    catchup=False,
    tags=["outbox"],
)
def decorated() -> None:
    """Files are loaded side by side, then counted; the count is announced by a task of its own."""

    @task
    @publish_event(select=lambda result: result["rows"])
    def load(name: str) -> dict[str, Any]:
        return {"name": name, "rows": len(name)}

    @task(retries=1, retry_delay=timedelta(seconds=0))
    @publish_event
    def count(loaded: Any) -> int:
        if get_current_context()["ti"].try_number == 1:
            raise ConnectionError("the first attempt always fails here")
        return sum(result["rows"] for result in loaded)

    publish_workflow_event(
        "CUSTOM",
        "{{ dag.dag_id }}",
        "{{ run_id }}",
        payload=count(load.expand(name=["a.csv", "bb.csv"])),
    )


decorated()
