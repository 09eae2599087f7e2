"""Dead letters that an operator has sent once more, with a relay and without, whatever dies."""

from __future__ import annotations

import base64
import json
import os
import random
import signal
import struct
import subprocess
import sys
import time
from contextlib import suppress
from typing import TYPE_CHECKING, Any

from harness.position import Position
from harness.topics import read_topic
from harness.waiting import eventually
from outbox_client import Outbox

if TYPE_CHECKING:
    from pathlib import Path

    from harness.broker import Broker
    from harness.relay import Relay
    from outbox_client import Receipt

LIMIT = 2_000
# The events are of 1970: a broker that looks would delete them at once.
LIMITED = {"max.message.bytes": str(LIMIT), "retention.ms": "-1"}
NO_ANSWER = 12
LETTERS = 400
SEED = int(os.environ.get("SEED", "0")) or random.SystemRandom().randrange(1, 2**32)
NEXT_SEQUENCE = 64


def answer(done: subprocess.CompletedProcess[str]) -> dict[str, Any]:
    assert done.returncode == 0, (done.returncode, done.stdout, done.stderr)
    found = json.loads(done.stdout)
    assert isinstance(found, dict)
    return found


def letters(relay: Relay, *options: str) -> list[dict[str, Any]]:
    listed = relay.cli("dead-letters", "list", "--json", "--limit", "0", *options)
    assert listed.returncode == 0, listed.stderr
    return [json.loads(line) for line in listed.stdout.splitlines()]


def refused(outbox: Path, topic: str, count: int = 1) -> list[Receipt]:
    with Outbox(outbox) as client:
        receipts = [
            client.append(f"{n} " + "x" * LIMIT, topic=topic, key=f"key {n}", timestamp=1_000 + n)
            for n in range(count)
        ]
        assert {client.wait_delivered(each, 60) for each in receipts} == {"DEAD"}
    return receipts


def held_bytes(outbox: Path) -> int:
    position = Position.read(outbox)
    assert position is not None
    return position.held_bytes


def appended(outbox: Path) -> int:
    """How many records were ever appended there; FORMAT.md, outbox.state."""
    state = (outbox / "outbox.state").read_bytes()
    [following] = struct.unpack_from("<Q", state, NEXT_SEQUENCE)
    return int(following) - 1


def test_letters_are_sent_once_more_by_a_running_relay(
    broker: Broker, relay: Relay, outbox: Path, topic_name: str
) -> None:
    topic = broker.create_topic(topic_name, config=LIMITED)
    relay.start()
    [first, second] = refused(outbox, topic, 2)
    assert len(letters(relay)) == 2
    eventually("clients count them", lambda: held_bytes(outbox) > 2 * LIMIT)

    usage = relay.cli("dead-letters", "replay")
    assert usage.returncode == 2
    assert "--all" in usage.stderr
    broker.set_topic_config(topic, {"max.message.bytes": str(1 << 20)})
    replayed = relay.cli("dead-letters", "replay", "--id", str(first.event_id), "--json")
    assert answer(replayed)["replayed"] == 1
    with Outbox(outbox) as client:
        eventually("it is delivered", lambda: client.wait_delivered(first, 0.1) == "DELIVERED")
        assert client.wait_delivered(second, 0) == "DEAD"
        # The topic was never stopped.
        assert client.wait_delivered(client.append("small", topic=topic), 60) == "DELIVERED"
    assert [each["event"]["event_id"] for each in letters(relay)] == [str(second.event_id)]
    assert [each.get("done") for each in letters(relay, "--done")] == ["replayed", None]
    found = {each.event_id: each for each in read_topic(broker.bootstrap, topic)}
    sent = found[str(first.event_id)]
    assert sent.key == b"key 0"
    assert sent.value == b"0 " + b"x" * LIMIT
    assert sent.timestamp == 1_000
    assert {name for name, _ in sent.headers} == {"outbox-event-id"}

    discarded = relay.cli("dead-letters", "discard", "--all", "--json")
    assert answer(discarded)["discarded"] == 1
    assert letters(relay) == []
    eventually("clients count them no more", lambda: held_bytes(outbox) == 0)
    told = relay.cli("status", "--json")
    assert json.loads(told.stdout)["dead_letters"] == 0
    assert relay.cli("verify").returncode == 0
    status, metrics = relay.http("/metrics")
    assert status == 200
    assert 'why="dead-letter"} 1.0' in metrics
    with Outbox(outbox) as client:
        assert client.wait_delivered(second, 0) == "DEAD"
    # Asked again, the relay gives the same answer, and does nothing.
    again = relay.cli("dead-letters", "replay", "--request", answer(replayed)["id"], "--json")
    assert answer(again) == answer(replayed)
    assert "payload" not in relay.output()
    assert "x" * 50 not in relay.output()


def test_letters_are_sent_to_another_topic_and_what_that_refuses_is_a_letter_again(
    broker: Broker, relay: Relay, outbox: Path, topic_name: str
) -> None:
    topic = broker.create_topic(topic_name, config=LIMITED)
    other = broker.create_topic(topic_name + "-other")
    relay.start()
    [receipt] = refused(outbox, topic)
    with Outbox(outbox) as client:
        # Refused once more, under the same event id.
        assert answer(relay.cli("dead-letters", "replay", "--all", "--json"))["replayed"] == 1
        eventually("it is a letter again", lambda: len(letters(relay)) == 1)
        eventually("that is told", lambda: client.wait_delivered(receipt, 0.1) == "DEAD")
        [letter] = letters(relay)
        assert letter["number"] == 2
        assert (letter["replay_of"], letter["round"]) == (1, 1)
        assert letter["event"]["sequence"] == receipt.sequence

        def moves_on() -> bool:
            done = relay.cli("dead-letters", "replay", "2", "--to-topic", other, "--json")
            return bool(json.loads(done.stdout)["replayed"] == 1)

        eventually("its lane has saved that it gave it up", moves_on)
        eventually("it is delivered", lambda: client.wait_delivered(receipt, 0.1) == "DELIVERED")
    [sent] = read_topic(broker.bootstrap, other)
    assert sent.event_id == str(receipt.event_id)
    assert dict(sent.headers)["outbox-original-topic"] == topic.encode()


def test_without_a_relay_the_command_applies_it_and_the_next_relay_delivers(
    broker: Broker, relay: Relay, outbox: Path, topic_name: str
) -> None:
    topic = broker.create_topic(topic_name, config=LIMITED)
    relay.start()
    receipts = refused(outbox, topic, 3)
    assert relay.stop() == 0
    broker.set_topic_config(topic, {"max.message.bytes": str(1 << 20)})
    assert answer(relay.cli("dead-letters", "replay", "1", "3", "--json"))["replayed"] == 2
    with Outbox(outbox) as client:
        assert [client.wait_delivered(each, 0) for each in receipts] == [
            "PARKED",
            "DEAD",
            "PARKED",
        ]
        relay.start()
        eventually(
            "both are delivered",
            lambda: (
                [client.wait_delivered(each, 0) for each in receipts]
                == ["DELIVERED", "DEAD", "DELIVERED"]
            ),
        )
    assert sorted(each.key or b"" for each in read_topic(broker.bootstrap, topic)) == [
        b"key 0",
        b"key 2",
    ]


def test_an_export_gives_every_byte_back(
    broker: Broker, relay: Relay, outbox: Path, topic_name: str
) -> None:
    topic = broker.create_topic(topic_name, config=LIMITED)
    relay.start()
    binary = bytes(range(256)) * 10
    text = "größer\u2028" + "y" * LIMIT
    with Outbox(outbox) as client:
        receipts = [
            client.append(binary, topic=topic, key=b"\xff\x00", headers={"h": b"\xfe"}),
            client.append(text, topic=topic, key="ключ"),
        ]
        assert {client.wait_delivered(each, 60) for each in receipts} == {"DEAD"}
    exported = relay.cli("dead-letters", "export")
    assert exported.returncode == 0, exported.stderr
    first, second = (json.loads(line)["event"] for line in exported.stdout.split("\n")[:2])
    assert base64.b64decode(first["value_base64"]) == binary
    assert base64.b64decode(first["key_base64"]) == b"\xff\x00"
    assert base64.b64decode(first["headers"][0]["value_base64"]) == b"\xfe"
    assert second["value"] == text
    assert second["key"] == "ключ"
    only = relay.cli("dead-letters", "export", "--id", str(receipts[1].event_id))
    assert len(only.stdout.splitlines()) == 1


def test_a_request_stands_until_a_relay_comes_to_it(
    broker: Broker, relay: Relay, outbox: Path, topic_name: str
) -> None:
    topic = broker.create_topic(topic_name, config=LIMITED)
    relay.start()
    [receipt] = refused(outbox, topic)
    broker.set_topic_config(topic, {"max.message.bytes": str(1 << 20)})
    relay.child.signal(signal.SIGSTOP)  # it holds its lock, and does nothing
    try:
        waiting = relay.cli("dead-letters", "replay", "--all", "--timeout", "1")
        assert waiting.returncode == NO_ANSWER, waiting.stderr
        number = waiting.stderr.split()[-1]
        assert (
            relay.cli("dead-letters", "replay", "--request", number, "--timeout", "1").returncode
            == NO_ANSWER
        )
    finally:
        relay.child.signal(signal.SIGCONT)
    later = relay.cli("dead-letters", "replay", "--request", number, "--json")
    assert answer(later)["replayed"] == 1
    with Outbox(outbox) as client:
        eventually("it is delivered", lambda: client.wait_delivered(receipt, 0.1) == "DELIVERED")


def test_whatever_is_killed_each_letter_is_sent_once_more(
    broker: Broker, relay: Relay, outbox: Path, topic_name: str
) -> None:
    """Relay and command are killed at random moments; a request is never applied twice."""
    print(f"SEED={SEED}")
    dice = random.Random(SEED)
    topic = broker.create_topic(topic_name, config=LIMITED)
    relay.environment["OUTBOX_REFUSALS_IN_A_ROW"] = "0"
    relay.start()
    receipts = refused(outbox, topic, LETTERS)
    broker.set_topic_config(topic, {"max.message.bytes": str(1 << 20)})
    for number in range(1, 7):
        asking = subprocess.Popen(
            relay.command(
                "dead-letters", "replay", *map(str, range(number, LETTERS + 1, 7)), "--json"
            ),
            env=relay.environment,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )
        time.sleep(dice.uniform(0.2, 2.0))
        asking.kill()
        asking.wait()
        if dice.random() < 0.7:
            relay.kill_if_running()
            if dice.random() < 0.5:
                # In the relay's place, and killed, too.
                with suppress(subprocess.TimeoutExpired):
                    subprocess.run(
                        relay.command("dead-letters", "replay", str(number)),
                        env=relay.environment,
                        capture_output=True,
                        timeout=dice.uniform(0.5, 2.0),
                        check=False,
                    )
            relay.start(wait=False)
    relay.kill_if_running()
    relay.start()
    done = relay.cli("dead-letters", "replay", "--all", "--timeout", "60", "--json")
    assert answer(done)["not_settled"] == 0
    with Outbox(outbox) as client:
        assert letters(relay) == []
        eventually(
            "all are delivered",
            lambda: all(client.wait_delivered(each, 0) == "DELIVERED" for each in receipts),
        )
    assert appended(outbox / "parked" / topic) == LETTERS
    sent = {each.event_id for each in read_topic(broker.bootstrap, topic)}
    assert sent == {str(each.event_id) for each in receipts}
    assert not [each.name for each in (outbox / "control").iterdir() if ".answer" not in each.name]


def test_their_number_is_bounded_by_waiting_or_by_discarding_the_oldest(
    broker: Broker, relay: Relay, outbox: Path, topic_name: str
) -> None:
    topic = broker.create_topic(topic_name, config=LIMITED)
    other = broker.create_topic(topic_name + "-other")
    relay.environment["OUTBOX_DEAD_LETTER_LIMIT"] = "2"
    relay.start()
    refused(outbox, topic, 2)
    with Outbox(outbox) as client:
        third = client.append("x" * LIMIT, topic=topic)
        small = client.append("small", topic=other)
        eventually(
            "that is told",
            lambda: any(
                "OUTBOX_DEAD_LETTER_LIMIT=2" in each["error"]
                and each["do"].startswith("replay or discard some")
                for each in relay.status()["troubles"]
            ),
        )
        assert "Replay or discard some" in relay.status()["summary"]["do"]
        assert client.wait_delivered(third, 0) == "PENDING"
        assert answer(relay.cli("dead-letters", "discard", "1", "--json"))["discarded"] == 1
        assert client.wait_delivered(third, 60) == "DEAD"
        assert client.wait_delivered(small, 60) == "DELIVERED"
    assert [each["number"] for each in letters(relay)] == [2, 3]
    assert relay.stop() == 0

    relay.environment["OUTBOX_DEAD_LETTER_POLICY"] = "discard-oldest"
    relay.start()
    refused(outbox, topic, 3)
    eventually("the newest are left", lambda: [each["number"] for each in letters(relay)] == [5, 6])


def test_what_was_replayed_to_a_topic_by_mistake_is_taken_back(
    broker: Broker, relay: Relay, outbox: Path, topic_name: str
) -> None:
    topic = broker.create_topic(topic_name, config=LIMITED)
    relay.start()
    receipts = refused(outbox, topic, 2)
    broker.set_topic_config(topic, {"max.message.bytes": str(1 << 20)})
    wrong = topic_name + "-mistake"
    done = relay.cli("dead-letters", "replay", "--all", "--to-topic", wrong, "--json")
    assert answer(done)["replayed"] == 2
    shown = relay.cli("parked", "show", wrong, "--json")
    found = [json.loads(line) for line in shown.stdout.splitlines()]
    assert [each["replay_of"] for each in found] == [1, 2]
    assert {each["original_topic"] for each in found} == {topic}
    assert {each["topic"] for each in found} == {wrong}
    text = relay.cli("parked", "show", wrong).stdout
    assert f"replay_of=1 round=1 original_topic={topic}" in text

    back = relay.cli("parked", "show", wrong, "--replays", "--json", "--values", "--limit", "0")
    assert back.returncode == 0, back.stderr
    subprocess.run(
        [sys.executable, "-m", "outbox_client._cli", "append", "--ndjson", "--topic", "none"],
        input=back.stdout,
        text=True,
        check=True,
        env={**os.environ, "OUTBOX_DIR": str(outbox)},
        capture_output=True,
    )
    given_up = relay.cli("parked", "discard", wrong, "--replays", "--json")
    assert answer(given_up)["discarded"] == 2
    eventually("they are delivered", lambda: len(read_topic(broker.bootstrap, topic)) == 2)
    sent = {each.event_id: each for each in read_topic(broker.bootstrap, topic)}
    assert set(sent) == {str(each.event_id) for each in receipts}
    assert {name for name, _ in sent[str(receipts[0].event_id)].headers} == {"outbox-event-id"}
    assert sent[str(receipts[0].event_id)].timestamp == 1_000
    assert relay.cli("parked", "show", wrong).returncode == 7


def test_what_was_replayed_elsewhere_and_refused_again_is_exported_as_it_was_appended(
    broker: Broker, relay: Relay, outbox: Path, topic_name: str, tmp_path: Path
) -> None:
    topic = broker.create_topic(topic_name, config=LIMITED)
    other = broker.create_topic(topic_name + "-other", config=LIMITED)
    relay.start()
    (receipt,) = refused(outbox, topic, 1)
    done = relay.cli(
        "dead-letters", "replay", "--all", "--to-topic", other, "--timestamp", "now", "--json"
    )
    assert answer(done)["replayed"] == 1
    eventually("it is refused there", lambda: [each["number"] for each in letters(relay)] == [2])
    exported = relay.cli("dead-letters", "export", "2")
    assert exported.returncode == 0, exported.stderr
    assert relay.stop() == 0

    second = tmp_path / "second"
    appended = subprocess.run(
        [sys.executable, "-m", "outbox_client._cli", "append", "--ndjson", "--topic", "none"],
        input=exported.stdout,
        text=True,
        check=False,
        env={**os.environ, "OUTBOX_DIR": str(second)},
        capture_output=True,
    )
    assert appended.returncode == 0, appended.stderr
    inspected = relay.cli("inspect", "--outbox", str(second), "--json", "--values")
    event = json.loads(inspected.stdout.splitlines()[0])
    assert event["topic"] == topic
    assert event["event_id"] == str(receipt.event_id)
    assert event["timestamp"] == 1_000
    assert "headers" not in event
