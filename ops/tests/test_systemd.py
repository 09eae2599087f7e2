"""The units as systemd reads them, and the messages that it gets from the relay."""

from __future__ import annotations

import array
import os
import re
import shutil
import socket
import subprocess
from typing import TYPE_CHECKING

import pytest

from harness.places import ROOT
from harness.relay import Relay
from harness.waiting import eventually

if TYPE_CHECKING:
    from pathlib import Path

    from harness.broker import Broker

UNITS = ROOT / "ops" / "systemd"
NAMES = ("outbox-relay.service", "outbox-relay@.service")
MOST_EXPOSURE = 1.5

pytestmark = pytest.mark.skipif(
    shutil.which("systemd-analyze") is None or shutil.which("systemd-notify") is None,
    reason="systemd is not installed: systemd-analyze and systemd-notify",
)


@pytest.fixture
def units(tmp_path: Path) -> Path:
    """The units, with a program that exists on this host, too."""
    for name in NAMES:
        text = (UNITS / name).read_text().replace("/usr/bin/outbox-relay ", "/bin/true ")
        (tmp_path / name).write_text(text)
    return tmp_path


def analyze(*arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        ["systemd-analyze", *arguments], capture_output=True, text=True, timeout=120, check=False
    )


def test_systemd_finds_nothing_to_say_about_the_units(units: Path) -> None:
    files = [str(units / NAMES[0]), str(units / "outbox-relay@team-a.service")]
    verified = analyze("verify", "--man=no", *files)
    # It exits with 0 on a misspelt setting: what it says counts.
    assert (verified.returncode, verified.stderr) == (0, "")


def test_a_misspelt_setting_would_be_found(units: Path) -> None:
    unit = units / NAMES[0]
    unit.write_text(unit.read_text().replace("WatchdogSec=", "WatchdogSecs="))
    assert "WatchdogSecs" in analyze("verify", "--man=no", str(unit)).stderr


@pytest.mark.parametrize("name", NAMES)
def test_little_of_the_host_is_exposed(units: Path, name: str) -> None:
    unit = units / name.replace("@", "@team-a")
    unit.write_text((units / name).read_text())
    judged = analyze("security", "--offline=true", "--threshold=20", str(unit))
    assert judged.returncode == 0, judged.stdout
    level = re.search(r"Overall exposure level for \S+: ([\d.]+)", judged.stdout)
    assert level is not None, judged.stdout
    assert float(level[1]) <= MOST_EXPOSURE


class Manager:
    """A socket on which systemd would listen."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.messages: list[str] = []
        self._socket = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        self._socket.bind(str(path))
        self._socket.setblocking(False)

    def hear(self) -> list[str]:
        """Everything told so far."""
        while True:
            descriptors = array.array("i")
            try:
                data, control, _, _ = self._socket.recvmsg(4096, socket.CMSG_SPACE(4))
            except BlockingIOError:
                return self.messages
            for _, _, rights in control:
                descriptors.frombytes(rights)
            for descriptor in descriptors:
                os.close(descriptor)  # the answer that systemd-notify waits for
            self.messages += data.decode().splitlines()

    def close(self) -> None:
        self._socket.close()


def test_the_relay_says_that_it_is_ready_alive_and_stopping(
    outbox: Path, broker: Broker, tmp_path: Path
) -> None:
    manager = Manager(tmp_path / "notify")
    settings = {"NOTIFY_SOCKET": str(manager.path), "WATCHDOG_USEC": "2000000"}
    log = tmp_path / "relay.log"
    with Relay(outbox, broker.bootstrap, log=log, settings=settings) as relay:
        relay.start()
        eventually("ready", lambda: "READY=1" in manager.hear())
        eventually("alive twice", lambda: manager.hear().count("WATCHDOG=1") >= 2)
        relay.child.terminate()
        eventually("stopping", lambda: "STOPPING=1" in manager.hear())
        assert relay.child.wait() == 0
    messages = manager.hear()
    manager.close()
    assert messages[0] == "READY=1"
    assert any("events waiting in" in message for message in messages)
    assert "not told" not in log.read_text()


def test_a_service_manager_that_does_not_listen_stops_nothing(
    outbox: Path, broker: Broker, tmp_path: Path
) -> None:
    settings = {"NOTIFY_SOCKET": str(tmp_path / "nobody"), "WATCHDOG_USEC": "2000000"}
    with Relay(outbox, broker.bootstrap, log=tmp_path / "relay.log", settings=settings) as relay:
        relay.start()
        eventually("said so", lambda: "service manager not told" in relay.output())
        assert relay.stop() == 0
