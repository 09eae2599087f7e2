"""Draws the dashboards from their JSON with data of real relays. Not a rendering by Grafana.

Six relays deliver to a real broker while a real Prometheus scrapes them: one host writes to a topic
that does not exist, some write what Kafka or the outbox refuses, one relay is restarted, and the
broker is away for a while. Then every panel's queries are asked, and Chromium photographs a page
that draws the answers. `preview.py --help` tells the options.
"""

from __future__ import annotations

import argparse
import contextlib
import json
import math
import shutil
import subprocess
import sys
import tempfile
import threading
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any

sys.path.insert(0, str(Path(__file__).resolve().parents[3] / "relay" / "e2e"))
sys.path.insert(0, str(Path(__file__).resolve().parents[2] / "tests"))

from dashboards import GRAFANA, Dashboard, Query, load_all, replaced
from prometheus_server import Prometheus, scrape_config

from harness.broker import Broker
from harness.places import ROOT
from harness.relay import Relay
from outbox_client import Outbox, OutboxError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Mapping

HERE = Path(__file__).resolve().parent

JOB = "outbox-relay"
TOPIC = "workflow-events"
NARROW = "narrow"
MISSING = "not-created-yet"
# Host and events per second.
HOSTS = {"etl-01": 120, "etl-02": 80, "etl-03": 50, "etl-04": 30, "batch-01": 15, "batch-02": 5}
PORT = 9748
WIDTH = 1280
ROW_HEIGHT = 32
HEAD_HEIGHT = 72
POINTS = 300
SHOWN_RELAY = "etl-02"
LARGEST_BYTES = 200_000


class Host:
    """A relay, and a thread that appends events to its outbox, more and less over time."""

    def __init__(self, name: str, rate: float, bootstrap: str, directory: Path) -> None:
        self.name = name
        self.outbox = directory / name / "outbox"
        self.outbox.parent.mkdir()
        self.relay = Relay(self.outbox, bootstrap, log=directory / f"{name}.log")
        self.topic = TOPIC
        self._rate = rate
        self._stopping = threading.Event()
        self._thread = threading.Thread(target=self._append, daemon=True)

    def start(self) -> None:
        self.relay.start()
        self._thread.start()

    def append(self, value: str, topic: str) -> None:
        with Outbox(self.outbox) as client, contextlib.suppress(OutboxError):
            client.append(value, topic=topic, key=self.name)

    def _append(self) -> None:
        with Outbox(self.outbox) as client:
            while not self._stopping.is_set():
                client.append("x" * 600, topic=self.topic, key=self.name)
                wave = 1 + 0.5 * math.sin(time.monotonic() / 9 + len(self.name))
                self._stopping.wait(1 / (self._rate * wave))

    def stop(self) -> None:
        self._stopping.set()
        if self._thread.is_alive():
            self._thread.join()
        self.relay.kill_if_running()


def observe(directory: Path, seconds: float) -> dict[str, Any]:
    """What each panel would show after `seconds` of traffic and trouble, by dashboard and panel."""
    with contextlib.ExitStack() as running:
        broker = running.enter_context(Broker(directory / "kafka"))
        broker.create_topic(TOPIC, partitions=3)
        broker.create_topic(NARROW, config={"max.message.bytes": "2000"})
        hosts = {n: Host(n, rate, broker.bootstrap, directory) for n, rate in HOSTS.items()}
        config = scraped(hosts.values())
        for host in hosts.values():
            running.callback(host.stop)
            host.start()
        prometheus = running.enter_context(Prometheus(directory, config))
        start = time.time()
        trouble(hosts, broker, lambda share: wait_until(start + share * seconds))
        return {
            dashboard.uid: dict(answers(dashboard, prometheus, start, time.time()))
            for dashboard in load_all()
        }


def scraped(hosts: Iterable[Host]) -> dict[str, Any]:
    """A configuration in which the relays look as if each ran on a host of its own."""
    targets = [
        {
            "targets": [f"127.0.0.1:{host.relay.port}"],
            "labels": {"instance": f"{host.name}:{PORT}"},
        }
        for host in hosts
    ]
    same_outbox = {
        "source_labels": ["outbox"],
        "regex": ".+",
        "target_label": "outbox",
        "replacement": "/var/lib/outbox",
    }
    job = {"job_name": JOB, "static_configs": targets, "metric_relabel_configs": [same_outbox]}
    rules = ROOT / "ops" / "prometheus" / "rules" / "*.yml"
    return {**scrape_config({}), "scrape_configs": [job], "rule_files": [str(rules)]}


def wait_until(when: float) -> None:
    time.sleep(max(0.0, when - time.time()))


def trouble(hosts: dict[str, Host], broker: Broker, at: Callable[[float], None]) -> None:
    """The plot; `at` waits for a share of the time."""
    at(0.2)
    hosts["etl-02"].append("x" * 3_000, NARROW)
    hosts["etl-03"].append("x" * 3_000, NARROW)
    hosts["batch-02"].append("to a name that Kafka refuses", "a topic")
    at(0.3)
    hosts["etl-02"].relay.kill()
    at(0.33)
    hosts["etl-02"].relay.start()
    at(0.45)
    broker.kill()
    at(0.65)
    broker.start(wait=False)
    at(0.8)
    hosts["batch-01"].topic = MISSING
    at(0.9)
    hosts["etl-02"].append("x" * 3_000_000, TOPIC)
    at(1.0)


def answers(
    dashboard: Dashboard, prometheus: Prometheus, start: float, end: float
) -> Iterator[tuple[str, list[list[dict[str, Any]]]]]:
    shown = f"{SHOWN_RELAY}:{PORT}" if dashboard.uid == "outbox-relay" else ".+"
    values = {
        "job": JOB,
        "instance": shown,
        "outbox": ".+",
        "top": "10",
        "__rate_interval": "8s",
        "__range": f"{end - start:.0f}s",
    }

    def ask(query: Query) -> list[dict[str, Any]]:
        expr = replaced(query.expr, values)
        if query.instant:
            found = prometheus.query(expr, end)
        else:
            step = (end - start) / POINTS
            found = prometheus.query_range(expr, start, end, step)
        return [
            {
                "name": legend(query.legend, series.labels),
                "labels": dict(series.labels),
                "points": [[at, None if math.isnan(v) else v] for at, v in series.points],
            }
            for series in found
        ]

    for panel in dashboard.panels:
        yield str(panel.model["id"]), [ask(query) for query in panel.queries]


def legend(template: str, labels: Mapping[str, str]) -> str:
    text = template
    for name, value in labels.items():
        text = text.replace("{{" + name + "}}", value)
    return text


def draw(dashboard: Dashboard, data: Any, file: Path) -> None:
    """Photograph a page that draws `data`."""
    rows = max(box["gridPos"]["y"] + box["gridPos"]["h"] for box in dashboard.boxes())
    script = json.dumps({"dashboard": dashboard.model, "data": data}).replace("</", "<\\/")
    uplot = GRAFANA / "node_modules" / "uplot" / "dist"
    page = (
        (HERE / "page.html")
        .read_text(encoding="utf-8")
        .replace("@uplot@", uplot.as_uri())
        .replace("@here@", HERE.as_uri())
        .replace("@shown@", script)
    )
    with tempfile.TemporaryDirectory() as scratch:
        source = Path(scratch, "page.html")
        source.write_text(page, encoding="utf-8")
        subprocess.run(
            [
                "chromium",
                "--headless=new",
                "--no-sandbox",
                "--disable-gpu",
                "--hide-scrollbars",
                "--disable-lcd-text",
                "--force-device-scale-factor=1",
                f"--user-data-dir={scratch}/profile",
                f"--window-size={WIDTH},{rows * ROW_HEIGHT + HEAD_HEIGHT}",
                "--virtual-time-budget=5000",
                f"--screenshot={file}",
                source.as_uri(),
            ],
            check=True,
            capture_output=True,
            timeout=120,
        )
    subprocess.run(["pngquant", "--force", "--output", str(file), str(file)], check=True)
    size = file.stat().st_size
    print(f"{file}: {size / 1000:.0f} kB")
    if size > LARGEST_BYTES:
        sys.exit(f"{file} is larger than {LARGEST_BYTES / 1000:.0f} kB")


def main() -> None:
    parser = argparse.ArgumentParser(description="Draw the dashboards with data of real relays.")
    parser.add_argument("--seconds", type=float, default=240, help="how long to watch")
    parser.add_argument("--data", type=Path, help="keep the data in this file, or draw what it has")
    arguments = parser.parse_args()
    for program in ("chromium", "pngquant", "prometheus"):
        if shutil.which(program) is None:
            parser.error(f"{program} is not installed: apt install {program}")
    if arguments.data and arguments.data.exists():
        data = json.loads(arguments.data.read_text(encoding="utf-8"))
    else:
        with tempfile.TemporaryDirectory() as scratch:
            data = observe(Path(scratch), arguments.seconds)
        if arguments.data:
            arguments.data.write_text(json.dumps(data), encoding="utf-8")
    for dashboard in load_all():
        draw(dashboard, data[dashboard.uid], GRAFANA / f"{dashboard.uid}.preview.png")


if __name__ == "__main__":
    main()
