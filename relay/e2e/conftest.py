"""The harness's fixtures, and what only these tests have."""

from __future__ import annotations

from pathlib import Path

import pytest
from outbox_conformance import mounts

from harness.fixtures import *  # noqa: F403 - for pytest to find
from harness.writers import Traffic

HERE = Path(__file__).parent


def pytest_sessionstart() -> None:
    """Before anything is started that is to see what the tests mount."""
    mounts.make_private()


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Let a test that hangs fail by itself, with what it shows, and the others go on.

    The project's default ends the whole run, as tests elsewhere use SIGALRM themselves.
    """
    for item in items:
        if item.path.is_relative_to(HERE):
            item.add_marker(pytest.mark.timeout(method="signal"))


@pytest.fixture
def traffic(tmp_path: Path, outbox: Path, topic: str) -> Traffic:
    """What the test's writers have in common."""
    ledgers = tmp_path / "ledgers"
    ledgers.mkdir()
    return Traffic(outbox, topic, ledgers)
