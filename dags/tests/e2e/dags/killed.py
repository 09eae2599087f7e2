"""A task that is killed after its work, before it has ended; its second attempt ends."""

from __future__ import annotations

import os
import signal
from datetime import datetime, timedelta, timezone
from pathlib import Path

try:
    from airflow.sdk import dag, get_current_context, task
except ImportError:
    from airflow.decorators import dag, task
    from airflow.operators.python import get_current_context

from airflow_provider_outbox import publish_event, publish_workflow_event


@dag(
    dag_id="killed",
    start_date=datetime(2025, 1, 1, tzinfo=timezone.utc),
    schedule=None,
    catchup=False,
)
def killed() -> None:
    """One task."""

    @task(retries=1, retry_delay=timedelta(seconds=0))
    @publish_event
    def work() -> str:
        context = get_current_context()
        publish_workflow_event("CUSTOM", "killed", context["run_id"], "worked")
        if context["ti"].try_number == 1:
            here = Path(os.environ["AIRFLOW_HOME"], "pid")
            here.with_suffix(".part").write_text(str(os.getpid()))
            here.with_suffix(".part").rename(here)
            signal.pause()
        return "done"

    work()


killed()
