"""Kafka is killed with -9, stays away, and comes back on its data."""

from __future__ import annotations

import time
from contextlib import ExitStack
from typing import TYPE_CHECKING

from harness.check import percentile
from harness.relay import Relay
from harness.waiting import eventually, let_traffic_flow
from harness.writers import Traffic, Writer

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from harness.broker import Broker
    from harness.ledger import Ledgers

WARM_UP_SECONDS = 5.0
UP_SECONDS = 15.0
OUTAGE_SECONDS = 60.0
STOP_DEADLINE_SECONDS = 3.0


def now() -> int:
    return time.time_ns() // 1_000_000


def test_a_minute_without_kafka_loses_nothing_and_no_append_waits_for_it(
    broker: Broker, relay: Relay, traffic: Traffic, measured: Callable[[str], None]
) -> None:
    writers = [
        Writer.python("python-1", traffic),
        Writer.python("python-2", traffic),
        Writer.java("java-1", traffic),
    ]
    with ExitStack() as processes:
        relay.start()
        for writer in writers:
            processes.enter_context(writer)
        for writer in writers:
            eventually(f"{writer.name} appends", writer.has_appended)
        let_traffic_flow(WARM_UP_SECONDS)
        up_since = now()
        let_traffic_flow(UP_SECONDS)
        down_since = now()
        broker.kill()
        let_traffic_flow(OUTAGE_SECONDS)
        down_until = now()
        lag = relay.progress().lag
        assert relay.http("/healthz")[0] == 200
        assert relay.http("/readyz")[0] == 200
        broker.start()
        for writer in writers:
            writer.stop()
        eventually("the backlog is delivered", relay.is_drained, within=120)
        assert relay.stop() == 0

    found = traffic.check(broker.bootstrap)
    assert found.problems(duplicates_allowed=True) == []
    ledgers = traffic.read()
    during_outage = [a for a in ledgers.acked if down_since <= a.unix_milliseconds < down_until]
    assert lag >= len(during_outage)
    # Each of them kept its pace; half of it is what a busy host may take.
    paced = OUTAGE_SECONDS * traffic.rate
    for writer in writers:
        own = [ack for ack in during_outage if ack.append.writer == writer.incarnation]
        assert len(own) > paced / 2, f"{writer.name} appended {len(own)} of {paced:.0f}"
    measured(
        f"outage of {OUTAGE_SECONDS:.0f} s: {found.acked} events, {len(during_outage)} of them "
        f"while Kafka was down, {found.duplicate_count} duplicates, {len(found.missing)} missing"
    )
    for language in ("python", "java"):
        up = p99(ledgers, language, up_since, down_since)
        down = p99(ledgers, language, down_since, down_until)
        measured(
            f"append p99, {language}: Kafka up {up:.0f} µs, down {down:.0f} µs, "
            f"ratio {down / up:.2f} (target 1.1)"
        )


def p99(ledgers: Ledgers, language: str, since: int, until: int) -> float:
    """In microseconds."""
    return percentile(
        (
            ack.nanoseconds / 1_000
            for ack in ledgers.acked
            if ack.append.writer.startswith(language) and since <= ack.unix_milliseconds < until
        ),
        99,
    )


def test_a_relay_told_to_stop_while_kafka_is_down_ends_in_time_and_loses_nothing(
    broker: Broker, traffic: Traffic, tmp_path: Path
) -> None:
    settings = {"OUTBOX_STOP_DEADLINE_MS": str(int(STOP_DEADLINE_SECONDS * 1_000))}
    relay = Relay(traffic.outbox, broker.bootstrap, log=tmp_path / "relay.log", settings=settings)
    with relay, Writer.python("before", traffic) as writer:
        relay.start()
        eventually("events are delivered", lambda: relay.progress().delivered > 0)
        broker.kill()
        eventually("a backlog builds up", lambda: relay.progress().lag > 500)
        # Ten times the deadline: it must end, how soon is not this test's to say.
        assert relay.stop(within=10 * STOP_DEADLINE_SECONDS) == 0
        # A relay that never saw Kafka stops as well.
        relay.start()
        assert relay.progress().lag > 500
        assert relay.stop(within=10 * STOP_DEADLINE_SECONDS) == 0
        writer.stop()
        broker.start()
        relay.start()
        eventually("the backlog is delivered", relay.is_drained)
        assert relay.stop() == 0
    assert traffic.check(broker.bootstrap).problems(duplicates_allowed=True) == []


def test_a_relay_told_to_stop_amid_a_backlog_settles_what_is_in_flight_and_repeats_nothing(
    broker: Broker, traffic: Traffic, tmp_path: Path
) -> None:
    backlog = 30_000
    # Little in flight, so that the stop comes before the end.
    settings = {"OUTBOX_WINDOW_RECORDS": "20"}
    relay = Relay(traffic.outbox, broker.bootstrap, log=tmp_path / "relay.log", settings=settings)
    with Writer.python("before", traffic.at_full_speed(), count=backlog) as writer:
        writer.finish()
    with relay:
        relay.start()
        eventually("delivery has begun", lambda: relay.progress().delivered > 0)
        assert relay.stop() == 0
        first = traffic.check(broker.bootstrap)
        relay.start()
        eventually("the rest is delivered", relay.is_drained)
        assert relay.stop() == 0
    found = traffic.check(broker.bootstrap)
    assert found.problems(duplicates_allowed=False) == []
    assert found.delivered == backlog
    assert first.delivered > 0, "the stop came too early to show anything"
    assert first.delivered < backlog, "the stop came too late to show anything"


def test_a_relay_that_drains_on_stop_first_delivers_the_whole_backlog(
    broker: Broker, traffic: Traffic, tmp_path: Path
) -> None:
    backlog = 5_000
    settings = {
        "OUTBOX_WINDOW_RECORDS": "20",
        "OUTBOX_DRAIN_ON_STOP": "1",
        "OUTBOX_STOP_DEADLINE_MS": "600000",
    }
    relay = Relay(traffic.outbox, broker.bootstrap, log=tmp_path / "relay.log", settings=settings)
    with Writer.python("job", traffic.at_full_speed(), count=backlog) as writer:
        writer.finish()
    with relay:
        # Like a sidecar whose pod's work is over before Kafka has answered for the first time.
        relay.start()
        assert relay.stop(within=600) == 0
    found = traffic.check(broker.bootstrap)
    assert found.problems(duplicates_allowed=False) == []
    assert found.delivered == backlog
