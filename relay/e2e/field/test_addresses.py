"""Kafka's addresses as networks make them up: several for a name, IPv6, odd names."""

from __future__ import annotations

import socket
import ssl
import threading
from contextlib import contextmanager
from typing import TYPE_CHECKING

import pytest

from harness.broker import Broker
from harness.certificates import Authority
from harness.relay import JVM, Relay
from harness.setups import speaks_http
from harness.waiting import eventually
from outbox_client import Outbox

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping
    from pathlib import Path

# Nobody listens on these.
DEAD, DEAD_TOO = "127.0.0.2", "127.0.0.3"
ALIVE = "127.0.0.1"
HOSTS = f"""\
{DEAD} kafka.several.test
{ALIVE} kafka.several.test
{DEAD} kafka.dead.test
{DEAD_TOO} kafka.dead.test
{ALIVE} kafka_1.test
{ALIVE} bootstrap.routed.test
{ALIVE} broker-0.routed.test
"""
ROUTED = ("bootstrap.routed.test", "broker-0.routed.test")


@pytest.fixture
def resolving(tmp_path: Path) -> tuple[str, ...]:
    """Options of a JVM that knows the names above and no others."""
    hosts = tmp_path / "hosts"
    hosts.write_text(HOSTS)
    return (*JVM, f"-Djdk.net.hosts.file={hosts}")


def delivers(
    outbox: Path,
    bootstrap: str,
    topic: str,
    tmp_path: Path,
    jvm: tuple[str, ...] = JVM,
    settings: Mapping[str, str] | None = None,
) -> None:
    log = tmp_path / "relay.log"
    with (
        Outbox(outbox) as client,
        Relay(outbox, bootstrap, log=log, jvm=jvm, settings=settings) as relay,
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


def test_brokers_behind_a_router_that_goes_by_the_name_in_tls_are_reached(
    outbox: Path, topic_name: str, tmp_path: Path, resolving: tuple[str, ...]
) -> None:
    authority = Authority(tmp_path / "ca")
    certificate, key = authority.issue("routed", *ROUTED)
    store = tmp_path / "routed.pem"
    store.write_bytes(key.read_bytes() + certificate.read_bytes())
    of_router = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    of_router.load_cert_chain(certificate, key)
    nameless: list[bytes] = []

    def is_for_kafka(near: socket.socket) -> bool:
        hello = near.recv(4096, socket.MSG_PEEK)
        if any(name.encode() in hello for name in ROUTED):
            return True
        nameless.append(hello)
        with of_router.wrap_socket(near, server_side=True) as tls:
            speaks_http(tls)
        return False

    # Its own: no other test's broker tells the router's address for its own.
    broker = Broker(tmp_path / "kafka" / "data", listeners=("ROUTED:SSL",))
    behind = int(broker.at("ROUTED:SSL").rsplit(":", 1)[1])
    with forwarded(socket.create_server((ALIVE, 0)), behind, is_for_kafka) as port:
        advertised = f"PLAINTEXT://{broker.bootstrap},ROUTED://broker-0.routed.test:{port}"
        with broker.having(
            {
                "advertised.listeners": advertised,
                "listener.name.routed.ssl.keystore.type": "PEM",
                "listener.name.routed.ssl.keystore.location": str(store),
            }
        ):
            settings = {
                "KAFKA_SECURITY_PROTOCOL": "SSL",
                "KAFKA_SSL_TRUSTSTORE_TYPE": "PEM",
                "KAFKA_SSL_TRUSTSTORE_LOCATION": str(authority.certificate),
            }
            topic = broker.create_topic(topic_name)
            bootstrap = f"bootstrap.routed.test:{port}"
            delivers(outbox, bootstrap, topic, tmp_path, resolving, settings)
    assert nameless == []


@contextmanager
def forwarded(
    listener: socket.socket,
    port: int,
    admits: Callable[[socket.socket], bool] = lambda _: True,
) -> Iterator[int]:
    """Hand connections on to this port, if they are admitted; gives the port that they come to."""

    def pump(source: socket.socket, target: socket.socket) -> None:
        try:
            while data := source.recv(65536):
                target.sendall(data)
            target.shutdown(socket.SHUT_WR)
        except OSError:
            pass  # one of them has gone

    def hand_on(near: socket.socket) -> None:
        try:
            if not admits(near):
                return
        except OSError:
            return  # it has gone
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
