"""The simulation of a whole relay finds what is planted, and nothing where nothing is."""

from __future__ import annotations

import os
import re
from typing import TYPE_CHECKING

import planted_bugs
import pytest
from planted_bugs import BUGS, Bug

if TYPE_CHECKING:
    from collections.abc import Callable

PAGE = planted_bugs.RELAY / "simulation.md"
TORTURE = os.environ.get("TORTURE") == "1"
SEEDS = 333_400 if TORTURE else 50
KINDS_OF_HISTORIES = 3


@pytest.mark.parametrize("bug", BUGS, ids=lambda bug: bug.name)
def test_each_bug_can_still_be_planted_and_has_its_row(bug: Bug) -> None:
    assert bug.source() != (planted_bugs.SOURCES / bug.file).read_text()
    assert f"| {bug.name} | `{bug.file}` | " in PAGE.read_text()


@pytest.mark.parametrize("bug", BUGS if TORTURE else BUGS[:1], ids=lambda bug: bug.name)
@pytest.mark.timeout(3600)
def test_what_is_planted_is_found(bug: Bug, measured: Callable[[str], None]) -> None:
    row = planted_bugs.find(bug)
    measured(row)
    assert "**not found**" not in row


@pytest.mark.torture
@pytest.mark.timeout(4 * 3600)
def test_many_histories_keep_all_promises(measured: Callable[[str], None]) -> None:
    ran = planted_bugs.search(planted_bugs.classpath(), 1, SEEDS)
    measured(ran.stdout.strip())
    assert ran.returncode == 0, ran.stdout + ran.stderr
    histories = re.search(r"^(\d+) histories", ran.stdout, re.MULTILINE)
    assert histories is not None, ran.stdout
    assert int(histories.group(1)) == SEEDS * KINDS_OF_HISTORIES
