"""One fresh Airflow home for the session; settings and outbox are fresh for each test."""

from __future__ import annotations

import importlib.util
import os
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

HOME = tempfile.mkdtemp(prefix="airflow-")
EXAMPLES = Path(__file__).parents[2] / "example_dags"

# Before anything imports Airflow, which reads them once.
for _name in list(os.environ):
    if _name.startswith(("AIRFLOW_", "OUTBOX_")) or _name == "ENVIRONMENT":
        del os.environ[_name]
os.environ.update(
    AIRFLOW_HOME=HOME,
    AIRFLOW__CORE__LOAD_EXAMPLES="False",
    AIRFLOW__CORE__DAGS_FOLDER=str(EXAMPLES),
    AIRFLOW__CORE__UNIT_TEST_MODE="False",
    AIRFLOW__OUTBOX__DAG_RUN_EVENTS_ENABLED="True",
    AIRFLOW__OUTBOX__TASK_INSTANCE_EVENTS_ENABLED="True",
    # What a test wants of the listener it lets through.
    AIRFLOW__OUTBOX__DAG_RUN_DAG_ID_DENYLIST="quiet_*",
    AIRFLOW__OUTBOX__TASK_INSTANCE_DAG_ID_DENYLIST="quiet_*",
)

# Airflow 3.3 has watchers that commit what is stored.
if importlib.util.find_spec("airflow.triggers.shared_stream") is None:
    collect_ignore = ["test_watcher.py"]

from airflow_provider_outbox import _publisher  # noqa: E402
from outbox_client.testing import TemporaryOutbox, temporary_outbox  # noqa: E402

if TYPE_CHECKING:
    from collections.abc import Iterator


def pytest_sessionfinish() -> None:
    import shutil

    shutil.rmtree(HOME, ignore_errors=True)


@pytest.fixture(scope="session", autouse=True)
def _database() -> None:
    from airflow.utils.db import initdb

    initdb()


@pytest.fixture(autouse=True)
def _fresh() -> Iterator[None]:
    _publisher.forget()
    yield
    _publisher.forget()


@pytest.fixture
def outbox(_fresh: None) -> Iterator[TemporaryOutbox]:
    """An outbox that OUTBOX_DIR names."""
    with temporary_outbox() as temporary:
        yield temporary


def published(outbox: TemporaryOutbox, publisher: str | None = None) -> list[dict[str, Any]]:
    """The events so far, as JSON, in order."""
    values = [event.json() for event in outbox.events()]
    return [v for v in values if publisher in (None, v["metadata"].get("publisher"))]


def example_dag(name: str) -> Any:
    """The DAG of an example's file, made anew."""
    path = EXAMPLES / f"{name}.py"
    *_, call = path.read_text().rstrip().split("\n")
    spec = importlib.util.spec_from_file_location(name, path)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return getattr(module, call.removesuffix("()"))()


def run(dag: Any) -> Any:
    """Run a DAG in this process; its run."""
    try:
        from airflow.dag_processing.dagbag import BundleDagBag, sync_bag_to_db
    except ImportError:
        return dag.test()
    # Airflow 3 runs what a bundle has, and a test's own DAG is in no bundle's file.
    from airflow.dag_processing.bundles.manager import DagBundlesManager

    DagBundlesManager().sync_bundles_to_db()
    bag = BundleDagBag(
        os.devnull, bundle_path=EXAMPLES, bundle_name="dags-folder", collect_dags=False
    )
    bag.bag_dag(dag)
    sync_bag_to_db(bag, "dags-folder", None)
    return dag.test()


def ids(events: list[dict[str, Any]]) -> list[str]:
    """Their ids, each once, in the order of their first appearance."""
    return list(dict.fromkeys(event["event_id"] for event in events))
