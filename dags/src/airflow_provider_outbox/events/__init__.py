"""Workflow events, their producer, and what their consumers need; needs no Airflow.

Start at `WorkflowEvent`, then `WorkflowEventProducer`; a consumer drops repeated events by
`SeenEvents`. `event_schema` is the JSON Schema of what arrives in Kafka.
"""

from __future__ import annotations

from airflow_provider_outbox.events._event import (
    EventSource,
    EventType,
    InvalidWorkflowEvent,
    WorkflowEvent,
)
from airflow_provider_outbox.events._producer import WorkflowEventProducer
from airflow_provider_outbox.events._schema import event_schema
from airflow_provider_outbox.events._seen import SeenEvents
from airflow_provider_outbox.events._settings import InvalidSettingError, ProducerSettings

__all__ = [
    "EventSource",
    "EventType",
    "InvalidSettingError",
    "InvalidWorkflowEvent",
    "ProducerSettings",
    "SeenEvents",
    "WorkflowEvent",
    "WorkflowEventProducer",
    "event_schema",
]
