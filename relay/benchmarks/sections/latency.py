"""From append to consumer through the relay, against a producer that sends at once."""

from __future__ import annotations

from typing import TYPE_CHECKING

from figures import Ratio, Row, at_most, p50, p99, pair
from lanes import java_program, take_turns

if TYPE_CHECKING:
    from arena import Arena

PER_SECOND = 50
SECONDS = 10


def run(arena: Arena) -> list[Row]:
    outbox = arena.directory("latency") / "outbox"
    bootstrap = arena.broker.bootstrap
    relayed = java_program("LatencyLane", "outbox", bootstrap, arena.topic("relayed"), outbox)
    direct = java_program("LatencyLane", "direct", bootstrap, arena.topic("direct"))
    with arena.relay(outbox) as relay:
        relay.start()
        rounds = take_turns(
            {
                "relayed": arena.lane(relayed, PER_SECOND * SECONDS, warm_up=2),
                "direct": arena.lane(direct, PER_SECOND * SECONDS, warm_up=2),
            },
            arena.scale.rounds,
        )
    ours, theirs = rounds["relayed"], rounds["direct"]
    shown = (pair(ours), "producer, linger 0", pair(theirs))
    return [
        Row(
            f"append to consumer at {PER_SECOND}/s, p99",
            *shown,
            Ratio.of(p99(ours), p99(theirs)),
            at_most(1.0),
        ),
        Row(
            f"append to consumer at {PER_SECOND}/s, p50",
            *shown,
            Ratio.of(p50(ours), p50(theirs)),
        ),
    ]
