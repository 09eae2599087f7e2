"""The image's tar, loaded and run by podman: no capability, a read-only root, not root."""

from __future__ import annotations

import os
import shutil
import subprocess
from typing import TYPE_CHECKING

import pytest
from confluent_kafka import Consumer

from harness.child import Child
from harness.places import ROOT
from harness.ports import free_port
from harness.waiting import eventually
from outbox_client import Outbox

if TYPE_CHECKING:
    from pathlib import Path

    from harness.broker import Broker

TAR = ROOT / "target" / "outbox-relay-image.tar"
USER = 10001

if shutil.which("podman") is None or shutil.which("runc") is None:
    pytest.skip("not installed: podman and runc", allow_module_level=True)
if os.geteuid() != 0:
    pytest.skip("podman runs here as root only", allow_module_level=True)


class Engine:
    """podman with a store of its own."""

    def __init__(self, store: Path) -> None:
        runc = shutil.which("runc")
        self.command = ["podman", "--storage-driver=vfs", f"--root={store / 'root'}"]
        self.command += [f"--runroot={store / 'run'}", f"--runtime={runc}"]
        self.command += ["--cgroup-manager=cgroupfs"]

    def run(self, *arguments: str) -> str:
        return subprocess.run(
            [*self.command, *arguments], capture_output=True, text=True, check=True
        ).stdout


@pytest.fixture(scope="module")
def engine(tmp_path_factory: pytest.TempPathFactory) -> Engine:
    podman = Engine(tmp_path_factory.mktemp("podman"))
    podman.run("load", "--quiet", "--input", str(TAR))
    return podman


@pytest.mark.parametrize("codec", ["zstd", "snappy", "lz4", "gzip"])
def test_the_image_delivers_and_drains(
    engine: Engine, broker: Broker, topic: str, tmp_path: Path, codec: str
) -> None:
    directory = tmp_path / "outbox"
    directory.mkdir()
    os.chown(directory, USER, USER)
    directory.chmod(0o2770)
    name = f"relay-{codec}-{os.getpid()}"
    port = free_port()
    image = engine.run("images", "--format", "{{.Repository}}:{{.Tag}}").split()[0]
    command = [
        *(*engine.command, "run", "--rm", f"--name={name}", "--network=host"),
        *("--read-only", "--cap-drop=all", "--ulimit=nofile=1024:1024", "--ulimit=nproc=1024:1024"),
        *("-v", f"{directory}:/var/lib/outbox", "-e", f"KAFKA_COMPRESSION_TYPE={codec}"),
        *("-e", f"KAFKA_BOOTSTRAP_SERVERS={broker.bootstrap}"),
        *("-e", f"OUTBOX_HTTP_ADDRESS=0.0.0.0:{port}", image),
    ]
    event = b"from outside, " * 100
    with Child(command, log=tmp_path / "podman.log") as running:
        outbox = Outbox(directory)
        receipt = outbox.append(event, topic=topic)
        assert outbox.wait_delivered(receipt, 120).name == "DELIVERED", running.output()
        [state] = engine.run("inspect", "--format", "{{.State.Pid}}", name).split()
        status = f"/proc/{state}/status"
        with open(status) as lines:
            identity = dict(line.split(":\t", 1) for line in lines if ":\t" in line)
        assert identity["Uid"].split() == [str(USER)] * 4
        assert identity["CapEff"].strip() == "0" * 16
        with open(f"/proc/{state}/mounts") as mounts:
            [root] = [line for line in mounts if line.split()[1] == "/"]
        assert "ro" in root.split()[3].split(",")
        # SIGTERM: it saves its position and ends with 0.
        receipt = outbox.append(event, topic=topic)
        assert outbox.wait_delivered(receipt, 60).name == "DELIVERED"
        engine.run("kill", "--signal=TERM", name)
        assert running.wait() == 0, running.output()
        outbox.close()
    consumer = Consumer(
        {
            "bootstrap.servers": broker.bootstrap,
            "group.id": name,
            "auto.offset.reset": "earliest",
        }
    )
    consumer.subscribe([topic])
    arrived: list[bytes | None] = []

    def both() -> bool:
        message = consumer.poll(0.2)
        if message is not None and message.error() is None:
            arrived.append(message.value())
        return len(arrived) == 2

    eventually("both are in Kafka", both)
    consumer.close()
    assert arrived == [event, event]
    assert "relay stopped" in running.output()
    assert "unsettled=0" in running.output()
