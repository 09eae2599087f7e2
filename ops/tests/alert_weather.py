"""Worlds for promtool: relays that fare well or ill, seen through scrapes as they come.

Each relay of a world exports all that alerts look at. What is wrong with it is a story, a function
of the time; how it is seen is the weather: how often it is scraped, which scrapes are lost, when
its pod is replaced. Time is in minutes from the world's beginning.
"""

from __future__ import annotations

import random
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    Value = Callable[[float], float | None]

END = 170
JOB = "outbox-relay"
# Of a process that has run since long before.
LONG_AGO = -600.0
LOST_SHARE = 0.2
# What a process counts, from 0 on.
COUNTERS = {
    "delivered": "outbox_relay_events_delivered_total",
    "dead_letters": 'outbox_relay_dead_letters_total{reason="too-large"}',
    "corrupt": "outbox_relay_corrupt_records_total",
    "missing": "outbox_relay_missing_sequences_total",
    "out_of_sequence": "outbox_relay_out_of_sequence_records_total",
    "cluster_changes": "outbox_relay_cluster_changes_total",
}
# What is true of the outbox or of the relay at the moment; refusals are counted in the outbox.
GAUGES = {
    "age": ("outbox_relay_oldest_unsent_age_seconds", 0.0),
    "lag": ("outbox_relay_lag_events", 0.0),
    "paused": ('outbox_relay_producer_state{state="paused-topic"}', 0.0),
    "barred": ('outbox_relay_topics_barred{reason="topic-missing"}', 0.0),
    "forbidden": ('outbox_relay_topics_barred{reason="topic-forbidden"}', 0.0),
    "parked": ("outbox_relay_parked_topics", 0.0),
    "fenced": ('outbox_relay_producer_state{state="fenced"}', 0.0),
    "refused": ('outbox_append_failures_total{reason="full"}', 7.0),
    "busy": ('outbox_append_failures_total{reason="busy"}', 0.0),
    "invalid": ('outbox_append_failures_total{reason="invalid"}', 7.0),
    "tick_age": ("outbox_relay_loop_tick_age_seconds", 0.0),
    "position_fails": ('outbox_relay_part_failing{part="position"}', 0.0),
    "deletion_fails": ('outbox_relay_part_failing{part="delete"}', 0.0),
    "reloaded": ("outbox_relay_config_last_reload_successful", 1.0),
    "disk_free": ("outbox_relay_disk_free_bytes", 100e9),
    "disk_used": ("outbox_relay_disk_used_bytes", 1e9),
    "on_hold": ('outbox_relay_on_hold{reason="unusable"}', None),
    "held": ('outbox_relay_on_hold{reason="held"}', None),
}


@dataclass(frozen=True)
class Weather:
    """How a relay is seen.

    Args:
        every: seconds from scrape to scrape.
        evaluated: seconds from evaluation to evaluation.
        lost: whether one scrape in five is.
        begins: the minute of the first scrape of all.
        replaced: when its pod is; the next one is scraped two minutes later, at another address.
    """

    name: str
    every: int
    evaluated: int = 60
    lost: bool = False
    begins: int = 0
    replaced: Sequence[int] = ()

    @property
    def slack(self) -> float:
        """By how many minutes a thing may be seen later than it is true."""
        seconds = self.every * (4 if self.lost else 1) + self.evaluated
        return seconds / 60 + (2 if self.replaced else 0)


@dataclass(frozen=True)
class Life:
    """Of one process: from when to when it is there, and where."""

    begin: float
    end: float
    instance: str
    counted_since: float


@dataclass(frozen=True)
class Told:
    """An alert that must fire.

    Args:
        after: not before this minute.
        by: from then on at the latest, but for what the weather delays.
        until: it fires to the end of this minute; None: it may come and go, as its cause does.
        over_by: it does not fire any more; None: it goes on.
        identities: as how many alerts it is told.
    """

    alert: str
    after: float
    by: float
    until: float | None
    over_by: float | None
    identities: int = 1
    severity: str = "page"


@dataclass
class Relay:
    """One outbox and what becomes of it.

    Args:
        name: of its outbox.
        story: what differs from a relay that is well, by a key of COUNTERS or GAUGES.
        told: the alerts for it; any other is a fault.
        answers: when it answers at all.
        gone: the minute at which its target is gone for good.
        moves: whether the weather replaces its pod.
        veteran: whether its first process is older than the first scrape of all.
        begins: when that is; None: as the weather says.
    """

    name: str
    story: Mapping[str, Value] = field(default_factory=dict)
    told: Sequence[Told] = ()
    answers: Callable[[float], bool] = lambda _: True
    gone: float = END + 1
    moves: bool = True
    veteran: bool = False
    begins: float | None = None

    @property
    def outbox(self) -> str:
        return f"/var/lib/outboxes/{self.name}"

    def lives(self, weather: Weather) -> list[Life]:
        ends = [at for at in weather.replaced if self.moves and at < self.gone] + [self.gone]
        first = weather.begins if self.begins is None else self.begins
        begins = [first, *(at + 2 for at in ends[:-1])]
        veteran = self.veteran or first == 0
        return [
            Life(
                begin,
                end,
                f"{self.name}-{number}:9748",
                counted_since=LONG_AGO if veteran and number == 0 else begin,
            )
            for number, (begin, end) in enumerate(zip(begins, ends, strict=True))
        ]

    def series(self, weather: Weather) -> list[dict[str, str]]:
        """As promtool takes them, one value a scrape."""
        luck = random.Random(self.name)
        times = [step * weather.every / 60 for step in range(END * 60 // weather.every + 1)]
        lost = [weather.lost and luck.random() < LOST_SHARE for _ in times]
        found = []
        for life in self.lives(weather):
            seen = [
                None
                if not life.begin <= at < life.end
                else not (missed and at >= life.begin + weather.every / 60) and self.answers(at)
                for at, missed in zip(times, lost, strict=True)
            ]
            place = {"job": JOB, "instance": life.instance, "pod": life.instance.split(":")[0]}
            found.append(written("up", place, [None if one is None else int(one) for one in seen]))
            for name, value in self.exported(life).items():
                values = [value(at) if one else None for at, one in zip(times, seen, strict=True)]
                found.append(written(name, {**place, "outbox": self.outbox}, values))
        return found

    def exported(self, life: Life) -> dict[str, Value]:
        metrics: dict[str, Value] = {
            f'outbox_relay_outbox_info{{outbox_id="id-of-{self.name}"}}': always(1),
            "outbox_relay_counted_since_timestamp_seconds": always(life.counted_since * 60),
        }
        for key, (name, usual) in GAUGES.items():
            metrics[name] = self.story.get(key, always(usual))
        for key, name in COUNTERS.items():
            metrics[name] = counted_since(life.counted_since, self.story.get(key, always(0)))
        return metrics


@dataclass(frozen=True)
class MetricsFile:
    """What node_exporter tells of a file that is written every 15 s until `dead`."""

    dead: float
    told: Sequence[Told] = ()
    outbox: str = ""

    def series(self, weather: Weather) -> list[dict[str, str]]:
        luck = random.Random(self.dead)
        values: list[float | None] = []
        for step in range(END * 60 // weather.every + 1):
            at = step * weather.every
            seen = at >= weather.begins * 60 and not (weather.lost and luck.random() < LOST_SHARE)
            values.append(min(at, self.dead * 60) - 14 if seen else None)
        labels = {
            "job": "node",
            "instance": "host-1:9100",
            "file": f"outbox-relay-{self.dead}.prom",
        }
        return [written("node_textfile_mtime_seconds", labels, values)]


def always(value: float | None) -> Value:
    return lambda _: value


def counted_since(begin: float, total: Value) -> Value:
    """What a process counted of all that happened."""
    earlier = 0.0 if begin == LONG_AGO else total(begin - 0.01) or 0.0
    return lambda at: (total(at) or 0.0) - earlier


def written(name: str, labels: Mapping[str, str], values: Sequence[float | None]) -> dict[str, str]:
    """None: nothing is scraped, and what was is stale from there on."""
    metric, _, own = name.rstrip("}").partition("{")
    pairs = [*(f'{key}="{value}"' for key, value in labels.items()), *([own] if own else [])]
    tokens = []
    there = False
    for value in values:
        tokens.append(f"{value:g}" if value is not None else "stale" if there else "_")
        there = value is not None
    return {"series": f"{metric}{{{', '.join(pairs)}}}", "values": " ".join(tokens)}


def firing(**labels: str) -> str:
    chosen = "".join(f', {name}="{value}"' for name, value in labels.items())
    return f'ALERTS{{alertstate="firing"{chosen}}}'


def world(weather: Weather, seen: Sequence[Relay | MetricsFile]) -> dict[str, Any]:
    """A test of promtool: all that must fire does, in time, once and as long; nothing else does."""
    checks: list[dict[str, Any]] = [
        {
            "expr": f"count by (alertname, severity, outbox) (count_over_time({firing()}[{END}m]))",
            "eval_time": f"{END}m",
            "exp_samples": [
                {
                    "labels": f'{{alertname="{it.alert}", severity="{it.severity}"'
                    + (f', outbox="{one.outbox}"}}' if one.outbox else "}"),
                    "value": it.identities,
                }
                for one in seen
                for it in one.told
            ],
        }
    ]
    for one in seen:
        for it in one.told:
            alert = firing(alertname=it.alert, severity=it.severity, outbox=one.outbox)
            checks += whether_told(weather, it, alert)
    return {
        "name": weather.name,
        "interval": f"{weather.every}s",
        "input_series": [series for one in seen for series in one.series(weather)],
        "promql_expr_test": checks,
    }


def whether_told(weather: Weather, it: Told, alert: str) -> list[dict[str, Any]]:
    by = it.by + weather.slack
    checks: list[tuple[str, float, list[int]]] = [
        (f"count(count_over_time({alert}[{END}m]))", it.after, []),
    ]
    if it.over_by is not None:
        checks.append((f"count({alert})", it.over_by + weather.slack, []))
    if it.until is None:
        checks.append((f"count(count_over_time({alert}[{END}m])) > bool 0", by, [1]))
    else:
        evaluations = int((it.until - by) * 60 / weather.evaluated)
        # A second more: from Prometheus 3 on a range has no left end.
        window = f"{int((it.until - by) * 60) + 1}s"
        checks.append(
            (f"min(count_over_time({alert}[{window}]) >= bool {evaluations})", it.until, [1])
        )
    return [
        {
            "expr": expr,
            "eval_time": f"{int(at * 60)}s",
            "exp_samples": [{"labels": "{}", "value": value} for value in values],
        }
        for expr, at, values in checks
    ]
