"""Kafka's addresses as networks make them up: several for a name, IPv6, odd names."""

from __future__ import annotations

import socket
from typing import TYPE_CHECKING

import pytest

from harness.broker import Broker
from harness.certificates import Authority
from harness.forwarding import forwarded
from harness.relay import JVM, Relay
from harness.setups import peer, speaks_http
from harness.waiting import eventually
from outbox_client import Outbox

if TYPE_CHECKING:
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
{ALIVE} kafka.routed.test
"""


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
    settings: dict[str, str] | None = None,
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
    with forwarded(listener, lambda _: broker.port) as port:
        delivers(outbox, f"[::1]:{port}", topic, tmp_path)


def test_a_broker_behind_a_router_that_goes_by_the_name_in_tls_is_reached(
    outbox: Path, tmp_path: Path, resolving: tuple[str, ...]
) -> None:
    """As an ingress or a route does; who gives no name comes to a page of its own."""
    name = "kafka.routed.test"
    listener = socket.create_server((ALIVE, 0))
    address = f"{name}:{listener.getsockname()[1]}"
    authority = Authority(tmp_path / "ca")
    certificate, key = authority.issue("routed", name)
    store = tmp_path / "routed.pem"
    store.write_bytes(key.read_bytes() + certificate.read_bytes())
    settings = {
        "KAFKA_SECURITY_PROTOCOL": "SSL",
        "KAFKA_SSL_TRUSTSTORE_TYPE": "PEM",
        "KAFKA_SSL_TRUSTSTORE_LOCATION": str(authority.certificate),
    }
    with (
        peer(speaks_http, (certificate, key)) as page,
        Broker(
            tmp_path / "kafka" / "data",
            listeners=["SSL"],
            advertised={"SSL": address},
            properties={
                "listener.name.ssl.ssl.keystore.type": "PEM",
                "listener.name.ssl.ssl.keystore.location": str(store),
            },
        ) as broker,
    ):
        topic = broker.create_topic("routed")
        ports = {True: broker.at("SSL"), False: page}

        def route(near: socket.socket) -> int:
            named = name.encode() in near.recv(65536, socket.MSG_PEEK)
            return int(ports[named].rpartition(":")[2])

        with forwarded(listener, route):
            delivers(outbox, address, topic, tmp_path, resolving, settings)
