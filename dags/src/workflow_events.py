"""The names of `airflow_provider_outbox.events`, where the code is.

A project with a module `workflow_events` of its own imports them from there.
"""

from airflow_provider_outbox.events import (
    EventSource,
    EventType,
    InvalidWorkflowEvent,
    WorkflowEvent,
    WorkflowEventProducer,
)

__all__ = [
    "EventSource",
    "EventType",
    "InvalidWorkflowEvent",
    "WorkflowEvent",
    "WorkflowEventProducer",
]
