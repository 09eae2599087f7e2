"""The files of ops/prometheus, checked by the programs that read them."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

import pytest
import yaml
from shipped import PROMETHEUS, RULE_FILES, RUNBOOK, alerts, load, needs, rules, run

if TYPE_CHECKING:
    from pathlib import Path

ALERTS = alerts()
TESTS = sorted((PROMETHEUS / "tests").glob("*.yml"))

each_alert = pytest.mark.parametrize(
    "alert", ALERTS, ids=lambda it: f"{it['alert']}-{it['labels']['severity']}"
)


each_rule = pytest.mark.parametrize(
    "rule", rules(), ids=lambda it: it.get("record") or f"{it['alert']}-{it['labels']['severity']}"
)
LONGEST_SCRAPE_MINUTES = 2


def unit_tests(alertname: str) -> list[dict[str, Any]]:
    return [
        check
        for file in TESTS
        for test in load(file)["tests"]
        for check in test["alert_rule_test"]
        if check["alertname"] == alertname
    ]


def anchors(markdown: str) -> set[str]:
    """Of the headings, as GitHub and GitLab make them."""
    headings = re.findall(r"^#+ (.+)$", markdown, re.MULTILINE)
    return {re.sub(r"[^\w -]", "", heading).lower().replace(" ", "-") for heading in headings}


def test_promtool_takes_the_configuration() -> None:
    assert "SUCCESS: 2 rule files found" in run("promtool", "check", "config", "prometheus.yml")


def test_promtool_takes_the_configuration_for_kubernetes_but_for_the_discovery(
    tmp_path: Path,
) -> None:
    """Debian's promtool is built without it."""
    config = load(PROMETHEUS / "prometheus-kubernetes.yml")
    [job] = config["scrape_configs"]
    assert job.pop("kubernetes_sd_configs") == [{"role": "pod"}]
    config["rule_files"] = [str(file) for file in RULE_FILES]
    file = tmp_path / "prometheus.yml"
    file.write_text(yaml.safe_dump(config), encoding="utf-8")
    run("promtool", "check", "config", str(file))


def test_promtool_finds_no_fault_in_the_rules() -> None:
    assert len(RULE_FILES) == 2
    run("promtool", "check", "rules", "--lint=all", "--lint-fatal", *map(str, RULE_FILES))


@pytest.mark.parametrize("file", TESTS, ids=lambda file: file.name)
def test_alerts_fire_just_after_and_not_just_before(file: Path) -> None:
    run("promtool", "test", "rules", str(file))


@each_alert
def test_every_alert_has_a_unit_test_before_and_after(alert: dict[str, Any]) -> None:
    expected = [
        [found["exp_labels"]["severity"] for found in check["exp_alerts"]]
        for check in unit_tests(alert["alert"])
    ]
    severity = alert["labels"]["severity"]
    assert any(severity in severities for severities in expected), "never fires in a test"
    assert any(severity not in severities for severities in expected), "fires in every test"


@each_rule
def test_no_rule_needs_more_scrapes_than_there_may_be(rule: dict[str, Any]) -> None:
    """A lost scrape ends a series, and two minutes may be between two of them."""
    now = re.sub(
        r"\w+_over_time\([^()]*\)|(?:increase|rate|deriv|predict_linear)\([^()]*\)",
        "",
        rule["expr"],
    )
    assert "alert" not in rule or not re.search(r"\boutbox_relay_(?!on_hold)", now), now
    for counted in re.findall(
        r"(?:increase|rate|deriv|predict_linear)\([^()]*\[(\d+)m\]", rule["expr"]
    ):
        assert int(counted) >= 4 * LONGEST_SCRAPE_MINUTES


@each_alert
def test_every_alert_says_which_outbox_and_what_to_do(alert: dict[str, Any]) -> None:
    assert alert["labels"].keys() == {"severity"}
    assert alert["labels"]["severity"] in {"page", "ticket"}
    annotations = alert["annotations"]
    assert annotations.keys() == {"summary", "description", "runbook_url"}
    assert "outbox" in annotations["summary"]
    file, anchor = annotations["runbook_url"].split("#")
    assert file.endswith("/ops/runbook.md")
    assert anchor in anchors(RUNBOOK.read_text(encoding="utf-8"))


def test_the_runbook_has_no_section_for_an_alert_that_is_not_there() -> None:
    sections = re.findall(r"^## (Outbox\w+)$", RUNBOOK.read_text(encoding="utf-8"), re.MULTILINE)
    assert sorted(sections) == sorted({alert["alert"] for alert in ALERTS})


def test_every_section_of_the_runbook_has_the_same_four_parts() -> None:
    sections = re.split(r"^## ", RUNBOOK.read_text(encoding="utf-8"), flags=re.MULTILINE)[1:]
    for section in sections:
        if section.startswith("Outbox"):
            parts = re.findall(r"^\*\*(\w+)\.\*\*", section, re.MULTILINE)
            assert parts == ["Meaning", "Impact", "Diagnosis", "Remedy"], section.splitlines()[0]


def test_amtool_takes_the_example_and_routes_by_severity() -> None:
    run("amtool", "check-config", "alertmanager.yml")
    for alert in ALERTS:
        severity = alert["labels"]["severity"]
        name = f"alertname={alert['alert']}"
        receiver = run(
            *("amtool", "config", "routes", "test", "--config.file=alertmanager.yml"),
            *(name, f"severity={severity}"),
        )
        assert receiver.split() == [{"page": "pager", "ticket": "tickets"}[severity]]


def test_what_inhibits_and_what_is_inhibited_are_alerts_of_ours() -> None:
    needs("amtool")
    config = load(PROMETHEUS / "alertmanager.yml")
    named = {
        name
        for rule in config["inhibit_rules"]
        for matcher in (*rule["source_matchers"], *rule["target_matchers"])
        for name in re.findall(r"Outbox\w+", matcher)
    }
    assert named
    assert named <= {alert["alert"] for alert in ALERTS}
