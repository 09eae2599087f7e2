"""The power fails under writers in `process` mode while Kafka is away."""

from __future__ import annotations

import os
import time
from contextlib import ExitStack
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from outbox_conformance import mounts

from harness.check import percentile
from harness.ports import free_port
from harness.relay import Relay
from harness.waiting import eventually
from harness.writers import Traffic, Writer

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping

    from harness.broker import Broker
    from harness.ledger import Ack

TORTURE = os.environ.get("TORTURE") == "1"
CUTS = 20 if TORTURE else 2
PYTHON_WRITERS, JAVA_WRITERS = 5, 3
# Long enough that a control without the tick loses far more than a late tick could.
FLOW_MILLIS = 4_000
# Ten times the interval: a busy host may tick late.
LATEST_MILLIS = 2_000


@pytest.fixture
def disk(tmp_path: Path) -> Iterator[mounts.PoweredDisk]:
    if lacking := mounts.missing("mkfs.ext4"):
        pytest.skip(lacking)
    with mounts.PoweredDisk(str(tmp_path), mebibytes=512) as disk:
        yield disk


def now() -> int:
    return time.time_ns() // 1_000_000


class Cuts:
    """One power cut after another; which events each of them cost is known once Kafka is back."""

    def __init__(self, traffic: Traffic, disk: mounts.PoweredDisk, log: Path) -> None:
        self._traffic = traffic
        self._disk = disk
        self._log = log
        self._moments: dict[str, int] = {}

    def cut(self, settings: Mapping[str, str]) -> None:
        """Let all writers append beside a relay that finds no Kafka; then cut the power."""
        nowhere = f"127.0.0.1:{free_port()}"
        name = f"cut{len(self._moments)}"
        writers = [Writer.python(f"{name}-p{n}", self._traffic) for n in range(PYTHON_WRITERS)]
        writers += [Writer.java(f"{name}-j{n}", self._traffic) for n in range(JAVA_WRITERS)]
        relay = Relay(self._traffic.outbox, nowhere, log=self._log, settings=settings)
        with relay, ExitStack() as processes:
            relay.start()
            for writer in writers:
                processes.enter_context(writer)
            for writer in writers:
                eventually(f"{writer.name} appends", writer.has_appended)
            begun = now()
            eventually("they have for long", lambda: now() - begun > FLOW_MILLIS)
            self._moments[name] = now()
            self._disk.cut()
            for writer in writers:
                writer.kill_if_running()
            relay.kill_if_running()
        self._disk.restore()

    def ages(self, lost: tuple[Ack, ...]) -> list[int]:
        """How old each lost event was when the power failed, milliseconds, oldest last.

        What was acked by then counts; a writer may have been told so after the moment was noted.
        """
        ages = []
        for ack in lost:
            moment = self._moments[ack.append.writer.split("-")[0]]
            ages.append(max(0, moment - ack.unix_milliseconds))
        return sorted(ages)


def lose_power(
    broker: Broker, traffic: Traffic, disk: mounts.PoweredDisk, tmp_path: Path, **settings: str
) -> tuple[list[int], int]:
    """The ages of the lost events, and how many were acked."""
    cuts = Cuts(traffic, disk, tmp_path / "relay.log")
    for _ in range(CUTS):
        cuts.cut(settings)
    relay = Relay(traffic.outbox, broker.bootstrap, log=tmp_path / "relay.log")
    with relay:
        relay.start()
        eventually("what is left is delivered", relay.is_drained, within=120)
        assert relay.stop() == 0
    findings = traffic.check(broker.bootstrap)
    assert not findings.phantoms
    assert not findings.disorder
    assert not findings.changed
    return cuts.ages(findings.missing), findings.acked


@pytest.fixture
def on_the_disk(disk: mounts.PoweredDisk, topic: str, tmp_path: Path) -> Traffic:
    ledgers = tmp_path / "ledgers"
    ledgers.mkdir()
    return Traffic(Path(disk.path) / "outbox", topic, ledgers, rate=200)


def told(ages: list[int], acked: int) -> str:
    if not ages:
        return f"{CUTS} cuts, {acked} acked, none lost"
    shares = ", ".join(f"p{share} {percentile(ages, share)} ms" for share in (50, 90, 99))
    return f"{CUTS} cuts, {acked} acked, {len(ages)} lost; ages: {shares}, oldest {ages[-1]} ms"


def test_a_power_cut_in_an_outage_costs_no_more_than_the_sync_interval(
    broker: Broker,
    on_the_disk: Traffic,
    disk: mounts.PoweredDisk,
    tmp_path: Path,
    measured: Callable[[str], None],
) -> None:
    ages, acked = lose_power(broker, on_the_disk, disk, tmp_path)
    measured(told(ages, acked))
    assert acked > 0
    assert not [age for age in ages if age > LATEST_MILLIS], told(ages, acked)


def test_without_the_tick_a_power_cut_in_an_outage_costs_seconds(
    broker: Broker,
    on_the_disk: Traffic,
    disk: mounts.PoweredDisk,
    tmp_path: Path,
    measured: Callable[[str], None],
) -> None:
    """The control."""
    ages, acked = lose_power(broker, on_the_disk, disk, tmp_path, OUTBOX_SYNC_INTERVAL="0")
    measured("without the tick: " + told(ages, acked))
    assert ages
    assert ages[-1] > LATEST_MILLIS, told(ages, acked)
