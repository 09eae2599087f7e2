"""What ops/prometheus ships, and the programs that check it."""

from __future__ import annotations

import re
import shutil
import subprocess
from typing import TYPE_CHECKING, Any

import pytest
import yaml

from harness.places import ROOT

if TYPE_CHECKING:
    from pathlib import Path

PROMETHEUS = ROOT / "ops" / "prometheus"
RUNBOOK = ROOT / "ops" / "runbook.md"
RULE_FILES = sorted((PROMETHEUS / "rules").glob("*.yml"))
PACKAGES = {
    "amtool": "prometheus-alertmanager",
    "prometheus": "prometheus",
    "prometheus-alertmanager": "prometheus-alertmanager",
    "prometheus-node-exporter": "prometheus-node-exporter",
    "promtool": "prometheus",
}
METRIC = re.compile(r"\b(?:outbox_(?:relay|append)_|kafka_producer_)[a-z0-9_]+\b")


def needs(*programs: str) -> None:
    """Skip the test where one of them is not installed."""
    for program in programs:
        if shutil.which(program) is None:
            pytest.skip(f"{program} is not installed: apt install {PACKAGES[program]}")


def run(*command: str, stdin: str = "") -> str:
    """What it printed; `AssertionError` with it when the command fails."""
    needs(command[0])
    done = subprocess.run(
        command,
        cwd=PROMETHEUS,
        input=stdin,
        capture_output=True,
        text=True,
        check=False,
        timeout=120,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


def load(file: Path) -> Any:
    return yaml.safe_load(file.read_text(encoding="utf-8"))


def rules() -> list[dict[str, Any]]:
    return [
        rule for file in RULE_FILES for group in load(file)["groups"] for rule in group["rules"]
    ]


def alerts() -> list[dict[str, Any]]:
    return [rule for rule in rules() if "alert" in rule]


def labels_asked_for(expr: str) -> list[tuple[str, str, list[str]]]:
    """Metric, label and the values that an expression selects, for metrics of ours."""
    return [
        (metric, label, values.split("|"))
        for metric, label, values in re.findall(r'(outbox_[a-z0-9_]+)\{(\w+)=~?"([^"]+)"\}', expr)
    ]
