"""A topic that is deleted under traffic, and made anew with fewer partitions."""

from __future__ import annotations

import os
import random
from contextlib import ExitStack
from typing import TYPE_CHECKING

from confluent_kafka.admin import AdminClient

from harness.broker import ADMIN_SECONDS, Broker
from harness.check import check
from harness.position import Position
from harness.relay import Relay
from harness.topics import read_topic
from harness.waiting import eventually, let_traffic_flow
from harness.writers import Traffic, Writer

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

TORTURE = os.environ.get("TORTURE") == "1"
ROUNDS = 20 if TORTURE else 3
SEED = int(os.environ.get("SEED", "0")) or random.SystemRandom().randrange(1, 2**32)
WRITERS = 4


def is_empty(outbox: Path) -> bool:
    position = Position.read(outbox)
    return position is not None and position.held_bytes == 0


def test_what_is_appended_after_the_deletion_arrives_in_order_and_the_relay_goes_on(
    broker: Broker, outbox: Path, tmp_path: Path, topic_name: str, measured: Callable[[str], None]
) -> None:
    print(f"SEED={SEED}")
    dice = random.Random(SEED)
    admin = AdminClient({"bootstrap.servers": broker.bootstrap})
    names = {"made-anew": 12, "untouched": 3}
    traffic: dict[str, Traffic] = {}
    for name, partitions in names.items():
        broker.create_topic(name, partitions=partitions)
        ledgers = tmp_path / f"ledgers-{name}"
        ledgers.mkdir()
        traffic[name] = Traffic(outbox, name, ledgers, rate=100.0, size=200)
    changing, settings = "made-anew", {"OUTBOX_PARK_AFTER": "500ms", "OUTBOX_BACKOFF_MAX_MS": "500"}
    with ExitStack() as processes:
        relay = processes.enter_context(
            Relay(outbox, broker.bootstrap, log=tmp_path / "relay.log", settings=settings)
        )
        relay.start()
        writers = [
            processes.enter_context(Writer.python(f"{name}-{number}", each))
            for name, each in traffic.items()
            for number in range(WRITERS)
        ]
        before = 0
        for partitions in [dice.randint(1, 11) for _ in range(ROUNDS)]:
            let_traffic_flow(dice.uniform(0.5, 2))
            admin.delete_topics([changing])[changing].result(ADMIN_SECONDS)
            eventually("it is gone", lambda: changing not in broker.topic_names())
            before = max(ack.sequence for ack in traffic[changing].read().acked)
            let_traffic_flow(dice.uniform(0, 2))
            broker.create_topic(changing, partitions=partitions)
        for writer in writers:
            eventually(f"{writer.name} appends", writer.has_appended)
            writer.stop()
        eventually("all is settled", relay.is_drained)
        eventually("nothing is parked", lambda: is_empty(outbox))
        assert relay.status()["dead_letters"] == 0
        assert relay.stop() == 0
    untouched = traffic["untouched"].check(broker.bootstrap)
    assert untouched.problems(duplicates_allowed=True) == []
    told = traffic[changing].read()
    found = check(told, read_topic(broker.bootstrap, changing))
    # What was acked before went with the topic.
    assert [ack for ack in found.missing if ack.sequence > before] == []
    after = [ack for ack in told.acked if ack.sequence > before]
    assert after
    # What comes again from before has its first delivery in a topic that is gone.
    sequences = {ack.append: ack.sequence for ack in told.acked}
    late = [pair for pair in found.disorder if sequences.get(pair[1], 0) > before]
    assert (late, found.phantoms, found.changed) == ([], (), ())
    measured(
        f"{ROUNDS} times made anew: {len(after)} events since the last deletion, "
        f"{found.duplicate_count} repeats of it, {untouched.duplicate_count} of another topic"
    )
