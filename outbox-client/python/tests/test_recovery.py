"""What an operator or another process does to the files while a writer has them open.

What crashes leave behind is in the golden files (outbox-client/vectors), which the conformance
tests let this client continue.
"""

from __future__ import annotations

import os
import struct
from typing import TYPE_CHECKING

import pytest
from support import (
    HOUR,
    HOUR_NS,
    Clock,
    Reached,
    event,
    fail,
    new_writer,
    numbers,
    records,
)

from outbox_client import OutboxCorrupt, OutboxUnavailable
from outbox_client._cycle_file import CycleFile
from outbox_client._cycle_layout import cycle_name
from outbox_client._disk import Disk
from outbox_client._metadata_table import new_metadata
from outbox_client._roll_rule import LAST_CYCLE
from outbox_client._safe_files import File
from outbox_client._state_file import StateFile

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from outbox_client._queue_writer import QueueWriter
    from outbox_client._record_codec import OutboxRecord
    from outbox_client._safe_files import Folder


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def writer(outbox_path: Path, clock: Clock) -> QueueWriter:
    """Has appended 0, 1 and 2."""
    writer = new_writer(outbox_path, clock=clock)
    for number in range(3):
        writer.append(event(number))
    return writer


def patch(path: Path, offset: int, data: bytes) -> None:
    with path.open("rb+") as file:
        file.seek(offset)
        file.write(data)


def cycle(path: Path, number: int = HOUR) -> Path:
    return path / "queue" / cycle_name(number)


@pytest.mark.parametrize(
    "harm",
    [
        lambda state: patch(state, 0, bytes(4096)),
        lambda state: os.truncate(state, 0),
        lambda state: os.truncate(state, 70),
        lambda state: os.truncate(state, 9000),
        lambda state: patch(state, 0, os.urandom(4096)),
        lambda state: patch(state, 64, bytes(8)),
        lambda state: patch(state, 72, bytes(8)),
    ],
    ids=["zeroed", "emptied", "cut", "lengthened", "random", "sequence", "complement"],
)
def test_a_state_that_is_harmed_under_a_writer_is_mended_by_it(
    harm: Callable[[Path], None], outbox_path: Path, writer: QueueWriter
) -> None:
    identity = writer.append(event(3)).outbox
    harm(outbox_path / "outbox.state")
    receipt = writer.append(event(4))
    assert receipt.sequence == 5
    assert receipt.outbox == identity
    assert new_writer(outbox_path, clock=Clock()).append(event(5)).sequence == 6
    assert numbers(outbox_path) == list(range(6))
    assert (outbox_path / "outbox.state").stat().st_size == 4096


def test_a_state_that_was_deleted_gives_no_sequence_twice(
    outbox_path: Path, clock: Clock, writer: QueueWriter
) -> None:
    (outbox_path / "outbox.state").unlink()
    assert writer.append(event(3)).sequence == 4
    other = new_writer(outbox_path, clock=clock)
    for number in range(4, 10, 2):
        assert other.append(event(number)).sequence == number + 1
        assert writer.append(event(number + 1)).sequence == number + 2
    assert numbers(outbox_path) == list(range(10))


def test_a_newest_cycle_that_was_unlinked_is_noticed_before_the_next_append(
    outbox_path: Path, writer: QueueWriter
) -> None:
    cycle(outbox_path).unlink()
    assert writer.append(event(3)).sequence == 4
    assert numbers(outbox_path) == [3]
    # Its number is not used again.
    assert [file.name for file in (outbox_path / "queue").glob("*.cq4")] == [cycle_name(HOUR + 1)]


def test_an_unlinked_newest_cycle_is_not_made_again_by_a_writer_that_opens(
    outbox_path: Path, clock: Clock, writer: QueueWriter
) -> None:
    clock.now += HOUR_NS
    writer.append(event(3))
    cycle(outbox_path, HOUR + 1).unlink()
    assert new_writer(outbox_path, clock=clock).append(event(4)).sequence == 5
    assert cycle(outbox_path, HOUR + 2).exists()
    assert not cycle(outbox_path, HOUR + 1).exists()
    assert numbers(outbox_path) == [0, 1, 2, 4]


def test_a_newest_cycle_that_was_cut_is_left_as_it_is(
    outbox_path: Path, writer: QueueWriter
) -> None:
    os.truncate(cycle(outbox_path), 0x10110 + 60)
    before = cycle(outbox_path).read_bytes()
    assert writer.append(event(3)).sequence == 4
    assert cycle(outbox_path).read_bytes() == before
    assert cycle(outbox_path, HOUR + 1).exists()


def test_a_first_page_that_was_zeroed_under_a_writer_ends_the_use_of_the_cycle(
    outbox_path: Path, writer: QueueWriter
) -> None:
    patch(cycle(outbox_path), 0, bytes(4096))
    assert writer.append(event(3)).sequence == 4
    assert cycle(outbox_path, HOUR + 1).exists()
    assert new_writer(outbox_path, clock=Clock()).append(event(4)).sequence == 5


def test_a_broken_cycle_that_cannot_be_read_to_its_end_gives_no_sequence_twice(
    outbox_path: Path, writer: QueueWriter, clock: Clock, monkeypatch: pytest.MonkeyPatch
) -> None:
    writer.close()
    patch(cycle(outbox_path), 0, bytes(4096))
    (outbox_path / "outbox.state").unlink()
    seek = os.lseek

    def fail_at_data(fd: int, offset: int, whence: int) -> int:
        if whence == os.SEEK_DATA:
            fail()()
        return seek(fd, offset, whence)

    monkeypatch.setattr(os, "lseek", fail_at_data)
    with pytest.raises(OutboxUnavailable, match="Input/output error"):
        writer.append(event(3))
    monkeypatch.undo()
    assert new_writer(outbox_path, clock=clock).append(event(3)).sequence == 4


def test_a_word1_that_went_back_is_walked_from_again(
    outbox_path: Path, writer: QueueWriter
) -> None:
    patch(cycle(outbox_path), 0x40, bytes(16))
    assert writer.append(event(3)).sequence == 4
    assert numbers(outbox_path) == [0, 1, 2, 3]


def test_a_cycle_that_another_marks_as_failed_is_not_appended_to(
    outbox_path: Path, clock: Clock, writer: QueueWriter
) -> None:
    StateFile(File(str(outbox_path / "outbox.state"))).mark_failed(HOUR, Disk())
    before = cycle(outbox_path).read_bytes()
    writer.append(event(3))
    assert cycle(outbox_path).read_bytes() == before
    assert cycle(outbox_path, HOUR + 1).exists()
    assert numbers(outbox_path) == [0, 1, 2, 3]


def test_the_oldest_failed_cycle_makes_room_for_the_seventeenth(
    outbox_path: Path, writer: QueueWriter
) -> None:
    state = StateFile(File(str(outbox_path / "outbox.state")))
    for number in range(20, 3, -1):
        state.mark_failed(number, Disk())
    state.mark_failed(20, Disk())
    assert state.failed_cycles() == {4, *range(6, 21)}
    state.mark_failed(3, Disk())
    assert 3 in state.failed_cycles()


@pytest.mark.parametrize("harm", ["delete", "zero", "cut", "random"])
def test_metadata_that_is_harmed_is_rewritten_in_place(
    harm: str, outbox_path: Path, clock: Clock, writer: QueueWriter
) -> None:
    metadata = outbox_path / "queue" / "metadata.cq4t"
    inode = metadata.stat().st_ino
    if harm == "delete":
        metadata.unlink()
    elif harm == "zero":
        patch(metadata, 0, bytes(131072))
    elif harm == "cut":
        os.truncate(metadata, 300)
    else:
        patch(metadata, 0, os.urandom(131072))
    writer.append(event(3))
    new_writer(outbox_path, clock=clock).append(event(4))
    found = metadata.read_bytes()
    assert found == new_metadata([HOUR], int.from_bytes(found[256:264], "little"))
    assert harm == "delete" or metadata.stat().st_ino == inode


def test_a_writer_follows_a_roll_of_another(outbox_path: Path, writer: QueueWriter) -> None:
    later = Clock(HOUR + 1)
    other = new_writer(outbox_path, clock=later)
    other.append(event(3))
    writer.append(event(4))  # its clock is an hour behind: it stays in the newest
    other.append(event(5))
    assert numbers(outbox_path) == list(range(6))
    assert len(list((outbox_path / "queue").glob("*.cq4"))) == 2


def test_a_clock_that_goes_ten_years_ahead_and_back_moves_two_cycles(
    outbox_path: Path, clock: Clock, writer: QueueWriter
) -> None:
    ten_years = 87_600 * HOUR_NS
    clock.now += ten_years
    writer.append(event(3))
    writer.append(event(4))
    clock.now -= ten_years
    writer.append(event(5))
    writer.append(event(6))
    names = sorted(file.name for file in (outbox_path / "queue").glob("*.cq4"))
    assert names == [cycle_name(HOUR), cycle_name(HOUR + 1), cycle_name(HOUR + 2)]
    assert numbers(outbox_path) == list(range(7))


def test_the_last_cycle_that_has_a_name_cannot_be_followed(
    outbox_path: Path, writer: QueueWriter
) -> None:
    cycle(outbox_path).rename(cycle(outbox_path, LAST_CYCLE))
    patch(outbox_path / "outbox.state", 80, bytes(32))
    with pytest.raises(OutboxCorrupt, match="year 9999"):
        new_writer(outbox_path, clock=Clock(HOUR + 1)).append(event(3))


def test_a_state_of_a_later_version_is_left_alone(
    outbox_path: Path, clock: Clock, writer: QueueWriter
) -> None:
    import zlib

    state = outbox_path / "outbox.state"
    head = bytearray(state.read_bytes()[:40])
    struct.pack_into("<I", head, 8, 2)
    patch(state, 0, bytes(head) + struct.pack("<I", zlib.crc32(head)))
    before = state.read_bytes()
    with pytest.raises(OutboxUnavailable, match="upgrade"):
        new_writer(outbox_path, clock=clock).append(event(3))
    assert state.read_bytes() == before


def test_other_files_in_the_queue_are_ignored(
    outbox_path: Path, clock: Clock, writer: QueueWriter
) -> None:
    for name in ("README", "20990101-00F.cq4.bak", ".20990101-00F.cq4.tmp"):
        (outbox_path / "queue" / name).touch()
    new_writer(outbox_path, clock=clock).append(event(3))
    assert numbers(outbox_path) == list(range(4))


def test_opening_costs_no_walk_through_a_backlog(
    outbox_path: Path, monkeypatch: pytest.MonkeyPatch, writer: QueueWriter
) -> None:
    for number in range(3, 2000):
        writer.append(event(number))
    read: list[int] = []
    record_at = CycleFile.record_at

    def count(self: CycleFile, offset: int) -> tuple[OutboxRecord, int]:
        read.append(offset)
        return record_at(self, offset)

    monkeypatch.setattr(CycleFile, "record_at", count)
    new_writer(outbox_path, clock=Clock()).append(event(2000))
    assert len(read) <= 3
    assert len(records(outbox_path)) == 2001


def test_in_power_mode_the_name_of_a_cycle_is_synced_whoever_began_it(
    outbox_path: Path, clock: Clock, writer: QueueWriter, monkeypatch: pytest.MonkeyPatch
) -> None:
    synced: list[str] = []
    sync = Disk.sync_directory

    def note(self: Disk, folder: Folder, what: str) -> None:
        synced.append(folder.path)
        sync(self, folder, what)

    monkeypatch.setattr(Disk, "sync_directory", note)
    new_writer(outbox_path, clock=clock, durability="power", disk=Disk()).append(event(3))
    assert {str(outbox_path / "queue"), str(outbox_path), str(outbox_path.parent)} <= {*synced}


def test_a_state_that_lost_its_name_is_noticed(outbox_path: Path, clock: Clock) -> None:
    """Else its writer would see no failed mark, and no sequence, of those who made another."""
    writer = new_writer(outbox_path, clock=clock)
    writer.append(event(0))
    (outbox_path / "outbox.state").unlink()
    assert new_writer(outbox_path, clock=clock).append(event(1)).sequence == 2
    assert writer.append(event(2)).sequence == 3
    assert new_writer(outbox_path, clock=clock).append(event(3)).sequence == 4
    assert numbers(outbox_path) == [0, 1, 2, 3]


def test_a_new_cycle_replaces_no_file_that_has_its_name(outbox_path: Path, clock: Clock) -> None:
    """Whoever made it: the append goes on behind what it holds."""
    writer = new_writer(outbox_path, clock=clock)
    writer.append(event(0))
    clock.now += HOUR_NS

    def another_begins_it() -> None:
        name = cycle_name(HOUR + 1)
        other = outbox_path.parent / "other"
        held = new_writer(other, clock=Clock(HOUR + 1))
        held.append(event(77))
        (other / "queue" / name).rename(outbox_path / "queue" / name)

    disk = Reached("link", 1, another_begins_it)
    assert new_writer(outbox_path, clock=clock, disk=disk).append(event(1)).sequence == 2
    theirs = (outbox_path / "queue" / cycle_name(HOUR + 1)).read_bytes()
    assert b"value 77" in theirs
    assert [path.name for path in sorted((outbox_path / "queue").glob("*.cq4"))] == [
        cycle_name(HOUR + later) for later in range(3)
    ]


def test_second_names_of_all_cycles_are_removed(
    outbox_path: Path, clock: Clock, writer: QueueWriter
) -> None:
    clock.now += HOUR_NS
    writer.append(event(3))
    queue = outbox_path / "queue"
    for path in list(queue.glob("*.cq4")):
        os.link(path, queue / f".{path.name}.tmp")
    new_writer(outbox_path, clock=clock).append(event(4))
    assert numbers(outbox_path) == list(range(5))
    assert not list(queue.glob(".*.tmp"))
