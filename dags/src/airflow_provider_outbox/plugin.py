"""What Airflow loads as a plugin, in each of its processes."""

from __future__ import annotations

import json
import os
from typing import ClassVar

from airflow.plugins_manager import AirflowPlugin

from airflow_provider_outbox import _airflow
from airflow_provider_outbox.events._boundary import Boundary
from airflow_provider_outbox.listener import configured


def register_transport() -> None:
    """Make the OpenLineage transport known, if the configuration asks for it.

    Otherwise no process pays for the import of OpenLineage.
    """
    with Boundary("register the OpenLineage transport"):
        wanted = os.environ.get("OPENLINEAGE__TRANSPORT__TYPE")
        if wanted is None:
            told = json.loads(_airflow.option("openlineage", "transport") or "{}")
            wanted = told.get("type")
        if wanted == "outbox":
            from airflow_provider_outbox import openlineage

            openlineage.register()


register_transport()


class OutboxPlugin(AirflowPlugin):
    """Registers the listeners that the configuration switches on."""

    name = "outbox"
    listeners: ClassVar[list[object]] = configured()
