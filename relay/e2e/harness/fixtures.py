"""Fixtures for tests of the relay: one broker for the session, all else fresh for each test."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

import pytest

from .broker import Broker
from .measured import measured, pytest_terminal_summary
from .relay import Relay

if TYPE_CHECKING:
    from collections.abc import Generator, Iterator
    from pathlib import Path

# For a conftest.py: from harness.fixtures import *
__all__ = [
    "broker",
    "measured",
    "outbox",
    "pytest_runtest_makereport",
    "pytest_terminal_summary",
    "relay",
    "session_broker",
    "topic",
    "topic_name",
]

LOG_TAIL = 6_000


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(
    item: pytest.Item,
) -> Generator[None, pytest.TestReport, pytest.TestReport]:
    """Show what the relay logged beside a failure."""
    report = yield
    relay = getattr(item, "funcargs", {}).get("relay")
    if report.failed and isinstance(relay, Relay) and relay.log.exists():
        report.sections.append(("relay log", relay.log.read_text(errors="replace")[-LOG_TAIL:]))
    return report


@pytest.fixture(scope="session")
def session_broker(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Broker]:
    with Broker(tmp_path_factory.mktemp("kafka") / "data") as running:
        yield running


@pytest.fixture
def broker(session_broker: Broker) -> Broker:
    """The session's broker, running, whatever the test before did to it."""
    if not session_broker.running:
        session_broker.start()
    return session_broker


@pytest.fixture
def topic_name(request: pytest.FixtureRequest) -> str:
    """A name of the test's own."""
    return re.sub(r"[^a-zA-Z0-9._-]+", "-", request.node.name)[:200]


@pytest.fixture
def topic(broker: Broker, topic_name: str) -> str:
    """A fresh topic with three partitions, named like the test."""
    return broker.create_topic(topic_name, partitions=3)


@pytest.fixture
def outbox(tmp_path: Path) -> Path:
    """Where the test's outbox goes; nothing is there yet."""
    return tmp_path / "outbox"


@pytest.fixture
def relay(outbox: Path, broker: Broker, tmp_path: Path) -> Iterator[Relay]:
    """A relay for the test's outbox with default settings, not started."""
    with Relay(outbox, broker.bootstrap, log=tmp_path / "relay.log") as relay:
        yield relay
