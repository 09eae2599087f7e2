"""Eight processes that append at the same time, against one of them alone."""

from __future__ import annotations

from statistics import median
from typing import TYPE_CHECKING

from figures import Ratio, Row, at_least, pair, rate
from lanes import python_program, together

if TYPE_CHECKING:
    from arena import Arena
    from figures import Round

WRITERS = 8
ALONE = 40_000
TOGETHER = 10_000


def run(arena: Arena) -> list[Row]:
    command = python_program("lane_append", "process", arena.directory("writers"))
    alone = [arena.lane(command, ALONE)]
    crowd = [arena.lane(command, TOGETHER) for _ in range(WRITERS)]
    one: list[float] = []
    eight: list[float] = []
    quantiles: list[Round] = []
    for lane in (*alone, *crowd):
        lane.start()
    try:
        for _ in range(arena.scale.rounds):
            one.append(together(alone)[0])
            throughput, rounds = together(crowd)
            eight.append(throughput)
            quantiles += rounds
    finally:
        for lane in (*alone, *crowd):
            lane.stop()
    return [
        Row(
            f"{WRITERS} writers, process: events/s",
            rate(median(eight)),
            "one writer",
            rate(median(one)),
            Ratio.of(eight, one),
            at_least(0.8),
        ),
        Row(f"{WRITERS} writers, process: p50 / p99 of an append", pair(quantiles)),
    ]
