"""What a relay costs that has nothing to do, and how soon it is ready."""

from __future__ import annotations

import os
import time
from pathlib import Path
from statistics import median
from typing import TYPE_CHECKING

from arena import RELAY_JVM
from figures import Row, at_most, duration

from harness.waiting import eventually

if TYPE_CHECKING:
    from arena import Arena

    from harness.relay import Relay

SECONDS = 20.0
STARTS = 5
READY_WITHIN = 120.0


def run(arena: Arena) -> list[Row]:
    outbox = arena.directory("idle") / "outbox"
    archive = arena.directory("archive") / "relay.jsa"
    arena.backlog(outbox, arena.topic("idle"), 1_000)
    with arena.relay(outbox, jvm=(*RELAY_JVM, f"-XX:ArchiveClassesAtExit={archive}")) as relay:
        relay.start()
        relay.stop()
    shared = (*RELAY_JVM, f"-XX:SharedArchiveFile={archive}")
    plain: list[float] = []
    with_archive: list[float] = []
    for _ in range(max(3, arena.scale.of(STARTS))):
        plain.append(_start_to_ready(arena.relay(outbox)))
        with_archive.append(_start_to_ready(arena.relay(outbox, jvm=shared)))
    with arena.relay(outbox, jvm=shared) as relay:
        relay.start()
        cpu, resident = _idle(relay, arena.scale.share * SECONDS)
    return [
        Row("relay, start to ready", duration(median(plain) * 1e9)),
        Row(
            "relay, start to ready with AppCDS",
            duration(median(with_archive) * 1e9),
            result=median(with_archive),
            target=at_most(1.0, " s"),
        ),
        Row("relay, idle CPU", f"{cpu:.2f} %", result=cpu, target=at_most(0.5, " %")),
        Row("relay, idle RSS", f"{resident:.0f} MB", result=resident, target=at_most(100, " MB")),
    ]


def _start_to_ready(relay: Relay) -> float:
    with relay:
        start = time.perf_counter()
        relay.start(wait=False)
        eventually("ready", relay.is_ready, within=READY_WITHIN, every=0.002)
        took = time.perf_counter() - start
        relay.stop()
    return took


def _idle(relay: Relay, seconds: float) -> tuple[float, float]:
    """Per cent of one core, and MB of 1,000,000 bytes resident."""
    settle = seconds / 4
    time.sleep(settle)
    before, start = _cpu_seconds(relay.child.pid), time.perf_counter()
    time.sleep(seconds)
    used = _cpu_seconds(relay.child.pid) - before
    cpu = 100 * used / (time.perf_counter() - start)
    return cpu, _resident_bytes(relay.child.pid) / 1e6


def _cpu_seconds(pid: int) -> float:
    """User and system time of a process."""
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def _resident_bytes(pid: int) -> int:
    return int(Path(f"/proc/{pid}/statm").read_text().split()[1]) * os.sysconf("SC_PAGE_SIZE")
