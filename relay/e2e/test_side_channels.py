"""Log, HTTP and the look at files are beside the point: whatever blocks them, events are delivered
and health is answered."""

from __future__ import annotations

import contextlib
import fcntl
import os
import resource
import socket
import subprocess
import threading
import time
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from outbox_conformance import mounts

from harness.ports import free_port
from harness.probes import Probes, get
from harness.relay import Relay
from harness.topics import read_topic
from harness.waiting import eventually, let_traffic_flow
from outbox_client import Outbox

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from harness.broker import Broker

IDLE = 400
SLOW = 50
SECONDS = 8.0
# What it holds by itself, and its 64 + 64 connections; 450 strangers want more.
MOST_DESCRIPTORS = 300
BIG = b"GET /metrics HTTP/1.1\r\nHost: localhost\r\n\r\n"
ENDLESS = b"GET /healthz HTTP/1.1\r\n" + b"X-More: and more\r\n" * 20
F_SETPIPE_SZ = 1031
FIRST_DATA = 0x10110
PAGE = 4096
HOUR_NANOS = 3600 * 10**9
DAMAGED = 300


def strangers(port: int, stop: threading.Event, first: bytes, count: int) -> list[threading.Thread]:
    """Clients that send this, never take an answer, and come again when they are sent away."""

    def stay() -> None:
        while not stop.is_set():
            with (
                contextlib.suppress(OSError),
                socket.create_connection(("127.0.0.1", port), timeout=5) as connection,
            ):
                connection.sendall(first)
                while not stop.wait(0.2):
                    if first == ENDLESS:
                        connection.sendall(first)
                    connection.send(b"")
                    if connection.recv(1, socket.MSG_PEEK | socket.MSG_DONTWAIT) == b"":
                        break

    threads = [threading.Thread(target=stay, daemon=True) for _ in range(count)]
    for thread in threads:
        thread.start()
    return threads


@pytest.fixture
def crowd() -> Iterator[Callable[[int], None]]:
    """Lets strangers come to a port: idle, slow, endless, and such as never read."""
    stop = threading.Event()
    idle: list[socket.socket] = []
    threads: list[threading.Thread] = []

    def come(port: int) -> None:
        idle.extend(socket.create_connection(("127.0.0.1", port), timeout=5) for _ in range(IDLE))
        threads.extend(strangers(port, stop, b"GET / HT", SLOW))
        threads.extend(strangers(port, stop, ENDLESS, 5))
        threads.extend(strangers(port, stop, BIG, 10))

    yield come
    stop.set()
    for thread in threads:
        thread.join(10)
    for connection in idle:
        connection.close()


def descriptors(relay: Relay) -> int:
    return len(os.listdir(f"/proc/{relay.child.pid}/fd"))


def test_strangers_on_its_port_take_neither_health_nor_delivery_away(
    relay: Relay,
    outbox: Path,
    topic: str,
    crowd: Callable[[int], None],
    measured: Callable[[str], None],
) -> None:
    relay.start()
    crowd(relay.port)
    with Outbox(outbox) as client, Probes(relay.port) as probes:
        let_traffic_flow(SECONDS)
        receipt = client.append("v", topic=topic)
        assert client.wait_delivered(receipt, 60) == "DELIVERED"
        held = descriptors(relay)
    measured(f"{IDLE} idle and {SLOW + 15} greedy connections: {probes}; {held} descriptors held")
    probes.assert_all_answered()
    assert held < MOST_DESCRIPTORS


def test_health_has_an_address_of_its_own_with_its_own_strangers(
    broker: Broker,
    outbox: Path,
    tmp_path: Path,
    crowd: Callable[[int], None],
    measured: Callable[[str], None],
) -> None:
    health = free_port()
    settings = {"OUTBOX_HEALTH_ADDRESS": f"127.0.0.1:{health}", "OUTBOX_HTTP_ADDRESS": "off"}
    log = tmp_path / "relay.log"
    with Relay(outbox, broker.bootstrap, log=log, settings=settings) as relay:
        relay.start(wait=False)
        eventually(
            "health is served",
            lambda: get(health).startswith(b"HTTP/1.1 200 "),
        )
        assert get(health, BIG).startswith(b"HTTP/1.1 404 ")
        crowd(health)
        with Probes(health) as probes:
            let_traffic_flow(SECONDS)
        measured(f"the same, at OUTBOX_HEALTH_ADDRESS: {probes}")
        probes.assert_all_answered()


@contextlib.contextmanager
def descriptor_limit(pid: int, room: int) -> Iterator[None]:
    """A process that may open only so many more, for a while."""
    limits = resource.prlimit(pid, resource.RLIMIT_NOFILE)
    held = len(os.listdir(f"/proc/{pid}/fd"))
    resource.prlimit(pid, resource.RLIMIT_NOFILE, (held + room, limits[1]))
    try:
        yield
    finally:
        resource.prlimit(pid, resource.RLIMIT_NOFILE, limits)


def test_without_a_descriptor_left_the_relay_waits_and_goes_on(
    broker: Broker, relay: Relay, outbox: Path, topic: str
) -> None:
    relay.start()
    with Outbox(outbox) as client:
        # In the past: a broker refuses times in the future.
        hour = time.time_ns() - 12 * HOUR_NANOS
        client._writer._clock = lambda: hour
        first = client.append("0", topic=topic)
        assert client.wait_delivered(first, 60) == "DELIVERED"
        refused = broker.create_topic(f"{topic}-compact", config={"cleanup.policy": "compact"})
        # None at all: no cycle, position, dead letter or connection can be opened.
        with descriptor_limit(relay.child.pid, 0):
            for number in range(1, 6):
                client._writer._clock = lambda: hour + number * HOUR_NANOS  # noqa: B023
                client.append(str(number), topic=topic)
                client.append("no key", topic=refused)
            idle = [socket.create_connection(("127.0.0.1", relay.port)) for _ in range(3)]
            let_traffic_flow(5)
            relay.assert_running()
            for connection in idle:
                connection.close()
        eventually("all is settled", relay.is_drained)
        assert relay.http("/healthz")[0] == 200
    values = {record.value for record in read_topic(broker.bootstrap, topic)}
    assert values == {str(number).encode() for number in range(6)}
    assert relay.stop() == 0


class UnreadPipe:
    """A small pipe that is full, and read only when it is told to."""

    def __init__(self) -> None:
        self.reader, self.writer = os.pipe()
        fcntl.fcntl(self.writer, F_SETPIPE_SZ, PAGE)
        self.lines = bytearray()

    def fill(self) -> None:
        os.set_blocking(self.writer, False)
        for piece in (b"#" * 64, b"#"):
            with contextlib.suppress(BlockingIOError):
                while True:
                    os.write(self.writer, piece)
        os.set_blocking(self.writer, True)

    def read(self) -> None:
        def drain() -> None:
            while piece := os.read(self.reader, 65536):
                self.lines += piece

        threading.Thread(target=drain, daemon=True).start()


@pytest.mark.parametrize("read_again", [True, False])
def test_while_nobody_reads_the_log_events_are_delivered_and_what_is_dropped_is_told(
    relay: Relay,
    broker: Broker,
    outbox: Path,
    topic: str,
    measured: Callable[[str], None],
    read_again: bool,
) -> None:
    compact = broker.create_topic(f"{topic[:200]}-compact", config={"cleanup.policy": "compact"})
    pipe = UnreadPipe()
    environment = {
        **relay.environment,
        "OUTBOX_LOG_LEVEL": "debug",
        "OUTBOX_REFUSALS_IN_A_ROW": "0",
    }
    process = subprocess.Popen(
        relay.command("run"),
        env=environment,
        stdin=subprocess.DEVNULL,
        stdout=pipe.writer,
        stderr=pipe.writer,
    )
    try:
        eventually("it is ready", lambda: relay.http("/readyz")[0] == 200)
        pipe.fill()
        with Outbox(outbox) as client, Probes(relay.port) as probes:
            # Each is a line.
            refused = [client.append("no key " * 20, topic=compact) for _ in range(12_000)]
            good = client.append("v", topic=topic)
            assert client.wait_delivered(good, 120) == "DELIVERED"
            assert client.wait_delivered(refused[-1], 120) == "DEAD"
        measured(f"a full log pipe: {probes}")
        probes.assert_all_answered()
        dropped = dropped_lines(relay)
        assert dropped > 0
        if read_again:
            os.close(pipe.writer)
            pipe.read()
            eventually("it is told", lambda: b'event="log lines dropped"' in pipe.lines)
            told = pipe.lines[pipe.lines.index(b'event="log lines dropped"') :]
            assert f"lines={dropped}".encode() in told
    finally:
        process.terminate()
        code = process.wait(60)
    assert code == 0


def dropped_lines(relay: Relay) -> int:
    _, text = relay.http("/metrics")
    [line] = [
        line
        for line in text.splitlines()
        if line.startswith("outbox_relay_log_lines_dropped_total{")
    ]
    return int(float(line.rsplit(" ", 1)[1]))


def cycles(outbox: Path) -> list[Path]:
    return sorted((outbox / "queue").glob("*.cq4"))


def test_hundreds_of_damaged_sparse_cycles_take_neither_health_nor_other_outboxes_away(
    broker: Broker, tmp_path: Path, topic: str, measured: Callable[[str], None]
) -> None:
    root = tmp_path / "outboxes"
    root.mkdir(mode=0o755)
    begin = time.time_ns() - DAMAGED * HOUR_NANOS
    with Outbox(root / "damaged") as client:
        for hour in range(DAMAGED):
            client._writer._clock = lambda: begin + hour * HOUR_NANOS  # noqa: B023
            client.append("x", topic=topic)
        for cycle in cycles(root / "damaged")[:-1]:
            with cycle.open("r+b") as file:
                file.write(bytes(FIRST_DATA + 400))
    settings = {"OUTBOX_DIR": "", "OUTBOX_DIRS": f"{root}/*"}
    log = tmp_path / "relay.log"
    with (
        Outbox(root / "sound") as sound,
        Relay(root, broker.bootstrap, log=log, settings=settings) as relay,
    ):
        receipt = sound.append("v", topic=topic)
        relay.start()
        with Probes(relay.port) as probes:
            assert sound.wait_delivered(receipt, 60) == "DELIVERED"
            until = time.monotonic() + SECONDS
            longest = 0.0
            while time.monotonic() < until:
                asked = time.monotonic()
                assert relay.http("/status.json")[0] == 200
                longest = max(longest, time.monotonic() - asked)
        measured(
            f"{DAMAGED} damaged sparse cycles: {probes};"
            f" longest /status.json {longest * 1000:.0f} ms"
        )
        probes.assert_all_answered()


def test_health_is_answered_while_the_disk_is_full(
    broker: Broker, tmp_path: Path, topic: str, measured: Callable[[str], None]
) -> None:
    if lacking := mounts.missing():
        pytest.skip(lacking)
    with mounts.Tmpfs(str(tmp_path / "small"), "size=24m") as disk:
        outbox = Path(disk.path) / "outbox"
        with (
            Outbox(outbox) as client,
            Relay(outbox, broker.bootstrap, log=Path(disk.path) / "relay.log") as relay,
        ):
            receipt = client.append("v", topic=topic)
            relay.start()
            with (
                (Path(disk.path) / "ballast").open("wb", buffering=0) as ballast,
                contextlib.suppress(OSError),
            ):
                while True:
                    ballast.write(b"\1" * PAGE)
            with Probes(relay.port) as probes:
                client.wait_delivered(receipt, 10)
                let_traffic_flow(SECONDS)
            measured(f"a full disk, with the log on it: {probes}")
            probes.assert_all_answered()


@pytest.mark.parametrize(("options", "code"), [((), 11), (("-XX:+ExitOnOutOfMemoryError",), 3)])
def test_a_relay_that_is_out_of_memory_ends_and_one_with_more_of_it_delivers(
    broker: Broker, tmp_path: Path, topic: str, options: tuple[str, ...], code: int
) -> None:
    root = tmp_path / "outboxes"
    root.mkdir(mode=0o755)
    clients = [Outbox(root / f"{number:03}") for number in range(100)]
    receipts = [
        [client.append(b"z" * 20_000, topic=topic, key=str(n)) for n in range(30)][-1]
        for client in clients
    ]
    settings = {"OUTBOX_DIR": "", "OUTBOX_DIRS": f"{root}/*"}
    serial = ("-XX:+UseSerialGC", "-XX:TieredStopAtLevel=1")
    log = tmp_path / "relay.log"
    jvm = ("-Xmx32m", *serial, *options)
    with Relay(root, broker.bootstrap, log=log, jvm=jvm, settings=settings) as relay:
        relay.start(wait=False)
        assert relay.child.wait(120) == code, relay.output()[-2000:]
    with Relay(root, broker.bootstrap, log=log, jvm=("-Xmx256m", *serial), settings=settings) as r:
        r.start()
        for client, receipt in zip(clients, receipts, strict=True):
            assert client.wait_delivered(receipt, 120) == "DELIVERED"
            client.close()
