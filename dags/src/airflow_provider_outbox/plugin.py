"""What Airflow loads as a plugin, in each of its processes."""

from __future__ import annotations

from typing import ClassVar

from airflow.plugins_manager import AirflowPlugin

from airflow_provider_outbox.listener import configured


class OutboxPlugin(AirflowPlugin):
    """Registers the listeners that the configuration switches on."""

    name = "outbox"
    listeners: ClassVar[list[object]] = configured()
