"""A relay that can't start says why and leaves nothing behind; one that is told to stop exits 0."""

from __future__ import annotations

import json
import signal
import socket
import urllib.error
from typing import TYPE_CHECKING

import pytest

from harness.ports import free_port
from harness.relay import Relay
from harness.waiting import eventually
from outbox_client import Outbox

if TYPE_CHECKING:
    from pathlib import Path

WRONG_CONFIGURATION = 2


@pytest.fixture
def nobody() -> str:
    """An address where no Kafka is."""
    return f"127.0.0.1:{free_port()}"


def test_a_taken_http_address_is_told_and_the_outbox_is_free_again(
    nobody: str, tmp_path: Path
) -> None:
    with Relay(tmp_path / "outbox", nobody, log=tmp_path / "relay.log") as relay:
        with socket.create_server(("127.0.0.1", relay.port)):
            relay.start(wait=False)
            assert relay.child.wait() == WRONG_CONFIGURATION
            assert f"OUTBOX_HTTP_ADDRESS=127.0.0.1:{relay.port}" in relay.output()
            assert "off" in relay.output()
        relay.start()
        assert relay.stop() == 0


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT], ids=lambda number: number.name)
def test_a_signal_ends_it_with_exit_code_0_also_without_kafka(
    number: signal.Signals, nobody: str, tmp_path: Path
) -> None:
    with Relay(tmp_path / "outbox", nobody, log=tmp_path / "relay.log") as relay:
        relay.start()
        relay.child.signal(number)
        assert relay.child.wait() == 0
        assert 'event="relay ready"' in relay.output()
        assert 'event="relay stopped"' in relay.output()


def test_a_stop_that_drains_keeps_its_deadline_when_kafka_is_away(
    nobody: str, tmp_path: Path
) -> None:
    settings = {"OUTBOX_DRAIN_ON_STOP": "1", "OUTBOX_STOP_DEADLINE_MS": "1000"}
    outbox = tmp_path / "outbox"
    Outbox(outbox).append("undelivered", topic="orders")
    with Relay(outbox, nobody, log=tmp_path / "relay.log", settings=settings) as relay:
        relay.start()
        assert relay.stop(within=30) == 0
        assert 'event="relay stopped"' in relay.output()
        assert json.loads(relay.cli("status", "--json").stdout)["lag_events"] == 1


def test_the_log_can_be_json(nobody: str, tmp_path: Path) -> None:
    settings = {"OUTBOX_LOG_FORMAT": "json", "KAFKA_PORT": "tcp://10.0.0.1:9092"}
    with Relay(tmp_path / "outbox", nobody, log=tmp_path / "relay.log", settings=settings) as relay:
        relay.start()
        eventually(
            "Kafka is missed", lambda: "org.apache.kafka.clients.NetworkClient" in relay.output()
        )
        assert relay.stop() == 0
        lines = [json.loads(line) for line in relay.output().splitlines()]
    events = {line["event"] for line in lines}
    assert {"configuration", "relay ready", "relay stopped"} <= events
    assert all({"ts", "level", "event"} <= line.keys() for line in lines)


def test_with_http_off_it_listens_nowhere(nobody: str, tmp_path: Path) -> None:
    settings = {"OUTBOX_HTTP_ADDRESS": "off"}
    with Relay(tmp_path / "outbox", nobody, log=tmp_path / "relay.log", settings=settings) as relay:
        relay.start(wait=False)
        eventually("the relay is ready", lambda: 'event="relay ready"' in relay.output())
        with pytest.raises(urllib.error.URLError):
            relay.http("/healthz")
        assert relay.stop() == 0
