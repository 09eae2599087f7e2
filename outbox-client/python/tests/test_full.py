"""No space: the cap, a full disk, a file size limit."""

from __future__ import annotations

import os
import resource
import subprocess
import zlib
from contextlib import suppress
from struct import Struct
from typing import TYPE_CHECKING

import pytest
from support import HOUR, HOUR_NS, Clock, event, exit_code, in_child, new_writer, numbers, records

from outbox_client import OutboxFull
from outbox_client._cycle_layout import cycle_name

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

ENTRY = 4 + 72 + 8 + 40  # header word, fixed part, topic and key, value

_POSITION = Struct("<QQB7xQ16sQQQQq16sQ")


def write_position(
    path: Path,
    outbox: bytes,
    *,
    sequence: int = 0,
    settled_bytes: int = 0,
    count: int = 1,
    mode: int = 0,
    held_bytes: int = 0,
) -> None:
    """As the relay writes it."""
    fields = _POSITION.pack(
        count, 1, mode, sequence, bytes(16), HOUR, 0, 0, settled_bytes, 0, outbox, held_bytes
    )
    slot = b"OBXPOSIT" + (1).to_bytes(4, "little") + zlib.crc32(fields).to_bytes(4, "little")
    file = path / "relay.position"
    if not file.exists():
        file.write_bytes(bytes(8192))
        file.chmod(0o660)
    with file.open("rb+") as out:
        out.seek((count - 1) % 2 * 4096)
        out.write(slot + fields)


def test_the_cap_counts_what_is_not_settled(outbox_path: Path) -> None:
    cap = ENTRY * 3 + 40
    writer = new_writer(outbox_path, clock=Clock(), max_bytes=cap)
    outbox = writer.append(event(0)).outbox.bytes
    writer.append(event(1))
    writer.append(event(2))
    with pytest.raises(OutboxFull, match=f"{cap + ENTRY} bytes would wait .* allows {cap}"):
        writer.append(event(3))
    assert numbers(outbox_path) == [0, 1, 2]
    write_position(outbox_path, outbox, settled_bytes=ENTRY + 40)
    writer.append(event(4))
    with pytest.raises(OutboxFull):
        writer.append(event(5))
    write_position(outbox_path, outbox, settled_bytes=ENTRY * 4 + 40, count=2)
    for number in range(6, 9):
        new_writer(outbox_path, clock=Clock(), max_bytes=cap).append(event(number))
    assert numbers(outbox_path) == [0, 1, 2, 4, 6, 7, 8]


def test_the_cap_counts_over_cycles(outbox_path: Path) -> None:
    clock = Clock()
    writer = new_writer(outbox_path, clock=clock, max_bytes=(ENTRY + 40) * 3)
    for number in range(3):
        writer.append(event(number))
        clock.now += HOUR_NS
    with pytest.raises(OutboxFull):
        writer.append(event(3))
    # Refused before a cycle was begun for it.
    assert not (outbox_path / "queue" / cycle_name(HOUR + 3)).exists()


def test_the_cap_looks_at_the_position_again_before_long(outbox_path: Path) -> None:
    cap = 128 * ENTRY
    writer = new_writer(outbox_path, clock=Clock(), max_bytes=cap)
    outbox = writer.append(event(0)).outbox.bytes
    write_position(outbox_path, outbox, held_bytes=cap)
    appended = 0
    with suppress(OutboxFull):
        for number in range(1, 100):
            writer.append(event(number))
            appended += 1
    assert appended < 6


def test_a_position_of_another_outbox_settles_nothing(outbox_path: Path) -> None:
    writer = new_writer(outbox_path, clock=Clock(), max_bytes=ENTRY + 40)
    writer.append(event(0))
    write_position(outbox_path, bytes(16), settled_bytes=1 << 30)
    with pytest.raises(OutboxFull):
        writer.append(event(1))


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path]:
    if os.geteuid() != 0:
        pytest.skip("mounting a small tmpfs needs root")
    disk = tmp_path / "disk"
    disk.mkdir()
    mounted = subprocess.run(
        ["mount", "-t", "tmpfs", "-o", "size=1m,mode=700", "none", disk], check=False
    )
    if mounted.returncode:
        pytest.skip("this host does not let root mount a tmpfs")
    yield disk
    subprocess.run(["umount", "-l", disk], check=True)


def test_a_full_disk_is_a_named_error_and_works_again_when_there_is_space(
    small_disk: Path,
) -> None:
    path = small_disk / "outbox"
    clock = Clock()
    writer = new_writer(path, clock=clock)
    done = []
    with pytest.raises(OutboxFull, match="No space left"):  # noqa: PT012
        for number in range(5000):
            writer.append(event(number, 2000))
            done.append(number)
    assert 100 < len(done) < 1000
    with pytest.raises(OutboxFull):
        new_writer(path, clock=clock).append(event(9998, 10_000))
    clock.now += HOUR_NS
    with pytest.raises(OutboxFull):  # there is no room for another cycle either
        writer.append(event(9999))
    assert numbers(path) == done
    subprocess.run(["mount", "-o", "remount,size=8m", small_disk], check=True)
    writer.append(event(6000))
    assert numbers(path) == [*done, 6000]


def test_no_room_for_a_first_cycle_is_a_named_error(small_disk: Path) -> None:
    filler = small_disk / "filler"
    filler.write_bytes(bytes(1 << 20)[: (1 << 20) - 16384])
    with pytest.raises(OutboxFull):
        new_writer(small_disk / "outbox", clock=Clock()).append(event(0))
    filler.unlink()
    new_writer(small_disk / "outbox", clock=Clock()).append(event(1))
    assert numbers(small_disk / "outbox") == [1]


def test_a_file_size_limit_is_a_named_error(outbox_path: Path) -> None:
    writer = new_writer(outbox_path, clock=Clock())
    writer.append(event(0))

    def run(pipe: int) -> None:
        resource.setrlimit(resource.RLIMIT_FSIZE, (1000, 1000))
        with pytest.raises(OutboxFull, match="File too large"):
            writer.append(event(1))
        with pytest.raises(OutboxFull, match="File too large"):
            new_writer(outbox_path.with_name("new")).append(event(2))

    pid, _ = in_child(run)
    assert exit_code(pid) == 0
    writer.append(event(3))
    assert [record.sequence for record in records(outbox_path)] == [1, 2]
