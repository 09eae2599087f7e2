"""What Airflow loads as a plugin, in each of its processes."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, ClassVar

from airflow.plugins_manager import AirflowPlugin

from airflow_provider_outbox import _airflow
from airflow_provider_outbox.events._boundary import Boundary
from airflow_provider_outbox.listener import configured

if TYPE_CHECKING:
    from collections.abc import Iterator

# As in the module that must not be imported for nothing.
KIND = "outbox"
MOST_OF_A_FILE = 1 << 20


def register_transport() -> None:
    """Make the OpenLineage transport known, if the configuration asks for it.

    Otherwise no process pays for the import of OpenLineage.
    """
    with Boundary("register the OpenLineage transport"):
        if any(KIND in text for text in _transports()):
            from airflow_provider_outbox import openlineage

            openlineage.register()


def _transports() -> Iterator[str]:
    """Wherever OpenLineage looks for transports, which may stand within one another."""
    for name, value in os.environ.items():
        if name.startswith("OPENLINEAGE__TRANSPORT"):
            yield value
    yield _airflow.option("openlineage", "transport") or ""
    files = (
        _airflow.option("openlineage", "config_path"),
        os.environ.get("OPENLINEAGE_CONFIG"),
        "openlineage.yml",
        os.path.expanduser("~/.openlineage/openlineage.yml"),
    )
    for file in files:
        if file and os.path.isfile(file):
            with open(file, encoding="utf-8", errors="replace") as opened:
                yield opened.read(MOST_OF_A_FILE)


register_transport()


class OutboxPlugin(AirflowPlugin):
    """Registers the listeners that the configuration switches on."""

    name = "outbox"
    listeners: ClassVar[list[object]] = configured()
