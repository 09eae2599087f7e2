"""While topics are parked: a full disk, a reached cap, a stop, an outbox that is idle."""

from __future__ import annotations

import json
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from outbox_conformance import mounts

from harness.position import Position
from harness.relay import Relay
from harness.topics import end_offsets, read_topic
from harness.waiting import eventually
from outbox_client import Outbox, OutboxFull

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from harness.broker import Broker
    from outbox_client import Receipt

QUICKLY = {"OUTBOX_PARK_AFTER": "200ms", "OUTBOX_BACKOFF_MAX_MS": "500"}
CAP = 300_000
EVENTS = 9_000


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path]:
    if lacking := mounts.missing():
        pytest.skip(lacking)
    with mounts.Tmpfs(str(tmp_path / "small"), "size=24m") as disk:
        yield Path(disk.path)


def fill(directory: Path) -> Path:
    """Take all the space that is left."""
    ballast = directory / "ballast"
    with ballast.open("wb", buffering=0) as file:
        try:
            while True:
                file.write(b"\1" * 4096)
        except OSError:
            return ballast


def parked(relay: Relay) -> int:
    topics = relay.status()["parked"]["topics"]
    assert isinstance(topics, int)
    return topics


def is_empty(outbox: Path) -> bool:
    position = Position.read(outbox)
    return position is not None and position.held_bytes == 0


def is_delivered(client: Outbox, receipt: Receipt) -> bool:
    """Also if it is parked before."""
    return client.wait_delivered(receipt, 0.1) == "DELIVERED"


def event_ids(broker: Broker, topic: str) -> list[str]:
    """In the order of their first deliveries."""
    return list(dict.fromkeys(each.event_id for each in read_topic(broker.bootstrap, topic)))


def test_a_full_disk_holds_up_only_the_topic_that_is_to_be_parked_which_is_named(
    broker: Broker, small_disk: Path, topic: str, topic_name: str, tmp_path: Path
) -> None:
    outbox = small_disk / "outbox"
    first, second = f"{topic_name[:100]}-first", f"{topic_name[:100]}-second"
    with (
        Relay(outbox, broker.bootstrap, log=tmp_path / "relay.log", settings=QUICKLY) as relay,
        Outbox(outbox) as client,
    ):
        relay.start()
        sent: dict[str, list[Receipt]] = {first: [], second: [], topic: []}

        def append(name: str) -> Receipt:
            sent[name].append(client.append("x" * 100, topic=name, key="k"))
            return sent[name][-1]

        append(first)
        eventually("one is parked", lambda: parked(relay) == 1)
        assert relay.stop() == 0
        for _ in range(5):
            append(second)
            append(first)
            append(topic)
        ballast = fill(small_disk)
        relay.start()
        eventually("the others go on", lambda: end_offsets(broker.bootstrap, topic) == 5)

        def told() -> str:
            return json.dumps(
                [each for each in relay.status()["troubles"] if each["kind"] == "parking"]
            )

        eventually("the status names it", lambda: second in told())
        eventually("the log names it", lambda: "what=parking" in relay.output())
        eventually("it is said first", lambda: "be kept apart" in relay.status()["summary"]["text"])
        assert relay.http("/healthz")[0] == 200
        ballast.unlink()
        eventually("both are parked", lambda: parked(relay) == 2)
        eventually("it is over", lambda: told() == "[]")
        for name in (second, first):
            broker.create_topic(name)
        eventually("nothing is parked", lambda: is_empty(outbox))
        for name in (first, second):
            last = append(name)
            eventually("it is delivered", partial(is_delivered, client, last))
        assert relay.stop() == 0
        for name, receipts in sent.items():
            assert event_ids(broker, name) == [str(each.event_id) for each in receipts], name


def test_at_the_cap_what_is_parked_counts_and_is_named_and_goes_when_the_topic_comes(
    broker: Broker, outbox: Path, topic: str, topic_name: str, tmp_path: Path
) -> None:
    missing = f"{topic_name[:100]}-missing"
    with (
        Relay(outbox, broker.bootstrap, log=tmp_path / "relay.log", settings=QUICKLY) as relay,
        Outbox(outbox, max_bytes=CAP) as client,
    ):
        relay.start()
        sent: list[Receipt] = []

        def append_for_ever() -> None:
            while True:
                sent.append(client.append(b"x" * 5_000, topic=missing, key="k"))

        good = client.append("good", topic=topic)
        with pytest.raises(OutboxFull):
            append_for_ever()
        assert client.wait_delivered(good, 60) == "DELIVERED"
        eventually("all is parked", lambda: relay.status()["parked"]["events"] == len(sent))
        # Parked, it counts as before: nothing is gained by that.
        with pytest.raises(OutboxFull):
            client.append(b"x" * 5_000, topic=topic)
        assert missing in json.dumps(relay.status()["barred_topics"])
        assert missing in relay.status()["summary"]["text"] or parked(relay) == 1
        broker.create_topic(missing)
        eventually("nothing is parked", lambda: is_empty(outbox))
        again = client.append(b"x" * 5_000, topic=topic)
        assert client.wait_delivered(again, 60) == "DELIVERED"
        assert {client.wait_delivered(each, 60) for each in sent} == {"DELIVERED"}
        assert relay.stop() == 0
    assert event_ids(broker, missing) == [str(each.event_id) for each in sent]


def test_a_stop_while_lanes_deliver_loses_nothing_and_exits_0(
    broker: Broker, outbox: Path, topic_name: str, tmp_path: Path, measured: Callable[[str], None]
) -> None:
    topics = [f"{topic_name[:100]}-{number}" for number in range(3)]
    with (
        Relay(outbox, broker.bootstrap, log=tmp_path / "relay.log", settings=QUICKLY) as relay,
        Outbox(outbox) as client,
    ):
        sent: dict[str, list[str]] = {topic: [] for topic in topics}
        for number in range(EVENTS):
            topic = topics[number % len(topics)]
            sent[topic].append(str(client.append(b"x" * 500, topic=topic, key="k").event_id))
        relay.start()
        eventually("all is parked", relay.is_drained)
        stops = 0
        for topic in topics:
            broker.create_topic(topic)
        while not is_empty(outbox):
            eventually(
                "some of it is delivered",
                lambda: relay.status()["delivered"] > 0 or is_empty(outbox),
            )
            assert relay.stop() == 0, relay.output()[-3000:]
            stops += 1
            relay.start()
            if stops == 4:
                eventually("nothing is parked", lambda: is_empty(outbox))
        assert stops > 0
        assert relay.stop() == 0
    repeats = 0
    for topic in topics:
        assert event_ids(broker, topic) == sent[topic]
        repeats += end_offsets(broker.bootstrap, topic) - len(sent[topic])
    measured(f"{stops} stops while 3 lanes delivered {EVENTS} events: {repeats} repeats")


def test_an_outbox_of_several_that_is_idle_with_parked_events_comes_back(
    broker: Broker, tmp_path: Path, topic: str, topic_name: str
) -> None:
    pods = tmp_path / "pods"
    missing = f"{topic_name[:100]}-missing"
    outboxes = [pods / name / "outbox" for name in ("one", "two")]
    settings = {
        **QUICKLY,
        "OUTBOX_DIR": "",
        "OUTBOX_DIRS": f"{pods}/*/outbox",
        "OUTBOX_IDLE_AFTER": "1s",
    }
    for outbox in outboxes:
        outbox.parent.mkdir(parents=True)
    with (
        Relay(pods, broker.bootstrap, log=tmp_path / "relay.log", settings=settings) as relay,
        Outbox(outboxes[0]) as one,
        Outbox(outboxes[1]) as two,
    ):
        relay.start()
        waiting = one.append("waits", topic=missing, key="k")
        other = two.append("goes", topic=topic)
        assert two.wait_delivered(other, 60) == "DELIVERED"
        eventually("it is parked", lambda: one.wait_delivered(waiting, 0.1) == "PARKED")

        assert one.wait_delivered(one.append("goes", topic=topic), 60) == "DELIVERED"
        broker.create_topic(missing)
        eventually("it is delivered", lambda: is_delivered(one, waiting), within=120)
        behind = one.append("behind", topic=missing, key="k")
        eventually("the next, too", lambda: is_delivered(one, behind))
        assert relay.stop() == 0
    assert event_ids(broker, missing) == [str(waiting.event_id), str(behind.event_id)]
