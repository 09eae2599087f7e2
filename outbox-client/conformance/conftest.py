"""Chronicle's JVM, and a directory for outboxes."""

from __future__ import annotations

import os
import random
import shutil
import tempfile
import time
from typing import TYPE_CHECKING

import pytest
from outbox_conformance import mounts
from outbox_conformance.chronicle import Chronicle
from outbox_conformance.clock import Clock
from outbox_conformance.trials import Stage
from outbox_conformance.writers import Writers

if TYPE_CHECKING:
    from collections.abc import Iterator


def pytest_sessionstart() -> None:
    """Before anything is started that is to see what the tests mount."""
    mounts.make_private()


@pytest.fixture(scope="session")
def chronicle() -> Iterator[Chronicle]:
    """Started with the first job."""
    with Chronicle() as running:
        yield running


@pytest.fixture
def parent() -> Iterator[str]:
    """A directory to make outboxes in; gone at once after the test, as their files are large."""
    directory = tempfile.mkdtemp(prefix="outbox-conformance-")
    yield directory
    shutil.rmtree(directory, ignore_errors=True)


@pytest.fixture
def outbox(parent: str) -> str:
    """The path of an outbox that does not exist yet."""
    return os.path.join(parent, "outbox")


@pytest.fixture
def writers(parent: str) -> Iterator[Writers]:
    """Starts writer programs; those that still run are killed after the test."""
    logs = os.path.join(parent, "logs")
    os.mkdir(logs)
    started = Writers(logs)
    yield started
    started.end()


@pytest.fixture
def clock(parent: str) -> Clock:
    """A clock for writer programs, set ahead by tests."""
    return Clock(os.path.join(parent, "clock"))


@pytest.fixture
def chance() -> random.Random:
    """Choices that SEED repeats; pytest shows the seed when the test fails."""
    seed = int(os.environ.get("SEED", time.time_ns() % 1_000_000))
    print(f"SEED={seed} repeats the choices, not the timing")
    return random.Random(seed)


@pytest.fixture(scope="session")
def stage(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stage]:
    """Writers of both languages that go on where others failed."""
    started = Stage(str(tmp_path_factory.mktemp("stage")))
    yield started
    started.end()
