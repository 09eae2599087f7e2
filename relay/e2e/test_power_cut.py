"""The power fails under writers in `process` mode and a running relay."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from outbox_conformance import mounts

from harness.relay import Relay
from harness.topics import read_topic
from harness.waiting import eventually
from harness.writers import Traffic, Writer
from outbox_client import Outbox

if TYPE_CHECKING:
    from collections.abc import Iterator

    from harness.broker import Broker

NEEDS_OPERATOR = 5
CUTS = 3
AFTERWARDS = 200


@pytest.fixture
def disk(tmp_path: Path) -> Iterator[mounts.PoweredDisk]:
    if lacking := mounts.missing("mkfs.ext4"):
        pytest.skip(lacking)
    with mounts.PoweredDisk(str(tmp_path)) as disk:
        yield disk


def test_what_is_appended_after_a_power_cut_is_delivered(
    broker: Broker, disk: mounts.PoweredDisk, topic: str, tmp_path: Path
) -> None:
    outbox = Path(disk.path) / "outbox"
    ledgers = tmp_path / "ledgers"
    ledgers.mkdir()
    traffic = Traffic(outbox, topic, ledgers, rate=500)
    relay = Relay(outbox, broker.bootstrap, log=tmp_path / "relay.log")
    after: list[str] = []
    with relay:
        for cut in range(CUTS):
            writers = [Writer.python(f"p{n}-{cut}", traffic) for n in range(2)]
            relay.start()
            with writers[0], writers[1]:
                eventually("events flow", lambda: relay.progress().delivered > 300)
                disk.cut()
                for writer in writers:
                    writer.kill_if_running()
            relay.kill_if_running()
            disk.restore()
            relay.start()
            with Outbox(outbox) as client:
                receipts = [client.append(f"after {cut}", topic=topic) for _ in range(AFTERWARDS)]
                assert client.wait_delivered(receipts[-1], 60) == "DELIVERED"
            after += [str(receipt.event_id) for receipt in receipts]
            assert relay.stop() == 0
    delivered = {record.event_id for record in read_topic(broker.bootstrap, topic)}
    assert set(after) <= delivered
    assert len(set(after)) == CUTS * AFTERWARDS


def test_without_the_sync_before_the_position_a_power_cut_would_be_noticed(
    broker: Broker, disk: mounts.PoweredDisk, topic: str, tmp_path: Path
) -> None:
    """The control: the sync of the events is turned off, and their loss is found."""
    if lacking := mounts.missing("strace"):
        pytest.skip(lacking)
    outbox = Path(disk.path) / "outbox"
    log = tmp_path / "relay.log"
    with Outbox(outbox) as client:
        first = client.append("first", topic=topic)
        with Relay(outbox, broker.bootstrap, log=log) as relay:
            relay.start()
            assert client.wait_delivered(first, 60) == "DELIVERED"
            assert relay.stop() == 0
        [cycle] = (outbox / "queue").glob("*.cq4")
        pretend = ["strace", "-f", "-qq", "-o", "/dev/null", "-P", str(cycle)]
        pretend += ["-e", "inject=fsync,fdatasync:retval=0"]
        with Relay(outbox, broker.bootstrap, log=log, wrapper=pretend) as relay:
            relay.start()
            receipts = [client.append(b"x" * 5_000, topic=topic) for _ in range(AFTERWARDS)]
            assert client.wait_delivered(receipts[-1], 60) == "DELIVERED"
            disk.cut()
    # The relay was not our own child, but strace's: it may take a moment to go.
    eventually("nobody has the disk open", lambda: restored(disk))
    with Relay(outbox, broker.bootstrap, log=log) as relay:
        relay.start(wait=False)
        assert relay.child.wait() == NEEDS_OPERATOR, relay.output()


def restored(disk: mounts.PoweredDisk) -> bool:
    disk.restore()
    return True
