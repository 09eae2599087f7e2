"""The relay talks to its Kafka and to nobody else, and leaves nothing in the home directory.

Chronicle's libraries report home by default, from a thread that starts with the first queue, and
keep a file in the home directory. We exclude the jar that does it and set the switches besides.
"""

from __future__ import annotations

import os
import re
import shutil
import signal
import socket
import subprocess
import sys
import zipfile
from typing import TYPE_CHECKING

import pytest

from harness.child import Child
from harness.places import RELAY_JAR, built, java
from harness.ports import free_port
from harness.relay import relay_environment
from harness.waiting import eventually

if TYPE_CHECKING:
    from pathlib import Path

ANALYTICS = "net/openhft/chronicle/analytics/"
CONNECT = re.compile(r"^\d+ +(?:\S+ )?(?:connect|sendto|sendmsg)\(.*sa_family=AF_INET6?.*$")
PORT = re.compile(r"sin6?_port=htons\((\d+)\)")
ADDRESS = re.compile(r'"(?:::ffff:)?([0-9a-fA-F.:]+)"')

needs_strace = pytest.mark.skipif(shutil.which("strace") is None, reason="strace is not installed")


def contacted(trace: Path) -> set[tuple[str, int]]:
    """Address and port of everybody whom a traced process tried to reach."""
    found = set()
    for line in trace.read_text(errors="replace").splitlines():
        if CONNECT.match(line):
            port, address = PORT.search(line), ADDRESS.search(line)
            assert port, f"not understood: {line}"
            assert address, f"not understood: {line}"
            found.add((address.group(1), int(port.group(1))))
    return found


def traced(trace: Path, *command: str) -> list[str]:
    calls = "trace=connect,sendto,sendmsg"
    return ["strace", "-f", "-qq", "-e", calls, "-e", "signal=none", "-o", str(trace), *command]


def test_the_jar_holds_no_analytics() -> None:
    with zipfile.ZipFile(built(RELAY_JAR)) as jar:
        names = jar.namelist()
    assert any(name.startswith("net/openhft/chronicle/queue/") for name in names)
    assert [name for name in names if name.startswith(ANALYTICS)] == []


@needs_strace
def test_a_running_relay_connects_to_its_kafka_alone_and_leaves_the_home_directory_empty(
    tmp_path: Path,
) -> None:
    home = tmp_path / "home"
    home.mkdir()
    trace = tmp_path / "trace"
    outbox = tmp_path / "outbox"
    kafka = free_port()
    environment = relay_environment(
        outbox, f"127.0.0.1:{kafka}", {"OUTBOX_HTTP_ADDRESS": "off", "HOME": str(home)}
    )
    # The JVM takes user.home from the password file, not from HOME.
    run = [java(), f"-Duser.home={home}", "-XX:-UsePerfData", "-jar", built(RELAY_JAR), "run"]
    with Child(traced(trace, *run), log=tmp_path / "log", env=environment) as child:
        eventually("the relay is ready", lambda: "relay ready" in child.output())
        _append(outbox)
        eventually("Kafka is tried", lambda: ("127.0.0.1", kafka) in contacted(trace))
        # strace passes no signal on.
        relay = int(
            subprocess.run(
                ["pgrep", "-P", str(child.pid)], capture_output=True, text=True, check=True
            ).stdout
        )
        os.kill(relay, signal.SIGTERM)
        assert child.wait() == 0
    assert contacted(trace) == {("127.0.0.1", kafka)}
    assert os.listdir(home) == []


@needs_strace
def test_whom_a_process_contacts_is_seen(tmp_path: Path) -> None:
    trace = tmp_path / "trace"
    with socket.create_server(("127.0.0.1", 0)) as server:
        port = server.getsockname()[1]
        script = f"import socket; socket.create_connection(('127.0.0.1', {port}))"
        subprocess.run(traced(trace, sys.executable, "-c", script), check=True)
    script = "import socket; socket.socket(type=socket.SOCK_DGRAM).sendto(b'x', ('127.0.0.1', 9))"
    subprocess.run(traced(tmp_path / "datagram", sys.executable, "-c", script), check=True)
    assert contacted(trace) == {("127.0.0.1", port)}
    assert contacted(tmp_path / "datagram") == {("127.0.0.1", 9)}


def _append(outbox: Path) -> None:
    from outbox_client import Outbox

    with Outbox(outbox) as client:
        client.append("v", topic="silence")
