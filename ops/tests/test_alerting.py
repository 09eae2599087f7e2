"""A real Prometheus and a real Alertmanager beside a real relay, through an outage of Kafka."""

from __future__ import annotations

import json
import re
from typing import TYPE_CHECKING, Any

import pytest
import yaml
from alertmanager_server import Alertmanager
from prometheus_server import Prometheus, scrape_config
from shipped import PROMETHEUS, RULE_FILES, labels_asked_for, load, needs, rules

from harness.relay import Relay
from harness.waiting import eventually
from outbox_client import Outbox

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from harness.broker import Broker

JOB = "outbox-relay"
# What a minute of the rules takes here, in seconds.
MINUTE = 1.5
VECTOR = re.compile(r"\b(?:outbox_[a-z0-9_]+|up|node_textfile_mtime_seconds)\b")


def hurried(text: str) -> str:
    """Durations, and limits in seconds, as they are where a minute is shorter."""

    def milliseconds(found: re.Match[str]) -> str:
        minutes = int(found[1]) * {"m": 1, "h": 60}[found[2]]
        return f"{minutes * MINUTE * 1_000:.0f}ms"

    def seconds(found: re.Match[str]) -> str:
        return f"{found[1]}{int(found[2]) * MINUTE / 60:g}"

    text = re.sub(r"\b(\d+)([mh])\b", milliseconds, text)
    return re.sub(r"([<>] (?:bool )?)(\d{2,})$", seconds, text, flags=re.MULTILINE)


def hurried_rules(directory: Path) -> list[str]:
    """The shipped rules, of which none waits as long."""
    written = []
    for file in RULE_FILES:
        content = load(file)
        for group in content["groups"]:
            for rule in group["rules"]:
                rule["expr"] = hurried(rule["expr"])
                if "for" in rule:
                    rule["for"] = hurried(rule["for"])
        target = directory / file.name
        target.write_text(yaml.safe_dump(content), encoding="utf-8")
        written.append(str(target))
    return written


# As five minutes are in the rules' time.
LOOKBACK = f"--query.lookback-delta={hurried('5m')}"


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
    config["rule_files"] = hurried_rules(tmp_path)
    config["alerting"] = {
        "alertmanagers": [{"static_configs": [{"targets": [f"127.0.0.1:{alertmanager.port}"]}]}]
    }

    def told() -> list[dict[str, Any]]:
        return [it for it in alertmanager.alerts() if it["labels"]["alertname"] == "OutboxLagAge"]

    relay.start()
    with Outbox(outbox) as client, Prometheus(tmp_path, config, [LOOKBACK]) as prometheus:
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


@pytest.mark.parametrize(
    ("cause", "effect"),
    [
        (("OutboxPaused", "page"), ("OutboxStalled", "page")),
        (("OutboxPaused", "page"), ("OutboxTopicBarred", "ticket")),
        (("OutboxStalled", "page"), ("OutboxParkedNotDrained", "ticket")),
        (("OutboxRelayDown", "page"), ("OutboxLagAge", "page")),
        (("OutboxStalled", "page"), ("OutboxLagAge", "page")),
        (("OutboxLagAge", "page"), ("OutboxLagAge", "ticket")),
    ],
    ids="-".join,
)
def test_the_cause_silences_what_follows_for_the_same_outbox_only(
    cause: tuple[str, str], effect: tuple[str, str], alertmanager: Alertmanager
) -> None:
    def alert(kind: tuple[str, str], outbox_id: str, **more: str) -> dict[str, str]:
        name, severity = kind
        labels = {"alertname": name, "severity": severity, "job": JOB, **more}
        return {**labels, "outbox": "/var/lib/outbox", "outbox_id": outbox_id}

    # Only what is about a target has its place.
    more = {
        "OutboxRelayDown": {"instance": "10.0.0.7:9748"},
        "OutboxPaused": {"state": "paused-topic"},
    }.get(cause[0], {})
    alertmanager.tell(alert(cause, "one", **more), alert(effect, "one"), alert(effect, "other"))

    def silent() -> list[tuple[str, str, str]]:
        return [
            (it["labels"]["alertname"], it["labels"]["severity"], it["labels"]["outbox_id"])
            for it in alertmanager.alerts()
            if it["status"]["state"] == "suppressed"
        ]

    eventually("all are known", lambda: len(alertmanager.alerts()) == 3)
    # An alert is listed a moment before it silences others.
    eventually("the effect is silent", silent)
    assert silent() == [(*effect, "one")]


def test_invalid_events_are_told_while_others_are_refused(alertmanager: Alertmanager) -> None:
    one = {"job": JOB, "outbox": "/var/lib/outbox", "outbox_id": "one"}
    for name in ("OutboxAppendFailures", "OutboxDiskLow"):
        for severity in ("page", "ticket"):
            alertmanager.tell({"alertname": name, "severity": severity, **one})

    def states() -> dict[tuple[str, str], str]:
        return {
            (it["labels"]["alertname"], it["labels"]["severity"]): it["status"]["state"]
            for it in alertmanager.alerts()
        }

    eventually("a page silences its ticket", lambda: "suppressed" in states().values())
    assert states() == {
        ("OutboxAppendFailures", "page"): "active",
        ("OutboxAppendFailures", "ticket"): "active",
        ("OutboxDiskLow", "page"): "active",
        ("OutboxDiskLow", "ticket"): "suppressed",
    }


def test_an_outage_is_one_alert_over_a_roll_out_and_what_nobody_takes_over_is_another(
    broker: Broker, topic: str, tmp_path: Path
) -> None:
    needs("prometheus")
    kept, left = tmp_path / "kept", tmp_path / "left"
    first, second, other = (
        Relay(
            outbox,
            broker.bootstrap,
            log=tmp_path / f"{name}.log",
            # Kafka is away when they end.
            settings={"OUTBOX_STOP_DEADLINE_MS": "1000"},
        )
        for name, outbox in [("first", kept), ("second", kept), ("other", left)]
    )
    pods = tmp_path / "pods.json"

    def are_served_by(**relays: Relay) -> None:
        """As discovery finds them; replaced as a whole, as Prometheus may read it at any time."""
        draft = tmp_path / "pods.draft"
        draft.write_text(
            json.dumps(
                [
                    {"targets": [f"127.0.0.1:{relay.port}"], "labels": {"pod": pod}}
                    for pod, relay in relays.items()
                ]
            ),
            encoding="utf-8",
        )
        draft.replace(pods)

    config = scrape_config({})
    config["rule_files"] = hurried_rules(tmp_path)
    config["scrape_configs"] = [{"job_name": JOB, "file_sd_configs": [{"files": [str(pods)]}]}]
    are_served_by(first=first, other=other)
    with first, second, other, Prometheus(tmp_path, config, [LOOKBACK]) as prometheus:

        def firing(alert: str, outbox: Path) -> list[dict[str, Any]]:
            return [
                it
                for it in prometheus.get("alerts")["alerts"]
                if it["state"] == "firing"
                and it["labels"]["alertname"] == alert
                and it["labels"].get("outbox") == str(outbox)
            ]

        def ever(alert: str) -> list[tuple[str, int]]:
            """For which outboxes it fired, and as how many alerts."""
            fired = f'count_over_time(ALERTS{{alertname="{alert}", alertstate="firing"}}[1h])'
            found = prometheus.query(f"count by (outbox) ({fired})")
            return sorted((one.labels["outbox"], int(one.numbers[0])) for one in found)

        for relay in (first, other):
            relay.start(wait=False)
        for relay in (first, other):
            with Outbox(relay.outbox) as client:
                receipt = client.append("before", topic=topic)
                assert client.wait_delivered(receipt, 60) == "DELIVERED"
        eventually(
            "both are seen", lambda: len(prometheus.query("outbox:lag_events:max == 0")) == 2
        )
        broker.kill()
        for outbox in (kept, left):
            with Outbox(outbox) as client:
                client.append("during the outage", topic=topic)
        eventually("both stand still", lambda: len(ever("OutboxStalled")) == 2)
        [before] = firing("OutboxStalled", kept)
        assert f"{kept} on first" in before["annotations"]["summary"]

        first.stop()
        are_served_by(second=second, other=other)
        second.start()
        [after] = eventually(
            "the second relay's outbox stands still",
            lambda: [
                it
                for it in firing("OutboxStalled", kept)
                if f"{kept} on second" in it["annotations"]["summary"]
            ],
        )
        assert after["labels"] == before["labels"]

        other.stop()
        are_served_by(second=second)
        [alert] = eventually("an outbox is left behind", lambda: firing("OutboxLeftBehind", left))
        assert alert["labels"]["severity"] == "ticket"
        assert f"{left} on other" in alert["annotations"]["summary"]
        assert ever("OutboxLeftBehind") == [(str(left), 1)]

        broker.start()
        other.start(wait=False)
        are_served_by(second=second, third=other)
        eventually("its alerts are over", lambda: not firing("OutboxStalled", kept))
        eventually("it is served again", lambda: not firing("OutboxLeftBehind", left))
        assert ever("OutboxStalled") == [(str(kept), 1), (str(left), 1)]


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
        assert set(VECTOR.findall(expr)) <= exported | {"outbox", "outbox_id"}, rule["expr"]
        for metric, label, values in labels_asked_for(rule["expr"]):
            if metric in elsewhere:
                continue
            series = prometheus.query(f"count by ({label}) ({metric})")
            assert set(values) <= {one.labels[label] for one in series}, rule["expr"]
