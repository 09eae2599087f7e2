"""Topics that can't be written hold up no others, whatever dies meanwhile."""

from __future__ import annotations

import os
import random
import time
from contextlib import ExitStack
from typing import TYPE_CHECKING

import pytest
from confluent_kafka.admin import AdminClient

from harness.position import Position
from harness.relay import Relay
from harness.setups import WRITER, GuardedBroker, Writing
from harness.waiting import eventually
from harness.writers import Traffic, Writer
from outbox_client import Outbox

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

TORTURE = os.environ.get("TORTURE") == "1"
KILLS = 200 if TORTURE else 8
SEED = int(os.environ.get("SEED", "0")) or random.SystemRandom().randrange(1, 2**32)
WINDOW_RECORDS = 500
REPEATS_PER_INTERRUPTION = 2 * WINDOW_RECORDS
RATE = 100.0
ADMIN_SECONDS = 60


class Topics:
    """One is always there, one comes late, one is forbidden, one comes and goes."""

    def __init__(self, broker: GuardedBroker) -> None:
        self.broker = broker
        self.good, self.late, self.closed, self.gone = "good", "late", "closed", "gone"
        self.changes = 0
        self._forbidden = True
        self._exists = False
        for name in (self.good, self.closed):
            broker.create_topic(name)
        for name in (self.good, self.late, self.gone):
            Writing(broker, name).grant()

    def forbid_or_allow(self) -> None:
        self.changes += 1
        writing = Writing(self.broker, self.closed)
        writing.grant() if self._forbidden else writing.revoke()
        self._forbidden = not self._forbidden

    def create_or_delete(self) -> None:
        """With three partitions or one, so that some are missing after it was made anew."""
        self.changes += 1
        if self._exists:
            admin = AdminClient({"bootstrap.servers": self.broker.bootstrap})
            admin.delete_topics([self.gone])[self.gone].result(ADMIN_SECONDS)
            eventually("it is gone", lambda: self.gone not in self.broker.topic_names())
        else:
            self.broker.create_topic(self.gone, partitions=1 + 2 * (self.changes % 2))
        self._exists = not self._exists

    def heal(self) -> None:
        if self._forbidden:
            self.forbid_or_allow()
        if not self._exists:
            self.create_or_delete()


def is_empty(outbox: Path) -> bool:
    """Whether nothing is parked, as clients see it."""
    position = Position.read(outbox)
    return position is not None and position.held_bytes == 0


@pytest.mark.torture
def test_relays_killed_while_topics_come_and_go_lose_nothing_and_keep_each_topics_order(
    outbox: Path, tmp_path: Path, measured: Callable[[str], None]
) -> None:
    print(f"SEED={SEED}")
    dice = random.Random(SEED)
    kills = 0
    with ExitStack() as processes:
        broker = processes.enter_context(GuardedBroker(tmp_path / "kafka"))
        topics = Topics(broker)
        kafka = broker.as_user(WRITER)
        relay = Relay(
            outbox,
            kafka.pop("KAFKA_BOOTSTRAP_SERVERS"),
            log=tmp_path / "relay.log",
            settings={
                **kafka,
                "OUTBOX_WINDOW_RECORDS": str(WINDOW_RECORDS),
                "OUTBOX_PARK_AFTER": "500ms",
                "OUTBOX_BACKOFF_MAX_MS": "500",
            },
        )
        processes.enter_context(relay)
        traffic: dict[str, Traffic] = {}
        for name in (topics.good, topics.late, topics.closed, topics.gone):
            ledgers = tmp_path / f"ledgers-{name}"
            ledgers.mkdir()
            traffic[name] = Traffic(outbox, name, ledgers, rate=RATE, size=200)
        writers = [
            processes.enter_context(Writer.python(f"{name}-{n}", each))
            for name, each in traffic.items()
            for n in range(2)
        ]
        relay.start()
        while kills < KILLS:
            # A random moment, not a wait for something.
            time.sleep(dice.uniform(0.3, 2.5))
            dice.choice([topics.forbid_or_allow, topics.create_or_delete])()
            if kills == KILLS // 2 and topics.late not in broker.topic_names():
                broker.create_topic(topics.late)
            if relay.is_ready() and dice.random() < 0.7:
                relay.kill()
                kills += 1
                relay.start(wait=False)
        topics.heal()
        for writer in writers:
            eventually(f"{writer.name} appends", writer.has_appended)
            writer.stop()
        relay.await_ready()
        with Outbox(outbox) as client:
            last = client.append("last", topic=topics.gone)
            eventually(
                "even the last one is delivered",
                lambda: client.wait_delivered(last, 0.1) == "DELIVERED",
            )
        eventually("all is settled", relay.is_drained)
        eventually("nothing is parked", lambda: is_empty(outbox))
        found = {
            name: traffic[name].check(broker.bootstrap)
            for name in (topics.good, topics.late, topics.closed)
        }
        output = relay.output()
        assert relay.stop() == 0
    for name, each in found.items():
        measured(
            f"{name}: {each.acked} acked, {each.delivered} delivered, "
            f"{each.duplicate_count} repeats; {kills} kills, {topics.changes} changes of topics"
        )
        assert each.problems(duplicates_allowed=True) == [], name
        interruptions = kills + topics.changes
        assert max(each.duplicates.values(), default=0) <= interruptions
        assert each.duplicate_count <= interruptions * REPEATS_PER_INTERRUPTION
    assert "Exception" not in output
