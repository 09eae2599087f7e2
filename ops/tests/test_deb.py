"""The package in a real systemd: `systemd-nspawn` boots a Debian that sees the host's network.

Its root file system is made once (minutes) and kept in target/deb-test/rootfs.
"""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import time
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from confluent_kafka import Consumer

from harness.child import Child
from harness.packaged import EPOCH, make_runtime
from harness.places import ROOT
from harness.waiting import eventually, let_traffic_flow

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping

    from harness.broker import Broker

CACHE = ROOT / "target" / "deb-test"
PACKAGES = "systemd,systemd-sysv,dbus,python3"
TOPIC = "from-a-package"
UNIT = "outbox-relay.service"

NEEDED = ("debootstrap", "systemd-nspawn", "dpkg-deb", "nsenter")
MISSING = [name for name in NEEDED if shutil.which(name) is None]
if MISSING:
    pytest.skip(f"not installed: {', '.join(MISSING)}", allow_module_level=True)
if os.geteuid() != 0:
    pytest.skip("booting a systemd needs root", allow_module_level=True)


def run(*command: str, check: bool = True) -> str:
    done = subprocess.run(
        command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, check=False
    )
    if check and done.returncode != 0:
        raise AssertionError(f"{command} ended with {done.returncode}:\n{done.stdout[-6000:]}")
    return done.stdout


def base() -> Path:
    """A minimal Debian, made once."""
    rootfs = CACHE / "rootfs"
    if not (CACHE / "made").exists():
        shutil.rmtree(rootfs, ignore_errors=True)
        CACHE.mkdir(parents=True, exist_ok=True)
        run("debootstrap", "--variant=minbase", f"--include={PACKAGES}", "bookworm", str(rootfs))
        (CACHE / "made").touch()
    return rootfs


class Machine:
    """A booted copy of the base; ends with the block."""

    def __init__(self, root: Path) -> None:
        run("cp", "-a", "--reflink=auto", f"{base()}/.", str(root))
        self.root = root
        command = ["systemd-nspawn", "-q", "-D", str(root), "--register=no", "--keep-unit"]
        self._nspawn = Child(
            [*command, "--console=pipe", "--boot"], log=root.parent / "console.log"
        )
        self.pid = eventually("systemd runs", self._init)
        eventually("it is booted", self._booted, every=0.2)

    def _init(self) -> int:
        assert self._nspawn.running, self._nspawn.output()
        pid = self._nspawn.pid
        for child in Path(f"/proc/{pid}/task/{pid}/children").read_text().split():
            if Path(f"/proc/{child}/comm").read_text().strip() == "systemd":
                return int(child)
        return 0

    def _booted(self) -> bool:
        return self.run("systemctl", "is-system-running", check=False).strip() in (
            "running",
            "degraded",
        )

    def run(self, *command: str, check: bool = True) -> str:
        inside = ("nsenter", "-t", str(self.pid), "-m", "-p", "-u", "-i", "--root", "--wdns=/")
        return run(*inside, "env", "-i", "PATH=/usr/sbin:/usr/bin", *command, check=check)

    def show(self, name: str, unit: str = UNIT) -> str:
        return self.run("systemctl", "show", "-P", name, unit).strip()

    def journal(self) -> str:
        return self.run("journalctl", "-u", "outbox-relay*", "--no-pager", "-o", "cat")

    def write(self, path: str, text: str) -> None:
        there = self.root / path.lstrip("/")
        there.parent.mkdir(parents=True, exist_ok=True)
        there.write_text(text)

    def end(self) -> None:
        os.kill(self.pid, signal.SIGKILL)
        self._nspawn.wait()


@pytest.fixture(scope="module")
def machine(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Machine]:
    booted = Machine(tmp_path_factory.mktemp("machine") / "root")
    yield booted
    booted.end()


def built(version: str, runtime: Path, maintainer: Mapping[str, str] | None = None) -> Path:
    """The package of this version around a runtime that is there already."""
    deb = runtime.parent / f"outbox-relay_{version}.deb"
    environment = {**os.environ, "SOURCE_DATE_EPOCH": EPOCH, **(maintainer or {})}
    script = str(ROOT / "ops" / "deb" / "build.sh")
    subprocess.run([script, str(runtime), version, str(deb)], env=environment, check=True)
    return deb


@pytest.fixture(scope="module")
def runtime(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return make_runtime(tmp_path_factory.mktemp("runtime") / "root")


def append(machine: Machine, value: str, outbox: str = "/var/lib/outbox") -> None:
    """As the user of another service, who is in the group."""
    script = (
        "import sys; sys.path.insert(0, '/opt/client'); from outbox_client import Outbox\n"
        f"Outbox({outbox!r}).append({value.encode()!r}, topic={TOPIC!r})"
    )
    machine.run("setpriv", "--reuid=app", "--regid=app", "--init-groups", "python3", "-c", script)


class Arrivals:
    def __init__(self, bootstrap: str) -> None:
        self._consumer = Consumer(
            {"bootstrap.servers": bootstrap, "group.id": "t", "auto.offset.reset": "earliest"}
        )
        self._consumer.subscribe([TOPIC])
        self.values: list[str] = []

    def expect(self, value: str) -> None:
        def arrived() -> bool:
            message = self._consumer.poll(0.2)
            if message is not None and message.error() is None:
                self.values.append((message.value() or b"").decode())
            return value in self.values

        eventually(f"{value} is in Kafka", arrived, within=120)

    def close(self) -> None:
        self._consumer.close()


def test_a_package_is_the_same_when_it_is_built_again(runtime: Path, tmp_path: Path) -> None:
    first = built("0.1.0~test1", runtime)
    again = built("0.1.0~test1", make_runtime(tmp_path / "root"))
    assert again.read_bytes() == first.read_bytes()


def test_lintian_finds_nothing(runtime: Path) -> None:
    if shutil.which("lintian") is None:
        pytest.skip("lintian is not installed: apt install lintian")
    deb = built("0.1.0~test1", runtime, {"DEBEMAIL": "outbox-relay@packages.debian.org"})
    assert run("lintian", "--allow-root", "--fail-on=error,warning", str(deb)) == ""


def test_install_deliver_hang_outage_stop_upgrade_remove(
    machine: Machine, broker: Broker, runtime: Path, measured: Callable[[str], None]
) -> None:
    broker.create_topic(TOPIC)
    first, second = built("0.1.0~test1", runtime), built("0.1.0~test2", runtime)
    shutil.copy(first, machine.root / "root" / "first.deb")
    shutil.copy(second, machine.root / "root" / "second.deb")
    shutil.copytree(
        ROOT / "outbox-client" / "python" / "src" / "outbox_client",
        machine.root / "opt" / "client" / "outbox_client",
    )
    arrivals = Arrivals(broker.bootstrap)

    # Installed, and not started: nobody has said yet which Kafka.
    machine.run("dpkg", "--install", "/root/first.deb")
    assert machine.show("ActiveState") == "inactive"
    assert machine.run("systemd-analyze", "verify", "--man=no", f"/lib/systemd/system/{UNIT}") == ""
    assert "outbox-relay 0.1.0" in machine.run("outbox-relay", "--version")
    assert (machine.root / "usr/lib/outbox-relay/outbox-relay.jsa").stat().st_size > 1_000_000
    # A credential, as in the example; of a harmless setting, as this broker asks for none.
    machine.write("/etc/outbox-relay/secret", broker.bootstrap)
    os.chmod(machine.root / "etc/outbox-relay/secret", 0o600)
    machine.write(
        f"/etc/systemd/system/{UNIT}.d/credentials.conf",
        "[Service]\nLoadCredential=servers:/etc/outbox-relay/secret\n"
        "Environment=KAFKA_CLIENT_ID_FILE=%d/servers\n"
        "WatchdogSec=8s\n",
    )
    machine.write(
        "/etc/outbox-relay/outbox-relay.env",
        f"KAFKA_BOOTSTRAP_SERVERS={broker.bootstrap}\nKAFKA_COMPRESSION_TYPE=zstd\n",
    )
    machine.run("useradd", "--system", "--groups", "outbox", "app")
    # The first append of all is not the relay's user's: owner and group of the files differ.
    append(machine, "before the relay")

    # Started, ready, and what others append arrives.
    began = time.monotonic()
    machine.run("systemctl", "daemon-reload")
    machine.run("systemctl", "start", UNIT)
    measured(f"systemctl start of the package: {time.monotonic() - began:.2f} s")
    assert machine.show("ActiveState") == "active"
    arrivals.expect("before the relay")
    append(machine, "one")
    arrivals.expect("one")
    eventually("a sentence", lambda: "events waiting in" in machine.show("StatusText"))

    # It reads its files again when it is asked to, and stays the process that it was.
    hanging = machine.show("MainPID")
    machine.write("/etc/outbox-relay/log-level", "debug\n")
    machine.run("systemctl", "reload", UNIT)
    eventually("it has", lambda: 'event="configuration reloaded"' in machine.journal())
    assert machine.show("MainPID") == hanging

    # It hangs, and the watchdog starts another.
    machine.run("systemctl", "kill", "--kill-whom=main", "--signal=SIGSTOP", UNIT)
    append(machine, "two")
    eventually(
        "the watchdog had it restarted",
        lambda: (
            machine.show("MainPID") not in ("0", hanging)
            and machine.show("ActiveState") == "active"
        ),
        within=180,
        every=0.5,
    )
    assert machine.show("NRestarts") == "1"
    assert "watchdog" in machine.journal()
    arrivals.expect("two")

    # Kafka is away for several watchdog periods: no restart.
    same = machine.show("MainPID")
    broker.kill()
    append(machine, "three")
    let_traffic_flow(25)
    assert (machine.show("MainPID"), machine.show("NRestarts")) == (same, "1")
    status = machine.run("outbox-relay", "status", "--outbox", "/var/lib/outbox")
    assert "1" in status

    # It stops within its deadline, without Kafka; an upgrade keeps what waits, and the settings.
    began = time.monotonic()
    machine.run("systemctl", "stop", UNIT)
    assert time.monotonic() - began < 30
    assert machine.show("Result") == "success"
    machine.run("systemctl", "start", UNIT)
    machine.run("dpkg", "--install", "/root/second.deb")
    assert machine.show("ActiveState") == "active"
    assert machine.show("MainPID") != same
    broker.start()
    arrivals.expect("three")
    text = (machine.root / "etc/outbox-relay/outbox-relay.env").read_text()
    assert broker.bootstrap in text

    # An instance serves another outbox beside it.
    machine.run("systemctl", "start", "outbox-relay@team-a.service")
    append(machine, "of an instance", "/var/lib/outboxes/team-a")
    arrivals.expect("of an instance")

    # Removed, and even purged: the events stay.
    machine.run("systemctl", "stop", UNIT)
    append(machine, "four")
    machine.run("dpkg", "--remove", "outbox-relay")
    assert machine.show("ActiveState", "outbox-relay@team-a.service") == "inactive"
    assert not (machine.root / "usr/lib/outbox-relay").exists()
    machine.run("dpkg", "--purge", "outbox-relay")
    assert not (machine.root / "etc/outbox-relay/outbox-relay.env").exists()
    machine.run("dpkg", "--install", "/root/second.deb")
    machine.write(
        "/etc/outbox-relay/outbox-relay.env", f"KAFKA_BOOTSTRAP_SERVERS={broker.bootstrap}\n"
    )
    machine.run("systemctl", "start", UNIT)
    arrivals.expect("four")
    arrivals.close()
    assert sorted(set(arrivals.values)) == sorted(
        ["before the relay", "one", "two", "three", "of an instance", "four"]
    )
