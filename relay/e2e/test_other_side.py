"""Kafka's address stays, who answers does not: another cluster, a stranger, a new memory."""

from __future__ import annotations

import socket
import threading
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from outbox_conformance import mounts

from harness.broker import Broker
from harness.ports import free_port
from harness.relay import Relay
from harness.topics import read_topic
from harness.waiting import eventually, let_traffic_flow
from outbox_client import Outbox

if TYPE_CHECKING:
    from collections.abc import Iterator

KEYS = 4
PARTITIONS = 2
DRAIN_SECONDS = 120.0
TLS_ALERT = bytes.fromhex("15030300020250")
HTTP_ERROR = b"HTTP/1.1 400 Bad Request\r\nConnection: close\r\n\r\n"


class Events:
    """Appends numbered events with a few keys, and knows which."""

    def __init__(self, outbox: Path, topic: str) -> None:
        self._client = Outbox(outbox)
        self._topic = topic
        self.appended: list[tuple[bytes, bytes]] = []

    def append(self, count: int) -> None:
        for _ in range(count):
            number = len(self.appended)
            key, value = b"k%d" % (number % KEYS), b"%06d" % number
            self._client.append(value, topic=self._topic, key=key)
            self.appended.append((key, value))

    @contextmanager
    def flowing(self) -> Iterator[None]:
        """Append without a pause until the block ends."""
        stop = threading.Event()

        def flow() -> None:
            while not stop.wait(0.002):
                self.append(1)

        writer = threading.Thread(target=flow)
        writer.start()
        try:
            yield
        finally:
            stop.set()
            writer.join()

    def assert_all_in_order(self, *topics: list[Any]) -> None:
        """Everything is in one of these, and each key's first deliveries are in order."""
        first: dict[tuple[bytes, bytes], None] = {}
        for records in topics:
            for record in records:
                first[(record.key, record.value)] = None
        assert set(self.appended) - set(first) == set()
        for number in range(KEYS):
            key = b"k%d" % number
            assert [v for k, v in first if k == key] == [v for k, v in self.appended if k == key]


@pytest.fixture
def own(tmp_path: Path) -> Iterator[Broker]:
    """A broker that the test may replace."""
    with Broker(tmp_path / "own" / "data") as broker:
        broker.create_topic("t", partitions=PARTITIONS)
        yield broker


@pytest.fixture
def served(own: Broker, outbox: Path, tmp_path: Path) -> Iterator[Relay]:
    with Relay(outbox, own.bootstrap, log=tmp_path / "relay.log") as relay:
        yield relay


def take_away(broker: Broker) -> Path:
    """Kill it and put its data aside; returns where they are."""
    broker.kill()
    aside = broker.data.with_name("former")
    broker.data.rename(aside)
    return aside


def replace(broker: Broker) -> Path:
    """An empty cluster at the same address; returns where the former one's data are."""
    former = take_away(broker)
    broker.start()
    broker.create_topic("t", partitions=PARTITIONS)
    return former


def former_topic(data: Path) -> list[Any]:
    with Broker(data) as former:
        return read_topic(former.bootstrap, "t")


def cluster_of(relay: Relay) -> str | None:
    cluster = relay.status()["cluster"]
    assert cluster is None or isinstance(cluster, str)
    return cluster


def assert_told(relay: Relay, before: str) -> None:
    status = relay.status()
    assert status["cluster"] not in (None, before)
    assert status["cluster_changes"] == 1
    assert any("Another cluster" in notice["text"] for notice in status["notices"])
    assert "another cluster is at Kafka's address" in relay.output()
    assert "outbox_relay_cluster_changes_total" in relay.http("/metrics")[1]


def finding(relay: Relay, name: str) -> str:
    lines = relay.cli("doctor").stdout.splitlines()
    return "\n".join(line for line in lines if line.split()[1:2] == [name])


def test_a_cluster_that_is_replaced_under_an_idle_relay_loses_no_event_of_anybody(
    own: Broker, served: Relay, tmp_path: Path
) -> None:
    own.create_topic("earlier")
    served.start()
    Events(served.outbox, "earlier").append(1)
    eventually("its producer has an id", served.is_drained)
    before = cluster_of(served)
    assert before is not None
    former = replace(own)
    events = Events(served.outbox, "t")
    events.append(1)
    eventually("the first relay has delivered", served.is_drained, within=DRAIN_SECONDS)
    assert_told(served, before)
    neighbour = Relay(tmp_path / "other", own.bootstrap, log=tmp_path / "other.log")
    with neighbour:
        others = Events(neighbour.outbox, "t")
        others.append(1)  # the first of its producer, as the other one was
        neighbour.start()
        eventually("the second relay has delivered", neighbour.is_drained, within=DRAIN_SECONDS)
    assert len(read_topic(own.bootstrap, "t")) == 2
    assert former_topic(former) == []


def test_a_cluster_that_is_replaced_in_the_middle_of_traffic_loses_nothing(
    own: Broker, served: Relay
) -> None:
    served.start()
    events = Events(served.outbox, "t")
    events.append(10)
    eventually("some are delivered", served.is_drained)
    before = cluster_of(served)
    assert before is not None
    with events.flowing():
        let_traffic_flow(1.0)
        former = replace(own)
        let_traffic_flow(1.0)
    eventually("all are delivered", served.is_drained, within=DRAIN_SECONDS)
    assert_told(served, before)
    events.assert_all_in_order(former_topic(former), read_topic(own.bootstrap, "t"))


def test_a_cluster_that_is_replaced_during_an_outage_loses_nothing(
    own: Broker, served: Relay
) -> None:
    served.start()
    events = Events(served.outbox, "t")
    events.append(10)
    eventually("some are delivered", served.is_drained)
    before = cluster_of(served)
    assert before is not None
    former = take_away(own)
    events.append(200)
    eventually("the outage is seen", lambda: served.status()["state"] == "stalled")
    own.start()
    own.create_topic("t", partitions=PARTITIONS)
    events.append(10)
    eventually("all are delivered", served.is_drained, within=DRAIN_SECONDS)
    assert_told(served, before)
    events.assert_all_in_order(former_topic(former), read_topic(own.bootstrap, "t"))


def test_another_cluster_is_noticed_over_a_restart_of_the_relay(own: Broker, served: Relay) -> None:
    served.start()
    events = Events(served.outbox, "t")
    events.append(10)
    eventually("some are delivered", served.is_drained)
    before = cluster_of(served)
    assert before is not None
    assert served.stop() == 0
    former = replace(own)
    assert before in finding(served, "cluster")
    events.append(10)
    served.start()
    eventually("all are delivered", served.is_drained, within=DRAIN_SECONDS)
    assert_told(served, before)
    events.assert_all_in_order(former_topic(former), read_topic(own.bootstrap, "t"))


def paused(relay: Relay, reason: str) -> dict[str, Any]:
    """The trouble, if it has this reason; else nothing."""
    status = relay.status()
    trouble: dict[str, Any] = status.get("trouble", {})
    return trouble if trouble.get("reason") == reason else {}


def paused_as_managed(relay: Relay, reason: str) -> dict[str, Any]:
    """The same of a relay that its manager starts again when it is out of memory.

    A JVM with ExitOnOutOfMemoryError ends at a stranger's first bytes, once: the next one looks
    who is there before a producer is made.
    """
    if not relay.running:
        assert relay.child.exit_code == 3
        relay.start()
    return paused(relay, reason)


@contextmanager
def stranger(port: int, answer: bytes) -> Iterator[None]:
    """Something else than Kafka at this port until the block ends."""
    stop = threading.Event()

    def serve(listening: socket.socket) -> None:
        while not stop.is_set():
            try:
                connection, _ = listening.accept()
            except TimeoutError:
                continue
            with connection:
                try:
                    connection.settimeout(5)
                    connection.recv(4096)
                    connection.sendall(answer)
                except OSError:
                    pass

    with socket.socket() as listening:
        listening.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listening.bind(("127.0.0.1", port))
        listening.listen(50)
        listening.settimeout(0.2)
        server = threading.Thread(target=serve, args=(listening,))
        server.start()
        try:
            yield
        finally:
            stop.set()
            server.join()


@pytest.mark.parametrize(
    ("protocol", "answer"), [("TLS", TLS_ALERT), ("HTTP", HTTP_ERROR)], ids=["tls", "http"]
)
def test_a_stranger_at_kafkas_address_is_named_and_delivery_goes_on_when_kafka_is_back(
    own: Broker, served: Relay, protocol: str, answer: bytes
) -> None:
    served.start()
    events = Events(served.outbox, "t")
    events.append(10)
    eventually("some are delivered", served.is_drained)
    own.kill()
    with stranger(own.port, answer):
        events.append(10)
        trouble = eventually("it is named", lambda: paused_as_managed(served, "foreign-peer"))
        assert f"speaks {protocol}" in trouble["error"]
        assert f"speaks {protocol}" in finding(served, "kafka")
        assert served.http("/healthz")[0] == 200
    own.start()
    events.append(10)
    eventually("all are delivered", served.is_drained, within=DRAIN_SECONDS)
    events.assert_all_in_order(read_topic(own.bootstrap, "t"))


def test_a_stranger_at_one_of_several_addresses_is_named_and_holds_nothing_up(
    own: Broker, outbox: Path, tmp_path: Path
) -> None:
    port = free_port()
    with (
        stranger(port, TLS_ALERT),
        Relay(outbox, f"127.0.0.1:{port},{own.bootstrap}", log=tmp_path / "relay.log") as relay,
    ):
        relay.start()
        events = Events(outbox, "t")
        events.append(10)
        eventually("all are delivered", relay.is_drained)
        (trouble,) = relay.status()["troubles"]
        assert trouble["kind"] == "peer"
        assert f"127.0.0.1:{port} speaks TLS" in trouble["error"]
        assert "is left out" in relay.status()["summary"]["text"]
        assert f":{port} speaks TLS" in finding(relay, "kafka")
        assert "address left out" in relay.output()
        assert f'part_failing{{outbox="{outbox}",part="peer"}} 1.0' in relay.http("/metrics")[1]
    events.assert_all_in_order(read_topic(own.bootstrap, "t"))


def test_several_addresses_of_one_broker_are_of_one_cluster(
    own: Broker, outbox: Path, tmp_path: Path
) -> None:
    """Kafka's client connects to two of them before it knows of which cluster they are."""
    addresses = f"{own.bootstrap},localhost:{own.port},127.0.0.1:{free_port()}"
    with Relay(outbox, addresses, log=tmp_path / "relay.log") as relay:
        relay.start()
        events = Events(outbox, "t")
        events.append(10)
        eventually("all are delivered", relay.is_drained)
        assert relay.status()["cluster_changes"] == 0
        assert "will be sent again" not in relay.output()
    events.assert_all_in_order(read_topic(own.bootstrap, "t"))


def test_a_broker_that_forgets_producers_keeps_the_order(outbox: Path, tmp_path: Path) -> None:
    forgetful = {
        "producer.id.expiration.ms": "2000",
        "producer.id.expiration.check.interval.ms": "500",
        "transactional.id.expiration.ms": "10000",
    }
    with (
        Broker(tmp_path / "own" / "data", properties=forgetful) as own,
        Relay(outbox, own.bootstrap, log=tmp_path / "relay.log") as relay,
    ):
        own.create_topic("t", config={"max.message.bytes": "5000"})
        relay.start()
        events = Events(outbox, "t")
        for _ in range(3):
            events.append(40)
            eventually("all are delivered", relay.is_drained)
            let_traffic_flow(4.0)  # the broker forgets meanwhile
            with Outbox(outbox) as client:
                client.append(b"L" * 9000, topic="t", key=b"k0")
            events.append(400)
            eventually("all are delivered", relay.is_drained, within=DRAIN_SECONDS)
        assert relay.status()["dead_letters"] == 3
        events.assert_all_in_order(read_topic(own.bootstrap, "t"))


def test_a_name_that_moves_to_another_cluster_is_followed_and_told(
    own: Broker, outbox: Path, tmp_path: Path
) -> None:
    if (absent := mounts.missing()) is not None:
        pytest.skip(absent)
    hosts = tmp_path / "hosts"
    usual = Path("/etc/hosts").read_text()

    def name_is(address: str) -> None:
        # In place: what is mounted is the file, not its name.
        hosts.write_text(f"{usual}\n{address} kafka.outbox.test\n")

    name_is("127.0.0.1")
    mounts.run("mount", "--bind", str(hosts), "/etc/hosts")
    other = Broker(tmp_path / "other" / "data", properties=on_loopback_2(own.port))
    other.port, other.bootstrap = own.port, f"127.0.0.2:{own.port}"
    try:
        with (
            Relay(outbox, f"kafka.outbox.test:{own.port}", log=tmp_path / "relay.log") as relay,
        ):
            relay.start()
            events = Events(outbox, "t")
            events.append(10)
            eventually("some are delivered", relay.is_drained)
            before = cluster_of(relay)
            assert before is not None
            name_is("127.0.0.2")
            former = take_away(own)
            events.append(10)
            other.start()
            other.create_topic("t", partitions=PARTITIONS)
            eventually("all are delivered", relay.is_drained, within=600)
            events.append(10)
            eventually("all are delivered", relay.is_drained, within=DRAIN_SECONDS)
            assert_told(relay, before)
            events.assert_all_in_order(former_topic(former), read_topic(other.bootstrap, "t"))
    finally:
        other.kill_if_running()
        mounts.run("umount", "/etc/hosts")


def on_loopback_2(port: int) -> dict[str, str]:
    """Properties of a broker that has the same port at another address."""
    controller = free_port()
    return {
        "controller.quorum.voters": f"1@127.0.0.2:{controller}",
        "listeners": f"PLAINTEXT://127.0.0.2:{port},CONTROLLER://127.0.0.2:{controller}",
        "advertised.listeners": f"PLAINTEXT://127.0.0.2:{port}",
    }
