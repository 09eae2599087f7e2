"""What the disk does not give costs only what lies in it; what another version wrote is left."""

from __future__ import annotations

import dataclasses
import json
import shutil
import subprocess
import time
import uuid
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from outbox_conformance import cyclefile, goldenfiles, records
from outbox_conformance import outbox as image

from harness.relay import Relay
from harness.topics import read_topic
from harness.waiting import eventually
from outbox_client import Outbox

if TYPE_CHECKING:
    from harness.broker import Broker

SOURCE = Path(__file__).with_name("unreadable_sector.c")
SECTOR = 4096
FIRST_DATA = 0x10110
NEEDS_OPERATOR = 5
PROBLEMS_FOUND = 7
EVENTS = 100

# Where nothing may be opened, and what is to be said of it.
LEFT_ALONE = {
    "former-format": "before the first release",
    "former-format-without-state": "former format",
    "later-format": "upgrade",
    "later-revision": "upgrade",
    "later-version-at-the-tail": "upgrade",
    "later-version-behind-word1": "upgrade",
}


def unreadable(files: str, at: int, tmp_path: Path) -> list[str]:
    """A command before which a sector can't be read of the files whose names end so."""
    library = tmp_path / "unreadable_sector.so"
    subprocess.run(["cc", "-shared", "-fPIC", "-o", library, SOURCE, "-ldl"], check=True)
    return ["env", f"EIO_FILE={files}", f"EIO_AT={at}", f"LD_PRELOAD={library}"]


@pytest.mark.skipif(shutil.which("cc") is None, reason="there is no C compiler (cc)")
@pytest.mark.parametrize(
    ("file", "at"),
    [
        ("/relay.position", 0),
        ("/relay.position", SECTOR),
        ("/relay.outcomes", 0),
        ("/append.failures", 0),
        ("/dead-letters/outbox.state", 0),
    ],
)
def test_a_sector_of_the_relays_own_files_that_cannot_be_read_ends_nothing(
    file: str, at: int, broker: Broker, outbox: Path, topic_name: str, tmp_path: Path
) -> None:
    topic = broker.create_topic(topic_name, config={"max.message.bytes": "2000"})
    plain = Relay(outbox, broker.bootstrap, log=tmp_path / "plain.log")
    bad = Relay(
        outbox, broker.bootstrap, log=tmp_path / "bad.log", wrapper=unreadable(file, at, tmp_path)
    )
    with Outbox(outbox) as client:
        for number, relay in enumerate((plain, bad, plain)):
            with relay:
                relay.start()
                one = client.append(f"{number}", topic=topic)
                large = client.append("x" * 5000, topic=topic)
                assert client.wait_delivered(one, 60) == "DELIVERED"
                if relay is bad and file.startswith("/dead-letters"):
                    # The disk of the test stays bad whatever is written there.
                    eventually("it is told", lambda: "what=dead-letter" in bad.output())
                    relay.kill()
                    continue
                assert client.wait_delivered(large, 60) == "DEAD"
                assert relay.stop() == 0
    letters = plain.cli("dead-letters", "list", "--json").stdout.splitlines()
    assert len(letters) == 3
    values = [record.value for record in read_topic(broker.bootstrap, topic)]
    assert set(values) == {b"0", b"1", b"2"}
    assert len(values) <= 4, "a position that lies one save behind sends little again"


@pytest.mark.skipif(shutil.which("cc") is None, reason="there is no C compiler (cc)")
def test_a_sector_that_cannot_be_read_costs_only_the_events_in_it(
    broker: Broker, outbox: Path, topic: str, tmp_path: Path
) -> None:
    bad = FIRST_DATA + 40 * 600 & ~(SECTOR - 1)
    wrapper = unreadable(".cq4", bad, tmp_path)
    with (
        Relay(outbox, broker.bootstrap, log=tmp_path / "relay.log", wrapper=wrapper) as relay,
        Outbox(outbox) as client,
    ):
        receipts = [client.append(f"{n:03}" + "z" * 500, topic=topic) for n in range(EVENTS)]
        relay.start()
        eventually("all is settled", relay.is_drained, within=60)
        found = relay.status()
        values = {(record.value or b"")[:3] for record in read_topic(broker.bootstrap, topic)}
        lost = [n for n in range(EVENTS) if f"{n:03}".encode() not in values]
        assert 6 <= len(lost) <= 10, "about eight of them lie in the sector"
        assert lost == list(range(lost[0], lost[-1] + 1))
        assert found["missing"] == len(lost)
        assert found["quarantined"] == 1
        for n, receipt in enumerate(receipts):
            outcome = "QUARANTINED" if n in lost else "DELIVERED"
            assert client.wait_delivered(receipt, 10) == outcome
        [kept] = (outbox / "quarantine").iterdir()
        start = int(kept.stem.rsplit("-", 1)[1])
        cycle = next((outbox / "queue").glob("*.cq4")).read_bytes()
        region = bytearray(cycle[start : start + kept.stat().st_size])
        first, behind = max(bad, start) - start, bad + SECTOR - start
        region[first:behind] = bytes(behind - first)
        assert kept.read_bytes() == region, "what can't be read is zeros, the rest is there"
        # Reading goes on, now and after a restart.
        assert client.wait_delivered(client.append("later", topic=topic), 60) == "DELIVERED"
        assert relay.stop() == 0
        relay.start()
        assert client.wait_delivered(client.append("last", topic=topic), 60) == "DELIVERED"
        assert relay.stop() == 0
    assert len(read_topic(broker.bootstrap, topic)) == EVENTS - len(lost) + 2


def test_damage_at_the_very_end_does_not_keep_the_relay_from_starting(
    relay: Relay, outbox: Path, topic: str
) -> None:
    with Outbox(outbox) as client:
        receipts = [client.append(f"{n}" * 8, topic=topic) for n in range(3)]
    cycle = next((outbox / "queue").glob("*.cq4"))
    content = cycle.read_bytes()
    with cycle.open("r+b") as file:
        file.seek(content.rindex(b"2" * 8))
        file.write(b"x")
    relay.start()
    eventually("all is settled", relay.is_drained, within=60)
    assert relay.stop() == 0
    relay.start()
    with Outbox(outbox) as client:
        assert client.wait_delivered(receipts[-1], 10) == "QUARANTINED"
        assert client.wait_delivered(client.append("after", topic=topic), 60) == "DELIVERED"


def with_records_within(outbox: Path, topic: str, forged_topic: str) -> bytes:
    """A value of an event without a key: entries of other places, aligned as entries are."""
    cycle = next((outbox / "queue").glob("*.cq4"))
    content = cycle.read_bytes()
    first = content.index(records.MAGIC) - 4
    length = int.from_bytes(content[first : first + 4], "little")
    place = records.Place(Outbox(outbox).status().outbox, cyclefile.cycle_of(cycle.name), first)
    value = b" " * (-(4 + records.MIN_LENGTH + len(topic)) % 4)
    value += content[first : first + 4 + length]  # one that was delivered, as it stands
    for other in (
        place,
        dataclasses.replace(place, outbox_id=uuid.UUID(int=7)),
        dataclasses.replace(place, cycle=place.cycle + 1),
    ):
        event = records.Record(
            entry=5,
            sequence=6,
            append_time=int(time.time() * 1000),
            timestamp=int(time.time() * 1000),
            event_id=uuid.uuid4(),
            topic=forged_topic,
            key=None,
            value=b"forged",
        )
        record = records.encode(event, other)
        value += len(record).to_bytes(4, "little") + record
    return value


@pytest.mark.parametrize("known_before", [True, False])
def test_a_record_inside_a_value_is_none_whatever_is_damaged_around_it(
    known_before: bool, relay: Relay, broker: Broker, outbox: Path, topic: str
) -> None:
    others = broker.create_topic(f"{topic[:200]}-payments")
    with Outbox(outbox) as client:
        receipts = [client.append(f"{n}", topic=topic) for n in range(4)]
        value = with_records_within(outbox, topic, others)
        receipts.append(client.append(value, topic=topic))
        if known_before:
            receipts += [client.append(f"{n}", topic=topic) for n in range(5, 10)]
        cycle = next((outbox / "queue").glob("*.cq4"))
        word = cycle.read_bytes().index(value) - len(topic) - records.MIN_LENGTH - 4
        with cycle.open("r+b") as file:
            file.seek(word + 3)
            file.write(b"\x10")  # one bit of the header word
        relay.start()
        eventually("what is before it is delivered", lambda: relay.status()["delivered"] >= 4)
        if not known_before:
            receipts += [client.append(f"{n}", topic=topic) for n in range(5, 10)]
        client._writer._clock = lambda: time.time_ns() + 3600 * 10**9
        receipts.append(client.append("10", topic=topic))
        outcomes = [client.wait_delivered(receipt, 60) for receipt in receipts]
        assert outcomes == [*["DELIVERED"] * 4, "QUARANTINED", *["DELIVERED"] * 6]
        eventually("all is settled", relay.is_drained, within=60)
    found = relay.status()
    assert (found["quarantined"], found["missing"]) == (1, 1)
    assert found["settled_sequence"] == found["appended_sequence"] == len(receipts)
    values = [record.value for record in read_topic(broker.bootstrap, topic)]
    assert values == [b"%d" % n for n in (0, 1, 2, 3, 5, 6, 7, 8, 9, 10)]
    assert read_topic(broker.bootstrap, others) == []
    [kept] = (outbox / "quarantine").iterdir()
    assert value in kept.read_bytes()
    assert relay.stop() == 0


@pytest.mark.parametrize("name", LEFT_ALONE)
def test_what_another_version_wrote_is_named_and_left_as_it_is(
    name: str, relay: Relay, outbox: Path
) -> None:
    golden = goldenfiles.Golden(name)
    image.materialise(golden.before(), str(outbox), golden.links)
    before = _contents(outbox)
    relay.start(wait=False)
    assert relay.child.wait() == NEEDS_OPERATOR
    assert LEFT_ALONE[name] in relay.output()
    assert "\tat " not in relay.output(), "a sentence, no stack trace"

    kind = golden.expected["stopped"]["kind"]
    verified = relay.cli("verify", "--json")
    assert verified.returncode == PROBLEMS_FOUND
    assert json.loads(verified.stdout)["queue"]["stopped"]["kind"] == kind
    for verb in ("inspect", "status", "doctor"):
        said = relay.cli(verb)
        assert LEFT_ALONE[name] in said.stdout + said.stderr, verb
        assert "\tat " not in said.stderr, verb
    changed = {path: content for path, content in _contents(outbox).items() if path in before}
    assert changed == before
    added = set(_contents(outbox)) - set(before)
    assert added <= ({"relay.lock"} if name.startswith("later-version") else set())


def test_one_of_many_that_another_version_wrote_is_on_hold(
    broker: Broker, outbox: Path, topic: str, tmp_path: Path
) -> None:
    for name in ("former-format", "later-version-in-the-middle"):
        golden = goldenfiles.Golden(name)
        image.materialise(golden.before(), str(tmp_path / "many" / name), golden.links)
    broker.create_topic("orders")  # what comes before the other version's record
    settings = {"OUTBOX_DIR": "", "OUTBOX_DIRS": f"{tmp_path}/many/*"}
    with (
        Relay(outbox, broker.bootstrap, log=tmp_path / "relay.log", settings=settings) as relay,
        Outbox(tmp_path / "many" / "sound") as client,
    ):
        relay.start()

        def on_hold() -> dict[str, str]:
            held = json.loads(relay.http("/status.json")[1])["on_hold"]
            return {Path(each["outbox"]).name: each["reason"] for each in held}

        eventually("both are on hold", lambda: len(on_hold()) == 2, within=60)
        assert set(on_hold().values()) == {"other-format"}
        assert client.wait_delivered(client.append("v", topic=topic), 60) == "DELIVERED"
        relay.assert_running()


def _contents(outbox: Path) -> dict[str, bytes]:
    return {
        str(path.relative_to(outbox)): path.read_bytes()
        for path in outbox.rglob("*")
        if path.is_file()
    }
