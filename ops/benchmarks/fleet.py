"""Measures what sizing.md adds up; needs `make package venv`.

Processor time is what the kernel charged, so that it holds on a busy host, too.
"""

from __future__ import annotations

import contextlib
import os
import sys
import tempfile
import threading
import time
import urllib.request
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
sys.path[:0] = [str(ROOT / "relay" / "e2e"), str(ROOT / "ops" / "tests")]

from prometheus_server import Prometheus, scrape_config  # noqa: E402

from harness.broker import Broker  # noqa: E402
from harness.relay import Relay  # noqa: E402
from harness.waiting import eventually, let_traffic_flow  # noqa: E402
from outbox_client import Outbox  # noqa: E402

SCRAPES = 300
IDLE_SECONDS = 60
TARGETS = 500
INTERVAL_SECONDS = 15
MEASURED_SCRAPES = 4
TICKS = os.sysconf("SC_CLK_TCK")


def cpu(pid: int) -> float:
    """Seconds of processor time so far."""
    fields = Path(f"/proc/{pid}/stat").read_text(encoding="ascii").rsplit(") ", 1)[1].split()
    return (int(fields[11]) + int(fields[12])) / TICKS


def resident(pid: int) -> float:
    """MiB."""
    return int(Path(f"/proc/{pid}/statm").read_text(encoding="ascii").split()[1]) * 4096 / 2**20


def connections(pid: int) -> int:
    """Established TCP connections to a broker; the relay opens no others."""
    sockets = set()
    for descriptor in Path(f"/proc/{pid}/fd").iterdir():
        with contextlib.suppress(OSError):
            sockets.add(os.readlink(descriptor).removeprefix("socket:[").removesuffix("]"))
    found = 0
    for table in ("tcp", "tcp6"):
        for line in Path(f"/proc/{pid}/net/{table}").read_text(encoding="ascii").splitlines()[1:]:
            fields = line.split()
            found += fields[3] == "01" and fields[9] in sockets
    return found


def measure_relay(relay: Relay) -> None:
    pid = relay.child.pid
    text = relay.http("/metrics")[1]
    names = [line.split("{")[0] for line in text.splitlines() if not line.startswith("#")]
    print(f"series: {len(names)}", end="")
    for prefix in ("outbox_", "kafka_producer_", "jvm_", ""):
        matching = [name for name in names if name.startswith(prefix)]
        names = [name for name in names if not name.startswith(prefix)]
        print(f", {len(matching)} {prefix or 'others'}", end="")
    print(f"\nconnections to the broker: {connections(pid)}")

    start = cpu(pid)
    let_traffic_flow(IDLE_SECONDS)
    idle = (cpu(pid) - start) / IDLE_SECONDS
    print(f"idle relay: {idle * 100:.2f} % of a core, {resident(pid):.0f} MiB resident")

    for coding in ("identity", "gzip"):
        measure_scrapes(pid, relay.port, coding, idle)


def measure_scrapes(pid: int, port: int, coding: str, idle: float) -> None:
    url = f"http://127.0.0.1:{port}/metrics"
    request = urllib.request.Request(url, headers={"Accept-Encoding": coding})
    times = []
    size = 0
    start = cpu(pid)
    began = time.perf_counter()
    for _ in range(SCRAPES):
        asked = time.perf_counter()
        with urllib.request.urlopen(request, timeout=30) as answer:
            size = len(answer.read())
        times.append((time.perf_counter() - asked) * 1_000)
    spent = cpu(pid) - start - idle * (time.perf_counter() - began)
    times.sort()
    print(
        f"one scrape, {coding}: {size / 1024:.1f} KiB, {times[SCRAPES // 2]:.1f} ms (p50), "
        f"{times[SCRAPES * 99 // 100]:.1f} ms (p99), "
        f"{spent / SCRAPES * 1_000:.1f} ms of processor time"
    )


class OneScrape(BaseHTTPRequestHandler):
    """Serves what a relay told once: five hundred real ones would not fit on the host."""

    text = b""

    def do_GET(self) -> None:
        self.send_response(200)
        self.send_header("Content-Type", "text/plain; version=0.0.4; charset=utf-8")
        self.send_header("Content-Length", str(len(self.text)))
        self.end_headers()
        self.wfile.write(self.text)

    def log_message(self, *arguments: object) -> None:
        pass


def measure_prometheus(text: str, directory: Path) -> None:
    OneScrape.text = text.encode()
    server = ThreadingHTTPServer(("127.0.0.1", 0), OneScrape)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    config = scrape_config({"outbox-relay": []}, every=f"{INTERVAL_SECONDS}s")
    config["rule_files"] = [str(file) for file in (ROOT / "ops/prometheus/rules").glob("*.yml")]
    address = f"127.0.0.1:{server.server_port}"
    config["scrape_configs"][0]["static_configs"] = [
        {"targets": [address], "labels": {"instance": f"host-{number}:9748"}}
        for number in range(TARGETS)
    ]
    with Prometheus(directory, config) as prometheus:
        [pid] = [
            int(entry.name)
            for entry in Path("/proc").iterdir()
            if entry.name.isdigit() and str(directory) in command_of(entry)
        ]
        wanted = f"count(up == 1) == {TARGETS}"
        eventually("all are scraped", lambda: prometheus.query(wanted), within=600, every=1)
        start, began = cpu(pid), time.monotonic()
        let_traffic_flow(MEASURED_SCRAPES * INTERVAL_SECONDS)
        spent, passed = cpu(pid) - start, time.monotonic() - began
        url = f"{prometheus.url}/metrics"
        with urllib.request.urlopen(url, timeout=30) as answer:
            lines = answer.read().decode().splitlines()
        [series] = [
            float(line.split()[1])
            for line in lines
            if line.startswith("prometheus_tsdb_head_series ")
        ]
        size = resident(pid)
        print(
            f"Prometheus, {TARGETS} relays every {INTERVAL_SECONDS} s and all rules: "
            f"{series:.0f} series, {size:.0f} MiB resident ({size * 1024 / series:.1f} KiB a "
            f"series), {spent / passed * 100:.0f} % of a core"
        )


def command_of(process: Path) -> str:
    try:
        words = (process / "cmdline").read_bytes().split(b"\0")
    except OSError:
        return ""
    return b" ".join(words).decode() if words[0].endswith(b"prometheus") else ""


def main() -> None:
    with tempfile.TemporaryDirectory(prefix="outbox-sizing-") as name:
        directory = Path(name)
        with Broker(directory / "kafka" / "data") as broker:
            topic = broker.create_topic("sizing")
            log = directory / "relay.log"
            with Relay(directory / "outbox", broker.bootstrap, log=log) as relay:
                relay.start()
                with Outbox(relay.outbox) as client:
                    for _ in range(2_000):
                        client.append("x" * 500, topic=topic)
                eventually("all is delivered", relay.is_drained)
                measure_relay(relay)
                measure_prometheus(relay.http("/metrics")[1], directory)


if __name__ == "__main__":
    main()
