"""What one event adds to a process that starts, appends and ends."""

from __future__ import annotations

import subprocess
from statistics import median
from time import perf_counter_ns
from typing import TYPE_CHECKING

from figures import Ratio, Row, at_least, at_most, duration
from lanes import java_client_program, java_program, python_program

from harness.child import clean_environment

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from arena import Arena

STARTS_PER_ROUND = 10
JAVA_STARTS_PER_ROUND = 3
# What a short-lived JVM is usually given.
SHORT_LIVED = ("-XX:TieredStopAtLevel=1", "-XX:+UseSerialGC", "-Xshare:auto")


def run(arena: Arena) -> list[Row]:
    produced = (arena.broker.bootstrap, arena.topic("cold"))
    outbox = arena.directory("cold") / "outbox"
    python = _take_turns(
        arena,
        {
            "nothing": python_program("cold_nothing"),
            "ours": python_program("cold_outbox", outbox),
            "theirs": python_program("cold_confluent", *produced),
        },
        STARTS_PER_ROUND,
    )
    java = _take_turns(
        arena,
        {
            "nothing": java_client_program("ColdNothing", jvm=SHORT_LIVED),
            "ours": java_client_program("ColdOutbox", outbox, jvm=SHORT_LIVED),
            "theirs": java_program("ColdProducer", *produced, jvm=SHORT_LIVED),
        },
        JAVA_STARTS_PER_ROUND,
    )
    return [
        *_rows("Python", "confluent-kafka", python, milliseconds=15, times=10),
        *_rows("Java", "KafkaProducer", java),
    ]


def _rows(
    language: str,
    other: str,
    took: dict[str, list[float]],
    *,
    milliseconds: float | None = None,
    times: float | None = None,
) -> list[Row]:
    bare = took["nothing"]
    ours = [with_append - without for with_append, without in zip(took["ours"], bare, strict=True)]
    theirs = [with_send - without for with_send, without in zip(took["theirs"], bare, strict=True)]
    added = median(ours)
    return [
        Row(
            f"{language}, cold: one append adds",
            duration(added),
            "to a bare process of",
            duration(median(bare)),
            added / 1e6,
            None if milliseconds is None else at_most(milliseconds, " ms"),
        ),
        Row(
            f"{language}, cold: adds how much less",
            duration(added),
            f"{other}, one event flushed",
            duration(median(theirs)),
            Ratio.of(theirs, ours),
            None if times is None else at_least(times),
        ),
    ]


def _take_turns(
    arena: Arena, commands: dict[str, list[str]], starts: int
) -> dict[str, list[float]]:
    """By contestant the median time of a process, in nanoseconds, of each round."""
    for command in commands.values():
        _time(command, arena.place)  # byte code and page cache
    rounds: dict[str, list[float]] = {name: [] for name in commands}
    for _ in range(arena.scale.rounds):
        took: dict[str, list[int]] = {name: [] for name in commands}
        for _ in range(arena.scale.of(starts)):
            for name, command in commands.items():
                took[name].append(_time(command, arena.place))
        for name, times in took.items():
            rounds[name].append(median(times))
    return rounds


def _time(command: Sequence[str], place: Path) -> int:
    # As for an installed package, whatever this shell is set to.
    environment = {**clean_environment(), "PYTHONDONTWRITEBYTECODE": ""}
    start = perf_counter_ns()
    process = subprocess.Popen(command, cwd=place, env=environment, stdin=subprocess.DEVNULL)
    code = process.wait()
    took = perf_counter_ns() - start
    if code:
        raise RuntimeError(f"{command} ended with {code}")
    return took
