"""When a DAG of another Airflow has completed, a run of this one acts on it, once for each event.

Needs Airflow 3.3, its Kafka provider, a triggerer, and a connection for this watcher alone:

AIRFLOW_CONN_EXAMPLE_OUTBOX_WATCHER='{"conn_type": "kafka", "extra": {
    "bootstrap.servers": "localhost:9092", "auto.offset.reset": "earliest",
    "enable.auto.commit": "false", "group.id": "example_outbox_watcher",
    "group.instance.id": "example_outbox_watcher"}}'
"""

from __future__ import annotations

import logging
import os
import sqlite3
from contextlib import closing
from datetime import datetime, timedelta, timezone
from pathlib import Path
from typing import Any

from airflow.sdk import Asset, AssetOrTimeSchedule, AssetWatcher, CronTriggerTimetable, dag, task

from airflow_provider_outbox.events import (
    EventType,
    InvalidWorkflowEvent,
    SeenEvents,
    WorkflowEvent,
)
from airflow_provider_outbox.watcher import WorkflowEventTrigger

logger = logging.getLogger(__name__)

DATABASE = Path(os.environ.get("AIRFLOW_HOME", "~/airflow"), "reports.db").expanduser()

completed = Asset(
    name="completed_elsewhere",
    watchers=[
        AssetWatcher(
            name="workflow_events",
            trigger=WorkflowEventTrigger(
                kafka_config_id="example_outbox_watcher",
                event_types=[EventType.WORKFLOW_COMPLETED],
                workflow_ids=["example_outbox_notifier"],
            ),
        )
    ],
)


@dag(
    dag_id="example_outbox_watcher",
    start_date=datetime(2025, 1, 1, tzinfo=timezone.utc),
    # By the clock, too: Airflow 3.3 starts no run for an event that comes while it makes one.
    schedule=AssetOrTimeSchedule(
        timetable=CronTriggerTimetable("*/10 * * * *", timezone="UTC"), assets=[completed]
    ),
    catchup=False,
    tags=["outbox"],
)
def watching() -> None:
    """One task: it writes a report of each run that has completed."""

    @task(retries=3, inlets=[completed])
    def report(*, inlet_events: Any = None) -> None:
        # All of the last days, as the events that started this run may not be the only new ones.
        since = datetime.now(timezone.utc) - timedelta(days=7)
        with closing(sqlite3.connect(DATABASE)) as connection:
            seen = SeenEvents(connection)
            seen.create_table()
            connection.execute("CREATE TABLE IF NOT EXISTS reports (run TEXT)")
            for asset_event in inlet_events[completed].after(since.isoformat()):
                try:
                    event = WorkflowEvent.from_json(asset_event.extra.get("payload"))
                except InvalidWorkflowEvent as problem:
                    # Somebody else's, by the UI, the REST API or a task with this outlet.
                    logger.warning("an asset's event is no workflow event: %s", problem)
                    continue
                if seen.first_time(event.event_id):
                    connection.execute("INSERT INTO reports VALUES (?)", (event.workflow_run_id,))
                connection.commit()
            seen.forget(timedelta(days=30))
            connection.commit()

    report()


watching()
