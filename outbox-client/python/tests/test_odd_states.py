"""States of an outbox that operators, other programs and failing disks leave: writers go on."""

from __future__ import annotations

import errno
import os
import struct
import subprocess
from typing import TYPE_CHECKING, Any

import pytest
from support import HOUR, HOUR_NS, Clock, Reached, event, new_writer, numbers, records, run_python

from outbox_client import (
    InvalidEvent,
    Outbox,
    OutboxCorrupt,
    OutboxUnavailable,
    _outbox_directory,
    _queue_writer,
)
from outbox_client._cycle_layout import cycle_name
from outbox_client._metadata_table import read_listing
from outbox_client._recovery import open_session
from outbox_client._safe_files import Descriptor, File
from outbox_client.testing import read_events

if TYPE_CHECKING:
    from pathlib import Path

_ALL_ONES = (1 << 64) - 1


def cycle(path: Path, hour: int = HOUR) -> Path:
    return path / "queue" / cycle_name(hour)


def set_next_sequence(path: Path, sequence: int) -> None:
    with (path / "outbox.state").open("r+b") as state:
        state.seek(64)
        state.write(struct.pack("<QQ", sequence, sequence ^ _ALL_ONES))


@pytest.mark.parametrize("hours", [0, 1], ids=["in its hour", "later"])
@pytest.mark.parametrize("more", [0, 4])
def test_a_cycle_that_was_cut_behind_its_last_record_grows_again(
    more: int, hours: int, outbox_path: Path
) -> None:
    writer = new_writer(outbox_path, clock=Clock())
    writer.append(event(1))
    assert writer._session is not None
    tail = writer._session.tail
    os.truncate(cycle(outbox_path), tail + more)
    new_writer(outbox_path, clock=Clock(HOUR + hours)).append(event(2))
    writer.append(event(3))
    assert numbers(outbox_path) == [1, 2, 3]


def test_an_earlier_cycle_that_was_cut_behind_its_last_record_is_closed(outbox_path: Path) -> None:
    clock = Clock()
    writer = new_writer(outbox_path, clock=clock)
    writer.append(event(1))
    assert writer._session is not None
    tail = writer._session.tail
    clock.now += HOUR_NS
    writer.append(event(2))
    os.truncate(cycle(outbox_path), tail)
    new_writer(outbox_path, clock=clock).append(event(3))
    assert numbers(outbox_path) == [1, 2, 3]
    assert cycle(outbox_path).stat().st_size > tail


def test_a_cycle_longer_than_a_mapping_may_be_is_left_as_it_is(outbox_path: Path) -> None:
    new_writer(outbox_path, clock=Clock()).append(event(1))
    os.truncate(cycle(outbox_path), 1 << 31)
    new_writer(outbox_path, clock=Clock()).append(event(2))
    assert cycle(outbox_path, HOUR + 1).exists()


def test_a_disk_that_takes_no_eof_ends_the_cycle_as_a_failed_one(outbox_path: Path) -> None:
    def broken() -> None:
        raise OSError(errno.EIO, os.strerror(errno.EIO))

    clock = Clock()
    writer = new_writer(outbox_path, clock=clock, disk=Reached("eof-tail", 1, broken))
    writer.append(event(1))
    clock.now += HOUR_NS
    assert writer.append(event(2)).sequence == 2
    assert numbers(outbox_path) == [1, 2]
    assert failed_marks(outbox_path) == [HOUR]


def failed_marks(path: Path) -> list[int]:
    words = struct.unpack_from("<16Q", (path / "outbox.state").read_bytes(), 128)
    return [word - 1 for word in words if word]


@pytest.mark.parametrize("hours", [-1, -30])
def test_a_clock_before_1970_is_refused_and_changes_nothing(hours: int, outbox_path: Path) -> None:
    clock = Clock(hours)
    with pytest.raises(OutboxUnavailable, match="before 1970: set it"):
        new_writer(outbox_path, clock=clock).append(event(1))
    assert not list(outbox_path.glob("queue/*"))
    writer = new_writer(outbox_path)
    writer.append(event(1))
    with pytest.raises(OutboxUnavailable, match="before 1970: set it"):
        new_writer(outbox_path, clock=clock).append(event(2))
    writer.append(event(2))
    assert numbers(outbox_path) == [1, 2]


@pytest.mark.parametrize("sequence", [0, 1 << 63, _ALL_ONES])
def test_a_sequence_that_no_record_can_have_is_a_damaged_one(
    sequence: int, outbox_path: Path
) -> None:
    new_writer(outbox_path).append(event(1))
    set_next_sequence(outbox_path, sequence)
    assert new_writer(outbox_path).append(event(2)).sequence == 2
    assert numbers(outbox_path) == [1, 2]


def test_sequences_end_before_they_leave_their_range(outbox_path: Path) -> None:
    new_writer(outbox_path).open()
    set_next_sequence(outbox_path, (1 << 63) - 1)
    writer = new_writer(outbox_path)
    assert writer.append(event(1)).sequence == (1 << 63) - 1
    with pytest.raises(OutboxCorrupt, match="FORMAT I4"):
        writer.append(event(2))
    assert numbers(outbox_path) == [1]


def test_what_stands_behind_a_zeroed_header_word_is_not_passed_over(outbox_path: Path) -> None:
    writer = new_writer(outbox_path)
    for number in range(3):
        writer.append(event(number))
    found = records(outbox_path)
    (file,) = (outbox_path / "queue").glob("*.cq4")
    data = file.read_bytes()[: 1 << 20]
    second = data.index(found[1].event_id) - 44
    with file.open("r+b") as opened:
        opened.seek(second)
        opened.write(bytes(4))
    with pytest.raises(OutboxCorrupt, match="the chain ends at"):
        read_events(outbox_path)


def test_only_what_is_a_cycle_in_the_making_is_removed(outbox_path: Path) -> None:
    new_writer(outbox_path).append(event(1))
    queue = outbox_path / "queue"
    ours, theirs = queue / f".{cycle_name(HOUR)}.tmp", queue / ".my-backup.cq4.tmp"
    for each in (ours, theirs):
        each.write_bytes(b"x")
    new_writer(outbox_path).append(event(2))
    assert not ours.exists()
    assert theirs.exists()


def test_a_directory_in_place_of_a_cycle_in_the_making_is_named(outbox_path: Path) -> None:
    new_writer(outbox_path).append(event(1))
    directory = outbox_path / "queue" / f".{cycle_name(HOUR)}.tmp"
    directory.mkdir()
    with pytest.raises(OutboxUnavailable, match=rf"cannot remove {directory}, remove it by hand"):
        new_writer(outbox_path).append(event(2))


def test_another_versions_outbox_keeps_what_it_has_in_the_making(outbox_path: Path) -> None:
    """FORMAT I11."""
    from zlib import crc32

    new_writer(outbox_path).append(event(1))
    making = outbox_path / "queue" / f".{cycle_name(HOUR)}.tmp"
    making.write_bytes(b"x")
    state = bytearray((outbox_path / "outbox.state").read_bytes())
    state[8] = 2
    state[40:44] = struct.pack("<I", crc32(state[:40]))
    (outbox_path / "outbox.state").write_bytes(state)
    with pytest.raises(OutboxUnavailable, match="Nothing was changed"):
        new_writer(outbox_path).append(event(2))
    assert making.exists()


def test_a_fifo_in_place_of_the_position_is_named(outbox_path: Path) -> None:
    new_writer(outbox_path).append(event(1))
    os.mkfifo(outbox_path / "relay.position", 0o660)
    with pytest.raises(OutboxUnavailable, match=r"relay\.position is not a regular file"):
        new_writer(outbox_path).append(event(2))


def test_counters_at_their_end_begin_anew(outbox_path: Path) -> None:
    with Outbox(outbox_path) as outbox:
        outbox.append("x", topic="t")
        (outbox_path / "append.failures").write_bytes(b"\xff" * 512)
        with pytest.raises(InvalidEvent):
            outbox.append("x", topic="")
    counters = struct.unpack("<64Q", (outbox_path / "append.failures").read_bytes())
    assert counters[1] == 0
    assert counters[0] == _ALL_ONES


def test_a_listing_without_cycles_says_so(outbox_path: Path) -> None:
    writer = new_writer(outbox_path)
    writer.append(event(1))
    (file,) = (outbox_path / "queue").glob("*.cq4")
    file.unlink()
    new_writer(outbox_path).open()
    highest, lowest, _ = read_listing(str(outbox_path / "queue" / "metadata.cq4t"))
    assert (highest, lowest) == (-(1 << 31), (1 << 31) - 1)


def test_a_slot_that_names_no_index_page_is_left_alone(outbox_path: Path) -> None:
    """Were it followed, the index would be written into an event."""
    writer = new_writer(outbox_path)
    value = struct.pack("<Q", 4096) * 8000
    with Outbox(outbox_path) as outbox:
        for pad in range(8):  # one of them lies as u64s of the file do
            outbox.append(bytes(pad) + value, topic="t")
        before = [each.value for each in read_events(outbox_path)]
        (file,) = (outbox_path / "queue").glob("*.cq4")
        with file.open("r+b") as opened:
            opened.seek(0xF0)
            opened.write(struct.pack("<Q", 0x20000))
        for number in range(600):
            writer.append(event(number))
        with file.open("r+b") as opened:
            opened.seek(0xF0)
            opened.write(struct.pack("<Q", 0x80F0))
        assert [each.value for each in read_events(outbox_path)][:8] == before


def test_header_names_that_are_no_utf8_are_read_as_kafka_clients_do(outbox_path: Path) -> None:
    from outbox_client._record_codec import decode_headers

    assert decode_headers(b"\x03\x00a\xffc\x01\x00\x00\x001") == [("a�c", b"1")]


def test_a_mark_that_could_not_be_set_is_set_by_the_next_append(
    outbox_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The fsync failed, and then the lock was not to be had."""
    clock = Clock()

    def broken() -> None:
        monkeypatch.setattr(writer._lock, "acquire", busy)
        raise OSError(errno.EIO, os.strerror(errno.EIO))

    def busy(*_: Any) -> None:
        monkeypatch.undo()
        raise OutboxUnavailable("not now")

    disk = Reached("payload", 4, broken)
    writer = new_writer(outbox_path, clock=clock, durability="power", disk=disk)
    writer.append(event(1))
    with pytest.raises(OutboxUnavailable, match="could not be synced"):
        writer.append(event(2))
    assert failed_marks(outbox_path) == []
    writer.append(event(3))
    assert failed_marks(outbox_path) == [HOUR]
    assert numbers(outbox_path) == [1, 2, 3]


@pytest.mark.parametrize(
    "name", ["outbox.lock", "outbox.state", "append.failures", "queue/metadata.cq4t", "CYCLE"]
)
def test_a_mode_that_its_writer_was_killed_before_giving_is_given_by_the_next(
    name: str, outbox_path: Path
) -> None:
    new_writer(outbox_path, clock=Clock()).append(event(1))
    file = cycle(outbox_path) if name == "CYCLE" else outbox_path / name
    file.chmod(0o600)
    program = """
import sys
from outbox_client import InvalidEvent, Outbox
outbox = Outbox(sys.argv[1])
outbox.append("x", topic="t")
outbox.count_refusal(InvalidEvent)
"""
    run_python(program, str(outbox_path))
    assert file.stat().st_mode & 0o777 == 0o660


def test_a_queue_on_a_file_system_of_its_own_is_refused(outbox_path: Path) -> None:
    new_writer(outbox_path).open()
    queue = outbox_path / "queue"
    mount = ["mount", "-t", "tmpfs", "-o", "mode=2770", "tmpfs", str(queue)]
    if subprocess.run(mount, capture_output=True, check=False).returncode:
        pytest.skip("a mount needs root")
    try:
        with pytest.raises(OutboxUnavailable, match="is a file system of its own"):
            new_writer(outbox_path).open()
    finally:
        subprocess.run(["umount", str(queue)], check=True)


def test_a_cycle_that_fails_while_another_thread_opens_is_not_forgotten(
    outbox_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    writer = new_writer(outbox_path, clock=Clock())
    writer.append(event(1))
    opens = open_session

    def meanwhile(*arguments: Any) -> Any:
        monkeypatch.undo()
        session = opens(*arguments)
        writer._failing.append(HOUR)
        return session

    monkeypatch.setattr(_queue_writer, "open_session", meanwhile)
    writer.open()
    writer.append(event(2))
    assert failed_marks(outbox_path) == [HOUR]
    assert numbers(outbox_path) == [1, 2]


def test_who_reads_a_file_that_is_replaced_gets_one_of_them(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "file"
    path.write_bytes(b"old")
    stat = os.stat
    replaced: list[bool] = []

    def replace(*arguments: Any, **options: Any) -> os.stat_result:
        found = stat(*arguments, **options)
        if not replaced:
            replaced.append(True)
            (tmp_path / "new").write_bytes(b"new")
            (tmp_path / "new").rename(path)
        return found

    monkeypatch.setattr(os, "stat", replace)
    with File(str(path), "r") as file:
        assert os.pread(file.fd, 3, 0) == b"new"


def test_a_file_never_has_the_number_of_a_standard_stream(outbox_path: Path) -> None:
    """Daemons close these, and put a log in their place whoever has them by then."""
    program = """
import os, sys
for fd in range(3):
    os.close(fd)
from outbox_client import Outbox
outbox = Outbox(sys.argv[1])
outbox.append("1", topic="t")
log = os.open(sys.argv[1] + ".log", os.O_RDWR | os.O_CREAT)
for fd in range(3):
    os.dup2(log, fd)
outbox.append("2", topic="t")
os._exit(0 if os.fstat(log).st_size == 0 else 1)
"""
    run_python(program, str(outbox_path))
    assert [each.value for each in read_events(outbox_path)] == [b"1", b"2"]


def test_mount_points_may_have_any_name(
    outbox_path: Path, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """The kernel escapes space, tab, newline and backslash in them, and nothing else."""
    table = tmp_path / "mountinfo"
    table.write_bytes(b"1 0 0:1 / /odd\x0cname rw - fuse.x x rw\n2 0 0:2 / / rw - ext4 /dev/x rw\n")

    class Table(Descriptor):
        def __init__(self, path: str, mode: str) -> None:
            super().__init__(str(table) if path == "/proc/self/mountinfo" else path, mode)

    monkeypatch.setattr(_outbox_directory, "Descriptor", Table)
    assert _outbox_directory._look_up(str(outbox_path), os.makedev(0, 2)) == "ext4"


def test_to_count_a_refusal_syncs_nothing(
    outbox_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with Outbox(outbox_path, durability="power") as outbox:
        outbox.append("x", topic="t")
        monkeypatch.setattr(os, "fsync", lambda fd: pytest.fail("it waits for the disk"))
        outbox.count_refusal(InvalidEvent)
