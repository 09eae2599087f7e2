"""The simulation of a whole relay finds what is planted, and nothing where nothing is."""

from __future__ import annotations

import importlib.util
import os
import re
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from collections.abc import Callable
    from types import ModuleType

SIMULATION = Path(__file__).resolve().parent.parent / "simulation"
TORTURE = os.environ.get("TORTURE") == "1"
SEEDS = 333_400 if TORTURE else 50
KINDS_OF_HISTORIES = 3


def load(name: str) -> ModuleType:
    spec = importlib.util.spec_from_file_location(name, SIMULATION / f"{name}.py")
    assert spec is not None and spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules[name] = module
    spec.loader.exec_module(module)
    return module


planted = load("planted_bugs")


@pytest.mark.parametrize("bug", planted.BUGS, ids=lambda bug: bug.name)
def test_each_bug_can_still_be_planted_and_has_its_row(bug) -> None:
    assert bug.source() != (planted.SOURCES / bug.file).read_text()
    assert f"| {bug.name} | `{bug.file}` | " in (SIMULATION / "README.md").read_text()


@pytest.mark.parametrize("bug", planted.BUGS if TORTURE else planted.BUGS[:1], ids=lambda b: b.name)
def test_what_is_planted_is_found(bug, measured: Callable[[str], None]) -> None:
    row = planted.find(bug)
    measured(row)
    assert "**not found**" not in row


@pytest.mark.torture
def test_many_histories_keep_all_promises(measured: Callable[[str], None]) -> None:
    ran = planted.search(planted.classpath(), 1, SEEDS)
    measured(ran.stdout.strip())
    assert ran.returncode == 0, ran.stdout + ran.stderr
    histories = re.search(r"^(\d+) histories", ran.stdout, re.MULTILINE)
    assert histories is not None
    assert int(histories.group(1)) == SEEDS * KINDS_OF_HISTORIES
