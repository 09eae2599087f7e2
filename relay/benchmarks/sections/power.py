"""Writers in `power` mode at the same time, whose syncs serve each other, against one alone."""

from __future__ import annotations

import subprocess
from statistics import median
from typing import TYPE_CHECKING

from arena import JVM_WARM_UP, QUICK
from figures import Ratio, Row, at_least, at_most, duration, rate
from lanes import PROGRAMS, Lane, java_client_program, python_program, together

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from arena import Arena

# How much more than one writer, by how many there are.
TARGETS = {8: 6.0, 32: 15.0}
ALONE = 400
EACH = 200
KINDS = ("Python processes", "Java threads", "both, half and half")
MODEL_MS = 2


def run(arena: Arena) -> list[Row]:
    slow = {"LD_PRELOAD": str(_slow_sync(arena)), "SLOW_SYNC_MS": str(MODEL_MS)}
    disks: list[tuple[str, Mapping[str, str]]] = [
        ("", {}),
        (f" (model: a sync takes {MODEL_MS} ms)", slow),
    ]
    return [
        row
        for disk, environment in disks
        for kind in (KINDS[-1:] if arena.scale is QUICK else KINDS)
        for writers in TARGETS
        for row in _rows(arena, kind, writers, disk, environment)
    ]


def _slow_sync(arena: Arena) -> Path:
    library = arena.directory("model") / "slow_sync.so"
    command = ["cc", "-shared", "-fPIC", "-o", str(library), str(PROGRAMS / "slow_sync.c"), "-ldl"]
    subprocess.run(command, check=True, capture_output=True)
    return library


def _rows(
    arena: Arena, kind: str, writers: int, disk: str, environment: Mapping[str, str]
) -> list[Row]:
    outbox = arena.directory("power")

    def python(name: str) -> list[str]:
        return python_program("lane_append", name, outbox)

    def java(threads: int) -> list[str]:
        return java_client_program("CrowdLane", "power", outbox, threads)

    def lane(command: list[str], operations: int, warm_up: int = 1) -> Lane:
        return arena.lane(command, operations, warm_up=warm_up, environment=environment)

    in_python = {"Python processes": writers, "Java threads": 0}.get(kind, writers // 2)
    in_java = writers - in_python
    crowd = [lane(python("power"), EACH) for _ in range(in_python)]
    if in_java:
        crowd.append(lane(java(in_java), EACH * in_java, JVM_WARM_UP))
    alone = lane(python("power"), ALONE) if in_python else lane(java(1), ALONE, JVM_WARM_UP)
    sync = lane(python_program("lane_append", "sync", arena.directory("sync")), ALONE)
    one: list[float] = []
    many: list[float] = []
    tails: list[float] = []
    syncs: list[float] = []
    try:
        for each in (alone, sync, *crowd):
            each.start()
        for _ in range(arena.scale.rounds):
            syncs.append(sync.round().p50)
            one.append(together([alone])[0])
            throughput, rounds = together(crowd)
            many.append(throughput)
            tails.append(median(done.p99 for done in rounds))
    finally:
        for each in (alone, sync, *crowd):
            each.stop()
    what = f"power, {writers} writers, {kind}{disk}"
    return [
        Row(
            f"{what}: events/s",
            rate(median(many)),
            "one writer",
            rate(median(one)),
            Ratio.of(many, one),
            at_least(TARGETS[writers]),
        ),
        Row(
            f"{what}: p99",
            duration(median(tails)),
            "fdatasync of 1 KB, p50",
            duration(median(syncs)),
            Ratio.of(tails, syncs),
            at_most(3.0),
        ),
    ]
