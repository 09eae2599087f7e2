"""One broker for the session; topics, outboxes and relays are fresh for each test."""

from __future__ import annotations

import re
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from outbox_conformance import mounts

from harness.broker import Broker
from harness.measured import measured, pytest_terminal_summary
from harness.relay import Relay
from harness.writers import Traffic

if TYPE_CHECKING:
    from collections.abc import Generator, Iterator

# Imported for pytest to find.
__all__ = ["measured", "pytest_terminal_summary"]

HERE = Path(__file__).parent
LOG_TAIL = 6_000


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
def traffic(tmp_path: Path, outbox: Path, topic: str) -> Traffic:
    """What the test's writers have in common."""
    ledgers = tmp_path / "ledgers"
    ledgers.mkdir()
    return Traffic(outbox, topic, ledgers)


@pytest.fixture
def relay(outbox: Path, broker: Broker, tmp_path: Path) -> Iterator[Relay]:
    """A relay for the test's outbox with default settings, not started."""
    with Relay(outbox, broker.bootstrap, log=tmp_path / "relay.log") as relay:
        yield relay
