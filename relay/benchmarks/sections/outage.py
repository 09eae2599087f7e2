"""An append while Kafka is away, against one while it is there and the relay is busy with it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from figures import Ratio, Row, at_most, p50, p99, pair
from lanes import python_program

from harness.topics import end_offsets
from harness.waiting import eventually

if TYPE_CHECKING:
    from arena import Arena

PER_SECOND = 1_000
SECONDS = 10
OPERATIONS = PER_SECOND * SECONDS
CATCH_UP_SECONDS = 300.0


def run(arena: Arena) -> list[Row]:
    outbox = arena.directory("outage") / "outbox"
    topic = arena.topic("outage")
    broker = arena.broker
    command = python_program("lane_append", "paced", outbox, topic, PER_SECOND)
    lane = arena.lane(command, OPERATIONS)
    up, down = [], []
    with arena.relay(outbox) as relay, lane:
        relay.start()
        appended = lane.operations

        def caught_up() -> bool:
            return end_offsets(broker.bootstrap, topic) >= appended

        for _ in range(max(2, arena.scale.rounds // 2)):
            eventually("the relay has caught up", caught_up, within=CATCH_UP_SECONDS)
            up.append(lane.round())
            broker.kill()
            down.append(lane.round())
            broker.start()
            appended += 2 * lane.operations
    return [
        Row(
            f"append at {PER_SECOND}/s, p99, Kafka down",
            pair(down),
            "Kafka up",
            pair(up),
            Ratio.of(p99(down), p99(up)),
            at_most(1.1),
        ),
        Row(
            f"append at {PER_SECOND}/s, p50, Kafka down",
            pair(down),
            "Kafka up",
            pair(up),
            Ratio.of(p50(down), p50(up)),
        ),
    ]
