"""A real Prometheus that is restarted while an alert fires."""

from __future__ import annotations

import re
from datetime import datetime, timezone
from typing import TYPE_CHECKING

import pytest
from prometheus_server import Prometheus, scrape_config
from shipped import PROMETHEUS, needs
from test_alerting import JOB, LOOKBACK, hurried, hurried_rules

from harness.ports import free_port
from harness.waiting import eventually

if TYPE_CHECKING:
    from pathlib import Path


@pytest.mark.parametrize("told_so", [True, False], ids=["as the docs say", "by default"])
def test_an_alert_goes_on_where_prometheus_is_restarted_as_the_docs_say(
    told_so: bool, tmp_path: Path
) -> None:
    needs("prometheus")
    (option,) = re.findall(r"`(--rules\.alert\.\S+)`", (PROMETHEUS / "README.md").read_text())
    options = [LOOKBACK, hurried(option)] if told_so else [LOOKBACK]
    config = scrape_config({JOB: [f"127.0.0.1:{free_port()}"]})
    config["rule_files"] = hurried_rules(tmp_path)

    def down(prometheus: Prometheus, state: str) -> list[datetime]:
        """Since when it is known that the relay is down."""
        return [
            datetime.fromisoformat(it["activeAt"][:19] + "+00:00")
            for it in prometheus.get("alerts")["alerts"]
            if it["labels"]["alertname"] == "OutboxRelayDown" and it["state"] == state
        ]

    with Prometheus(tmp_path, config, options) as prometheus:
        eventually("it fires", lambda: down(prometheus, "firing"), within=120)
    restarted = datetime.now(timezone.utc).replace(microsecond=0)
    with Prometheus(tmp_path, config, options) as prometheus:
        [since] = eventually("it fires again", lambda: down(prometheus, "firing"), within=120)
    assert (since < restarted) is told_so
