"""Kafka's addresses as networks make them up: several for a name, IPv6, odd names."""

from __future__ import annotations

import socket
import threading
from contextlib import contextmanager
from typing import TYPE_CHECKING

import pytest

from harness.relay import JVM, Relay
from harness.waiting import eventually
from outbox_client import Outbox

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from harness.broker import Broker

# Nobody listens on these.
DEAD, DEAD_TOO = "127.0.0.2", "127.0.0.3"
ALIVE = "127.0.0.1"
HOSTS = f"""\
{DEAD} kafka.several.test
{ALIVE} kafka.several.test
{DEAD} kafka.dead.test
{DEAD_TOO} kafka.dead.test
{ALIVE} kafka_1.test
"""


@pytest.fixture
def resolving(tmp_path: Path) -> tuple[str, ...]:
    """Options of a JVM that knows the names above and no others."""
    hosts = tmp_path / "hosts"
    hosts.write_text(HOSTS)
    return (*JVM, f"-Djdk.net.hosts.file={hosts}")


def delivers(
    outbox: Path, bootstrap: str, topic: str, tmp_path: Path, jvm: tuple[str, ...] = JVM
) -> None:
    with (
        Outbox(outbox) as client,
        Relay(outbox, bootstrap, log=tmp_path / "relay.log", jvm=jvm) as relay,
    ):
        receipt = client.append("v", topic=topic)
        relay.start()
        assert client.wait_delivered(receipt, 60) == "DELIVERED", relay.output()[-4000:]
        assert relay.stop() == 0


def test_a_name_of_which_one_address_is_dead_is_reached(
    broker: Broker, outbox: Path, topic: str, tmp_path: Path, resolving: tuple[str, ...]
) -> None:
    delivers(outbox, f"kafka.several.test:{broker.port}", topic, tmp_path, resolving)


def test_a_name_of_which_all_addresses_are_dead_is_not_reached(
    broker: Broker, outbox: Path, topic: str, tmp_path: Path, resolving: tuple[str, ...]
) -> None:
    bootstrap = f"kafka.dead.test:{broker.port}"
    log = tmp_path / "relay.log"
    with Outbox(outbox) as client, Relay(outbox, bootstrap, log=log, jvm=resolving) as relay:
        client.append("v", topic=topic)
        relay.start()
        eventually("it is told", lambda: "could not be established" in relay.output())
        assert relay.progress().lag == 1


def test_a_host_name_with_an_underscore_is_reached(
    broker: Broker, outbox: Path, topic: str, tmp_path: Path, resolving: tuple[str, ...]
) -> None:
    delivers(outbox, f"kafka_1.test:{broker.port}", topic, tmp_path, resolving)


def test_an_address_of_ipv6_is_reached(
    broker: Broker, outbox: Path, topic: str, tmp_path: Path
) -> None:
    try:
        listener = socket.create_server(("::1", 0), family=socket.AF_INET6)
    except OSError as error:
        pytest.skip(f"no IPv6 here: {error}")
    with forwarded(listener, broker.port) as port:
        delivers(outbox, f"[::1]:{port}", topic, tmp_path)


@contextmanager
def forwarded(listener: socket.socket, port: int) -> Iterator[int]:
    """Hand connections on to this port; gives the port that they come to."""

    def pump(source: socket.socket, target: socket.socket) -> None:
        try:
            while data := source.recv(65536):
                target.sendall(data)
            target.shutdown(socket.SHUT_WR)
        except OSError:
            pass  # one of them has gone

    def hand_on(near: socket.socket) -> None:
        with near, socket.create_connection((ALIVE, port)) as far:
            back = threading.Thread(target=pump, args=(far, near))
            back.start()
            pump(near, far)
            back.join()

    def serve() -> None:
        while True:
            try:
                near, _ = listener.accept()
            except OSError:
                return
            connections.append(threading.Thread(target=hand_on, args=(near,)))
            connections[-1].start()

    connections: list[threading.Thread] = []
    server = threading.Thread(target=serve)
    server.start()
    try:
        yield listener.getsockname()[1]
    finally:
        listener.shutdown(socket.SHUT_RDWR)
        listener.close()
        for thread in (server, *connections):
            thread.join()
