"""An event of one Airflow starts a run of another: outbox, relay, Kafka, asset watcher."""

from __future__ import annotations

import os
import sqlite3
from collections import Counter
from contextlib import closing
from typing import TYPE_CHECKING

import pytest
from confluent_kafka import Consumer, TopicPartition
from real_airflow import PACKAGE, RUN_SECONDS, RealAirflow

from harness.relay import Relay
from harness.topics import end_offsets
from harness.waiting import eventually, let_traffic_flow

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from conftest import World

DAG = "example_outbox_notifier"
WATCHER = "example_outbox_watcher"
TOPIC = "workflow-events"
PARTITIONS = 3
TRIGGERER = ("triggerer", "--skip-serve-logs")
LEFT = """select (select count(*) from dag_run where dag_id = ? and state in ('queued', 'running'))
    + (select count(*) from asset_dag_run_queue)"""
TORTURE = os.environ.get("TORTURE") == "1"
# Runs of the first Airflow while Kafka is away, and for how long it is away beside what they take.
RUNS, AWAY_SECONDS = (5, 60.0) if TORTURE else (1, 0.0)


@pytest.fixture
def sender(world: World, tmp_path: Path) -> Iterator[RealAirflow]:
    """The other Airflow, with an outbox and a relay of its own."""
    if not (PACKAGE / ".airflow-2" / ".installed").exists():
        pytest.skip("airflow-2 is not installed: this host has no Python that it runs on")
    world.broker.create_topic(TOPIC, PARTITIONS)
    outbox = tmp_path / "var" / "outbox"
    outbox.parent.mkdir()
    airflow = RealAirflow("airflow-2", tmp_path / "home", {"OUTBOX_DIR": str(outbox)})
    relay = Relay(outbox, world.broker.bootstrap, log=tmp_path / "relay.log")
    with airflow, relay:
        relay.start(wait=False)
        airflow.prepare(PACKAGE / "example_dags" / f"{DAG}.py")
        airflow.start("scheduler")
        yield airflow


def reports(airflow: RealAirflow) -> list[str]:
    """Of which runs the watching DAG has written reports, as often as it has."""
    database = airflow.home / "reports.db"
    try:
        with closing(sqlite3.connect(f"file:{database}?mode=ro", uri=True)) as connection:
            return sorted(run for (run,) in connection.execute("SELECT run FROM reports"))
    except sqlite3.OperationalError:
        return []


def all_is_handed_over(bootstrap: str) -> bool:
    """Whether the watcher has committed all that is in the topic."""
    consumer = Consumer({"bootstrap.servers": bootstrap, "group.id": WATCHER})
    try:
        places = [TopicPartition(TOPIC, number) for number in range(PARTITIONS)]
        committed = sum(max(place.offset, 0) for place in consumer.committed(places, timeout=60))
    finally:
        consumer.close()
    return committed == end_offsets(bootstrap, TOPIC)


@pytest.mark.timeout(1200)
@pytest.mark.parametrize("world", ["airflow-3"], indirect=True)
def test_each_event_is_acted_on_once_with_kafka_and_triggerer_killed_in_between(
    world: World, request: pytest.FixtureRequest
) -> None:
    receiver = world.airflow
    if not receiver.runs("scheduler"):
        receiver.start()
    if not receiver.runs("triggerer"):
        receiver.start_part(*TRIGGERER)
    sender: RealAirflow = request.getfixturevalue("sender")
    sender.trigger("up", DAG)
    sender.await_run("up", DAG)
    eventually("it is acted on", lambda: "up" in reports(receiver), within=RUN_SECONDS)

    world.broker.kill()
    receiver.kill_part("triggerer")
    receiver.start_part(*TRIGGERER)
    away = [f"away-{number}" for number in range(RUNS)]
    for run_id in away:
        sender.trigger(run_id, DAG)
        sender.await_run(run_id, DAG)
    let_traffic_flow(AWAY_SECONDS)
    assert not set(away) & set(reports(receiver))
    world.broker.start()
    eventually(
        "all are acted on", lambda: set(reports(receiver)) == {"up", *away}, within=RUN_SECONDS
    )

    # Listener and notifier each tell of a run's end: the second one starts a run, too.
    def twice() -> bool:
        rows = receiver.query("select json_extract(extra, '$.payload') from asset_event")
        told = Counter(
            run_id
            for (payload,) in rows
            for run_id in ("up", *away)
            if f'"{run_id}"' in (payload or "")  # another test's events have none
        )
        return all(told[run_id] >= 2 for run_id in ("up", *away))

    eventually("each is told twice", twice, within=RUN_SECONDS)
    eventually("Kafka knows", lambda: all_is_handed_over(world.broker.bootstrap))
    eventually(
        "no run is left", lambda: receiver.query(LEFT, WATCHER) == [(0,)], within=RUN_SECONDS
    )
    assert reports(receiver) == sorted(["up", *away])
    receiver.assert_running()
