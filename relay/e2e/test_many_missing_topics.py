"""Thousands of topics that are not there, one event for each, between those of a good one."""

from __future__ import annotations

import os
import time
from typing import TYPE_CHECKING

import pytest

from harness.relay import Relay
from harness.topics import end_offsets, read_topic
from harness.waiting import eventually
from outbox_client import Outbox

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from harness.broker import Broker

TORTURE = os.environ.get("TORTURE") == "1"
MISSING = 10_000 if TORTURE else 400
GOOD_BETWEEN = 10
# A topic is parked in some 7 ms, where the disk is quick.
PARK_SECONDS = 60.0 + MISSING / 20
# With ten thousand, each is asked for once in 50 s.
WAKE_SECONDS = 60.0 + MISSING / 100


def fill(outbox: Path, good: str, missing: int) -> int:
    """Append, and return how many there are of the good one."""
    events = GOOD_BETWEEN * MISSING
    with Outbox(outbox) as client:
        for number in range(events):
            client.append(b"x" * 200, topic=good, key="k")
            if missing and number % GOOD_BETWEEN == 0:
                client.append(b"y" * 200, topic=f"missing-{number // GOOD_BETWEEN}", key="k")
    return events


def seconds(relay: Relay, broker: Broker, topic: str, events: int) -> float:
    """From the first of its events to the last."""
    eventually("the first", lambda: end_offsets(broker.bootstrap, topic) > 0)
    begun = time.perf_counter()
    relay.assert_running()
    eventually(
        "all that can be written",
        lambda: end_offsets(broker.bootstrap, topic) >= events,
        within=PARK_SECONDS,
    )
    return time.perf_counter() - begun


def one_that_comes_wakes_one_lane(
    relay: Relay, broker: Broker, outbox: Path, appended: int
) -> None:
    eventually(
        "all are parked and the position is behind them",
        lambda: relay.status()["saved_sequence"] == appended,
        within=PARK_SECONDS,
    )
    assert relay.status()["parked"]["topics"] == MISSING
    one = broker.create_topic(f"missing-{MISSING // 2}")
    eventually(
        "its event arrives", lambda: end_offsets(broker.bootstrap, one) == 1, within=WAKE_SECONDS
    )
    eventually("it is parked no more", lambda: relay.status()["parked"]["topics"] == MISSING - 1)
    # Whoever delivers has a position.
    assert [each.parent.name for each in outbox.glob("parked/*/relay.position")] == [one]


@pytest.mark.torture
@pytest.mark.timeout(1800 if TORTURE else 240)
def test_many_missing_topics_are_parked_within_the_heap_and_hold_up_no_others(
    broker: Broker, tmp_path: Path, measured: Callable[[str], None]
) -> None:
    took = []
    for missing in (0, MISSING):
        good = broker.create_topic(f"good-among-{missing}")
        outbox = tmp_path / f"outbox-{missing}"
        events = fill(outbox, good, missing)
        with Relay(outbox, broker.bootstrap, log=tmp_path / f"relay-{missing}.log") as relay:
            relay.start()
            took.append(seconds(relay, broker, good, events))
            if missing:
                one_that_comes_wakes_one_lane(relay, broker, outbox, events + missing)
            relay.assert_running()  # -Xmx64m -XX:+ExitOnOutOfMemoryError
            assert relay.stop() == 0
        assert len(read_topic(broker.bootstrap, good)) == events
    measured(
        f"{MISSING} missing topics: the good one's events took {took[0]:.2f} s without, "
        f"{took[1]:.2f} s with them, ratio {took[0] / took[1]:.2f} (wished for: 0.9)"
    )
