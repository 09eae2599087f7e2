"""What Airflow asks a provider for."""

from __future__ import annotations

from typing import Any

from airflow_provider_outbox.events._settings import (
    DEFAULT_MAX_PAYLOAD_BYTES,
    DEFAULT_TOPIC,
    SECTION,
)

VERSION = "0.1.0"


def get_provider_info() -> dict[str, Any]:
    """The provider's name, its options and its notifier."""
    return {
        "package-name": "airflow-provider-outbox",
        "name": "Outbox",
        "description": "Workflow events through a durable local outbox to Kafka.",
        "versions": [VERSION],
        "notifications": ["airflow_provider_outbox.notifier.WorkflowEventNotifier"],
        "config": {
            SECTION: {
                "description": "Workflow events through a durable local outbox to Kafka.",
                "options": {
                    name: _option(kind, default, description)
                    for name, (kind, default, description) in _OPTIONS.items()
                },
            }
        },
    }


_OPTIONS = {
    "dir": (
        "string",
        "",
        "The outbox's directory, absolute. Empty: nothing is published. OUTBOX_DIR wins over it.",
    ),
    "topic": (
        "string",
        DEFAULT_TOPIC,
        "Topic of the events; {environment} stands for the environment. OUTBOX_TOPIC wins over it.",
    ),
    "environment": (
        "string",
        "dev",
        "Published as metadata.environment. ENVIRONMENT wins over it.",
    ),
    "instance": (
        "string",
        "",
        "Tells installations apart that share a topic. Empty: the environment.",
    ),
    "max_payload_bytes": (
        "integer",
        str(DEFAULT_MAX_PAYLOAD_BYTES),
        "A payload whose JSON is longer is cut, and the event says so.",
    ),
    "redactor": (
        "string",
        "",
        "package.module:function, gets what Airflow's secrets masker left, as JSON.",
    ),
    "dag_run_events_enabled": (
        "boolean",
        "False",
        "Whether the listener publishes WORKFLOW_ events of DAG runs.",
    ),
    "task_instance_events_enabled": (
        "boolean",
        "False",
        "Whether the listener publishes TASK_ events of tasks.",
    ),
    "dag_run_dag_id_allowlist": (
        "string",
        "",
        "Globs, separated by commas: of which DAGs the runs are published. Empty: of all.",
    ),
    "dag_run_dag_id_denylist": ("string", "", "Of which not; wins over what is allowed."),
    "task_instance_dag_id_allowlist": (
        "string",
        "",
        "Globs, separated by commas: of which DAGs the tasks are published. Empty: of all.",
    ),
    "task_instance_dag_id_denylist": ("string", "", "Of which not; wins over what is allowed."),
    "task_instance_task_id_allowlist": (
        "string",
        "",
        "Globs, separated by commas: which tasks of these DAGs are published. Empty: all.",
    ),
    "task_instance_task_id_denylist": ("string", "", "Which not; wins over what is allowed."),
}


def _option(kind: str, default: str, description: str) -> dict[str, Any]:
    return {
        "description": description,
        "version_added": VERSION,
        "type": kind,
        "example": None,
        "default": default,
    }
