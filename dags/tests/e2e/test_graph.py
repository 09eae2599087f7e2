"""A graph acts on each event once and answers under one id, wherever it is killed."""

from __future__ import annotations

import json
import os
import signal
import sqlite3
import uuid
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from real_airflow import PACKAGE

from airflow_provider_outbox.events import WorkflowEvent, WorkflowEventProducer
from harness.child import Child
from harness.relay import Relay, relay_environment
from harness.topics import read_topic
from harness.waiting import eventually, let_traffic_flow

if TYPE_CHECKING:
    from collections.abc import Iterator

    from harness.broker import Broker

LANGGRAPH = PACKAGE / ".langgraph"
PYTHON = LANGGRAPH / "bin" / "python"
PROGRAM = PACKAGE / "examples" / "summaries.py"
KILLED = Path(__file__).with_name("killed_graph.py")
DAG = "example_kafka_integration"
MOMENTS = ["between work and commit", "between commit and answer", "between answer and Kafka"]
TOPIC = "graph-events"
TORTURE = os.environ.get("TORTURE") == "1"
AWAY_SECONDS = 60.0 if TORTURE else 1.0


@dataclass
class Graph:
    """The program, and what is around it."""

    broker: Broker
    relay: Relay
    base: Path

    def start(self, *words: str | Path) -> Child:
        """Start it; the words are in front of its database."""
        settings = {"OUTBOX_TOPIC": TOPIC}
        environment = relay_environment(self.relay.outbox, self.broker.bootstrap, settings)
        command = [str(word) for word in (PYTHON, *words, self.database)]
        return Child(command, log=self.base / "graph.log", env=environment)

    @property
    def database(self) -> Path:
        return self.base / "summaries.db"

    def publish(
        self, run_id: str, payload: dict[str, Any], event_id: uuid.UUID | None = None
    ) -> WorkflowEvent:
        """What Airflow would tell."""
        event = WorkflowEvent(
            event_type="WORKFLOW_COMPLETED",  # type: ignore[arg-type]  # a name will do
            source="AIRFLOW",  # type: ignore[arg-type]
            workflow_id=DAG,
            workflow_run_id=run_id,
            payload=payload,
            event_id=event_id or uuid.uuid4(),
        )
        with WorkflowEventProducer(outbox=self.relay.outbox) as producer:
            producer.publish_event(event, TOPIC)
        return event

    def acted(self) -> list[str]:
        """On which events it has acted, as often as it has."""
        try:
            with closing(sqlite3.connect(self.database)) as connection:
                return [cause for (cause,) in connection.execute("SELECT cause FROM answers")]
        except sqlite3.OperationalError:
            return []

    def answers(self) -> list[dict[str, Any]]:
        """What is in Kafka of its answers, with repetitions."""
        eventually("the outbox is drained", self.relay.is_drained)
        found = [json.loads(r.value or b"") for r in read_topic(self.broker.bootstrap, TOPIC)]
        return [value for value in found if value["source"] == "LANGGRAPH"]


@pytest.fixture
def graph(broker: Broker, tmp_path: Path) -> Iterator[Graph]:
    if not (LANGGRAPH / ".installed").exists():
        pytest.skip("langgraph is not installed: make dags/.langgraph/.installed")
    if not broker.running:
        broker.start()
    broker.create_topic(TOPIC, 3)
    outbox = tmp_path / "var" / "outbox"
    outbox.parent.mkdir()
    with Relay(outbox, broker.bootstrap, log=tmp_path / "relay.log") as relay:
        relay.start()
        yield Graph(broker, relay, tmp_path)


def test_each_event_is_acted_on_once_and_answered_under_one_id(graph: Graph) -> None:
    events = []
    for moment in MOMENTS:
        events.append(graph.publish(moment, {"data": {"count": 100}}))
        # The listener's: the same fact without data.
        graph.publish(moment, {}, events[-1].event_id)
        with graph.start(KILLED, moment) as killed:
            assert killed.wait() == -signal.SIGKILL, killed.output()

    with graph.start(PROGRAM) as program:
        eventually("all are acted on", lambda: len(graph.acted()) == len(events))
        graph.broker.kill()
        events += [graph.publish(f"away {n}", {"data": {"count": n}}) for n in range(5)]
        let_traffic_flow(AWAY_SECONDS)
        graph.broker.start()
        eventually("all are acted on", lambda: len(graph.acted()) == len(events))
        eventually(
            "all are answered",
            lambda: len({told["event_id"] for told in graph.answers()}) == len(events),
        )
        assert program.running

    assert sorted(graph.acted()) == sorted(str(event.event_id) for event in events)
    answers = graph.answers()
    by_id = {told["event_id"]: told for told in answers}
    assert all(told == by_id[told["event_id"]] for told in answers)
    # One was killed when it had answered and Kafka did not know.
    assert len(answers) > len(events)
    for event in events:
        told = by_id.pop(str(uuid.uuid5(event.event_id, "summaries")))
        count = event.payload["data"]["count"]
        verdict = "complete" if count >= 100 else "too little"
        assert told["payload"] == {
            "data": {"summary": f"{count} rows: {verdict}"},
            "cause": str(event.event_id),
        }
        assert told["workflow_run_id"] == event.workflow_run_id
    assert by_id == {}
