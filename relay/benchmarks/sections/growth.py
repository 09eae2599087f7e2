"""Whether a big backlog makes anything slower: the same work beside it and beside an empty one."""

from __future__ import annotations

import time
from statistics import median
from typing import TYPE_CHECKING

from figures import Ratio, Row, at_most, duration, p50, pair, rate
from lanes import python_program, take_turns
from progress import TopicEnd

from harness.waiting import eventually
from sections.drain import observed_rate

if TYPE_CHECKING:
    from pathlib import Path

    from arena import Arena

BACKLOG = {"quick": 200_000, "normal": 1_000_000, "full": 10_000_000}
DRAINED = 150_000
APPENDS = 20_000
RESTARTS = 3
DELIVERY_SECONDS = 300.0


def run(arena: Arena) -> list[Row]:
    events = BACKLOG[arena.scale.name]
    topic = arena.topic("grown")
    grown = arena.directory("grown") / "outbox"
    arena.backlog(grown, topic, events)
    append = take_turns(
        {
            "grown": arena.lane(python_program("lane_append", "process", grown), APPENDS),
            "empty": arena.lane(
                python_program("lane_append", "process", arena.directory("empty") / "outbox"),
                APPENDS,
            ),
        },
        arena.scale.rounds,
    )
    fast, slow = [], []
    restart_empty, restart_grown = [], []
    for _ in range(RESTARTS):
        fast.append(_drain_of_small(arena))
        slow.append(_drain_beside(arena, grown, topic))
        restart_empty.append(_restart(arena, *_drained(arena)))
        restart_grown.append(_restart(arena, grown, topic))
    against = f"backlog of {events:,}"
    return [
        Row(
            f"append, p50, {against}",
            pair(append["grown"]),
            "empty",
            pair(append["empty"]),
            Ratio.of(p50(append["grown"]), p50(append["empty"])),
            at_most(1.1),
        ),
        Row(
            f"drain, time per event, {against}",
            rate(median(slow)),
            f"backlog of {DRAINED:,}",
            rate(median(fast)),
            Ratio.of(fast, slow),
            at_most(1.1),
        ),
        Row(
            f"relay's start to first delivery, {against}",
            duration(median(restart_grown) * 1e9),
            "empty",
            duration(median(restart_empty) * 1e9),
            Ratio.of(restart_grown, restart_empty),
            at_most(1.1),
        ),
    ]


def _drain_of_small(arena: Arena) -> float:
    outbox = arena.directory("small") / "outbox"
    topic = arena.topic("small")
    arena.backlog(outbox, topic, DRAINED)
    return _drain_beside(arena, outbox, topic)


def _drain_beside(arena: Arena, outbox: Path, topic: str) -> float:
    """Deliver DRAINED events of what there is, then stop the relay."""
    bootstrap = arena.broker.bootstrap
    with TopicEnd(bootstrap, topic) as end:
        already = end.offset()
    with arena.relay(outbox) as relay:
        relay.start(wait=False)
        observed = observed_rate(
            bootstrap, topic, already + DRAINED, relay.assert_running, already=already
        )
        relay.stop()
    return observed


def _drained(arena: Arena) -> tuple[Path, str]:
    """An outbox that was in use and has one event to deliver."""
    outbox = arena.directory("drained") / "outbox"
    topic = arena.topic("drained")
    arena.backlog(outbox, topic, 1_000)
    with arena.relay(outbox) as relay:
        relay.start(wait=False)
        observed_rate(arena.broker.bootstrap, topic, 1_000, relay.assert_running)
        relay.stop()
    arena.backlog(outbox, topic, 1)
    return outbox, topic


def _restart(arena: Arena, outbox: Path, topic: str) -> float:
    with TopicEnd(arena.broker.bootstrap, topic) as end, arena.relay(outbox) as relay:
        already = end.offset()
        start = time.perf_counter()
        relay.start(wait=False)

        def delivered() -> bool:
            relay.assert_running()
            return end.offset() > already

        eventually("the first delivery", delivered, within=DELIVERY_SECONDS, every=0.002)
        return time.perf_counter() - start
