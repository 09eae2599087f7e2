"""Writers are killed at random while they append, and started again at once.

Some append events one by one, some append batches: of these each is there as a whole or not at all.
Some wait for the disk, or for another's sync, and that one may be killed.
"""

from __future__ import annotations

import os
import time
from typing import TYPE_CHECKING

import pytest
from outbox_conformance import checker, scanner
from outbox_conformance.clock import HOUR, Clock
from outbox_conformance.writers import JAVA, PYTHON, Writer, Writers

if TYPE_CHECKING:
    import random

    from outbox_conformance.chronicle import Chronicle

TORTURE = os.environ.get("TORTURE") == "1"
KILLS = 3000 if TORTURE else 200
# Of language, batches and durability.
SLOTS = (
    (PYTHON, 1, "process"),
    (PYTHON, 1, "power"),
    (PYTHON, 100, "power"),
    (JAVA, 1, "process"),
    (JAVA, 100, "power"),
)
SIZES = (60, 100, 1000, 30_000)
# Each incarnation of a writer numbers its events from a multiple of this on.
INCARNATION = 1_000_000


class Slot:
    """A writer that lives again and again."""

    def __init__(self, kind: tuple[str, int, str], number: int, outbox: str, clock: Clock) -> None:
        self.kind = kind
        self.language, self.batch, self.durability = kind
        self.name = f"{self.language}-{number}"
        self.outbox = outbox
        self.clock = clock
        self.incarnation = 0
        self.writer: Writer | None = None
        self.due = 0.0

    def start(self, writers: Writers, chance: random.Random) -> None:
        # A batch of the longest would begin a cycle each time.
        size = chance.choice(SIZES if self.batch == 1 else SIZES[:-1])
        self.writer = writers.start(
            self.language,
            self.outbox,
            self.name,
            first=self.incarnation * INCARNATION,
            count=INCARNATION,
            size=size,
            batch=self.batch,
            durability=self.durability,
            clock_offset_file=self.clock.path,
            roll_bytes=1 << 20,
        )
        self.incarnation += 1
        self.due = 0.0


@pytest.mark.torture
def test_nothing_acknowledged_is_lost_by_kills(
    outbox: str,
    parent: str,
    writers: Writers,
    clock: Clock,
    chance: random.Random,
    chronicle: Chronicle,
) -> None:
    slots = [Slot(kind, n, outbox, clock) for n, kind in enumerate(SLOTS)]
    for slot in slots:
        slot.start(writers, chance)
    kills = 0
    while kills < KILLS:
        for slot in slots:
            writer = slot.writer
            assert writer is not None
            if not slot.due:
                if not writer.has_acks():
                    continue
                # Appending: let it live for a while that is random, and often short.
                slot.due = time.monotonic() + chance.choice((0.0, 0.01, 0.1)) * chance.random()
            if time.monotonic() >= slot.due:
                writer.kill()
                kills += 1
                if chance.random() < 0.05:
                    clock.set(chance.randrange(-2, 20) * HOUR)
                slot.start(writers, chance)
        time.sleep(0.001)
    writers.end()
    by_kind = dict.fromkeys(SLOTS, 0)
    for slot in slots:
        by_kind[slot.kind] += slot.incarnation - 1
    histories = writers.histories()
    acked = sum(len(history.acks) for history in histories)
    print(f"{kills} kills ({by_kind}), {acked} acknowledged appends")
    assert not [history.failures for history in histories if history.failures]
    # One more append by a writer that finds whatever the last ones left.
    assert len(writers.start(PYTHON, outbox, "last").append().acks) == 1
    histories = writers.histories()
    read = checker.from_chronicle(chronicle.dump(outbox, os.path.join(parent, "dump")))
    assert checker.violations(read, histories) == []
    scan = scanner.scan(outbox)
    assert scan.problems == []
    assert checker.from_scan(scan.records) == read
    assert min(by_kind.values()) >= KILLS // 50
