"""The outbox's file system is full while the relay works."""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from outbox_conformance import mounts

from harness.relay import Relay
from harness.topics import read_topic
from harness.waiting import eventually
from outbox_client import Outbox, OutboxFull

if TYPE_CHECKING:
    from collections.abc import Iterator

    from harness.broker import Broker
    from outbox_client import Receipt

OUTBOX_UNUSABLE, NO_ANSWER = 4, 12
SMALL_TOPIC = {"max.message.bytes": "2000"}


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


def kinds_told(relay: Relay) -> list[str]:
    """What the command `status` says to be wrong."""
    told = relay.cli("status", "--json")
    return [trouble["kind"] for trouble in json.loads(told.stdout)["troubles"]]


def test_a_stop_that_could_not_save_its_position_says_so_and_does_not_exit_0(
    broker: Broker, small_disk: Path, topic: str, tmp_path: Path
) -> None:
    outbox = small_disk / "outbox"
    with (
        Relay(outbox, broker.bootstrap, log=tmp_path / "relay.log") as relay,
        Outbox(outbox) as client,
    ):
        acked = client.append("x", topic=topic)
        fill(small_disk)
        relay.start()
        eventually("it is delivered", relay.is_drained)
        assert relay.stop() == 10
        assert "position_saved=false" in relay.output()
        assert client.wait_delivered(acked, 0.1) == "PENDING"


def test_a_stop_that_waited_in_vain_for_a_dead_letter_says_so_too(
    broker: Broker, small_disk: Path, topic_name: str, tmp_path: Path
) -> None:
    outbox = small_disk / "outbox"
    topic = broker.create_topic(topic_name, config=SMALL_TOPIC)
    with (
        Relay(
            outbox,
            broker.bootstrap,
            log=tmp_path / "relay.log",
            settings={"OUTBOX_STOP_DEADLINE_MS": "1000"},
        ) as relay,
        Outbox(outbox) as client,
    ):
        client.append("x", topic=topic)
        client.append("x" * 5000, topic=topic)
        fill(small_disk)
        relay.start()
        eventually(
            "it is told",
            lambda: "position" in [each["kind"] for each in relay.status()["troubles"]],
        )
        assert relay.stop() == 10, relay.output()
        assert "position_saved=false" in relay.output()


def test_a_full_disk_refuses_appends_by_name_and_the_relay_delivers_what_is_there(
    broker: Broker, small_disk: Path, topic: str, tmp_path: Path
) -> None:
    outbox = small_disk / "outbox"
    with (
        Relay(outbox, broker.bootstrap, log=tmp_path / "relay.log") as relay,
        Outbox(outbox) as client,
    ):
        reserve = small_disk / "reserve"
        reserve.write_bytes(b"\1" * 1_000_000)
        acked: list[Receipt] = []

        def append_for_ever() -> None:
            while True:
                acked.append(client.append(b"x" * 10_000, topic=topic, key="k"))

        with pytest.raises(OutboxFull):
            append_for_ever()
        fill(small_disk)
        relay.start()
        eventually("all that was acked is delivered", relay.is_drained)
        delivered = [record.event_id for record in read_topic(broker.bootstrap, topic)]
        assert delivered == [str(receipt.event_id) for receipt in acked]
        # A file that was never written finds no room; the relay says so and goes on trying.
        eventually("the relay says so", lambda: "position not saved" in relay.output())
        assert relay.status()["saved_sequence"] == 0
        assert "position" in [each["kind"] for each in relay.status()["troubles"]]
        assert relay.status()["summary"]["text"] == "The position can't be saved."
        reserve.unlink()
        eventually(
            "the position is saved",
            lambda: relay.status()["saved_sequence"] == acked[-1].sequence,
        )
        again = client.append("again", topic=topic, key="k")
        assert client.wait_delivered(again, 60) == "DELIVERED"
        assert relay.stop() == 0
    assert len(read_topic(broker.bootstrap, topic)) == len(acked) + 1


def test_a_dead_letter_that_finds_no_space_holds_the_position_until_there_is_some(
    broker: Broker, small_disk: Path, topic_name: str, tmp_path: Path
) -> None:
    topic = broker.create_topic(topic_name, config=SMALL_TOPIC)
    outbox = small_disk / "outbox"
    with (
        Relay(outbox, broker.bootstrap, log=tmp_path / "relay.log") as relay,
        Outbox(outbox) as client,
    ):
        relay.start()
        before = client.append("before", topic=topic)
        assert client.wait_delivered(before, 60) == "DELIVERED"
        assert relay.stop() == 0
        also_before = client.append("also before", topic=topic)
        poison = client.append(b"x" * 10_000, topic=topic)
        behind = client.append("behind", topic=topic)
        ballast = fill(small_disk)
        relay.start()
        assert client.wait_delivered(also_before, 60) == "DELIVERED"
        eventually("the relay says so", lambda: "what=dead-letter" in relay.output())
        eventually("who looks at files sees it", lambda: "dead-letter" in kinds_told(relay))
        assert client.wait_delivered(poison, 0.5) == "PENDING"
        relay.assert_running()
        assert relay.http("/healthz")[0] == 200
        ballast.unlink()
        assert client.wait_delivered(poison, 60) == "DEAD"
        eventually("it is over", lambda: kinds_told(relay) == [])
        assert client.wait_delivered(behind, 60) == "DELIVERED"
        assert relay.stop() == 0
    values = [record.value for record in read_topic(broker.bootstrap, topic)]
    assert values[:2] == [b"before", b"also before"]
    assert set(values[2:]) == {b"behind"}


def test_a_command_for_which_the_disk_has_no_room_names_that_with_a_relay_or_without(
    broker: Broker, small_disk: Path, topic_name: str, tmp_path: Path
) -> None:
    outbox = small_disk / "outbox"
    topic = broker.create_topic(topic_name, config=SMALL_TOPIC)
    with (
        Relay(outbox, broker.bootstrap, log=tmp_path / "relay.log") as relay,
        Outbox(outbox) as client,
    ):
        relay.start()
        assert client.wait_delivered(client.append("x" * 5000, topic=topic), 60) == "DEAD"
        ballast = fill(small_disk)

        def leave(pages: int) -> None:
            os.truncate(ballast, ballast.stat().st_size - pages * 4096)

        def replay(code: int) -> str:
            done = relay.cli("dead-letters", "replay", "--all", "--timeout", "6")
            print(done.stderr)
            assert done.returncode == code, done
            assert "No space left" in done.stderr
            assert "make room" in done.stderr
            return done.stderr

        # No room for the request itself.
        assert "nothing was asked for" in replay(OUTBOX_UNUSABLE)
        assert not list((outbox / "control").iterdir())
        # Room for it, and not for what is done about it.
        leave(1)
        assert "--request" in replay(NO_ANSWER)
        assert relay.stop() in (0, 10)
        leave(1)
        stands = replay(NO_ANSWER)
        assert "no relay runs" in stands
        # Nothing is lost by it.
        ballast.unlink()
        number = stands.split()[-1]
        later = relay.cli("dead-letters", "replay", "--request", number, "--json")
        assert later.returncode in (0, 7), later.stderr
        assert len(relay.cli("dead-letters", "list", "--done").stdout.splitlines()) == 1
        assert "replayed" in relay.cli("dead-letters", "list", "--done").stdout
