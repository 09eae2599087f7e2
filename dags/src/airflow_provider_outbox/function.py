"""`publish_workflow_event`: one call in a task, or a task of its own."""

from __future__ import annotations

import ast
from typing import TYPE_CHECKING, Any

from airflow_provider_outbox import _airflow
from airflow_provider_outbox._facts import (
    RUN_EVENTS,
    TASK_EVENTS,
    plain,
    run_fact,
    task_fact,
    trace_of,
)
from airflow_provider_outbox._publisher import publish_statement, publishing
from airflow_provider_outbox.events import EventType
from airflow_provider_outbox.events._boundary import Boundary

if TYPE_CHECKING:
    from collections.abc import Mapping
    from uuid import UUID

    from airflow_provider_outbox._facts import Fact


def publish_workflow_event(
    event_type: EventType | str,
    workflow_id: str,
    workflow_run_id: str,
    payload: Any = None,
    *,
    topic: str | None = None,
    event_id: UUID | str | None = None,
    **context: Any,
) -> Any:
    """Publish a workflow event. Never raises, and never waits for Kafka.

    Called in a running task it appends the event. Called where a DAG is defined it is a TaskFlow
    task that does so when it runs: its arguments may then be templates and outputs of other tasks.

    An event that says of the running task or of its run what Airflow says itself (``TASK_…``,
    ``WORKFLOW_…``) has the id that listener, decorator and notifier give it.

    Args:
        event_type: an `EventType` or its name.
        workflow_id: for example ``dag_run.dag_id``.
        workflow_run_id: for example ``dag_run.run_id``.
        payload: any value; it is published as ``{"data": payload}``.
        topic: default: ``OUTBOX_TOPIC``.
        event_id: default: derived, or new where there is nothing to derive it from.
        context: Airflow's context, if it is at hand.

    Returns:
        The event's id; None if it was not appended, and the log says why. Where a DAG is defined,
        the task's output.
    """
    running = context if "ti" in context else _running()
    if running is None and _is_defining_dag():
        task = _airflow.task_decorator()(publish_workflow_event)
        given = {"topic": topic, "event_id": event_id}
        return task(
            event_type=event_type,
            workflow_id=workflow_id,
            workflow_run_id=workflow_run_id,
            payload=payload,
            **{name: value for name, value in given.items() if value is not None},
        )
    with publishing("publish a workflow event"):
        ids = running or {}
        workflow_id = _as_text(workflow_id, plain(ids.get("dag_run"), "dag_id"))
        workflow_run_id = _as_text(workflow_run_id, plain(ids.get("dag_run"), "run_id"))
        kind = EventType(event_type) if event_type in EventType.__members__ else event_type
        return publish_statement(
            kind,  # type: ignore[arg-type] # what is no type is refused with its value
            workflow_id,
            workflow_run_id,
            {"data": payload},
            fact=_fact(kind, workflow_id, workflow_run_id, running or {}),
            topic=topic,
            event_id=event_id,
            traceparent=trace_of((running or {}).get("ti"), (running or {}).get("dag_run")),
        )
    return None


def _as_text(value: Any, airflows: object) -> Any:
    """An id that ``render_template_as_native_obj`` has made a number, or whatever, of.

    Args:
        value: the argument.
        airflows: the running DAG's or run's own id of this kind.
    """
    if isinstance(value, str) or value is None:
        return value
    with Boundary("read an id"):
        if isinstance(airflows, str) and ast.literal_eval(airflows) == value:
            return airflows
    return str(value) if type(value) in (int, float) else value


def _running() -> Mapping[str, Any] | None:
    with Boundary("look at the running task's context"):
        return _airflow.current_context()
    return None


def _is_defining_dag() -> bool:
    with Boundary("look whether a DAG is being defined"):
        return _airflow.is_defining_dag()
    return False


def _fact(
    kind: EventType | str, workflow_id: str, workflow_run_id: str, context: Mapping[str, Any]
) -> Fact | None:
    """What Airflow itself says of the running task or its run, if this is the same."""
    found = None
    if kind in TASK_EVENTS and context.get("ti") is not None:
        found = task_fact(EventType(kind), context["ti"], context.get("dag_run"))
    elif kind in RUN_EVENTS and plain(context.get("dag_run"), "run_id") is not None:
        found = run_fact(EventType(kind), context["dag_run"])
    if found is None or (found.dag_id, found.run_id) != (workflow_id, workflow_run_id):
        return None
    return found
