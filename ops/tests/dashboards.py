"""The committed dashboards, as much of them as their tests and previews look at."""

from __future__ import annotations

import json
import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from harness.places import ROOT

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

GRAFANA = ROOT / "ops" / "grafana"
FILES = sorted((GRAFANA / "dashboards").glob("*.json"))
VARIABLE = re.compile(r"\$\{?(\w+)")


@dataclass(frozen=True)
class Query:
    """A panel's query, with the dashboard's variables still in it."""

    expr: str
    legend: str
    instant: bool

    @property
    def legend_labels(self) -> frozenset[str]:
        return frozenset(re.findall(r"\{\{\s*(\w+)\s*\}\}", self.legend))


@dataclass(frozen=True)
class Panel:
    """A panel that shows data."""

    dashboard: str
    title: str
    queries: tuple[Query, ...]
    model: Mapping[str, Any]

    def __str__(self) -> str:
        return f"{self.dashboard}: {self.title}"

    @property
    def overridden(self) -> list[str]:
        """The names of the fields that it gives another look."""
        return [
            override["matcher"]["options"]
            for override in self.model["fieldConfig"]["overrides"]
            if override["matcher"]["id"] == "byName"
        ]


@dataclass(frozen=True)
class Dashboard:
    uid: str
    model: Mapping[str, Any]

    @property
    def panels(self) -> list[Panel]:
        return [
            Panel(self.uid, model["title"], tuple(_queries(model)), model)
            for model in self.boxes()
            if model["type"] != "row"
        ]

    def boxes(self) -> Iterator[Mapping[str, Any]]:
        """Everything that has a place, rows and what is folded into them included."""
        for box in self.model["panels"]:
            yield box
            yield from box.get("panels", ())

    @property
    def variables(self) -> list[Mapping[str, Any]]:
        return list(self.model["templating"]["list"])

    @property
    def annotations(self) -> dict[str, str]:
        return {mark["name"]: mark["expr"] for mark in self.model["annotations"]["list"]}


def load_all() -> list[Dashboard]:
    models = [json.loads(file.read_text(encoding="utf-8")) for file in FILES]
    return [Dashboard(model["uid"], model) for model in models]


def _queries(model: Mapping[str, Any]) -> Iterator[Query]:
    for target in model["targets"]:
        yield Query(target["expr"], target["legendFormat"], bool(target.get("instant")))


def replaced(expr: str, values: Mapping[str, str]) -> str:
    """`expr` with its variables replaced; `KeyError` for one that nobody knows."""
    text = re.sub(r"\$\{(\w+)\}|\$(\w+)", lambda found: values[found[1] or found[2]], expr)
    assert "$" not in text, text
    return text


def metrics_in(expr: str) -> frozenset[str]:
    """The metrics that a query of ours names: each comes with a selector."""
    return frozenset(re.findall(r"([a-zA-Z_:][a-zA-Z0-9_:]*)\{", expr))
