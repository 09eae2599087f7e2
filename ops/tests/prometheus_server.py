"""A real Prometheus in a process of its own."""

from __future__ import annotations

import json
import math
import shutil
import urllib.error
import urllib.parse
import urllib.request
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import pytest

from harness.child import Child
from harness.ports import free_port
from harness.waiting import eventually

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from pathlib import Path
    from types import TracebackType

    from typing_extensions import Self

START_SECONDS = 60.0
HTTP_SECONDS = 30.0


def needs_prometheus() -> None:
    """Skip the test where Prometheus is not installed."""
    if shutil.which("prometheus") is None:
        pytest.skip("Prometheus is not installed: apt install prometheus")


@dataclass(frozen=True)
class Series:
    """One series of an answer: its labels, and its points as (seconds since the epoch, value)."""

    labels: Mapping[str, str]
    points: Sequence[tuple[float, float]]

    @property
    def numbers(self) -> list[float]:
        """The values that are numbers: a quantile of nothing is NaN."""
        return [value for _, value in self.points if not math.isnan(value)]


def scrape_config(targets: Mapping[str, Sequence[str]], *, every: str = "1s") -> dict[str, Any]:
    """A configuration that scrapes `host:port`s, given by job."""
    return {
        "global": {"scrape_interval": every, "evaluation_interval": every},
        "scrape_configs": [
            {"job_name": job, "static_configs": [{"targets": list(addresses)}]}
            for job, addresses in targets.items()
        ],
    }


class Prometheus:
    """Runs until the block ends.

    Args:
        directory: of its configuration, data and log; must exist.
        config: its configuration.
        options: further ones of its command line.
    """

    def __init__(
        self, directory: Path, config: Mapping[str, Any], options: Sequence[str] = ()
    ) -> None:
        self.port = free_port()
        self.url = f"http://127.0.0.1:{self.port}"
        self.log = directory / "prometheus.log"
        self._directory = directory
        self._config = config
        self._options = list(options)
        self._child: Child | None = None

    def start(self) -> None:
        """Start it, and return when it answers queries."""
        file = self._directory / "prometheus.yml"
        # JSON is YAML.
        file.write_text(json.dumps(self._config, indent=2), encoding="utf-8")
        self._child = Child(
            [
                "prometheus",
                f"--config.file={file}",
                f"--storage.tsdb.path={self._directory / 'prometheus-data'}",
                f"--web.listen-address=127.0.0.1:{self.port}",
                "--log.level=warn",
                *self._options,
            ],
            log=self.log,
        )
        eventually("Prometheus is ready", self._is_ready, within=START_SECONDS)

    def _is_ready(self) -> bool:
        assert self._child is not None
        if not self._child.running:
            raise AssertionError(f"Prometheus ended: {self._child.output()[-4000:]}")
        try:
            with urllib.request.urlopen(f"{self.url}/-/ready", timeout=HTTP_SECONDS):
                return True
        except urllib.error.HTTPError as not_yet:
            not_yet.close()
            return False

    def get(self, path: str, **parameters: str) -> Any:
        """The `data` of an answer of /api/v1; `AssertionError` with what Prometheus said."""
        body = urllib.parse.urlencode(parameters)
        url = f"{self.url}/api/v1/{path}" + (f"?{body}" if body else "")
        try:
            with urllib.request.urlopen(url, timeout=HTTP_SECONDS) as answer:
                return json.load(answer)["data"]
        except urllib.error.HTTPError as refused:
            with refused:
                raise AssertionError(f"{url}: {refused.read().decode()}") from None

    def query(self, expr: str, at: float | None = None) -> list[Series]:
        """An instant query, now or at a time in seconds since the epoch."""
        when = {} if at is None else {"time": repr(at)}
        return self._series(self.get("query", query=expr, **when))

    def query_range(self, expr: str, start: float, end: float, step: float) -> list[Series]:
        """A query over a time, all in seconds."""
        return self._series(
            self.get("query_range", query=expr, start=repr(start), end=repr(end), step=repr(step))
        )

    @staticmethod
    def _series(data: Any) -> list[Series]:
        if data["resultType"] == "scalar":
            when, value = data["result"]
            return [Series({}, [(when, float(value))])]
        return [
            Series(
                series["metric"],
                [(when, float(value)) for when, value in series.get("values") or [series["value"]]],
            )
            for series in data["result"]
        ]

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        if self._child is not None and self._child.running:
            self._child.kill()
