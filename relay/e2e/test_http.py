"""What the relay serves over HTTP, while Kafka is up and while it is down."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from harness.waiting import eventually
from outbox_client import Outbox

if TYPE_CHECKING:
    from pathlib import Path

    from harness.broker import Broker
    from harness.relay import Relay

EVENTS = 120
SAMPLE = re.compile(r"^([a-z_0-9]+)(?:\{(.*)\})? (\S+)$")
LABEL = re.compile(r'(\w+)="((?:[^"\\]|\\.)*)"')

# Dashboards and alerts are built on these.
PROMISED = {
    "outbox_relay_lag_events",
    "outbox_relay_lag_bytes",
    "outbox_relay_oldest_unsent_age_seconds",
    "outbox_relay_events_delivered_total",
    "outbox_relay_bytes_delivered_total",
    "outbox_relay_delivery_latency_seconds_bucket",
    "outbox_relay_delivery_latency_seconds_count",
    "outbox_relay_delivery_latency_seconds_sum",
    "outbox_relay_retries_total",
    "outbox_relay_corrupt_records_total",
    "outbox_relay_inflight_events",
    "outbox_relay_producer_state",
    "outbox_relay_last_delivery_timestamp_seconds",
    "outbox_relay_checkpoint_failures_total",
    "outbox_append_failures_total",
    "outbox_relay_disk_free_bytes",
    "outbox_relay_disk_used_bytes",
    "outbox_relay_cycles",
    "outbox_relay_build_info",
}


class Metrics:
    """A scrape, parsed line by line as Prometheus' text format has it."""

    def __init__(self, text: str) -> None:
        self.types: dict[str, str] = {}
        self.samples: dict[str, list[tuple[dict[str, str], float]]] = {}
        for line in text.splitlines():
            if line.startswith("# TYPE "):
                _, _, name, kind = line.split(" ")
                assert name not in self.types, f"declared twice: {name}"
                self.types[name] = kind
            elif line and not line.startswith("#"):
                sample = SAMPLE.match(line)
                assert sample, f"not a sample: {line}"
                name, labels, value = sample.groups()
                self.samples.setdefault(name, []).append(
                    (dict(LABEL.findall(labels or "")), float(value))
                )

    def value(self, name: str) -> float:
        [(_, value)] = self.samples[name]
        return value


def scrape(relay: Relay) -> Metrics:
    status, text = relay.http("/metrics")
    assert status == 200
    return Metrics(text)


def test_metrics_have_the_promised_names_and_count_what_happened(
    relay: Relay, outbox: Path, topic: str
) -> None:
    relay.start()
    with Outbox(outbox) as client:
        receipts = [client.append("v", topic=topic) for _ in range(EVENTS)]
        assert client.wait_delivered(receipts[-1], 60) == "DELIVERED"
    metrics = scrape(relay)
    assert PROMISED - metrics.samples.keys() == set()
    undeclared = {
        name
        for name in metrics.samples
        if name not in metrics.types
        and re.sub(r"_(bucket|count|sum|max)$", "", name) not in metrics.types
    }
    assert undeclared == set()
    for name, samples in metrics.samples.items():
        if name.startswith("outbox_") and name != "outbox_relay_build_info":
            assert {labels["outbox"] for labels, _ in samples} == {str(outbox)}, name
    assert metrics.value("outbox_relay_events_delivered_total") == EVENTS
    assert metrics.value("outbox_relay_delivery_latency_seconds_count") == EVENTS
    assert metrics.value("outbox_relay_lag_events") == 0
    assert metrics.value("outbox_relay_oldest_unsent_age_seconds") == 0
    assert metrics.value("outbox_relay_cycles") == 1


def test_while_kafka_is_down_the_relay_is_healthy_and_shows_the_growing_lag(
    broker: Broker, relay: Relay, outbox: Path, topic: str
) -> None:
    broker.kill()
    relay.start()
    with Outbox(outbox) as client:
        for _ in range(EVENTS):
            client.append("v", topic=topic)
        eventually("the lag is seen", lambda: relay.progress().lag == EVENTS)
        metrics = scrape(relay)
        assert metrics.value("outbox_relay_lag_events") == EVENTS
        assert metrics.value("outbox_relay_lag_bytes") > EVENTS * 72
        age = metrics.value("outbox_relay_oldest_unsent_age_seconds")
        eventually(
            "the age grows",
            lambda: scrape(relay).value("outbox_relay_oldest_unsent_age_seconds") > age,
        )
        assert relay.http("/healthz")[0] == 200
        assert relay.http("/readyz")[0] == 200
        broker.start()
        eventually("all is delivered", relay.is_drained)
    assert scrape(relay).value("outbox_relay_events_delivered_total") == EVENTS


def test_unknown_paths_and_methods_are_refused_and_the_index_names_the_pages(
    relay: Relay, topic: str
) -> None:
    relay.start()
    status, index = relay.http("/")
    assert status == 200
    assert all(page in index for page in ("/metrics", "/healthz", "/readyz", "/status.json"))
    assert relay.http("/nothing")[0] == 404
