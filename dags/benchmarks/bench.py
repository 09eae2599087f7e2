"""What the listener's events cost an Airflow, and what becomes of them when Kafka is down.

    bench.py [--airflow VERSION] [--runs N] [--samples N] [PART...]

On each Airflow that is installed. `cost`: the time of one event beside a task that does nothing.
The others run a DAG under a real scheduler, with Kafka up and down: `none` without events, `outbox`
with ours, `plugin` with the event plugin of Airflow's own Kafka provider. Nothing is asserted. What
it is at goes to stderr.
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
import tempfile
import time
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

DAG = "example_outbox_listener"
VERSIONS = sorted(lock.stem for lock in (PACKAGE / "locks").glob("airflow-*.in"))
PLUGIN = "airflow.providers.apache.kafka.plugins.event_producer"
TOPIC = "events"
SWITCHES = {"DAG_RUN_EVENTS_ENABLED": "True", "TASK_INSTANCE_EVENTS_ENABLED": "True"}
# Longer than Kafka's client waits before it tries again.
GRACE_SECONDS = 15.0
PARTS = {
    "none": "no events",
    "outbox": "outbox",
    "plugin": "Kafka provider's event plugin",
}
STARTED = time.monotonic()


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--airflow", choices=VERSIONS, help="only this one")
    parser.add_argument("--runs", type=int, default=1, help="as they differ by seconds: the median")
    parser.add_argument("--samples", type=int, default=100, help="processes that tell one event")
    parser.add_argument("part", nargs="*", metavar="PART", help=f"of: cost {' '.join(PARTS)}")
    options = parser.parse_args()
    parts = options.part or ["cost", *PARTS]
    if unknown := {*parts} - {"cost", *PARTS}:
        parser.error(f"no such part: {', '.join(sorted(unknown))}")
    wanted = [options.airflow] if options.airflow else VERSIONS
    versions = [version for version in wanted if python_of(version).exists()]
    if "cost" in parts:
        costs(versions, str(options.samples))
    for version in versions:
        if {*parts} & {*PARTS}:
            outages(version, [part for part in PARTS if part in parts], options.runs)
    for version in sorted({*wanted} - {*versions}):
        print(f"\n{version}: not measured, as it is not installed: see `make test-dags`")


def progress(what: str) -> None:
    print(f"{time.monotonic() - STARTED:6.0f} s  {what}", file=sys.stderr, flush=True)


def python_of(version: str) -> Path:
    return PACKAGE / f".{version}" / "bin" / "python"


def costs(versions: list[str], samples: str) -> None:
    kept = ("AIRFLOW", "OUTBOX", "PYTHONDONTWRITEBYTECODE")
    environment = {n: v for n, v in os.environ.items() if not n.startswith(kept)}
    print(f"{'':<12}{'event':<24}{'p50':>10}{'p99':>10}{'of a bare task (p50)':>24}")
    for version in versions:
        progress(f"{version}: the cost of an event")
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
        print(f"{version:<12}{'bare task, dag.test()':<24}{bare * 1e3:>7.2f} ms", flush=True)


def outages(version: str, parts: list[str], runs: int) -> None:
    told = (1 + 2 * runs) * len(EXPECTED[DAG]["listener"])
    print(
        f"\n{version:<32}{'Kafka up':>10}{'Kafka down':>12}{'down/up':>10}{'events in Kafka':>20}"
    )
    with tempfile.TemporaryDirectory(prefix="airflow-") as directory:
        base = Path(directory)
        progress(f"{version}: making its database")
        RealAirflow(version, base / "home", {}).prepare(PACKAGE / "example_dags" / f"{DAG}.py")
        for part in parts:
            name = PARTS[part]
            if part == "none":
                print(f"{name:<32}{baseline(version, base, runs):>8.1f} s", flush=True)
            elif part == "plugin" and not has_plugin(version):
                print(f"{name:<32}its version for this Python has no such plugin")
            else:
                up, down, arrived = outage(version, part, base, runs)
                events = f"{arrived} of {told}"
                print(
                    f"{name:<32}{up:>8.1f} s{down:>10.1f} s{down / up:>9.1f}x{events:>20}",
                    flush=True,
                )


def has_plugin(version: str) -> bool:
    command = [
        str(python_of(version)),
        "-c",
        f"import importlib.util as i; i.find_spec('{PLUGIN}').name",
    ]
    return subprocess.run(command, capture_output=True, check=False).returncode == 0


def baseline(version: str, base: Path, runs: int) -> float:
    """How long a run takes of which nothing is told; Kafka has no part in it."""
    settings = {f"AIRFLOW__OUTBOX__{option}": "False" for option in SWITCHES}
    with RealAirflow(version, base / "home", settings) as airflow:
        start(airflow, "none")
        return durations(airflow, "none", runs)


def outage(version: str, part: str, base: Path, runs: int) -> tuple[float, float, int]:
    """How long a run took with Kafka up and down, and how many events are in Kafka at last."""
    outbox = base / "outbox"
    with Broker(base / f"kafka-{part}") as broker:
        broker.create_topic(TOPIC)
        if part == "outbox":
            settings = {"OUTBOX_DIR": str(outbox), "OUTBOX_TOPIC": TOPIC}
        else:
            extra = {"bootstrap.servers": broker.bootstrap}
            settings = {
                **{f"AIRFLOW__OUTBOX__{option}": "False" for option in SWITCHES},
                **{f"AIRFLOW__KAFKA_EVENT_PRODUCER__{n}": v for n, v in SWITCHES.items()},
                "AIRFLOW__KAFKA_EVENT_PRODUCER__TOPIC": TOPIC,
                "AIRFLOW_CONN_KAFKA_DEFAULT": json.dumps({"conn_type": "kafka", "extra": extra}),
            }
        with RealAirflow(version, base / "home", settings) as airflow:
            start(airflow, part)
            up = durations(airflow, f"{part}-up", runs)
            broker.kill()
            down = durations(airflow, f"{part}-down", runs)
            broker.start()
            let_traffic_flow(GRACE_SECONDS if part == "plugin" else 0)
        if part == "outbox":
            with Relay(outbox, broker.bootstrap, log=base / "relay.log") as relay:
                relay.start()
                eventually("all is delivered", relay.is_drained)
        return up, down, end_offsets(broker.bootstrap, TOPIC)


def start(airflow: RealAirflow, part: str) -> None:
    """Start it, and wait for a run: the first is slower, whatever it publishes."""
    progress(f"{airflow.version}: {part}: starting")
    airflow.start()
    run(airflow, f"{part}-first")


def durations(airflow: RealAirflow, name: str, runs: int) -> float:
    """The median of some runs."""
    took = []
    for number in range(1, runs + 1):
        took.append(run(airflow, f"{name}-{number}"))
        progress(f"{airflow.version}: {name}: run {number} of {runs} took {took[-1]:.1f} s")
    return median(took)


def run(airflow: RealAirflow, run_id: str) -> float:
    """Run the DAG; how long that took."""
    airflow.trigger(run_id, DAG)
    airflow.await_run(run_id, DAG)
    return airflow.duration(run_id)


if __name__ == "__main__":
    main()
