"""What happened, to which task or run: read from plain attributes, with an id of its own.

Listener, decorator, notifier and function see the same fact in different processes and through
different objects. They all come through here, so that they derive the same id.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING, Any

from airflow_provider_outbox.events import EventType
from airflow_provider_outbox.events._fact_id import fact_id

if TYPE_CHECKING:
    from collections.abc import Mapping
    from uuid import UUID

TASK_EVENTS = frozenset(kind for kind in EventType if kind.value.startswith("TASK_"))
RUN_EVENTS = frozenset(kind for kind in EventType if kind.value.startswith("WORKFLOW_"))


@dataclass(frozen=True)
class Fact:
    """A change of a task or of a run.

    Attributes:
        event_type: what happened.
        dag_id: of the DAG.
        run_id: of its run.
        details: what identifies it within the run, and is published as metadata.
        moment: when, if Airflow has noted it.
        traceparent: of the trace it belongs to.
    """

    event_type: EventType
    dag_id: str
    run_id: str
    details: Mapping[str, Any]
    moment: datetime | None = None
    traceparent: str | None = None

    def event_id(self, instance: str) -> UUID:
        """The same for the same fact, in whichever process and however often it is seen."""
        return fact_id(instance, self.dag_id, self.run_id, self.event_type, self.details)


def task_fact(event_type: EventType, task_instance: Any, run: Any = None) -> Fact:
    """What happened to a task's attempt.

    Args:
        event_type: one of `TASK_EVENTS`.
        task_instance: a ``RuntimeTaskInstance`` (3.x) or ``TaskInstance`` (2.11).
        run: where the trace is noted if the task instance does not know it.
    """
    started = event_type is EventType.TASK_STARTED
    return Fact(
        event_type,
        dag_id=_needed(task_instance, "dag_id"),
        run_id=_needed(task_instance, "run_id"),
        details={
            "task_id": _needed(task_instance, "task_id"),
            "map_index": _number(plain(task_instance, "map_index"), -1),
            "try_number": _number(plain(task_instance, "try_number"), 0),
        },
        moment=_moment(task_instance, "start_date" if started else "end_date"),
        traceparent=trace_of(task_instance, run),
    )


def goes_on(task_instance: Any) -> bool:
    """Whether an attempt is not begun, but taken up again: it was deferred or rescheduled."""
    told = getattr(task_instance, "_ti_context_from_server", None)  # 3.x
    if told is None:
        return plain(task_instance, "next_method") is not None
    return (
        getattr(told, "next_method", None) is not None
        or _number(getattr(told, "task_reschedule_count", 0), 0) > 0
    )


def run_fact(event_type: EventType, run: Any) -> Fact:
    """What happened to a DAG's run.

    Args:
        event_type: one of `RUN_EVENTS`.
        run: a ``DagRun`` of the database, or the one of a task's context.
    """
    started = event_type is EventType.WORKFLOW_STARTED
    return Fact(
        event_type,
        dag_id=_needed(run, "dag_id"),
        run_id=_needed(run, "run_id"),
        details={"clear_number": _number(plain(run, "clear_number"), 0)},
        moment=_moment(run, "start_date" if started else "end_date"),
        traceparent=trace_of(run),
    )


def plain(holder: Any, name: str) -> Any:
    """An attribute's value if it is there without asking a database, else None."""
    try:
        return vars(holder).get(name)
    except TypeError:  # slots, None
        return None


def _needed(holder: Any, name: str) -> str:
    value = plain(holder, name)
    if value is None:
        # A row that was expired. Reading it asks the database; better that than to lose the event.
        value = getattr(holder, name)
    return str(value)


def _number(value: object, default: int) -> int:
    return value if isinstance(value, int) else default


def _moment(holder: Any, name: str) -> datetime | None:
    value = plain(holder, name)
    return value if isinstance(value, datetime) and value.utcoffset() is not None else None


def trace_of(*holders: Any) -> str | None:
    """The ``traceparent`` of the first task instance or run that has one; 2.11 has none."""
    for holder in holders:
        carrier = plain(holder, "context_carrier")
        value = carrier.get("traceparent") if isinstance(carrier, dict) else None
        if isinstance(value, str):
            return value
    return None
