"""The harness's fixtures, and what only these tests have."""

from __future__ import annotations

from pathlib import Path

import pytest
from outbox_conformance import mounts

from harness import archives
from harness.broker import JVM as BROKER_JVM
from harness.broker import Broker
from harness.fixtures import *  # noqa: F403 - for pytest to find
from harness.places import BROKER_JAR, RELAY_JAR, built
from harness.relay import JVM as RELAY_JVM
from harness.relay import Relay
from harness.writers import Traffic
from outbox_client import Outbox

HERE = Path(__file__).parent
MANY_TESTS = 20


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


@pytest.fixture(scope="session", autouse=True)
def class_archives(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> None:
    """Let the hundred JVMs of a whole run start faster; for a few tests that does not pay."""
    if len(request.session.items) < MANY_TESTS:
        return
    directory = tmp_path_factory.mktemp("archives")
    of_broker, of_relay = directory / "broker.jsa", directory / "relay.jsa"
    with Broker(directory / "kafka" / "data", jvm=archives.making(of_broker, BROKER_JVM)) as broker:
        topic = broker.create_topic("archives")
        relay = Relay(
            directory / "outbox",
            broker.bootstrap,
            log=directory / "relay.log",
            jvm=archives.making(of_relay, RELAY_JVM),
        )
        with relay, Outbox(relay.outbox) as client:
            relay.start()
            assert client.wait_delivered(client.append("v", topic=topic), 60) == "DELIVERED"
            assert relay.http("/metrics")[0] == relay.http("/status.json")[0] == 200
            assert relay.stop() == 0
        broker.stop()
    archives.made(built(BROKER_JAR), of_broker)
    archives.made(built(RELAY_JAR), of_relay)


@pytest.fixture
def traffic(tmp_path: Path, outbox: Path, topic: str) -> Traffic:
    """What the test's writers have in common."""
    ledgers = tmp_path / "ledgers"
    ledgers.mkdir()
    return Traffic(outbox, topic, ledgers)
