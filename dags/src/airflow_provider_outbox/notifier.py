"""`WorkflowEventNotifier`: an event from the callbacks of tasks and DAGs."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

try:
    from airflow.sdk import BaseNotifier
except ImportError:
    from airflow.notifications.basenotifier import BaseNotifier

from airflow_provider_outbox._facts import (
    RUN_EVENTS,
    TASK_EVENTS,
    deadline_fact,
    plain,
    run_fact,
    task_fact,
)
from airflow_provider_outbox._payloads import error_payload
from airflow_provider_outbox._publisher import publish_fact, publishing
from airflow_provider_outbox._states import task_event_holds
from airflow_provider_outbox.events import EventType


class WorkflowEventNotifier(BaseNotifier):
    """Publishes an event when Airflow calls it back. Never raises in a callback.

    ::

        @dag(
            on_success_callback=WorkflowEventNotifier("WORKFLOW_COMPLETED"),
            on_failure_callback=WorkflowEventNotifier("WORKFLOW_FAILED"),
        )
    """

    def __init__(
        self,
        event_type: EventType | str,
        payload: Any = None,
        *,
        topic: str | None = None,
        context: Any = None,
    ) -> None:
        """Say what a callback means.

        Args:
            event_type: ``WORKFLOW_…`` for a DAG's callbacks, ``TASK_…`` for a task's.
            payload: published as ``{"data": payload}``, beside ``error`` or ``reason`` where
                Airflow tells one.
            topic: default: ``OUTBOX_TOPIC``.
            context: Airflow's, which it passes here where it awaits a notifier (deadlines).

        Raises:
            ValueError: it is neither.
        """
        super().__init__()
        self.context = context or {}
        kind = EventType.__members__.get(str(getattr(event_type, "value", event_type)))
        if kind not in TASK_EVENTS | RUN_EVENTS:
            raise ValueError(
                f"event_type is {event_type!r}: a notifier publishes WORKFLOW_ or TASK_ events"
            )
        self._kind = kind
        self._payload = payload
        self._topic = topic

    def render_template_fields(self, context: Any, jinja_env: Any = None) -> None:
        """Nothing is a template; Airflow 3.3's own fails for DAGs under ``dag.test()``."""

    def notify(self, context: Any) -> None:
        """Publish the event that *context* belongs to."""
        with publishing(f"publish {self._kind.value} in a callback"):
            if self._kind in TASK_EVENTS:
                if not task_event_holds(self._kind, context["ti"]):
                    return
                fact = task_fact(self._kind, context["ti"], context.get("dag_run"))
            elif "deadline" in context:
                fact = deadline_fact(self._kind, context["dag_run"], context["deadline"])
            else:
                fact = run_fact(self._kind, _run(context))
            publish_fact(fact, "notifier", lambda: self._content(context), self._topic)

    async def async_notify(self, context: Any) -> None:
        """As `notify`: an append takes microseconds."""
        self.notify(context)

    def _content(self, context: Any) -> dict[str, Any]:
        content = error_payload(context.get("exception"))
        reason = context.get("reason")
        if isinstance(reason, str) and self._kind in RUN_EVENTS:
            content["reason"] = reason
        if self._payload is not None:
            content["data"] = self._payload
        return content


def _run(context: Any) -> Any:
    run = context.get("dag_run")
    if plain(run, "run_id") is not None:
        return run
    # Where Airflow has no run for a callback it gives the ids alone.
    return SimpleNamespace(dag_id=context["dag"].dag_id, run_id=context["run_id"])
