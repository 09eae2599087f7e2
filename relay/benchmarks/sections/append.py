"""What one append of 1 KB costs a process that runs already, in both languages."""

from __future__ import annotations

from statistics import median
from typing import TYPE_CHECKING

from arena import JVM_WARM_UP
from figures import Ratio, Row, at_least, at_most, duration, p50, p99, pair
from lanes import CHRONICLE, Lane, java_client_program, java_program, python_program, take_turns

if TYPE_CHECKING:
    from arena import Arena
    from figures import Round, Target

PER_ROUND = 20_000
SYNCED_PER_ROUND = 1_000
PRODUCED_PER_ROUND = 300
# Events of a batch, as lane_append.py has it.
BATCH = 100


def run(arena: Arena) -> list[Row]:
    return [*_python(arena), *_java(arena)]


def _python(arena: Arena) -> list[Row]:
    def lane(name: str, operations: int) -> Lane:
        command = python_program("lane_append", name, arena.directory(name))
        return arena.lane(command, operations)

    bootstrap = arena.broker.bootstrap
    produce = python_program("lane_append", "confluent", bootstrap, arena.topic("append"))
    rounds = take_turns(
        {
            "floor": lane("floor", PER_ROUND),
            "process": lane("process", PER_ROUND),
            "floor-sync": lane("floor-sync", SYNCED_PER_ROUND),
            "power": lane("power", SYNCED_PER_ROUND),
            "sqlite": lane("sqlite", PER_ROUND),
            "batch": lane("batch", PER_ROUND // BATCH),
            "sqlite-batch": lane("sqlite-batch", PER_ROUND // BATCH),
            "confluent": arena.lane(produce, PRODUCED_PER_ROUND),
        },
        arena.scale.rounds,
    )
    process = rounds["process"]
    confluent = rounds["confluent"]
    return [
        *_against("Python append", process, "os.write + lock", rounds["floor"], at_most(3.0)),
        *_against(
            "Python append",
            process,
            "SQLite WAL, one insert",
            rounds["sqlite"],
            at_most(0.9),
            at_most(1.0),
        ),
        _per_event("append_all", rounds["batch"], "append", process, at_most(0.35)),
        _per_event("append_all", rounds["batch"], "SQLite executemany", rounds["sqlite-batch"]),
        *_against("Python append, power", rounds["power"], "+ fdatasync", rounds["floor-sync"]),
        Row(
            "Python append, p50: how much faster",
            pair(process),
            "confluent-kafka produce+flush",
            pair(confluent),
            Ratio.of(p50(confluent), p50(process)),
            at_least(150),
        ),
    ]


def _java(arena: Arena) -> list[Row]:
    def lane(name: str, operations: int) -> Lane:
        command = java_client_program("AppendLane", name, arena.directory(name))
        return arena.lane(command, operations, warm_up=JVM_WARM_UP)

    chronicle = java_program("ChronicleLane", arena.directory("chronicle"), jvm=CHRONICLE)
    rounds = take_turns(
        {
            "floor": lane("floor", PER_ROUND),
            "process": lane("process", PER_ROUND),
            "chronicle": arena.lane(chronicle, PER_ROUND, warm_up=JVM_WARM_UP),
            "floor-sync": lane("floor-sync", SYNCED_PER_ROUND),
            "power": lane("power", SYNCED_PER_ROUND),
        },
        arena.scale.rounds,
    )
    process = rounds["process"]
    return [
        *_against("Java append", process, "Chronicle + lock", rounds["chronicle"], at_most(1.0)),
        *_against(
            "Java append", process, "FileChannel.write + lock", rounds["floor"], at_most(2.0)
        ),
        *_against("Java append, power", rounds["power"], "+ force", rounds["floor-sync"]),
    ]


def _against(
    what: str,
    ours: list[Round],
    beside: str,
    theirs: list[Round],
    target: Target | None = None,
    tail: Target | None = None,
) -> list[Row]:
    """The targets bound the p50 and the p99."""
    shown = (pair(ours), beside, pair(theirs))
    return [
        Row(f"{what}, p50", *shown, Ratio.of(p50(ours), p50(theirs)), target),
        Row(f"{what}, p99", *shown, Ratio.of(p99(ours), p99(theirs)), tail),
    ]


def _per_event(
    what: str,
    ours: list[Round],
    beside: str,
    theirs: list[Round],
    target: Target | None = None,
) -> Row:
    """Ours has a batch in each operation; theirs, too, where that is what it does."""
    per_event = [one.p50 / BATCH for one in ours]
    of_theirs = [one.p50 / (BATCH if "many" in beside else 1) for one in theirs]
    return Row(
        f"Python {what} of {BATCH}, per event, p50",
        duration(median(per_event)),
        beside,
        duration(median(of_theirs)),
        Ratio.of(per_event, of_theirs),
        target,
    )
