"""SIGKILL at random moments, of the relay and of writers, during traffic."""

from __future__ import annotations

import os
import random
import time
from contextlib import ExitStack
from typing import TYPE_CHECKING

import pytest

from harness.check import repeated_without_a_cause, sequences_given_twice
from harness.position import Position
from harness.relay import Relay
from harness.waiting import eventually
from harness.writers import Traffic, Writer

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from harness.broker import Broker

TORTURE = os.environ.get("TORTURE") == "1"
RELAY_KILLS = 1_000 if TORTURE else 20
WRITER_KILLS = 5_000 if TORTURE else 100
SEED = int(os.environ.get("SEED", "0")) or random.SystemRandom().randrange(1, 2**32)
WINDOW_RECORDS = 500
# What a kill may repeat: the window, and what was settled since the position was last saved (the
# traffic of a tenth of a second, more while the relay catches up).
REPEATS_PER_KILL = 2 * WINDOW_RECORDS


@pytest.mark.torture
def test_killed_relays_and_writers_lose_nothing_and_repeat_only_what_the_window_allows(
    broker: Broker, traffic: Traffic, tmp_path: Path, measured: Callable[[str], None]
) -> None:
    print(f"SEED={SEED}")
    dice = random.Random(SEED)
    writers = [Writer.python(f"python-{n}", traffic) for n in range(3)]
    writers.append(Writer.java("java-0", traffic))
    # A Java writer needs about a second before it can append.
    weights = [8, 8, 8, 1]
    settings = {"OUTBOX_WINDOW_RECORDS": str(WINDOW_RECORDS)}
    positions: list[int] = []
    killed_writers = 0
    with ExitStack() as processes:
        relay = Relay(
            traffic.outbox, broker.bootstrap, log=tmp_path / "relay.log", settings=settings
        )
        processes.enter_context(relay)
        for writer in writers:
            processes.enter_context(writer)
        relay.start()
        killed_after = time.monotonic()
        while len(positions) < RELAY_KILLS or killed_writers < WRITER_KILLS:
            # A random moment, not a wait for something.
            time.sleep(dice.uniform(0.02, 0.6))
            [writer] = dice.choices(writers, weights)
            writer.kill()
            writer.start()
            killed_writers += 1
            if not relay.is_ready():
                killed_after = time.monotonic() + dice.uniform(0.0, 1.5)
            elif time.monotonic() > killed_after:
                relay.kill()
                position = Position.read(traffic.outbox)
                positions.append(position.sequence if position else 0)
                relay.start(wait=False)
        for writer in writers:
            eventually(f"{writer.name} appends", writer.has_appended)
            writer.stop()
        relay.await_ready()
        eventually("all is delivered", relay.is_drained, within=120)
        assert relay.stop() == 0

    ledgers = traffic.read()
    found = traffic.check(broker.bootstrap)
    measured(
        f"{len(positions)} kills of the relay, {killed_writers} of writers: {found.acked} acked, "
        f"{found.delivered} delivered, {found.duplicate_count} of them repeats"
    )
    assert found.problems(duplicates_allowed=True) == []
    assert sequences_given_twice(ledgers) == {}
    assert positions == sorted(positions)
    assert repeated_without_a_cause(ledgers, found, positions) == {}
    assert found.duplicate_count <= len(positions) * REPEATS_PER_KILL
