"""A graph that starts when a DAG has completed, and answers by an event of its own.

    OUTBOX_DIR=/var/lib/outbox KAFKA_BOOTSTRAP_SERVERS=localhost:9092 \
        python summaries.py /var/lib/summaries.db

Needs langgraph, confluent-kafka and the two packages of this project; no Airflow. Killed at any
moment and started again, it acts on each event once, and its answer is the same event each time.
"""

from __future__ import annotations

import logging
import os
import socket
import sqlite3
import sys
import uuid
from contextlib import closing
from datetime import timedelta
from typing import TYPE_CHECKING, Any, TypedDict

from confluent_kafka import Consumer, KafkaException
from langgraph.graph import END, START, StateGraph

from airflow_provider_outbox.events import (
    EventSource,
    EventType,
    InvalidWorkflowEvent,
    SeenEvents,
    WorkflowEvent,
    WorkflowEventProducer,
)

if TYPE_CHECKING:
    from collections.abc import Iterator

DAG = "example_kafka_integration"
NAME = "summaries"
TOPIC = os.environ.get("OUTBOX_TOPIC", "workflow-events").replace(
    "{environment}", os.environ.get("ENVIRONMENT", "dev")
)

logger = logging.getLogger(NAME)


class State(TypedDict, total=False):
    """What the graph's nodes know."""

    data: dict[str, Any]
    verdict: str
    summary: str


def judge(state: State) -> State:
    """Whether the DAG has found what it should."""
    return {"verdict": "complete" if state["data"]["count"] >= 100 else "too little"}


def summarise(state: State) -> State:
    """One line for people; a model would be asked here."""
    return {"summary": f"{state['data']['count']} rows: {state['verdict']}"}


def graph() -> Any:
    """The graph, ready to be invoked."""
    built = StateGraph(State)
    built.add_node("judge", judge)
    built.add_node("summarise", summarise)
    built.add_edge(START, "judge")
    built.add_edge("judge", "summarise")
    built.add_edge("summarise", END)
    return built.compile()


def answer(event: WorkflowEvent, result: State) -> WorkflowEvent:
    """What the graph tells; a repeated start tells it under the same id."""
    return WorkflowEvent(
        event_type=EventType.WORKFLOW_COMPLETED,
        source=EventSource.LANGGRAPH,
        workflow_id=NAME,
        workflow_run_id=event.workflow_run_id,
        event_id=uuid.uuid5(event.event_id, NAME),
        payload={"data": {"summary": result["summary"]}, "cause": str(event.event_id)},
    )


def has_count(event: WorkflowEvent) -> bool:
    """Whether the graph can do with it: one that was cut or withheld has no number there."""
    data = event.payload.get("data")
    return isinstance(data, dict) and isinstance(data.get("count"), int)


def events(consumer: Consumer) -> Iterator[WorkflowEvent]:
    """The events that start the graph. Each is committed when the next one is asked for."""
    while True:
        message = consumer.poll(1.0)
        if message is None:
            continue
        if (error := message.error()) is not None:
            if error.fatal():
                raise KafkaException(error)
            logger.warning("Kafka: %s", error)
            continue
        try:
            event = WorkflowEvent.from_json(message.value() or b"")
        except InvalidWorkflowEvent as problem:
            logger.warning("a record is no workflow event: offset=%s %s", message.offset(), problem)
        else:
            # Of several events with one id the listener's has no data.
            if (event.event_type, event.workflow_id) == (EventType.WORKFLOW_COMPLETED, DAG) and (
                has_count(event)
            ):
                yield event
        consumer.commit(message=message)


def main(database: str) -> None:
    """Answer for ever."""
    consumer = Consumer(
        {
            "bootstrap.servers": os.environ.get("KAFKA_BOOTSTRAP_SERVERS", "localhost:9092"),
            "group.id": NAME,
            # Who takes over from one that was killed need not wait until Kafka misses that.
            "group.instance.id": f"{NAME}-{socket.gethostname()}",
            "auto.offset.reset": "earliest",
            "enable.auto.commit": False,
        }
    )
    consumer.subscribe([TOPIC])
    run = graph()
    with closing(sqlite3.connect(database)) as connection, WorkflowEventProducer() as producer:
        seen = SeenEvents(connection)
        seen.create_table()
        connection.execute("CREATE TABLE IF NOT EXISTS answers (cause TEXT, event TEXT)")
        seen.forget(timedelta(days=30))
        connection.commit()
        for event in events(consumer):
            if seen.first_time(event.event_id):
                told = answer(event, run.invoke({"data": event.payload["data"]}))
                connection.execute(
                    "INSERT INTO answers VALUES (?, ?)", (str(event.event_id), told.to_json())
                )
            connection.commit()
            # Also if it was seen: perhaps this was killed before it could answer.
            for (text,) in connection.execute(
                "SELECT event FROM answers WHERE cause = ?", (str(event.event_id),)
            ):
                producer.publish_event(WorkflowEvent.from_json(text))


if __name__ == "__main__":
    logging.basicConfig(level=logging.INFO)
    main(*sys.argv[1:])
