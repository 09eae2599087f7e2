"""For each Airflow: a home, an outbox, a relay and a topic; the broker is one for all."""

from __future__ import annotations

import json
import re
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from outbox_conformance import mounts
from real_airflow import PACKAGE, RealAirflow
from xdist.scheduler import LoadScopeScheduling

from harness.broker import Broker
from harness.measured import measured, pytest_terminal_summary
from harness.relay import Relay
from harness.topics import read_topic
from harness.waiting import eventually

if TYPE_CHECKING:
    from collections.abc import Iterator

    from harness.topics import Delivered

# Imported for pytest to find.
__all__ = ["measured", "pytest_terminal_summary"]

HERE = Path(__file__).parent
VERSIONS = sorted(path.stem for path in (PACKAGE / "locks").glob("airflow-*.in"))
# Airflow 3.3 has watchers.
ONLY_IN_3 = {"example_outbox_watcher.py"}


def pytest_sessionstart() -> None:
    """Before anything is started that is to see what the tests mount."""
    mounts.make_private()


class ByAirflow(LoadScopeScheduling):  # type: ignore[misc]  # mypy sees none of it
    """Lets workers of pytest-xdist have an Airflow each, as its tests build on each other."""

    def _split_scope(self, nodeid: str) -> str:
        version = re.search(r"\[(airflow-\d)", nodeid)
        return version[1] if version else nodeid.partition("::")[0]


def pytest_xdist_make_scheduler(config: pytest.Config, log: object) -> ByAirflow:
    return ByAirflow(config, log)


@dataclass
class World:
    """What the tests of one Airflow share.

    Attributes:
        airflow: not started.
        broker: running.
        relay: running.
        outbox: its directory, alone in a parent of its own.
        topic: where the events go.
    """

    airflow: RealAirflow
    broker: Broker
    relay: Relay
    outbox: Path
    topic: str

    def delivered(self, run_id: str | None = None, dag_id: str | None = None) -> list[Delivered]:
        """The records of a run, once the outbox is drained, each once: delivery may repeat."""
        eventually("the outbox is drained", self.relay.is_drained)
        found: dict[bytes, Delivered] = {}
        for record in read_topic(self.broker.bootstrap, self.topic):
            assert record.value is not None
            value = json.loads(record.value)
            if run_id in (None, value["workflow_run_id"]) and dag_id in (
                None,
                value["workflow_id"],
            ):
                found.setdefault(record.value, record)
        return list(found.values())

    def events(self, run_id: str | None = None, dag_id: str | None = None) -> list[dict[str, Any]]:
        """The same as JSON."""
        return [json.loads(record.value or b"") for record in self.delivered(run_id, dag_id)]


@pytest.fixture(scope="session")
def broker(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Broker]:
    with Broker(tmp_path_factory.mktemp("kafka") / "data") as running:
        yield running


def watcher_connection(bootstrap: str) -> str:
    """The Kafka connection of example_outbox_watcher."""
    extra = {
        "bootstrap.servers": bootstrap,
        "group.id": "example_outbox_watcher",
        "auto.offset.reset": "earliest",
        "enable.auto.commit": "false",
        # Or the next one waits until Kafka misses one that was killed.
        "group.instance.id": "example_outbox_watcher",
    }
    return json.dumps({"conn_type": "kafka", "extra": extra})


@pytest.fixture(scope="session", params=VERSIONS)
def world(
    request: pytest.FixtureRequest, broker: Broker, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[World]:
    version = request.param
    if not (PACKAGE / f".{version}" / ".installed").exists():
        pytest.skip(f"{version} is not installed: this host has no Python that it runs on")
    base = tmp_path_factory.mktemp(version)
    outbox = base / "var" / "outbox"
    outbox.parent.mkdir()
    if not broker.running:
        broker.start()
    topic = broker.create_topic(f"events.{version}", partitions=3)
    settings = {
        "OUTBOX_DIR": str(outbox),
        "OUTBOX_TOPIC": "events.{environment}",
        "ENVIRONMENT": version,
        "AIRFLOW_CONN_EXAMPLE_OUTBOX_WATCHER": watcher_connection(broker.bootstrap),
    }
    airflow = RealAirflow(version, base / "home", settings)
    folders = (PACKAGE / "example_dags", HERE / "dags", HERE / "situations")
    left_out = ONLY_IN_3 if version == "airflow-2" else set()
    dags = [path for folder in folders for path in folder.glob("*.py")]
    airflow.prepare(
        *(path for path in dags if path.name not in left_out),
        *(HERE / "situations" / version).glob("*.py"),
        modules=(HERE / "situations" / "config").glob("*.py"),
    )
    with airflow, Relay(outbox, broker.bootstrap, log=base / "relay.log") as relay:
        relay.start()
        yield World(airflow, broker, relay, outbox, topic)
