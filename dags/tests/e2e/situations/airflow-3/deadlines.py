"""Runs that miss a deadline: the triggerer awaits the notifier, or the executor calls it."""

from __future__ import annotations

import time
from datetime import datetime, timedelta, timezone

from airflow.sdk import DAG, AsyncCallback, DeadlineAlert, DeadlineReference, SyncCallback, task

from airflow_provider_outbox import WorkflowEventNotifier

for kind in (AsyncCallback, SyncCallback):
    with DAG(
        f"deadline_{kind.__name__[:-8].lower()}",
        start_date=datetime(2025, 1, 1, tzinfo=timezone.utc),
        schedule=None,
        deadline=DeadlineAlert(
            reference=DeadlineReference.DAGRUN_QUEUED_AT,
            interval=timedelta(seconds=1),
            callback=kind(
                WorkflowEventNotifier, {"event_type": "WORKFLOW_FAILED", "payload": {"why": "late"}}
            ),
        ),
    ):

        @task
        def work() -> None:
            time.sleep(3)

        work()
