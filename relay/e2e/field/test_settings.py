"""Settings as editors, templates and Kubernetes hand them over."""

from __future__ import annotations

import os
import subprocess
import sys
from typing import TYPE_CHECKING

import pytest

from harness.child import clean_environment
from harness.relay import Relay
from harness.waiting import eventually
from outbox_client import Outbox

if TYPE_CHECKING:
    from pathlib import Path

    from harness.broker import Broker

BYTE_ORDER_MARK = b"\xef\xbb\xbf"
APPEND = """
import sys
from outbox_client import Outbox
print(Outbox().append("v", topic=sys.argv[1]).sequence)
"""


def is_delivered(outbox: Path, topic: str, relay: Relay) -> None:
    with Outbox(outbox) as client:
        receipt = client.append("v", topic=topic)
        relay.start()
        assert client.wait_delivered(receipt, 60) == "DELIVERED", relay.output()[-4000:]
    assert relay.stop() == 0


def test_what_kubernetes_injects_for_a_service_named_kafka_is_no_setting(
    broker: Broker, outbox: Path, topic: str, tmp_path: Path
) -> None:
    injected = {
        "KAFKA_PORT": "tcp://10.96.7.7:9092",
        "KAFKA_PORT_9092_TCP": "tcp://10.96.7.7:9092",
        "KAFKA_PORT_9092_TCP_ADDR": "10.96.7.7",
        "KAFKA_PORT_9092_TCP_PORT": "9092",
        "KAFKA_PORT_9092_TCP_PROTO": "tcp",
        "KAFKA_SERVICE_HOST": "10.96.7.7",
        "KAFKA_SERVICE_PORT": "9092",
        "KAFKA_SERVICE_PORT_KAFKA": "9092",
        # And for one named outbox.
        "OUTBOX_PORT": "tcp://10.96.7.8:80",
        "OUTBOX_SERVICE_HOST": "10.96.7.8",
    }
    with Relay(outbox, broker.bootstrap, log=tmp_path / "relay.log", settings=injected) as relay:
        is_delivered(outbox, topic, relay)
        warnings = [line for line in relay.output().splitlines() if "KAFKA_SERVICE_HOST" in line]
        assert len(warnings) == 1
        assert "level=warn" in warnings[0]


def test_line_ends_and_white_space_around_values_are_none_of_them(
    broker: Broker, outbox: Path, topic: str, tmp_path: Path
) -> None:
    spaced = {
        "OUTBOX_DIR": f" {outbox}\r\n",
        "KAFKA_BOOTSTRAP_SERVERS": f"\t{broker.bootstrap}\r",
        "KAFKA_LINGER_MS": " 1 ",
        "OUTBOX_SYNC_INTERVAL": "100ms ",
        "OUTBOX_TOPIC": f"{topic} ",
    }
    with Relay(outbox, broker.bootstrap, log=tmp_path / "relay.log", settings=spaced) as relay:
        is_delivered(outbox, topic, relay)
        done = subprocess.run(
            [sys.executable, "-c", APPEND, topic],
            env={**clean_environment(), **spaced},
            capture_output=True,
            text=True,
            check=False,
        )
        assert done.stdout == "2\n", done.stderr
        relay.start()
        eventually("it is delivered, too", relay.is_drained)
    assert os.listdir(outbox.parent).count(outbox.name) == 1


@pytest.mark.parametrize("mark", [b"", BYTE_ORDER_MARK], ids=["CRLF", "with a byte order mark"])
def test_a_file_that_was_saved_on_windows_is_read(
    mark: bytes, broker: Broker, outbox: Path, topic: str, tmp_path: Path
) -> None:
    file = tmp_path / "kafka.properties"
    file.write_bytes(
        mark + f"bootstrap.servers={broker.bootstrap}\r\n\r\nlinger.ms = 1 \r\n".encode()
    )
    settings = {"KAFKA_BOOTSTRAP_SERVERS": "", "KAFKA_CONFIG_FILE": str(file)}
    with Relay(outbox, "", log=tmp_path / "relay.log", settings=settings) as relay:
        is_delivered(outbox, topic, relay)
        assert "level=warn" not in relay.output()
