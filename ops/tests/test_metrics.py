"""What a relay exports, seen by those that read it: Prometheus' tools and node_exporter."""

from __future__ import annotations

import re
import signal
import time
import urllib.request
from typing import TYPE_CHECKING

import pytest
from shipped import needs, run

from harness.child import Child
from harness.places import ROOT
from harness.ports import free_port
from harness.relay import Relay
from harness.waiting import eventually
from outbox_client import Outbox

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from harness.broker import Broker

README = ROOT / "relay" / "README.md"
OURS = re.compile(r"^(?:# (?:HELP|TYPE) )?outbox_")
# What Prometheus 2.42 asks for.
ACCEPT = (
    "application/openmetrics-text;version=1.0.0,application/openmetrics-text;version=0.0.1;q=0.75,"
    "text/plain;version=0.0.4;q=0.5,*/*;q=0.1"
)
# Only there with OUTBOX_DIRS, and while there is reason.
OF_FLEETS = {"outbox_relay_on_hold"}
SCRAPES = 50
CLOCK_SECONDS = 1.0


def scrape(port: int, accept: str = "*/*") -> tuple[str, str]:
    """Content type and text."""
    request = urllib.request.Request(f"http://127.0.0.1:{port}/metrics", headers={"Accept": accept})
    with urllib.request.urlopen(request, timeout=30) as answer:
        return answer.headers["Content-Type"], answer.read().decode()


def samples(text: str, name: str) -> list[tuple[dict[str, str], float]]:
    found = re.findall(rf"^{name}(?:\{{(.*)\}})? (\S+)$", text, re.MULTILINE)
    return [(dict(re.findall(r'(\w+)="([^"]*)"', labels)), float(v)) for labels, v in found]


@pytest.fixture(scope="module")
def served(session_broker: Broker, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Relay]:
    """A relay that has delivered, failed and set aside an event."""
    if not session_broker.running:
        session_broker.start()
    directory = tmp_path_factory.mktemp("served")
    topic = session_broker.create_topic("served")
    narrow = session_broker.create_topic("served-narrow", config={"max.message.bytes": "2000"})
    relay = Relay(directory / "outbox", session_broker.bootstrap, log=directory / "relay.log")
    with relay, Outbox(relay.outbox) as client:
        relay.start()
        client.append("x" * 3_000, topic=narrow)
        receipt = client.append("delivered", topic=topic)
        assert client.wait_delivered(receipt, 60) == "DELIVERED"
        yield relay


def test_prometheus_gets_openmetrics_and_others_plain_text(served: Relay) -> None:
    kind, text = scrape(served.port, ACCEPT)
    assert kind == "application/openmetrics-text; version=1.0.0; charset=utf-8"
    assert text.endswith("\n# EOF\n")
    kind, text = scrape(served.port)
    assert kind == "text/plain; version=0.0.4; charset=utf-8"
    assert "# EOF" not in text


def test_promtool_finds_no_fault_in_our_metrics(served: Relay) -> None:
    _, text = scrape(served.port)
    ours = [line for line in text.splitlines() if OURS.match(line)]
    assert len(ours) > 60
    run("promtool", "check", "metrics", stdin="\n".join(ours) + "\n")


def test_every_metric_of_ours_is_in_the_readme_and_no_other(served: Relay) -> None:
    _, text = scrape(served.port)
    exported = set(re.findall(r"^# TYPE (outbox_\w+)", text, re.MULTILINE)) | OF_FLEETS
    [table] = re.findall(r"^\| Metric \|.*?(?=\n\n)", README.read_text(), re.DOTALL | re.MULTILINE)
    assert set(re.findall(r"`(outbox_\w+)", table)) | OF_FLEETS == exported


def test_the_producers_series_do_not_grow_with_topics_and_brokers(
    served: Relay, measured: Callable[[str], None]
) -> None:
    _, text = scrape(served.port)
    series = re.findall(r"^(kafka_\w+)\{(.*)\} ", text, re.MULTILINE)
    assert ("kafka_producer_record_send_total") in {name for name, _ in series}
    for name, labels in series:
        assert set(re.findall(r'(\w+)="', labels)) == {"client_id", "kafka_version", "outbox"}, name
    names = [name for name, _ in series]
    assert len(set(names)) == len(names)

    lines = [line for line in text.splitlines() if not line.startswith("#")]
    times = []
    for _ in range(SCRAPES):
        start = time.perf_counter()
        scrape(served.port, ACCEPT)
        times.append(time.perf_counter() - start)
    measured(
        f"scrape: {len(lines)} series, {sum(bool(OURS.match(it)) for it in lines)} of them ours, "
        f"{len(names)} the producer's; {len(text)} bytes; "
        f"{sorted(times)[SCRAPES // 2] * 1_000:.1f} ms (p50)"
    )


def test_the_age_is_right_after_a_restart_while_kafka_is_away(
    broker: Broker, relay: Relay, topic: str
) -> None:
    broker.kill()
    before = time.time()
    Outbox(relay.outbox).append("waits", topic=topic)
    after = time.time()
    for _ in range(2):
        relay.start()
        asked = time.time()
        [(_, age)] = samples(scrape(relay.port)[1], "outbox_relay_oldest_unsent_age_seconds")
        answered = time.time()
        assert asked - after - CLOCK_SECONDS <= age <= answered - before + CLOCK_SECONDS
        relay.kill()


def test_without_http_node_exporter_tells_of_every_relay_of_the_host(
    broker: Broker, topic: str, tmp_path: Path
) -> None:
    needs("prometheus-node-exporter")
    textfiles = tmp_path / "textfiles"
    textfiles.mkdir()
    port = free_port()
    exporter = Child(
        [
            "prometheus-node-exporter",
            # Its own metrics stay: they are what a file must not repeat.
            *("--collector.disable-defaults", "--collector.textfile"),
            f"--collector.textfile.directory={textfiles}",
            f"--web.listen-address=127.0.0.1:{port}",
        ],
        log=tmp_path / "node-exporter.log",
    )
    files = [textfiles / f"outbox-relay-{name}.prom" for name in "ab"]
    relays = [
        Relay(
            tmp_path / f"outbox-{name}",
            broker.bootstrap,
            log=tmp_path / f"relay-{name}.log",
            settings={"OUTBOX_HTTP_ADDRESS": "off", "OUTBOX_METRICS_FILE": str(file)},
        )
        for name, file in zip("ab", files, strict=True)
    ]
    with exporter, relays[0], relays[1]:
        for relay in relays:
            Outbox(relay.outbox).append("event", topic=topic)
            relay.start(wait=False)
        eventually("both files are there", lambda: all(file.exists() for file in files))
        text = eventually("node_exporter answers", lambda: scrape(port)[1])
        assert samples(text, "node_textfile_scrape_error") == [({}, 0.0)]
        outboxes = {str(relay.outbox) for relay in relays}
        for name in ("outbox_relay_lag_events", "outbox_relay_build_info"):
            assert {labels["outbox"] for labels, _ in samples(text, name)} == outboxes
        told = {labels["file"] for labels, _ in samples(text, "node_textfile_mtime_seconds")}
        assert told == set(map(str, files))
        for file in files:
            ours = [line for line in file.read_text().splitlines() if OURS.match(line)]
            run("promtool", "check", "metrics", stdin="\n".join(ours) + "\n")

        for relay in relays:
            eventually("it runs", lambda: 'event="relay ready"' in relay.output())  # noqa: B023
        relays[0].child.signal(signal.SIGTERM)
        assert relays[0].child.wait() == 0
        relays[1].kill()
        assert [file.exists() for file in files] == [False, True]
