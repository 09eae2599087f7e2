"""What happened, to which task or run: read from plain attributes, with an id of its own.

Listener, decorator, notifier and function see the same fact in different processes and through
different objects. They all come through here, so that they derive the same id.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timezone
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


def task_fact(
    event_type: EventType, task_instance: Any, run: Any = None, *, by_hand: bool = False
) -> Fact:
    """What happened to a task's attempt.

    Args:
        event_type: one of `TASK_EVENTS`.
        task_instance: a ``RuntimeTaskInstance`` (3.x) or ``TaskInstance`` (2.11).
        run: where the trace is noted if the task instance does not know it.
        by_hand: somebody has set its state just now.
    """
    moment = _moment(
        task_instance, "start_date" if event_type is EventType.TASK_STARTED else "end_date"
    )
    moment, hand = _set_now() if by_hand else (moment, {})
    return Fact(
        event_type,
        dag_id=_needed(task_instance, "dag_id"),
        run_id=_needed(task_instance, "run_id"),
        details={
            "task_id": _needed(task_instance, "task_id"),
            "map_index": number(plain(task_instance, "map_index"), -1),
            "try_number": number(plain(task_instance, "try_number"), 0),
            **hand,
        },
        moment=moment,
        traceparent=trace_of(task_instance, run),
    )


def run_fact(event_type: EventType, run: Any, *, by_hand: bool = False) -> Fact:
    """What happened to a DAG's run.

    Args:
        event_type: one of `RUN_EVENTS`.
        run: a ``DagRun`` of the database, or the one of a task's context.
        by_hand: somebody has set its state just now.
    """
    moment = _moment(run, "start_date" if event_type is EventType.WORKFLOW_STARTED else "end_date")
    moment, hand = _set_now() if by_hand else (moment, {})
    return Fact(
        event_type,
        dag_id=_needed(run, "dag_id"),
        run_id=_needed(run, "run_id"),
        details={"clear_number": number(plain(run, "clear_number"), 0), **hand},
        moment=moment,
        traceparent=trace_of(run),
    )


def deadline_fact(
    event_type: EventType, run: Mapping[str, Any], deadline: Mapping[str, Any]
) -> Fact:
    """What a user says of a run that has missed a deadline; the run itself may go on.

    Args:
        event_type: one of `RUN_EVENTS`.
        run: what the API tells of a run.
        deadline: the ``deadline`` of the callback's context.
    """
    return Fact(
        event_type,
        dag_id=str(run["dag_id"]),
        run_id=str(run["dag_run_id"]),
        details={"deadline": str(deadline["id"])},
    )


def _set_now() -> tuple[datetime, dict[str, str]]:
    """When a state is set by hand.

    It may be one that was there before, and Airflow keeps the end of what had ended: so the moment
    itself tells this fact from the others.
    """
    now = datetime.now(timezone.utc)
    return now, {"set_by_hand": now.isoformat(timespec="microseconds").replace("+00:00", "Z")}


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


def number(value: object, default: int) -> int:
    """*value* if it is one."""
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
