"""The power is cut while writers append: what was acknowledged in power mode survives."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

import pytest
from outbox_conformance import checker, mounts, scanner
from outbox_conformance.clock import HOUR, Clock
from outbox_conformance.mounts import PoweredDisk
from outbox_conformance.waiting import eventually
from outbox_conformance.writers import JAVA, LANGUAGES, PYTHON

if TYPE_CHECKING:
    import random
    from collections.abc import Iterator

    from outbox_conformance.checker import Event
    from outbox_conformance.writers import History, Writer, Writers

TORTURE = os.environ.get("TORTURE") == "1"
CUTS = 20 if TORTURE else 1
FOREVER = 1_000_000
# Of programs, how many threads append at once, and how many events with each call: 16 writers.
CROWD = (
    *[(PYTHON, 1, 1)] * 3,
    (PYTHON, 3, 1),
    (PYTHON, 1, 20),
    (PYTHON, 1, 100),
    (JAVA, 1, 1),
    (JAVA, 4, 1),
    (JAVA, 2, 20),
    (JAVA, 1, 100),
)


@pytest.fixture
def disk(parent: str) -> Iterator[PoweredDisk]:
    reason = mounts.missing("mkfs.ext4")
    if reason:
        pytest.skip(reason)
    with PoweredDisk(parent) as powered:
        yield powered


def _cut_while_appending(
    disk: PoweredDisk, appending: list[Writer], acks: int, *, written: bool = False
) -> list[History]:
    """Cut the power, and return what the writers had been told by then.

    With *written* only what they had been told when the kernel wrote everything for the last time;
    they go on for a while before the cut.
    """
    for writer in appending:
        writer.await_acks(acks)
    before = [writer.history() for writer in appending]
    if written:
        disk.write_back()
        for writer, earlier in zip(appending, before, strict=True):
            writer.await_acks(len(earlier.acks) + 100)
    disk.cut()
    for writer in appending:
        writer.kill()
    disk.restore()
    return [
        writer.history().as_known_at(earlier)
        for writer, earlier in zip(appending, before, strict=True)
    ]


def _beginning_with(first: str) -> list[str]:
    return sorted(LANGUAGES, key=lambda language: language != first)


def _read(outbox: str) -> list[Event]:
    return checker.from_scan(scanner.scan(outbox).records)


@pytest.mark.parametrize("first", LANGUAGES)
def test_power_mode_loses_nothing(
    first: str, disk: PoweredDisk, clock: Clock, writers: Writers, chance: random.Random
) -> None:
    outbox = f"{disk.path}/outbox"
    settings = {"count": FOREVER, "clock_offset_file": clock.path, "roll_bytes": 200_000}
    appending = [
        writers.start(language, outbox, f"power-{n}", durability="power", size=size, **settings)
        for n, (language, size) in enumerate(((PYTHON, 100), (PYTHON, 3000), (JAVA, 100)))
    ]
    appending.append(writers.start(PYTHON, outbox, "process", size=500, **settings))
    for _ in range(3):
        clock.advance(chance.choice((0, 1, 2)) * HOUR)
        appending[0].await_acks(len(appending[0].history().acks) + chance.randrange(20))
    histories = _cut_while_appending(disk, appending, acks=20)
    assert checker.violations(_read(outbox), histories, may_lose=["process"]) == []

    # Writers of both languages go on, each finding what the cut left or the other has mended.
    clock.advance(chance.choice((0, 1)) * HOUR)
    after = [
        writers.start(language, outbox, f"after-{n}-{language}", clock_offset_file=clock.path)
        for n, language in enumerate(_beginning_with(first) * 2)
    ]
    for writer in after * 2:
        assert len(writer.append(10).acks) == 10
    histories += [writer.history() for writer in after]
    assert checker.violations(_read(outbox), histories, may_lose=["process"]) == []


@pytest.mark.torture
def test_a_crowd_in_power_mode_loses_nothing(
    disk: PoweredDisk, clock: Clock, writers: Writers, chance: random.Random
) -> None:
    """Sixteen writers of both languages, whose syncs serve each other; cut again and again."""
    outbox = f"{disk.path}/outbox"
    histories: list[History] = []
    found: list[Event] = []
    for cut in range(CUTS):
        appending = [
            writers.start(
                language,
                outbox,
                f"{language}-{number}",
                first=cut * FOREVER,
                count=FOREVER,
                threads=threads,
                batch=batch,
                size=chance.choice((60, 100, 1000, 5000)) if batch == 1 else 100,
                durability="power",
                lock_timeout=60,
                clock_offset_file=clock.path,
                roll_bytes=1_000_000,
            )
            for number, (language, threads, batch) in enumerate(CROWD)
        ]
        histories += _cut_while_appending(disk, appending, acks=chance.randrange(40, 100))
        found = _read(outbox)
        assert checker.violations(found, histories) == []
        clock.advance(chance.choice((0, 1)) * HOUR)
    assert not [each.failures for each in histories if each.failures]
    acked = sum(len(history.acks) for history in histories)
    print(f"{CUTS} cuts, {acked} acknowledged events, {len(found)} found")


@pytest.mark.parametrize("first", LANGUAGES)
def test_process_mode_loses_what_the_kernel_had_not_written_and_nothing_older(
    first: str, disk: PoweredDisk, clock: Clock, writers: Writers, chance: random.Random
) -> None:
    outbox = f"{disk.path}/outbox"
    before = [
        writers.start(language, outbox, f"before-{n}-{language}", count=FOREVER, size=200)
        for n, language in enumerate(LANGUAGES)
    ]
    acks = chance.randrange(1, 3000)
    histories = _cut_while_appending(disk, before, acks, written=True)
    assert sum(len(history.acks) for history in histories) >= 2 * acks
    assert checker.violations(_read(outbox), histories) == []

    # Writers of both languages go on, and what had survived still does.
    after = [
        writers.start(language, outbox, f"after-{n}-{language}")
        for n, language in enumerate(_beginning_with(first))
    ]
    for writer in after * 2:
        assert len(writer.append(50).acks) == 50
    histories += [writer.history() for writer in after]
    assert checker.violations(_read(outbox), histories) == []


@pytest.mark.parametrize("language", LANGUAGES)
def test_without_fdatasync_a_cut_loses_events(
    language: str, disk: PoweredDisk, writers: Writers
) -> None:
    """Shows that the cut is one, and that the tests above would notice."""

    def loses() -> bool:
        outbox = f"{disk.path}/outbox-{len(writers.histories())}"
        writer = writers.start(
            language,
            outbox,
            f"w{len(writers.histories())}",
            count=FOREVER,
            durability="power",
            fault="sync.payload:1+:skip",
        )
        histories = _cut_while_appending(disk, [writer], acks=200)
        return any(
            violation.startswith("lost")
            for violation in checker.violations(_read(outbox), histories)
        )

    eventually("a cut loses an event that was not synced", loses, within=30)
