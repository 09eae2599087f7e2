"""Thousands of topics that are not there, or dozens with many events, and a good one between."""

from __future__ import annotations

import os
import time
from functools import partial
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
DOZENS = 160 if TORTURE else 40
LARGE_EVENTS = 16_000 if TORTURE else 2_000
LARGE = b"z" * 20_000
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


def have_their_own(outbox: Path, topics: int) -> bool:
    return len(list(outbox.glob("parked/*"))) == topics


def seconds_behind(relay: Relay, client: Outbox, topics: int, good: str) -> float:
    """Until an event is delivered that stands behind many large ones of missing topics."""
    for number in range(LARGE_EVENTS):
        client.append(LARGE, topic=f"missing-of-{topics}-{number % topics}", key="k")
    behind = client.append("good", topic=good)
    relay.start()
    begun = time.perf_counter()
    assert client.wait_delivered(behind, PARK_SECONDS) == "DELIVERED"
    return time.perf_counter() - begun


@pytest.mark.timeout(600 if TORTURE else 240)
def test_dozens_of_missing_topics_with_many_events_each_hold_up_no_others(
    broker: Broker, tmp_path: Path, topic: str, measured: Callable[[str], None]
) -> None:
    took = []
    for topics in (1, DOZENS):
        outbox = tmp_path / f"outbox-{topics}"
        with (
            Relay(outbox, broker.bootstrap, log=tmp_path / f"relay-{topics}.log") as relay,
            Outbox(outbox) as client,
        ):
            took.append(seconds_behind(relay, client, topics, topic))
            eventually(
                "each topic's events are in its own outbox",
                partial(have_their_own, outbox, topics),
                within=PARK_SECONDS,
            )
            assert relay.status()["parked"]["events"] == LARGE_EVENTS
            assert relay.stop() == 0
    measured(
        f"an event behind {LARGE_EVENTS} of 20 KB took {took[0]:.2f} s where these are of one "
        f"missing topic, {took[1]:.2f} s where they are of {DOZENS}: ratio {took[0] / took[1]:.2f}"
    )
