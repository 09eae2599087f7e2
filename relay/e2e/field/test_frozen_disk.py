"""A backup freezes the file system of the outbox for a while."""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from outbox_conformance import mounts

from harness.probes import Probes
from harness.relay import Relay
from harness.waiting import eventually, let_traffic_flow
from harness.writers import Traffic, Writer
from outbox_client import Outbox

if TYPE_CHECKING:
    from collections.abc import Iterator

    from harness.broker import Broker

FROZEN_SECONDS = 4.0


@pytest.fixture
def disk(tmp_path: Path) -> Iterator[mounts.PoweredDisk]:
    if lacking := mounts.missing("mkfs.ext4", "fsfreeze"):
        pytest.skip(lacking)
    with mounts.PoweredDisk(str(tmp_path)) as disk:
        yield disk


def acked(traffic: Traffic) -> int:
    return len(traffic.read().acked)


def test_a_frozen_file_system_delays_events_and_loses_none(
    broker: Broker, disk: mounts.PoweredDisk, topic: str, tmp_path: Path
) -> None:
    ledgers = tmp_path / "ledgers"
    ledgers.mkdir()
    traffic = Traffic(Path(disk.path) / "outbox", topic, ledgers, rate=500)
    # Processes of their own: a store into a page of a frozen disk stops all threads of Python.
    writers = [Writer.python("python", traffic), Writer.java("java", traffic)]
    log = tmp_path / "relay.log"
    with Relay(traffic.outbox, broker.bootstrap, log=log) as relay, writers[0], writers[1]:
        relay.start()
        for writer in writers:
            eventually(f"{writer.name} appends", writer.has_appended)
        eventually("events flow", lambda: relay.progress().delivered > 100)
        mounts.run("fsfreeze", "-f", disk.path)
        try:
            with Probes(relay.port) as probes:
                let_traffic_flow(FROZEN_SECONDS)
            before = acked(traffic)
        finally:
            mounts.run("fsfreeze", "-u", disk.path)
        probes.assert_all_answered()
        eventually("appends go on", lambda: acked(traffic) > before + 200)
        for writer in writers:
            writer.stop()
        eventually("all is delivered", relay.is_drained)
        assert relay.stop() == 0
    found = traffic.check(broker.bootstrap)
    assert found.problems(duplicates_allowed=False) == []


def test_a_disk_that_hangs_holds_up_no_outbox_on_another(
    broker: Broker, disk: mounts.PoweredDisk, topic: str, tmp_path: Path
) -> None:
    # First in the order of the search, and never served yet: its lock has to be made.
    hangs, answers, late = (
        Path(parent) / name / "outbox"
        for parent, name in ((disk.path, "a"), (tmp_path, "b"), (tmp_path, "c"))
    )
    for outbox in (hangs, answers, late):
        outbox.parent.mkdir()
    settings = {"OUTBOX_DIR": "", "OUTBOX_DIRS": f"{disk.path}/*/outbox:{tmp_path}/*/outbox"}
    log = tmp_path / "relay.log"
    with (
        Outbox(hangs) as of_hangs,
        Outbox(answers) as of_answers,
        Outbox(late) as of_late,
        Relay(tmp_path, broker.bootstrap, log=log, settings=settings) as relay,
    ):
        waiting = of_hangs.append("v", topic=topic)
        receipt = of_answers.append("v", topic=topic)
        mounts.run("fsfreeze", "-f", disk.path)
        try:
            relay.start()
            assert of_answers.wait_delivered(receipt, 60) == "DELIVERED"
            receipt = of_late.append("v", topic=topic)
            assert of_late.wait_delivered(receipt, 60) == "DELIVERED"
            assert of_hangs.wait_delivered(waiting, 0) == "PENDING"
            assert relay.http("/healthz")[0] == 200
        finally:
            mounts.run("fsfreeze", "-u", disk.path)
        assert of_hangs.wait_delivered(waiting, 60) == "DELIVERED"
        assert relay.stop() == 0


def test_the_disk_is_frozen(disk: mounts.PoweredDisk) -> None:
    mounts.run("fsfreeze", "-f", disk.path)
    child = os.fork()
    if child == 0:
        os.close(os.open(f"{disk.path}/new", os.O_CREAT | os.O_WRONLY))
        os._exit(0)
    try:
        state = eventually(
            "the child waits for the disk",
            lambda: Path(f"/proc/{child}/stat").read_text().rsplit(")", 1)[1].split()[0] == "D",
        )
        assert state
    finally:
        mounts.run("fsfreeze", "-u", disk.path)
        os.waitpid(child, 0)
