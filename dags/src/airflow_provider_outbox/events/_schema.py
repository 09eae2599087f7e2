"""The JSON Schema that is shipped beside this module."""

from __future__ import annotations

import json
from importlib import resources
from typing import Any

FILE = "workflow-event.schema.json"


def event_schema() -> dict[str, Any]:
    """The JSON Schema (draft 2020-12) of a workflow event in Kafka."""
    schema: dict[str, Any] = json.loads(
        resources.files(__package__).joinpath(FILE).read_text(encoding="utf-8")
    )
    return schema
