"""`power`: whose sync is whose, and that no error of one is hidden from those it concerns."""

from __future__ import annotations

import contextlib
import fcntl
import gc
import os
import struct
import threading
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING

import pytest
from support import (
    Clock,
    Reached,
    event,
    eventually,
    exit_code,
    fail,
    in_child,
    new_writer,
    numbers,
    read_all,
)

from outbox_client import OutboxBusy, OutboxError, OutboxUnavailable, _group_commit, _sync_lock
from outbox_client._cycle_layout import CycleLayout
from outbox_client._synced_range import SyncedRange, clear, synced_range

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from outbox_client._queue_writer import QueueWriter

FIRST = CycleLayout(4096, 256).first
PUBLISH = ("store", "publish")
SYNC = ("fdatasync", "payload")


def _range(writer: QueueWriter) -> tuple[int, int] | None:
    session = writer._session
    assert session is not None
    assert session.newest is not None
    known = synced_range(session.state.words, session.newest)
    return None if known is None else (known.first, known.last)


def _last(writer: QueueWriter) -> int:
    assert writer._session is not None
    return writer._session.last


def _cycles(path: Path) -> int:
    return len(list(path.glob("queue/*.cq4")))


def _power(path: Path, disk: Reached | None = None) -> tuple[QueueWriter, Reached]:
    disk = disk or Reached()
    return new_writer(path, clock=Clock(), durability="power", disk=disk), disk


def _until(condition: Callable[[], bool]) -> Callable[[], None]:
    return lambda: eventually(condition)


# --- the range ---


def test_a_range_is_of_one_cycle_and_checked() -> None:
    words = memoryview(bytearray(4096)).cast("Q")
    assert synced_range(words, 0) is None
    assert synced_range(words, 5) is None
    SyncedRange(0x10110, 0x20000).store(words, 490_896, Reached())
    known = synced_range(words, 490_896)
    assert known is not None
    assert known.covers(0x10110, 0x20000)
    assert known.covers(0x10200, 0x10200)
    assert not known.covers(0x1010C, 0x10200)
    assert not known.covers(0x10200, 0x20004)
    assert synced_range(words, 490_897) is None
    for word in (32, 33):
        for bit in range(32, 64):
            words[word] ^= 1 << bit
            assert synced_range(words, 490_896) is None
            words[word] ^= 1 << bit
    clear(words, Reached())
    assert synced_range(words, 490_896) is None
    # Who clears it comes between the two stores of another, and the check happens to be 0.
    words[32] = 490_896 << 32 | 490_896
    assert synced_range(words, 490_896) is None


def test_each_sync_makes_the_range_longer(outbox_path: Path) -> None:
    writer, disk = _power(outbox_path)
    for number in range(3):
        writer.append(event(number))
        assert _range(writer) == (FIRST, _last(writer))
    assert disk.calls[SYNC] == 3


def test_a_descriptor_vouches_for_nothing_that_was_there_before_it(outbox_path: Path) -> None:
    first, _ = _power(outbox_path)
    first.append(event(0))
    new_writer(outbox_path, clock=Clock()).append(event(1))  # nobody syncs it
    second, _ = _power(outbox_path)
    second.append(event(2))
    assert _range(second) == (_last(second), _last(second))
    third, _ = _power(outbox_path)  # behind what is known: it goes on with that
    third.append(event(3))
    assert _range(third) == (_last(second), _last(third))
    first.append(event(4))  # which vouches for all of it
    assert _range(first) == (FIRST, _last(first))


def test_a_range_that_speaks_of_what_is_not_written_yet_is_cleared(outbox_path: Path) -> None:
    writer, disk = _power(outbox_path)
    writer.append(event(0))
    assert writer._session is not None
    assert writer._session.newest is not None
    words = writer._session.state.words
    SyncedRange(FIRST, FIRST + 100_000).store(words, writer._session.newest, Reached())
    writer.append(event(1))
    assert disk.calls[SYNC] == 2
    assert _range(writer) == (FIRST, _last(writer))


# --- one sync for several ---


def test_who_is_covered_by_anothers_sync_makes_none(outbox_path: Path) -> None:
    second, watched = _power(outbox_path)
    second.append(event(0))
    leader = Reached("sync-lock", 2, _until(lambda: watched.calls[PUBLISH] == 2))
    first, _ = _power(outbox_path, leader)
    first.append(event(1))
    with ThreadPoolExecutor() as threads:
        leading = threads.submit(first.append, event(2))
        eventually(lambda: leader.calls["lock", "sync-lock"] == 2)
        second.append(event(3))
        leading.result()
    assert watched.calls[SYNC] == 1
    assert leader.calls[SYNC] == 2
    assert numbers(outbox_path) == [0, 1, 2, 3]


def test_what_is_published_while_a_sync_runs_is_not_covered_by_it(outbox_path: Path) -> None:
    second, watched = _power(outbox_path)
    second.append(event(0))
    leader = Reached("payload", 4, _until(lambda: watched.calls[PUBLISH] == 2))
    first, _ = _power(outbox_path, leader)  # its calls: write, sync, write, sync
    first.append(event(1))
    with ThreadPoolExecutor() as threads:
        leading = threads.submit(first.append, event(2))
        eventually(lambda: leader.calls[SYNC] == 2)
        second.append(event(3))
        leading.result()
    assert watched.calls[SYNC] == 2


def test_many_threads_and_writers(outbox_path: Path) -> None:
    writers = [_power(outbox_path) for _ in range(3)]

    def append(number: int) -> None:
        for further in range(20):
            writers[number % 3][0].append(event(number * 20 + further))

    with ThreadPoolExecutor(12) as threads:
        list(threads.map(append, range(12)))
    assert sorted(numbers(outbox_path)) == list(range(240))
    assert sum(disk.calls[SYNC] for _, disk in writers) <= 240


# --- who cannot have the lock ---


def test_a_process_that_was_stopped_in_a_sync_costs_time_and_nothing_else(
    outbox_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    writer, disk = _power(outbox_path)
    writer.append(event(0))
    known = _range(writer)
    holder = os.open(outbox_path / "outbox.lock", os.O_RDWR)
    lock = struct.pack("hhqqi4x", fcntl.F_WRLCK, os.SEEK_SET, 1, 1, 0)
    fcntl.fcntl(holder, fcntl.F_OFD_SETLK, lock)
    pauses: list[float] = []
    monkeypatch.setattr(_group_commit, "sleep", pauses.append)
    writer.append(event(1))
    assert disk.calls[SYNC] == 2
    assert _range(writer) == known, "without the lock nothing is noted"
    commit = writer._commit
    assert commit is not None
    assert commit.covers(FIRST, _last(writer)), "but this process knows"
    assert pauses
    pauses.clear()
    writer.append(event(1))
    assert not pauses, "the holder was waited for once"
    monkeypatch.undo()
    os.close(holder)
    writer.append(event(2))
    assert _range(writer) == (FIRST, _last(writer))


def test_an_append_that_interrupts_a_sync_of_its_thread_does_not_wait_for_it(
    outbox_path: Path,
) -> None:
    interrupted: list[OutboxError] = []

    def append() -> None:
        try:
            writer.append(event(9))
        except OutboxError as problem:
            interrupted.append(problem)

    writer, _ = _power(outbox_path, Reached("payload", 4, append))
    writer.append(event(0))
    writer.append(event(1))
    assert [type(problem) for problem in interrupted] == [OutboxBusy]
    writer.append(event(2))
    assert numbers(outbox_path) == [0, 1, 2]


def test_a_child_that_was_forked_in_a_sync_does_not_keep_its_parents_lock(
    outbox_path: Path,
) -> None:
    """It has a copy of the descriptor, and frames of the parent that refer to it."""
    alive, held = os.pipe()

    def fork_and_die() -> None:
        if os.fork():
            os._exit(9)
        os.close(held)
        os.read(alive, 1)  # until the test ends
        os._exit(0)

    def append(_: int) -> None:
        disk = Reached("payload", 2, fork_and_die)
        _power(outbox_path, disk)[0].append(event(0))

    pid, _ = in_child(append)
    assert exit_code(pid) == 9
    eventually(lambda: _sync_lock_is_free(outbox_path))  # the child has just begun
    os.close(held)


def _sync_lock_is_free(path: Path) -> bool:
    lock = struct.pack("hhqqi4x", fcntl.F_WRLCK, os.SEEK_SET, 1, 1, 0)
    fd = os.open(path / "outbox.lock", os.O_RDWR)
    try:
        fcntl.fcntl(fd, fcntl.F_OFD_SETLK, lock)
    except BlockingIOError:
        return False
    finally:
        os.close(fd)
    return True


def test_a_handler_that_raises_leaves_no_lock(outbox_path: Path) -> None:
    def ring() -> None:
        raise TimeoutError("the task's time is over")

    for label, number in (("sync-lock", 1), ("sync-unlock", 1), ("payload", 2), ("synced", 1)):
        writer, _ = _power(outbox_path, Reached(label, number, ring))
        with pytest.raises(TimeoutError):
            writer.append(event(0))
        assert _sync_lock_is_free(outbox_path), label


def test_without_locks_of_open_files_there_is_no_sync_lock(
    outbox_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """To close a descriptor of the lock file would drop the writers' lock there."""
    monkeypatch.setattr(_sync_lock, "_COMMAND", -1)
    monkeypatch.setattr(_group_commit, "sleep", lambda _: pytest.fail("it waits for nobody"))
    writer, disk = _power(outbox_path)
    writer.append(event(0))
    writer.append(event(1))
    opened = 0
    for name in os.listdir("/proc/self/fd"):
        with contextlib.suppress(OSError):  # that of the listing
            opened += os.readlink(f"/proc/self/fd/{name}") == str(outbox_path / "outbox.lock")
    assert opened == 1
    assert disk.calls[SYNC] == 2
    assert _range(writer) is None


# --- errors ---


def test_an_error_is_told_to_all_who_append_through_the_descriptor(outbox_path: Path) -> None:
    """The kernel tells it once for each open file description: a second sync would succeed."""
    told = threading.Event()

    def fail_once() -> None:
        eventually(lambda: disk.calls[PUBLISH] == 3)
        told.set()
        fail()()

    disk = Reached("payload", 4, fail_once)
    writer, _ = _power(outbox_path, disk)
    writer.append(event(0))
    with ThreadPoolExecutor() as threads:
        leading = threads.submit(writer.append, event(1))
        eventually(lambda: disk.calls[SYNC] == 2)
        following = threads.submit(writer.append, event(2))
        for append in (leading, following):
            with pytest.raises(OutboxUnavailable) as raised:
                append.result()
            assert raised.value.maybe_appended
    assert told.is_set()
    writer.append(event(3))
    assert numbers(outbox_path) == [0, 1, 2, 3]
    assert _cycles(outbox_path) == 2, "nobody appends to the failed one again"


def test_a_sync_that_failed_is_not_noted(outbox_path: Path) -> None:
    writer, disk = _power(outbox_path, Reached("payload", 4, fail()))
    writer.append(event(0))
    assert writer._session is not None
    words = writer._session.state.words
    before = bytes(words[32:34])
    with pytest.raises(OutboxUnavailable, match="same event_id"):
        writer.append(event(1))
    assert bytes(words[32:34]) == before
    assert disk.calls[SYNC] == 2


def test_a_sync_of_which_nothing_is_known_counts_as_failed(outbox_path: Path) -> None:
    writer, _ = _power(outbox_path)
    writer.append(event(0))
    assert writer._commit is not None
    writer._commit._failed = True  # as a thread leaves it that dies in the system call
    with pytest.raises(OutboxUnavailable, match="same event_id"):
        writer.append(event(1))
    writer.append(event(2))
    assert numbers(outbox_path) == [0, 1, 2]
    assert _cycles(outbox_path) == 2


# --- what others do to the files meanwhile ---


def test_a_state_that_is_cut_during_a_sync_ends_no_process(outbox_path: Path) -> None:
    def append(_: int) -> None:
        cutting = Reached("payload", 4, lambda: os.truncate(outbox_path / "outbox.state", 0))
        writer = _power(outbox_path, cutting)[0]
        for number in range(3):
            writer.append(event(number))

    pid, _ = in_child(append)
    assert exit_code(pid) == 0
    assert numbers(outbox_path) == [0, 1, 2]


def test_a_sync_of_a_number_that_is_another_files_by_now_is_none(outbox_path: Path) -> None:
    """As where another thread makes a daemon of the process."""

    def take_the_numbers() -> None:
        other = os.open(outbox_path.parent / "log", os.O_RDWR | os.O_CREAT)
        for name in os.listdir("/proc/self/fd"):
            with contextlib.suppress(OSError):
                if os.readlink(f"/proc/self/fd/{name}").startswith(str(outbox_path)):
                    os.dup2(other, int(name))

    def append(pipe: int) -> None:
        writer, _ = _power(outbox_path, Reached("payload", 4, take_the_numbers))
        writer.append(event(0))
        with pytest.raises(OutboxUnavailable, match="closed by somebody else") as raised:
            writer.append(event(1))
        assert raised.value.maybe_appended
        writer.append(event(2))
        os.write(pipe, b"went on")

    pid, pipe = in_child(append)
    assert read_all(pipe) == b"went on"
    assert exit_code(pid) == 0
    assert numbers(outbox_path) == [0, 1, 2]
    assert (outbox_path.parent / "log").read_bytes() == b""


def test_what_an_error_left_is_not_closed_where_the_numbers_are_anothers(
    outbox_path: Path,
) -> None:
    def append(pipe: int) -> None:
        writer, _ = _power(outbox_path)
        writer.append(event(0))
        writer._session = None  # as behind an error
        other = os.open(outbox_path.parent / "log", os.O_RDWR | os.O_CREAT)
        taken = []
        for name in os.listdir("/proc/self/fd"):
            with contextlib.suppress(OSError):
                if os.readlink(f"/proc/self/fd/{name}").startswith(str(outbox_path)):
                    taken.append(os.dup2(other, int(name)))
        writer.append(event(1))
        writer.close()
        assert taken
        for number in taken:
            assert os.path.samestat(os.fstat(number), os.fstat(other))
        os.write(pipe, b"all there")

    pid, pipe = in_child(append)
    assert read_all(pipe) == b"all there"
    assert exit_code(pid) == 0


def test_what_is_closed_leaves_no_descriptor_for_the_garbage_collector(outbox_path: Path) -> None:
    gc.disable()
    try:
        before = len(os.listdir("/proc/self/fd"))
        for number in range(3):
            writer, _ = _power(outbox_path)
            writer.append(event(number))
            writer.append(event(number))
            writer.close()
        assert len(os.listdir("/proc/self/fd")) == before
    finally:
        gc.enable()
