"""What the listener's events cost an Airflow, and what becomes of them when Kafka is down.

    bench.py [SAMPLES]

On each Airflow that is installed. First the time of one event beside a task that does nothing. Then
the same DAGs under a real scheduler, with Kafka up and down: without events, with the outbox, and
with the event plugin of Airflow's own Kafka provider. Nothing is asserted.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile
from pathlib import Path
from statistics import median

PACKAGE = Path(__file__).resolve().parents[1]
MEASURE = Path(__file__).with_name("task_events.py")
sys.path[:0] = [
    str(PACKAGE / "tests"),
    str(PACKAGE / "tests" / "e2e"),
    str(PACKAGE.parent / "relay" / "e2e"),
]

from expected import EXPECTED  # noqa: E402
from real_airflow import RealAirflow  # noqa: E402

from harness.broker import Broker  # noqa: E402
from harness.relay import Relay  # noqa: E402
from harness.topics import end_offsets  # noqa: E402
from harness.waiting import eventually, let_traffic_flow  # noqa: E402

DAGS = ["example_outbox_listener", "example_outbox_notifier"]
# Airflow's own runs differ by seconds: so the median of some.
RUNS = 3
VERSIONS = sorted(lock.stem for lock in (PACKAGE / "locks").glob("*.in"))
PLUGIN = "airflow.providers.apache.kafka.plugins.event_producer"
TOPIC = "events"
SWITCHES = {"DAG_RUN_EVENTS_ENABLED": "True", "TASK_INSTANCE_EVENTS_ENABLED": "True"}
# Longer than Kafka's client waits before it tries again.
GRACE_SECONDS = 15.0


def main() -> None:
    versions = [version for version in VERSIONS if python_of(version).exists()]
    costs(versions, sys.argv[1] if len(sys.argv) > 1 else "100")
    for version in versions:
        print()
        outages(version)
    for version in sorted({*VERSIONS} - {*versions}):
        print(f"\n{version}: not measured, as it is not installed: see `make test-dags`")


def python_of(version: str) -> Path:
    return PACKAGE / f".{version}" / "bin" / "python"


def costs(versions: list[str], samples: str) -> None:
    kept = ("AIRFLOW", "OUTBOX", "PYTHONDONTWRITEBYTECODE")
    environment = {n: v for n, v in os.environ.items() if not n.startswith(kept)}
    print(f"{'':<12}{'event':<24}{'p50':>10}{'p99':>10}{'of a bare task (p50)':>24}")
    for version in versions:
        command = [str(python_of(version)), "-W", "ignore", str(MEASURE), samples]
        done = subprocess.run(command, env=environment, capture_output=True, text=True, check=False)
        if done.returncode != 0:
            sys.exit(f"{command} ended with {done.returncode}:\n{done.stderr}")
        found = json.loads(done.stdout.splitlines()[-1])
        bare = found["bare_task_seconds"]
        for name, words in (("first", "first of a process"), ("later", "later ones")):
            times = sorted(nanoseconds / 1e9 for nanoseconds in found[name])
            p50, p99 = times[len(times) // 2], times[len(times) * 99 // 100]
            print(
                f"{version:<12}{words:<24}{p50 * 1e3:>7.2f} ms{p99 * 1e3:>7.2f} ms"
                f"{p50 / bare:>23.1%}"
            )
        print(f"{version:<12}{'bare task, dag.test()':<24}{bare * 1e3:>7.2f} ms")


def outages(version: str) -> None:
    told = (1 + 2 * RUNS) * sum(len(EXPECTED[name]["listener"]) for name in DAGS)
    print(f"{version:<32}{'Kafka up':>10}{'Kafka down':>12}{'down/up':>10}{'events in Kafka':>20}")
    for name in ("no events", "outbox", "Kafka provider's event plugin"):
        if "plugin" in name and not has_plugin(version):
            print(f"{name:<32}its version for this Python has no such plugin")
            continue
        with tempfile.TemporaryDirectory(prefix="airflow-") as base:
            up, down, arrived = outage(version, name, Path(base))
        events = f"{arrived} of {told}" if name != "no events" else "-"
        print(f"{name:<32}{up:>8.1f} s{down:>10.1f} s{down / up:>9.1f}x{events:>20}", flush=True)


def has_plugin(version: str) -> bool:
    command = [
        str(python_of(version)),
        "-c",
        f"import importlib.util as i; i.find_spec('{PLUGIN}').name",
    ]
    return subprocess.run(command, capture_output=True, check=False).returncode == 0


def outage(version: str, name: str, base: Path) -> tuple[float, float, int]:
    """How long a run took with Kafka up and down, and how many events are in Kafka at last."""
    outbox = base / "outbox"
    with Broker(base / "kafka") as broker:
        broker.create_topic(TOPIC)
        settings = {f"AIRFLOW__OUTBOX__{option}": "False" for option in SWITCHES}
        if name == "outbox":
            settings = {"OUTBOX_DIR": str(outbox), "OUTBOX_TOPIC": TOPIC}
        elif name != "no events":
            extra = {"bootstrap.servers": broker.bootstrap}
            settings |= {f"AIRFLOW__KAFKA_EVENT_PRODUCER__{n}": v for n, v in SWITCHES.items()}
            settings |= {
                "AIRFLOW__KAFKA_EVENT_PRODUCER__TOPIC": TOPIC,
                "AIRFLOW_CONN_KAFKA_DEFAULT": json.dumps({"conn_type": "kafka", "extra": extra}),
            }
        with RealAirflow(version, base / "home", settings) as airflow:
            airflow.prepare(*(PACKAGE / "example_dags" / f"{dag}.py" for dag in DAGS))
            airflow.start()
            # The first run after the start is slower, whatever it publishes.
            run(airflow, "warm")
            up = median(run(airflow, f"up-{number}") for number in range(RUNS))
            broker.kill()
            down = median(run(airflow, f"down-{number}") for number in range(RUNS))
            broker.start()
            let_traffic_flow(GRACE_SECONDS)
        if name == "outbox":
            with Relay(outbox, broker.bootstrap, log=base / "relay.log") as relay:
                relay.start()
                eventually("all is delivered", relay.is_drained)
        # The notifier of an example publishes events of its own.
        own = (1 + 2 * RUNS) * len(EXPECTED[DAGS[1]]["notifier"]) if name == "outbox" else 0
        return up, down, end_offsets(broker.bootstrap, TOPIC) - own


def run(airflow: RealAirflow, run_id: str) -> float:
    """Run the DAGs; how long that took."""
    airflow.trigger(run_id, *DAGS)
    airflow.await_run(run_id, *DAGS)
    return airflow.duration(run_id)


if __name__ == "__main__":
    main()
