"""Damage that nobody wrote: blocks that the disk does not give, and what a power cut kept."""

from __future__ import annotations

import errno
import os
from typing import TYPE_CHECKING

import pytest
from support import HOUR, HOUR_NS, Clock, event, new_writer, numbers

from outbox_client import Outbox, OutboxFull
from outbox_client._cycle_facts import search
from outbox_client._cycle_layout import USUAL_FIRST, cycle_name

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from outbox_client._queue_writer import QueueWriter

BLOCK = 4096


@pytest.fixture
def unreadable(monkeypatch: pytest.MonkeyPatch) -> Callable[[int], None]:
    """Blocks of the first cycle file that cannot be read from now on."""
    blocks: set[int] = set()
    pread = os.pread

    def refuse(fd: int, length: int, offset: int) -> bytes:
        if os.readlink(f"/proc/self/fd/{fd}").endswith(cycle_name(HOUR)):
            hit = [at for at in blocks if offset < at + BLOCK and at < offset + length]
            if hit and min(hit) <= offset:
                raise OSError(errno.EIO, os.strerror(errno.EIO))
            if hit:  # as the kernel does: what comes before is given
                length = min(hit) - offset
        return pread(fd, length, offset)

    monkeypatch.setattr(os, "pread", refuse)
    return lambda offset: blocks.add(offset & -BLOCK)


def filled(path: Path, count: int, size: int = 600) -> list[int]:
    """Append events; the offsets of their header words."""
    writer = new_writer(path, clock=Clock())
    offsets = [USUAL_FIRST]
    for number in range(count):
        writer.append(event(number, size))
        session = writer._session
        assert session is not None
        offsets.append(session.tail)
    return offsets[:-1]


def survivors(path: Path, hour: int = HOUR) -> list[int]:
    """The sequences that a search of a cycle finds."""
    outbox = Outbox(path).status().outbox.bytes
    fd = os.open(path / "queue" / cycle_name(hour), os.O_RDONLY)
    try:
        return [record.sequence for record, _ in search(fd, 0, outbox, hour, None)]
    finally:
        os.close(fd)


@pytest.mark.parametrize("place", ["the newest record", "the header", "the tail"])
def test_an_unreadable_block_ends_a_cycle_and_no_append(
    place: str, outbox_path: Path, unreadable: Callable[[int], None]
) -> None:
    offsets = filled(outbox_path, 20)
    unreadable({"the newest record": offsets[-1], "the header": 0, "the tail": 4096 * 22}[place])
    writer = new_writer(outbox_path, clock=Clock())
    sequences = [writer.append(event(100 + count)).sequence for count in range(3)]
    assert sequences == [21, 22, 23]


def test_an_unreadable_block_of_index_slots_ends_nothing(
    outbox_path: Path, unreadable: Callable[[int], None]
) -> None:
    filled(outbox_path, 20)
    unreadable(0x4000)
    assert new_writer(outbox_path, clock=Clock()).append(event(100)).sequence == 21
    assert numbers(outbox_path) == [*range(20), 100]
    assert len(list((outbox_path / "queue").glob("*.cq4"))) == 1


def test_the_search_passes_over_blocks_that_cannot_be_read(
    outbox_path: Path, unreadable: Callable[[int], None]
) -> None:
    offsets = filled(outbox_path, 40)
    bad = offsets[20] & -BLOCK
    unreadable(bad)
    lost = {
        number + 1
        for number, (offset, end) in enumerate(zip(offsets, [*offsets[1:], 1 << 30], strict=True))
        if offset < bad + BLOCK and end > bad
    }
    assert survivors(outbox_path) == [sequence for sequence in range(1, 41) if sequence not in lost]


def test_records_that_a_power_cut_kept_behind_a_roll_are_not_overwritten(outbox_path: Path) -> None:
    """Pages 0 and 16 of a new cycle are as they were made; younger pages and the state are not."""
    filled(outbox_path, 20, 3000)
    cycle = outbox_path / "queue" / cycle_name(HOUR)
    with open(cycle, "r+b") as file:
        for offset, length in ((0x40, 16), (0xB0, 8), (0x8108, 16)):
            file.seek(offset)
            file.write(bytes(length))
        file.seek(USUAL_FIRST)
        file.write(bytes(-USUAL_FIRST % BLOCK))
    before = survivors(outbox_path)
    assert len(before) > 15
    writer = new_writer(outbox_path, clock=Clock())
    assert [writer.append(event(100 + count, 3000)).sequence for count in range(6)] == [
        *range(21, 27)
    ]
    assert survivors(outbox_path) == before


def test_a_cycle_without_any_survivor_is_gone_on_with(outbox_path: Path) -> None:
    filled(outbox_path, 3)
    cycle = outbox_path / "queue" / cycle_name(HOUR)
    with open(cycle, "r+b") as file:
        file.seek(0x40)
        file.write(bytes(16))
        file.seek(USUAL_FIRST)
        file.write(bytes(BLOCK))
    assert new_writer(outbox_path, clock=Clock()).append(event(9)).sequence == 4
    assert numbers(outbox_path) == [9]
    assert len(list((outbox_path / "queue").glob("*.cq4"))) == 1


def _append_until_full(writer: QueueWriter) -> int:
    for number in range(200):
        try:
            writer.append(event(100 + number, 600))
        except OutboxFull:  # noqa: PERF203 - that is what it is about
            return number
    return 200


def test_a_failed_cycle_counts_towards_the_cap(outbox_path: Path) -> None:
    """It counted nothing: four times the cap was let through."""
    cap = 50_000
    clock = Clock()
    offsets = filled(outbox_path, 60)
    cycle = outbox_path / "queue" / cycle_name(HOUR)
    with open(cycle, "r+b") as file:  # the newest record fails its CRC: nobody appends behind it
        file.seek(offsets[-1] + 100)
        file.write(b"\xff")
    clock.now += HOUR_NS
    writer = new_writer(outbox_path, clock=clock, max_bytes=cap)
    appended = _append_until_full(writer)
    data = offsets[-1] - USUAL_FIRST
    assert data + appended * (offsets[1] - offsets[0]) <= cap
    assert Outbox(outbox_path).status().lag_bytes > data


def test_a_damaged_cycle_counts_as_appended_before_anybody_went_on_behind_it(
    outbox_path: Path,
) -> None:
    offsets = filled(outbox_path, 60)
    before = Outbox(outbox_path).status().lag_bytes
    cycle = outbox_path / "queue" / cycle_name(HOUR)
    with open(cycle, "r+b") as file:
        file.seek(offsets[-1] + 100)
        file.write(b"\xff")
    each = offsets[2] - offsets[1]
    assert before - each <= Outbox(outbox_path).status().lag_bytes <= before
