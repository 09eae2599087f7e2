"""The Grafana dashboards, against a real Prometheus that scraped a real relay through an outage."""

from __future__ import annotations

import json
import re
import shutil
import subprocess
import time
from dataclasses import dataclass
from itertools import combinations
from typing import TYPE_CHECKING, Any

import pytest
from dashboards import GRAFANA, VARIABLE, Dashboard, Panel, Query, load_all, metrics_in, replaced
from prometheus_server import Prometheus, Series, needs_prometheus, scrape_config

from harness.places import ROOT
from harness.relay import Relay
from harness.waiting import eventually
from outbox_client import InvalidEvent, Outbox

if TYPE_CHECKING:
    from collections.abc import Iterator

    from harness.broker import Broker

JOB = "outbox-relay"
OURS = re.compile(r"\b(?!outbox_id\b)(?:outbox|kafka|jvm|process|system)_[a-z0-9_]+\b(?!\{)")
# Alerts about an outbox name no relay: what they are joined with is selected.
FOLLOWING = re.compile(r"ALERTS\{[^{}]*\} and on \(outbox_id\) ")
STEP_SECONDS = 1.0
RATE_INTERVAL = "10s"
LIMIT = 2_000
GENERATOR_SECONDS = 280

DASHBOARDS = load_all()
PANELS = [panel for dashboard in DASHBOARDS for panel in dashboard.panels]
# They tell of nothing but the outage, the dead letter and the refused append that they were shown.
TELLING = {
    "Oldest waiting",
    "Age of the oldest waiting event, worst outboxes",
    "Age of the oldest waiting event, by outbox",
    "Events waiting",
    "Not delivering",
    "Outboxes behind, by age of their oldest event",
    "Dead letters",
    "Dead letters, by reason",
    "Dead letters, worst hosts",
    "Refused appends",
    "Refused appends, by reason",
    "Refused appends, worst hosts",
    "Restarts, worst hosts",
}

each_dashboard = pytest.mark.parametrize("dashboard", DASHBOARDS, ids=lambda it: it.uid)
each_panel = pytest.mark.parametrize("panel", PANELS, ids=str)


# --- what a real relay told a real Prometheus ---


@dataclass(frozen=True)
class Observed:
    """A Prometheus, and the time that is worth looking at."""

    prometheus: Prometheus
    start: float
    end: float

    def ask(self, expr: str, *, instant: bool) -> list[Series]:
        values = {
            "job": JOB,
            "instance": ".+",
            "outbox": ".+",
            "top": "10",
            "__rate_interval": RATE_INTERVAL,
            "__range": f"{self.end - self.start:.0f}s",
        }
        query = replaced(expr, values)
        if instant:
            return self.prometheus.query(query, self.end)
        return self.prometheus.query_range(query, self.start, self.end, STEP_SECONDS)

    def answer(self, query: Query) -> list[Series]:
        return self.ask(query.expr, instant=query.instant)


@pytest.fixture(scope="module")
def observed(
    session_broker: Broker, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Observed]:
    needs_prometheus()
    broker = session_broker
    if not broker.running:
        broker.start()
    directory = tmp_path_factory.mktemp("dashboards")
    outbox = directory / "outbox"
    good = broker.create_topic("dashboards")
    narrow = broker.create_topic("dashboards-narrow", config={"max.message.bytes": str(LIMIT)})
    relay = Relay(outbox, broker.bootstrap, log=directory / "relay.log")
    config = scrape_config({JOB: [f"127.0.0.1:{relay.port}"]})
    config["rule_files"] = [str(ROOT / "ops" / "prometheus" / "rules" / "*.yml")]
    start = time.time()
    with relay, Prometheus(directory, config) as prometheus, Outbox(outbox) as client:
        relay.start()
        seen(prometheus, 'outbox_relay_producer_state{state="delivering"} == 1')
        client.append("x" * LIMIT, topic=narrow)
        with pytest.raises(InvalidEvent):
            client.append("no such name", topic="a topic")
        drain(client, good)
        seen(prometheus, "sum(outbox_relay_dead_letters_total) == 1")

        broker.kill()
        client.append("during the outage", topic=good)
        seen(prometheus, 'outbox_relay_producer_state{state="delivering"} == 0')
        relay.kill()
        seen(prometheus, f'up{{job="{JOB}"}} == 0')
        relay.start()
        seen(prometheus, "outbox_relay_oldest_unsent_age_seconds > 5")

        broker.start()
        drain(client, good)
        seen(prometheus, "outbox_relay_lag_events == 0 and outbox_relay_events_delivered_total > 0")
        seen(prometheus, f"rate(outbox_relay_events_delivered_total[{RATE_INTERVAL}]) > 0")
        yield Observed(prometheus, start, time.time())


def drain(client: Outbox, topic: str) -> None:
    receipts = [client.append(f"event {number}", topic=topic) for number in range(500)]
    assert client.wait_delivered(receipts[-1], 60) == "DELIVERED"


def seen(prometheus: Prometheus, expr: str) -> None:
    eventually(f"Prometheus sees {expr}", lambda: prometheus.query(expr), every=0.2)


@each_panel
def test_every_panel_has_data(observed: Observed, panel: Panel) -> None:
    for query in panel.queries:
        found = [series for series in observed.answer(query) if series.numbers]
        assert found, f"{panel} has no data for {query.expr}"
        for series in found:
            missing = query.legend_labels - {name for name, value in series.labels.items() if value}
            assert not missing, (
                f"{panel}: {query.legend!r} names {missing}, which {series.labels} lacks"
            )


@pytest.mark.parametrize("panel", [p for p in PANELS if p.title in TELLING], ids=str)
def test_panels_of_trouble_tell_of_the_trouble(observed: Observed, panel: Panel) -> None:
    numbers = [
        n for query in panel.queries for series in observed.answer(query) for n in series.numbers
    ]
    assert max(numbers) > 0


@each_dashboard
def test_every_metric_named_exists(observed: Observed, dashboard: Dashboard) -> None:
    exported = set(observed.prometheus.get("label/__name__/values"))
    named = {
        metric
        for expr in (*expressions(dashboard), *dashboard.annotations.values())
        for metric in metrics_in(expr)
    }
    assert len(named) > 20
    assert named <= exported


@each_dashboard
def test_links_of_a_series_name_labels_that_it_has(
    observed: Observed, dashboard: Dashboard
) -> None:
    for panel in dashboard.panels:
        wanted = set(
            re.findall(r"__(?:field\.labels|data\.fields)\.(\w+)", json.dumps(panel.model))
        )
        for query in panel.queries if wanted else ():
            for series in observed.answer(query):
                assert wanted <= series.labels.keys(), panel


@each_dashboard
def test_variables_find_values(observed: Observed, dashboard: Dashboard) -> None:
    chosen = [variable for variable in dashboard.variables if variable["type"] == "query"]
    assert {"job", "instance", "outbox"} <= {variable["name"] for variable in chosen}
    for variable in chosen:
        call = re.fullmatch(r"label_values\((.+), (\w+)\)", variable["query"]["query"])
        assert call is not None
        found = observed.ask(f"count by ({call[2]}) (last_over_time({call[1]}[1h]))", instant=True)
        assert [series.labels[call[2]] for series in found], variable["name"]


@each_dashboard
def test_marks_find_something(observed: Observed, dashboard: Dashboard) -> None:
    for name in ("Relay starts", "State changes", "Alerts"):
        assert observed.ask(dashboard.annotations[name], instant=False), name


@each_dashboard
def test_every_state_that_a_relay_tells_has_a_number_and_a_name(
    observed: Observed, dashboard: Dashboard
) -> None:
    series = observed.prometheus.query("count by (state) (outbox_relay_producer_state)")
    told = {one.labels["state"] for one in series}
    panels = [p for p in dashboard.panels if any('state="fenced"' in q.expr for q in p.queries)]
    assert panels
    for panel in panels:
        [expr] = (query.expr for query in panel.queries if 'state="fenced"' in query.expr)
        numbers = dict(re.findall(r'state="([a-z-]+)".*?\* (\d+)', expr))
        assert numbers.keys() == told
        names = value_mappings(panel)
        assert {names[number] for number in numbers.values()} == told
        assert {names[number]: number for number in names} | numbers == numbers


def value_mappings(panel: Panel) -> dict[str, str]:
    """The text for each state's number, of the panel or of one of its columns."""
    config = panel.model["fieldConfig"]
    candidates = [config["defaults"].get("mappings", [])]
    for override in config["overrides"]:
        candidates += [p["value"] for p in override["properties"] if p["id"] == "mappings"]
    [mapping] = [m for mappings in candidates for m in mappings if "10" in m["options"]]
    return {number: result["text"] for number, result in mapping["options"].items()}


# --- what holds for the files alone ---


def expressions(dashboard: Dashboard) -> Iterator[str]:
    for panel in dashboard.panels:
        for query in panel.queries:
            yield query.expr


def test_there_is_a_dashboard_for_the_fleet_and_one_for_a_relay() -> None:
    assert [dashboard.uid for dashboard in DASHBOARDS] == ["outbox-relay-fleet", "outbox-relay"]


@each_panel
def test_every_panel_explains_itself(panel: Panel) -> None:
    defaults = panel.model["fieldConfig"]["defaults"]
    assert panel.title
    assert panel.model["description"].endswith(".")
    assert defaults["unit"]
    assert panel.model["type"] == "heatmap" or defaults["thresholds"]["steps"]
    assert panel.model["datasource"] == {"type": "prometheus", "uid": "${datasource}"}
    assert panel.queries


@each_panel
def test_every_query_obeys_the_selection(panel: Panel) -> None:
    for query in panel.queries:
        assert not OURS.findall(query.expr), "a metric without a selector"
        for selector in re.findall(r"\{([^{}]*)\}", FOLLOWING.sub("", query.expr)):
            matchers = {matcher.replace('|"', '"') for matcher in selector.split(", ")}
            assert {'job=~"$job"', 'instance=~"$instance"'} <= matchers, query.expr
        windows = set(re.findall(r"\[(.+?)\]", query.expr))
        assert windows <= {"$__rate_interval", "$__range", "1h"}


@each_panel
def test_fields_with_a_look_of_their_own_are_there(panel: Panel) -> None:
    fixed = [query.legend for query in panel.queries]
    if any(query.legend_labels or not query.legend for query in panel.queries):
        return
    assert set(panel.overridden) <= set(fixed)


@each_dashboard
def test_no_two_panels_share_an_id_or_a_place(dashboard: Dashboard) -> None:
    boxes = list(dashboard.boxes())
    ids = [box["id"] for box in boxes]
    assert len(set(ids)) == len(ids)
    for one, other in combinations(boxes, 2):
        a, b = one["gridPos"], other["gridPos"]
        beside = a["x"] + a["w"] <= b["x"] or b["x"] + b["w"] <= a["x"]
        above = a["y"] + a["h"] <= b["y"] or b["y"] + b["h"] <= a["y"]
        assert beside or above, (one["title"], other["title"])
    assert all(box["gridPos"]["x"] + box["gridPos"]["w"] <= 24 for box in boxes)


@each_dashboard
def test_variables_are_declared_before_they_are_used(dashboard: Dashboard) -> None:
    known = {"__rate_interval", "__range", "__url_time_range", "__field", "__data"}
    for variable in dashboard.variables:
        used = set(VARIABLE.findall(json.dumps(variable))) - {"__all"}
        assert used <= known | {"datasource"}
        known.add(variable["name"])
    assert set(VARIABLE.findall(json.dumps(dashboard.model))) - {"__all"} <= known


def test_rankings_are_short_however_many_hosts_there_are() -> None:
    [fleet] = [dashboard for dashboard in DASHBOARDS if dashboard.uid == "outbox-relay-fleet"]
    for panel in fleet.panels:
        for query in panel.queries:
            if "by (instance" in query.expr:
                assert re.search(r"(?:top|bottom)k\(\$top, ", query.expr), panel


# --- the generator ---


@pytest.fixture(scope="module")
def npm() -> str:
    """npm, with the generator's locked packages in place."""
    for program in ("node", "npm"):
        if shutil.which(program) is None:
            pytest.skip(f"{program} is not installed: the dashboards' generator needs Node.js 20")
    lock, installed = GRAFANA / "package-lock.json", GRAFANA / "node_modules/.package-lock.json"
    if not installed.exists() or installed.stat().st_mtime < lock.stat().st_mtime:
        run("npm", "ci", "--prefer-offline")
    return "npm"


def run(*command: str) -> str:
    done = subprocess.run(
        command, cwd=GRAFANA, capture_output=True, text=True, check=False, timeout=GENERATOR_SECONDS
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


def test_the_dashboards_are_what_their_generator_makes(npm: str) -> None:
    run(npm, "run", "check")


def test_the_lock_names_no_host() -> None:
    lock: Any = json.loads((GRAFANA / "package-lock.json").read_text(encoding="utf-8"))
    for name, package in lock["packages"].items():
        assert "resolved" not in package, name
        assert not name or package["integrity"].startswith("sha512-"), name
    assert "://" not in json.dumps(lock)
