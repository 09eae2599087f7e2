"""Eight processes that append at the same time, against one of them alone."""

from __future__ import annotations

from statistics import median
from time import perf_counter
from typing import TYPE_CHECKING

from figures import Ratio, Row, Target, at_least, pair, rate
from lanes import Lane, python_program

if TYPE_CHECKING:
    from collections.abc import Sequence

    from arena import Arena
    from figures import Round

WRITERS = 8
ALONE = {"process": 40_000, "power": 2_000}
TOGETHER = {"process": 10_000, "power": 500}
TARGETS = {"process": 0.8, "power": 3.0}


def run(arena: Arena) -> list[Row]:
    return [row for durability in ALONE for row in _rows(arena, durability)]


def _rows(arena: Arena, durability: str) -> list[Row]:
    outbox = arena.directory(f"writers-{durability}")
    command = python_program("lane_append", durability, outbox)
    alone = [arena.lane(command, ALONE[durability])]
    together = [arena.lane(command, TOGETHER[durability]) for _ in range(WRITERS)]
    one: list[float] = []
    eight: list[float] = []
    quantiles: list[Round] = []
    for lane in (*alone, *together):
        lane.start()
    try:
        for _ in range(arena.scale.rounds):
            one.append(_throughput(alone)[0])
            throughput, rounds = _throughput(together)
            eight.append(throughput)
            quantiles += rounds
    finally:
        for lane in (*alone, *together):
            lane.stop()
    target: Target = at_least(TARGETS[durability])
    return [
        Row(
            f"{WRITERS} writers, {durability}: events/s",
            rate(median(eight)),
            "one writer",
            rate(median(one)),
            Ratio.of(eight, one),
            target,
        ),
        Row(f"{WRITERS} writers, {durability}: p50 / p99 of an append", pair(quantiles)),
    ]


def _throughput(lanes: Sequence[Lane]) -> tuple[float, list[Round]]:
    start = perf_counter()
    for lane in lanes:
        lane.command_round()
    rounds = [lane.finish_round() for lane in lanes]
    took = perf_counter() - start
    return sum(done.operations for done in rounds) / took, rounds
