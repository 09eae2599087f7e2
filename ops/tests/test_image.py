"""The image's tar, loaded and run by podman: no capability, a read-only root, not root."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from confluent_kafka import Consumer
from secured import SecuredBroker, jaas, with_user

from harness.child import Child
from harness.places import ROOT
from harness.ports import free_port
from harness.waiting import eventually
from outbox_client import Outbox

if TYPE_CHECKING:
    from collections.abc import Mapping

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

    def relay(
        self, name: str, outbox: Path, settings: Mapping[str, str], *options: str
    ) -> list[str]:
        """The command that runs the image as operators are told to."""
        image = self.run("images", "--format", "{{.Repository}}:{{.Tag}}").split()[0]
        variables = [f"--env={key}={value}" for key, value in settings.items()]
        return [
            *(*self.command, "run", "--rm", f"--name={name}", "--network=host", "--read-only"),
            *("--cap-drop=all", "--ulimit=nofile=1024:1024", "--ulimit=nproc=1024:1024"),
            *(f"--volume={outbox}:/var/lib/outbox", *variables, *options, image),
        ]


@pytest.fixture
def shared(tmp_path: Path) -> Path:
    """A directory that the image's user may write."""
    directory = tmp_path / "outbox"
    directory.mkdir()
    os.chown(directory, USER, USER)
    directory.chmod(0o2770)
    return directory


@pytest.fixture(scope="module")
def engine(tmp_path_factory: pytest.TempPathFactory) -> Engine:
    podman = Engine(tmp_path_factory.mktemp("podman"))
    podman.run("load", "--quiet", "--input", str(TAR))
    return podman


def test_the_class_archive_is_used(engine: Engine, shared: Path) -> None:
    # It ends with an error where the archive can't be mapped.
    options = {"JDK_JAVA_OPTIONS": "-Xshare:on"}
    command = engine.relay(f"archive-{os.getpid()}", shared, options)
    assert "outbox-relay" in engine.run(*command[len(engine.command) :], "--version")


def test_options_of_the_jvm_win_over_the_images_own(engine: Engine, shared: Path) -> None:
    options = {"JDK_JAVA_OPTIONS": "-Xmx96m -XX:+PrintFlagsFinal"}
    command = engine.relay(f"options-{os.getpid()}", shared, options)
    flags = engine.run(*command[len(engine.command) :], "--version")
    assert re.search(rf"MaxHeapSize\s+= {96 << 20} ", flags)
    # The others stay.
    assert re.search(r"UseSerialGC\s+= true", flags)


@pytest.mark.parametrize("codec", ["zstd", "snappy", "lz4", "gzip"])
def test_the_image_delivers_and_drains(
    engine: Engine, broker: Broker, topic: str, tmp_path: Path, shared: Path, codec: str
) -> None:
    name = f"relay-{codec}-{os.getpid()}"
    settings = {
        "KAFKA_COMPRESSION_TYPE": codec,
        "KAFKA_BOOTSTRAP_SERVERS": broker.bootstrap,
        "OUTBOX_HTTP_ADDRESS": f"0.0.0.0:{free_port()}",
    }
    command = engine.relay(name, shared, settings)
    event = b"from outside, " * 100
    with Child(command, log=tmp_path / "podman.log") as running:
        outbox = Outbox(shared)
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


@pytest.mark.parametrize("mechanism", ["SCRAM-SHA-512", "PLAIN", "OAUTHBEARER"])
def test_the_image_delivers_with_a_user_over_tls(
    engine: Engine, tmp_path: Path, shared: Path, mechanism: str
) -> None:
    secrets = tmp_path / "secrets"
    secrets.mkdir()
    (secrets / "jaas").write_text(jaas(mechanism, "correct horse"))
    inside = Path("/run/secrets")
    name = f"relay-{mechanism.lower()}-{os.getpid()}"
    with SecuredBroker(tmp_path / "broker", "correct horse") as broker:
        broker.add_user()
        shutil.copy(broker.authority.certificate, secrets / "ca.crt")
        settings = {
            **with_user(mechanism, inside / "jaas", inside / "ca.crt"),
            "KAFKA_BOOTSTRAP_SERVERS": broker.at("SASL_SSL"),
            "OUTBOX_HTTP_ADDRESS": "off",
        }
        command = engine.relay(name, shared, settings, f"--volume={secrets}:{inside}:ro")
        topic = broker.create_topic("secured")
        with Child(command, log=tmp_path / "podman.log") as running, Outbox(shared) as outbox:
            receipt = outbox.append(b"from outside", topic=topic)
            assert outbox.wait_delivered(receipt, 120).name == "DELIVERED", running.output()
            engine.run("kill", "--signal=TERM", name)
            assert running.wait() == 0, running.output()
