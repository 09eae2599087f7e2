"""Dead letters that are copied to a topic, where others look for them, whatever dies."""

from __future__ import annotations

import json
import shutil
import signal
from typing import TYPE_CHECKING, Any

import pytest
from test_damage import FIRST_DATA, SECTOR, unreadable

from harness.relay import Relay
from harness.topics import read_topic
from harness.waiting import eventually
from outbox_client import Outbox

if TYPE_CHECKING:
    from pathlib import Path

    from harness.broker import Broker
    from harness.topics import Delivered
    from outbox_client import Receipt

LIMIT = 2_000
SETTING = "OUTBOX_DEAD_LETTER_TOPIC"


def refused(outbox: Path, topic: str, count: int = 1, size: int = LIMIT) -> list[Receipt]:
    with Outbox(outbox) as client:
        receipts = [
            client.append(
                f"{n} " + "x" * size, topic=topic, key=f"key {n}", headers={"own": b"its own"}
            )
            for n in range(count)
        ]
        assert {client.wait_delivered(each, 60) for each in receipts} == {"DEAD"}
    return receipts


def ids(receipts: list[Receipt]) -> set[str]:
    return {str(each.event_id) for each in receipts}


def copies(broker: Broker, topic: str) -> dict[str, Delivered]:
    if topic not in broker.topic_names():
        return {}
    return {each.event_id: each for each in read_topic(broker.bootstrap, topic)}


def copy_troubles(relay: Relay) -> list[dict[str, Any]]:
    return [each for each in relay.status()["troubles"] if each["kind"] == "copy"]


def test_a_copy_arrives_with_its_reason_and_nothing_waits_for_the_topic(
    broker: Broker, relay: Relay, outbox: Path, topic_name: str
) -> None:
    topic = broker.create_topic(topic_name, config={"max.message.bytes": str(LIMIT)})
    dead = topic_name + "-dead"
    relay.environment[SETTING] = dead
    relay.start()
    [first] = refused(outbox, topic)
    eventually("that is told", lambda: copy_troubles(relay))
    assert dead in copy_troubles(relay)[0]["error"]
    assert relay.status()["uncopied_dead_letters"] == 1
    with Outbox(outbox) as client:
        assert client.wait_delivered(client.append("small", topic=topic), 60) == "DELIVERED"
    assert relay.status()["lag_events"] == 0
    assert "1 not in their topic yet" in relay.cli("status").stdout
    check = relay.cli("topics", "check")
    assert check.returncode == 7
    assert f"{dead} does not exist" in check.stdout
    _, metrics = relay.http("/metrics")
    assert 'part="copy"} 1.0' in metrics

    broker.create_topic(dead)
    eventually("it is copied", lambda: ids([first]) == set(copies(broker, dead)))
    eventually("that is told", lambda: not copy_troubles(relay))
    eventually("and counted", lambda: relay.status()["uncopied_dead_letters"] == 0)
    copy = copies(broker, dead)[str(first.event_id)]
    assert copy.key == b"key 0"
    assert copy.value == b"0 " + b"x" * LIMIT
    headers = dict(copy.headers)
    assert headers["own"] == b"its own"
    assert headers["outbox-dead-letter-topic"] == topic.encode()
    assert headers["outbox-dead-letter-reason"] == b"too-large"
    assert headers["outbox-dead-letter-number"] == b"1"
    assert headers["outbox-dead-letter-sequence"] == str(first.sequence).encode()
    assert headers["__connect.errors.topic"] == topic.encode()
    assert b"RecordTooLarge" in (headers["__connect.errors.exception.message"] or b"")
    _, metrics = relay.http("/metrics")
    assert 'result="copied"} 1.0' in metrics
    assert relay.stop() == 0


def test_a_copy_that_is_refused_is_passed_over_and_told_once(
    broker: Broker, relay: Relay, outbox: Path, topic_name: str
) -> None:
    """The topic's own events are refused by it, too, and are no letters for ever."""
    topic = broker.create_topic(topic_name, config={"max.message.bytes": str(LIMIT)})
    relay.environment[SETTING] = topic
    relay.start()
    [first] = refused(outbox, topic)
    [second] = refused(outbox, topic)
    eventually("both are passed over", lambda: 'result="refused"} 2.0' in relay.http("/metrics")[1])
    eventually("that is told", lambda: relay.status()["uncopied_dead_letters"] == 0)
    listed = relay.cli("dead-letters", "list", "--json")
    assert len(listed.stdout.splitlines()) == 2
    told = [line for line in relay.output().splitlines() if "is not copied" in line]
    assert [str(first.event_id) in told[0], str(second.event_id) in told[1]] == [True, True]
    assert len(told) == 2
    assert copy_troubles(relay) == []
    assert relay.stop() == 0


def test_no_copy_is_missing_whatever_is_killed_in_between(
    broker: Broker, relay: Relay, outbox: Path, topic_name: str
) -> None:
    topic = broker.create_topic(topic_name, config={"max.message.bytes": str(LIMIT)})
    dead = topic_name + "-dead"
    relay.environment["OUTBOX_REFUSALS_IN_A_ROW"] = "0"
    relay.start()
    receipts = refused(outbox, topic, 20)
    assert relay.stop() == 0

    relay.environment[SETTING] = dead
    relay.start()
    eventually("it waits", lambda: relay.status()["uncopied_dead_letters"] == 20)
    discarded = relay.cli("dead-letters", "discard", "1", "--json")
    assert json.loads(discarded.stdout)["discarded"] == 1
    relay.kill()
    broker.create_topic(dead)
    for _ in range(3):
        relay.start()
        receipts += refused(outbox, topic, 20)
        eventually("some are copied", lambda: copies(broker, dead))
        relay.kill()
    broker.kill()
    relay.start()
    broker.start()
    eventually("all are copied", lambda: ids(receipts) == set(copies(broker, dead)))
    eventually("and told", lambda: relay.status()["uncopied_dead_letters"] == 0)
    assert relay.stop() == 0


def test_a_stop_does_not_wait_for_copies(
    broker: Broker, relay: Relay, outbox: Path, topic_name: str
) -> None:
    topic = broker.create_topic(topic_name, config={"max.message.bytes": str(LIMIT)})
    dead = broker.create_topic(topic_name + "-dead")
    relay.environment[SETTING] = dead
    relay.start()
    refused(outbox, topic, 3)
    eventually("they are copied", lambda: len(copies(broker, dead)) == 3)
    broker.freeze()
    try:
        # Half a second for what is on its way, a second for its producer; far below the deadline.
        assert relay.stop(within=15) == 0
    finally:
        broker.thaw()


def test_outboxes_of_many_stay_open_until_all_is_copied(
    broker: Broker, tmp_path: Path, topic_name: str
) -> None:
    topic = broker.create_topic(topic_name, config={"max.message.bytes": str(LIMIT)})
    dead = topic_name + "-dead"
    outboxes = [tmp_path / "all" / name for name in ("a", "b")]
    (tmp_path / "all").mkdir()
    settings = {"OUTBOX_IDLE_AFTER": "1s", "OUTBOX_DIRS": str(tmp_path / "all" / "*")}
    with Relay(outboxes[0], broker.bootstrap, log=tmp_path / "log", settings=settings) as relay:
        del relay.environment["OUTBOX_DIR"]
        with Outbox(outboxes[0]) as a, Outbox(outboxes[1]) as b:
            a.append("x", topic=topic)
            b.append("x", topic=topic)
        relay.start()
        receipts = [each for outbox in outboxes for each in refused(outbox, topic)]
        eventually("all are idle", lambda: states(relay) == ["idle", "idle"])
        assert relay.stop() == 0

        relay.environment[SETTING] = dead
        relay.start()
        eventually("both are open", lambda: uncopied(relay) == [1, 1])
        broker.create_topic(dead)
        eventually("all are copied", lambda: ids(receipts) == set(copies(broker, dead)))
        eventually("all are idle", lambda: states(relay) == ["idle", "idle"])
        relay.child.signal(signal.SIGTERM)
        assert relay.child.wait() == 0


def test_letters_of_many_outboxes_that_wait_for_their_topic_hold_up_no_other_event(
    broker: Broker, tmp_path: Path, topic_name: str
) -> None:
    """They share a window in which large events stand alone, and copies want no part of it."""
    topic = broker.create_topic(topic_name, config={"max.message.bytes": str(LIMIT)})
    good = broker.create_topic(topic_name + "-good")
    dead = topic_name + "-dead"
    (tmp_path / "all").mkdir()
    outboxes = [tmp_path / "all" / str(number) for number in range(6)]
    settings = {
        "OUTBOX_DIRS": str(tmp_path / "all" / "*"),
        "OUTBOX_WINDOW_BYTES": "2097152",
        SETTING: dead,
    }
    receipts = []
    for outbox in outboxes:
        with Outbox(outbox) as client:
            receipts.append(client.append(b"x" * 300_000, topic=topic))
    with Relay(outboxes[0], broker.bootstrap, log=tmp_path / "log", settings=settings) as relay:
        del relay.environment["OUTBOX_DIR"]
        relay.start()
        eventually("all wait", lambda: uncopied(relay) == [1] * 6)
        for outbox in outboxes:
            with Outbox(outbox) as client:
                client.append(b"y" * 300_000, topic=good)
                small = client.append("small", topic=good)
                assert client.wait_delivered(small, 60) == "DELIVERED"
        broker.create_topic(dead)
        # Some have their turn at once, the others 10 s later.
        eventually("all are copied", lambda: ids(receipts) == set(copies(broker, dead)), within=200)
        relay.child.signal(signal.SIGTERM)
        assert relay.child.wait() == 0


@pytest.mark.skipif(shutil.which("cc") is None, reason="there is no C compiler (cc)")
def test_a_letter_that_cannot_be_read_for_a_while_is_copied_later(
    broker: Broker, outbox: Path, topic_name: str, tmp_path: Path
) -> None:
    topic = broker.create_topic(topic_name, config={"max.message.bytes": str(LIMIT)})
    dead = broker.create_topic(topic_name + "-dead")
    settings = {"OUTBOX_REFUSALS_IN_A_ROW": "0"}
    with Relay(outbox, broker.bootstrap, log=tmp_path / "letters", settings=settings) as relay:
        relay.start()
        receipts = refused(outbox, topic, 20)
        assert relay.stop() == 0
    (cycle,) = (outbox / "dead-letters" / "queue").glob("*.cq4")
    at = FIRST_DATA + 10 * (LIMIT + 500) & ~(SECTOR - 1)
    wrapper = unreadable("/dead-letters/queue/" + cycle.name, at, tmp_path)
    settings = {SETTING: dead}
    log = tmp_path / "unreadable"
    with Relay(outbox, broker.bootstrap, log=log, wrapper=wrapper, settings=settings) as relay:
        relay.start()
        eventually("that is told", lambda: copy_troubles(relay))
        assert "can't be read" in copy_troubles(relay)[0]["error"]
        assert "topics check" not in copy_troubles(relay)[0]["do"]
        assert relay.status()["uncopied_dead_letters"] > 0
        assert relay.stop() == 0
    with Relay(outbox, broker.bootstrap, log=tmp_path / "again", settings=settings) as relay:
        relay.start()
        eventually("all are copied", lambda: ids(receipts) == set(copies(broker, dead)))
        assert relay.stop() == 0


def told(relay: Relay) -> list[dict[str, Any]]:
    _, body = relay.http("/status.json")
    found = json.loads(body)["outboxes"]
    assert isinstance(found, list)
    return found


def states(relay: Relay) -> list[str]:
    return [each["state"] for each in told(relay)]


def uncopied(relay: Relay) -> list[int | None]:
    return [each["uncopied_dead_letters"] for each in told(relay)]
