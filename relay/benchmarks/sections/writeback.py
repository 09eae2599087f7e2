"""The longest of a thousand appends while another process writes and the kernel writes back."""

from __future__ import annotations

from statistics import median
from typing import TYPE_CHECKING

from arena import JVM_WARM_UP
from figures import Ratio, Row, duration, p999
from lanes import java_client_program, python_program, take_turns

from harness.child import Child

if TYPE_CHECKING:
    from arena import Arena

PER_ROUND = 20_000


def run(arena: Arena) -> list[Row]:
    disturbed = arena.directory("disturbed")
    lanes = {
        ("Python", name): arena.lane(
            python_program("lane_append", name, arena.directory(name)), PER_ROUND
        )
        for name in ("floor", "process")
    } | {
        ("Java", name): arena.lane(
            java_client_program("AppendLane", name, arena.directory(name)),
            PER_ROUND,
            warm_up=JVM_WARM_UP,
        )
        for name in ("floor", "process")
    }
    with Child(
        python_program("disturb", disturbed / "file"), log=arena.log("disturb")
    ) as disturber:
        rounds = take_turns(
            {" ".join(key): lane for key, lane in lanes.items()}, arena.scale.rounds
        )
        assert disturber.running
    return [
        Row(
            f"{language} append beside a process that writes, p99.9",
            duration(median(p999(rounds[f"{language} process"]))),
            "lock + write beside it",
            duration(median(p999(rounds[f"{language} floor"]))),
            Ratio.of(p999(rounds[f"{language} process"]), p999(rounds[f"{language} floor"])),
        )
        for language in ("Python", "Java")
    ]
