"""Workflow events from Airflow through a durable local outbox to Kafka.

Start at `publish_workflow_event`, `publish_event` and `WorkflowEventNotifier`; the listener is in
`airflow_provider_outbox.plugin`. `airflow_provider_outbox.events` has the events and their
producer, and needs no Airflow.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from airflow_provider_outbox.decorator import publish_event
    from airflow_provider_outbox.function import publish_workflow_event
    from airflow_provider_outbox.notifier import WorkflowEventNotifier

__all__ = ["WorkflowEventNotifier", "publish_event", "publish_workflow_event"]


def __getattr__(name: str) -> object:
    # Late, so that the Airflow-free part can be imported without Airflow.
    if name == "publish_event":
        from airflow_provider_outbox.decorator import publish_event

        return publish_event
    if name == "publish_workflow_event":
        from airflow_provider_outbox.function import publish_workflow_event

        return publish_workflow_event
    if name == "WorkflowEventNotifier":
        from airflow_provider_outbox.notifier import WorkflowEventNotifier

        return WorkflowEventNotifier
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
