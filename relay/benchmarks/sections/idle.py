"""What the packaged relay costs when idle, and how soon it is ready; beside rsyslog."""

from __future__ import annotations

import os
import shutil
import time
from pathlib import Path
from statistics import median
from typing import TYPE_CHECKING

from figures import Row, at_most, duration

from harness.child import Child
from harness.packaged import make_archive, make_runtime
from harness.waiting import eventually

if TYPE_CHECKING:
    from collections.abc import Callable

    from arena import Arena

    from harness.relay import Relay

# The loop's pauses have their longest after a minute.
SETTLE_SECONDS = 70.0
SECONDS = 30.0
STARTS = 5
READY_WITHIN = 120.0
MISSING = "not installed: apt install rsyslog"
# What both have to do: take messages from a local socket or file, keep them on disk while the other
# end is away, forward them over the network.
RSYSLOG = """\
global(workDirectory="{place}")
module(load="imuxsock" SysSock.Use="off")
input(type="imuxsock" Socket="{place}/socket")
action(type="omfwd" target="127.0.0.1" port="{port}" protocol="tcp" queue.type="LinkedList"
  queue.filename="forward" queue.saveOnShutdown="on" action.resumeRetryCount="-1")
"""


def run(arena: Arena) -> list[Row]:
    place = arena.directory("idle")
    home = make_runtime(place / "root") / "usr" / "lib" / "outbox-relay"
    archive = f"-XX:SharedArchiveFile={make_archive(home)}"

    def relay(*jvm: str) -> Relay:
        return arena.relay(
            place / "outbox",
            java_home=str(home / "runtime"),
            # As the package's command has it.
            settings={"MALLOC_ARENA_MAX": "2"},
            jvm=jvm,
        )

    arena.backlog(place / "outbox", arena.topic("idle"), 1_000)
    with relay(archive) as first:
        first.start()
        eventually("drained", first.is_drained)
        first.stop()
    rsyslog = _rsyslog(place, arena.broker.port) if shutil.which("rsyslogd") else None
    plain: list[float] = []
    with_archive: list[float] = []
    theirs: list[float] = []
    for _ in range(max(3, arena.scale.of(STARTS))):
        plain.append(_relay_ready(relay("-Xshare:off")))
        with_archive.append(_relay_ready(relay(archive)))
        if rsyslog:
            theirs.append(_rsyslog_ready(rsyslog, place))
    rows = [
        Row("packaged relay, start to ready without archive", duration(median(plain) * 1e9)),
        Row(
            "packaged relay, start to ready",
            duration(median(with_archive) * 1e9),
            "rsyslog",
            duration(median(theirs) * 1e9) if theirs else MISSING,
            result=median(with_archive),
            target=at_most(1.0, " s"),
        ),
    ]
    with relay(archive) as idling:
        idling.start()
        other = rsyslog() if rsyslog else None
        pids = [idling.child.pid, *([other.pid] if other else [])]
        costs = _idle(pids, arena.scale.share * SECONDS)
        if other:
            other.kill()
    cpu, resident = costs[0]
    return [
        *rows,
        Row(
            "packaged relay, idle CPU of one core",
            f"{cpu:.2f} %",
            "rsyslog",
            f"{costs[1][0]:.2f} %" if other else MISSING,
            result=cpu,
            target=at_most(0.5, " %"),
        ),
        Row(
            "packaged relay, idle RSS",
            f"{resident:.0f} MB",
            "rsyslog",
            f"{costs[1][1]:.0f} MB" if other else MISSING,
            result=resident,
            target=at_most(100, " MB"),
        ),
    ]


def _rsyslog(place: Path, port: int) -> Callable[[], Child]:
    config = place / "rsyslog.conf"
    config.write_text(RSYSLOG.format(place=place, port=port))
    command = ["rsyslogd", "-n", "-f", str(config), "-i", str(place / "rsyslog.pid")]
    return lambda: Child(command, log=place / "rsyslog.log")


def _rsyslog_ready(start: Callable[[], Child], place: Path) -> float:
    began = time.perf_counter()
    with start():
        eventually("ready", (place / "socket").exists, within=READY_WITHIN, every=0.002)
        took = time.perf_counter() - began
    (place / "socket").unlink()
    (place / "rsyslog.pid").unlink(missing_ok=True)
    return took


def _relay_ready(relay: Relay) -> float:
    with relay:
        start = time.perf_counter()
        relay.start(wait=False)
        eventually("ready", relay.is_ready, within=READY_WITHIN, every=0.002)
        took = time.perf_counter() - start
        relay.stop()
    return took


def _idle(pids: list[int], seconds: float) -> list[tuple[float, float]]:
    """For each process: per cent of one core, and MB of 1,000,000 bytes resident."""
    time.sleep(SETTLE_SECONDS)
    before, start = [_cpu_seconds(pid) for pid in pids], time.perf_counter()
    time.sleep(seconds)
    took = time.perf_counter() - start
    return [
        (100 * (_cpu_seconds(pid) - used) / took, _resident_bytes(pid) / 1e6)
        for pid, used in zip(pids, before, strict=True)
    ]


def _cpu_seconds(pid: int) -> float:
    """Time of all threads on a processor; /proc/PID/stat has ticks of 10 ms only."""
    threads = Path(f"/proc/{pid}/task").glob("*/schedstat")
    return sum(int(thread.read_text().split()[0]) for thread in threads) / 1e9


def _resident_bytes(pid: int) -> int:
    return int(Path(f"/proc/{pid}/statm").read_text().split()[1]) * os.sysconf("SC_PAGE_SIZE")
