"""A real Prometheus and a real Alertmanager beside a real relay, through an outage of Kafka."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

import pytest
import yaml
from alertmanager_server import Alertmanager
from prometheus_server import Prometheus, scrape_config
from shipped import PROMETHEUS, RULE_FILES, alerts, labels_asked_for, load, needs, rules

from harness.waiting import eventually
from outbox_client import Outbox

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from harness.broker import Broker
    from harness.relay import Relay

JOB = "outbox-relay"
ALERT = "OutboxLagAge"
# Seconds in place of minutes and hours.
THRESHOLDS = {"ticket": 3, "page": 1_000}
VECTOR = re.compile(r"\b(?:outbox_[a-z0-9_]+|up|node_textfile_mtime_seconds)\b")


def impatient_rules(directory: Path) -> list[str]:
    """The shipped rules, of which one alert does not wait as long."""
    written = []
    for file in RULE_FILES:
        content = load(file)
        for group in content["groups"]:
            for rule in group["rules"]:
                if rule.get("alert") == ALERT:
                    seconds = THRESHOLDS[rule["labels"]["severity"]]
                    rule["expr"], changes = re.subn(r"> \d+$", f"> {seconds}", rule["expr"])
                    assert changes == 1
                    rule["for"] = "1s"
        target = directory / file.name
        target.write_text(yaml.safe_dump(content), encoding="utf-8")
        written.append(str(target))
    return written


@pytest.fixture
def alertmanager(tmp_path: Path) -> Iterator[Alertmanager]:
    needs("prometheus-alertmanager")
    with Alertmanager(tmp_path, PROMETHEUS / "alertmanager.yml") as running:
        yield running


def test_an_outage_is_told_to_alertmanager_and_so_is_its_end(
    broker: Broker,
    relay: Relay,
    outbox: Path,
    topic: str,
    alertmanager: Alertmanager,
    tmp_path: Path,
) -> None:
    needs("prometheus")
    config = scrape_config({JOB: [f"127.0.0.1:{relay.port}"]})
    config["rule_files"] = impatient_rules(tmp_path)
    config["alerting"] = {
        "alertmanagers": [{"static_configs": [{"targets": [f"127.0.0.1:{alertmanager.port}"]}]}]
    }

    def told() -> list[dict[str, Any]]:
        return [it for it in alertmanager.alerts() if it["labels"]["alertname"] == ALERT]

    relay.start()
    with Outbox(outbox) as client, Prometheus(tmp_path, config) as prometheus:
        receipt = client.append("before", topic=topic)
        assert client.wait_delivered(receipt, 60) == "DELIVERED"
        eventually(
            "a healthy relay is seen",
            lambda: prometheus.query("outbox_relay_oldest_unsent_age_seconds == 0"),
        )
        assert told() == []
        every_rule_is_healthy(prometheus)
        every_metric_and_label_of_the_rules_is_exported(prometheus)

        broker.kill()
        client.append("during the outage", topic=topic)
        [alert] = eventually("Alertmanager is told of the lag's age", told, within=120)
        assert alert["labels"]["outbox"] == str(outbox)
        assert alert["labels"]["severity"] == "ticket"
        assert str(outbox) in alert["annotations"]["summary"]
        assert alert["receivers"] == [{"name": "tickets"}]

        broker.start()
        eventually("all is delivered", relay.is_drained, within=120)
        eventually("Alertmanager is told of the end", lambda: told() == [], within=120)


def every_rule_is_healthy(prometheus: Prometheus) -> None:
    """None failed in its evaluation, as one with an ambiguous match would."""

    def states() -> list[dict[str, Any]]:
        return [rule for group in prometheus.get("rules")["groups"] for rule in group["rules"]]

    eventually("rules are evaluated", lambda: all(rule["health"] != "unknown" for rule in states()))
    assert [rule for rule in states() if rule["health"] != "ok"] == []
    assert len(states()) == len(rules())


def every_metric_and_label_of_the_rules_is_exported(prometheus: Prometheus) -> None:
    exported = set(prometheus.get("label/__name__/values"))
    recorded = {rule["record"] for rule in rules() if "record" in rule}
    # test_metrics.py meets the first, of node_exporter, and test_many_outboxes.py the second, of a
    # relay of many outboxes that can't serve one.
    elsewhere = {"node_textfile_mtime_seconds", "outbox_relay_on_hold"}
    exported |= elsewhere
    for rule in rules():
        # What is inside of braces are labels and their values.
        expr = re.sub(r"\{[^}]*\}", "", rule["expr"])
        for name in recorded:
            expr = expr.replace(name, "")
        assert set(VECTOR.findall(expr)) <= exported | {"outbox"}, rule["expr"]
    for alert in alerts():
        for metric, label, values in labels_asked_for(alert["expr"]):
            if metric in elsewhere:
                continue
            series = prometheus.query(f"count by ({label}) ({metric})")
            assert set(values) <= {one.labels[label] for one in series}, alert["expr"]
