"""An append beside a relay that syncs at its interval, against one beside a relay that does not.

Kafka is away, so that nothing else makes the relay sync.
"""

from __future__ import annotations

from contextlib import ExitStack
from typing import TYPE_CHECKING

from figures import Ratio, Row, at_most, p50, p99, pair
from lanes import python_program, take_turns

from harness.ports import free_port

if TYPE_CHECKING:
    from arena import Arena

PER_SECOND = 1_000
OPERATIONS = 5_000


def run(arena: Arena) -> list[Row]:
    nowhere = f"127.0.0.1:{free_port()}"
    lanes = {}
    with ExitStack() as relays:
        for interval in ("200ms", "0"):
            outbox = arena.directory(f"tick-{interval}") / "outbox"
            settings = {
                "OUTBOX_SYNC_INTERVAL": interval,
                "KAFKA_BOOTSTRAP_SERVERS": nowhere,
            }
            relays.enter_context(arena.relay(outbox, settings=settings)).start()
            command = python_program("lane_append", "paced", outbox, "tick", PER_SECOND)
            lanes[interval] = arena.lane(command, OPERATIONS)
        rounds = take_turns(lanes, max(5, arena.scale.rounds))
    ours, theirs = rounds["200ms"], rounds["0"]
    return [
        Row(
            f"append at {PER_SECOND}/s, {name}, synced every 200 ms",
            pair(ours),
            "not synced",
            pair(theirs),
            Ratio.of(percentile(ours), percentile(theirs)),
            at_most(bound),
        )
        for name, percentile, bound in (("p50", p50, 1.05), ("p99", p99, 1.1))
    ]
