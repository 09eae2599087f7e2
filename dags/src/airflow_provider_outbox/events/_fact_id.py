"""The id of a fact: the same, whoever sees it and however often."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any
from uuid import UUID, uuid5

if TYPE_CHECKING:
    from collections.abc import Mapping

    from airflow_provider_outbox.events._event import EventType

NAMESPACE = UUID("6f1f3c1c-0d2b-5a44-9b1c-5b2f0c9a7d11")


def fact_id(
    instance: str, workflow_id: str, run_id: str, event_type: EventType, details: Mapping[str, Any]
) -> UUID:
    """The event id of a fact, as consuming.md tells it.

    Args:
        instance: tells installations apart that share a topic.
        workflow_id: of the workflow.
        run_id: of its run.
        event_type: what happened.
        details: what identifies it within the run.
    """
    parts = [instance, workflow_id, run_id, event_type.value, dict(details)]
    return uuid5(NAMESPACE, json.dumps(parts, sort_keys=True))
