"""A real Alertmanager in a process of its own."""

from __future__ import annotations

import json
import urllib.request
from typing import TYPE_CHECKING, Any

from harness.child import Child
from harness.ports import free_port
from harness.waiting import eventually

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path
    from types import TracebackType

    from typing_extensions import Self

START_SECONDS = 60.0
HTTP_SECONDS = 30.0


class Alertmanager:
    """Runs until the block ends.

    Args:
        directory: of its data and log; must exist.
        config: its configuration file.
    """

    def __init__(self, directory: Path, config: Path) -> None:
        self.port = free_port()
        self._directory = directory
        self._config = config
        self._child: Child | None = None

    def alerts(self) -> list[dict[str, Any]]:
        """The alerts that fire now, as its API tells them, inhibited ones included."""
        url = f"http://127.0.0.1:{self.port}/api/v2/alerts"
        with urllib.request.urlopen(url, timeout=HTTP_SECONDS) as answer:
            alerts = json.load(answer)
        assert isinstance(alerts, list)
        return alerts

    def tell(self, *alerts: Mapping[str, str]) -> None:
        """Have alerts with these labels fire, as Prometheus would."""
        request = urllib.request.Request(
            f"http://127.0.0.1:{self.port}/api/v2/alerts",
            data=json.dumps([{"labels": labels} for labels in alerts]).encode(),
            headers={"Content-Type": "application/json"},
        )
        with urllib.request.urlopen(request, timeout=HTTP_SECONDS) as answer:
            assert answer.status == 200

    def _is_ready(self) -> bool:
        assert self._child is not None
        if not self._child.running:
            raise AssertionError(f"Alertmanager ended: {self._child.output()[-4000:]}")
        url = f"http://127.0.0.1:{self.port}/-/ready"
        with urllib.request.urlopen(url, timeout=HTTP_SECONDS) as answer:
            return bool(answer.status == 200)

    def __enter__(self) -> Self:
        self._child = Child(
            [
                "prometheus-alertmanager",
                f"--config.file={self._config}",
                f"--storage.path={self._directory / 'alertmanager-data'}",
                f"--web.listen-address=127.0.0.1:{self.port}",
                # No cluster: it would look for the host's addresses and for peers.
                "--cluster.listen-address=",
                "--log.level=warn",
            ],
            log=self._directory / "alertmanager.log",
        )
        eventually("Alertmanager is ready", self._is_ready, within=START_SECONDS)
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        if self._child is not None and self._child.running:
            self._child.kill()
