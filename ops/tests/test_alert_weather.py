"""Every alert in every weather: replaced pods, lost scrapes, long intervals, young series.

One world of relays that fare ill, each in its own way, and one of relays that nearly do. An alert
is told in time, once, under one identity, for as long as its cause lasts; and no other is.
"""

from __future__ import annotations

import json
import os
from typing import TYPE_CHECKING

import pytest
from alert_stories import ILL, ill, nearly_ill
from alert_weather import END, MetricsFile, Relay, Told, Weather, world
from shipped import RULE_FILES, alerts, run

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

WEATHERS = [
    Weather("calm", every=15, evaluated=30),
    Weather("each minute, one in five lost", every=60, lost=True),
    Weather("every two minutes, one in five lost", every=120, lost=True),
    Weather("replaced pods, seldom seen", every=120, lost=True, replaced=(45, 65)),
    Weather("young, gaps, replaced", every=60, lost=True, begins=ILL, replaced=(45, 65)),
]
if os.environ.get("TORTURE") == "1":  # milder ones, some ten seconds each
    WEATHERS += [
        Weather("every two minutes", every=120),
        Weather("every two minutes, evaluated as often", every=120, evaluated=120),
        Weather("replaced pods", every=60, replaced=(45, 65)),
        Weather("young, every two minutes", every=120, begins=ILL),
    ]


def check(worlds: Sequence[dict[str, object]], weather: Weather, directory: Path) -> None:
    file = directory / "world.yml"
    # JSON is YAML.
    content = {
        "rule_files": list(map(str, RULE_FILES)),
        "evaluation_interval": f"{weather.evaluated}s",
        "group_eval_order": ["outbox-relay-recording", "outbox-relay-alerts"],
        "tests": worlds,
    }
    file.write_text(json.dumps(content, indent=1), encoding="utf-8")
    run("promtool", "test", "rules", str(file))


@pytest.mark.parametrize("weather", WEATHERS, ids=lambda it: it.name)
def test_what_is_ill_is_told_once_and_as_long_as_it_lasts(weather: Weather, tmp_path: Path) -> None:
    check([world(weather, ill(weather))], weather, tmp_path)


@pytest.mark.parametrize("weather", WEATHERS, ids=lambda it: it.name)
def test_what_is_nearly_ill_is_not_told(weather: Weather, tmp_path: Path) -> None:
    check([world(weather, nearly_ill(weather))], weather, tmp_path)


@pytest.mark.parametrize("weather", WEATHERS, ids=lambda it: it.name)
def test_that_there_is_no_relay_any_more_is_told(weather: Weather, tmp_path: Path) -> None:
    told = Told("OutboxRelayAbsent", ILL + 24, ILL + 26, END, None)
    last = Relay("last", begins=0, gone=ILL + 10, moves=False)
    alone = Relay("alone", begins=0)
    left = MetricsFile(dead=END, told=[told])
    check([world(weather, [last, left]), world(weather, [alone])], weather, tmp_path)


def test_every_alert_is_tried_in_every_weather() -> None:
    needs_no_relay = {("OutboxRelayAbsent", "page")}
    every = {(alert["alert"], alert["labels"]["severity"]) for alert in alerts()}
    for weather in WEATHERS:
        tried = {(told.alert, told.severity) for one in ill(weather) for told in one.told}
        assert tried == every - needs_no_relay
