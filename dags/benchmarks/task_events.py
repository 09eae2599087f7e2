"""What an event costs inside Airflow; executed by an Airflow's Python. Prints one JSON object.

Every task is a process of its own, so its first event counts most: it reads the settings and opens
the outbox. Each sample is a child forked with Airflow imported, as an executor's worker forks it.
"""

from __future__ import annotations

import json
import os
import sys
import tempfile
import time
from types import SimpleNamespace

SAMPLES = int(sys.argv[1])
LATER = 20

home = tempfile.TemporaryDirectory(prefix="airflow-")
os.environ.update(
    AIRFLOW_HOME=home.name,
    AIRFLOW__CORE__LOAD_EXAMPLES="False",
    OUTBOX_DIR=os.path.join(home.name, "outbox"),
)
os.environ.pop("OUTBOX_DURABILITY", None)

from airflow_provider_outbox._settings import Patterns  # noqa: E402
from airflow_provider_outbox.listener import TaskListener  # noqa: E402

task = SimpleNamespace(dag_id="daily", run_id="r", task_id="t", map_index=-1, try_number=1)


def nanoseconds(listener: TaskListener) -> list[int]:
    """The time of the first event of a process, and of some more."""
    took = []
    for _ in range(1 + LATER):
        begun = time.perf_counter_ns()
        listener.on_task_instance_running(task)
        took.append(time.perf_counter_ns() - begun)
    return took


def in_child() -> list[int]:
    """The same in a process as a task has it."""
    reading, writing = os.pipe()
    child = os.fork()
    if child == 0:
        os.write(writing, json.dumps(nanoseconds(listener)).encode())
        os._exit(0)
    os.close(writing)
    with os.fdopen(reading, "rb") as pipe:
        took = pipe.read()
    os.waitpid(child, 0)
    found: list[int] = json.loads(took)
    return found


def bare_task() -> float:
    """Seconds of a task that does nothing, in a run of ten of them without a scheduler."""
    from datetime import datetime, timezone

    from airflow.utils.db import initdb

    try:
        from airflow.sdk import DAG, task
    except ImportError:
        from airflow import DAG
        from airflow.decorators import task

    initdb()
    with DAG("bare", start_date=datetime(2025, 1, 1, tzinfo=timezone.utc), schedule=None) as dag:
        task(lambda number: number, task_id="nothing").expand(number=list(range(10)))
    try:
        from airflow.dag_processing.bundles.manager import DagBundlesManager
        from airflow.dag_processing.dagbag import BundleDagBag, sync_bag_to_db
    except ImportError:
        pass
    else:
        DagBundlesManager().sync_bundles_to_db()
        bag = BundleDagBag(
            os.devnull, bundle_path=home.name, bundle_name="dags-folder", collect_dags=False
        )
        bag.bag_dag(dag)
        sync_bag_to_db(bag, "dags-folder", None)
    times = []
    for _ in range(2):
        begun = time.perf_counter()
        dag.test()
        times.append(time.perf_counter() - begun)
    return min(times) / 10


listener = TaskListener(Patterns(), Patterns())
in_child()  # creates the outbox
samples = [in_child() for _ in range(SAMPLES)]
result = {
    "first": [took[0] for took in samples],
    "later": [one for took in samples for one in took[1:]],
    "bare_task_seconds": bare_task(),
}
print("\n" + json.dumps(result))
