"""One writer at a time: threads, processes, forks, stopped holders, replaced lock files."""

from __future__ import annotations

import errno
import fcntl
import os
import signal
import threading
import time
import warnings
from typing import TYPE_CHECKING

import pytest
from support import (
    Clock,
    Reached,
    event,
    exit_code,
    fail,
    in_child,
    is_subsequence,
    new_writer,
    numbers,
    read_all,
)

from outbox_client import Outbox, OutboxBusy, OutboxUnavailable, _lock_deadline, _writers_lock
from outbox_client._claim import Claim, Token
from outbox_client._disk import Disk
from outbox_client._lock_deadline import LockDeadline
from outbox_client._outbox_directory import OutboxDirectory
from outbox_client._safe_files import Folder
from outbox_client._writers_lock import WritersLock, lock_of

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from outbox_client._safe_files import File

EACH = 200


@pytest.fixture
def posix_locks(monkeypatch: pytest.MonkeyPatch) -> None:
    """As on a system without open-file-description locks."""
    monkeypatch.delattr(fcntl, "F_OFD_SETLK")
    monkeypatch.setattr(_writers_lock, "_locks", {})


def test_threads_append_all_of_theirs_in_their_order(outbox_path: Path) -> None:
    shared = new_writer(outbox_path, lock_timeout=60)

    def run(first: int) -> None:
        writer = shared if first % 2 else new_writer(outbox_path, lock_timeout=60)
        for number in range(first * EACH, (first + 1) * EACH):
            writer.append(event(number))

    threads = [threading.Thread(target=run, args=(first,)) for first in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    found = numbers(outbox_path)
    assert sorted(found) == list(range(6 * EACH))
    for first in range(6):
        assert is_subsequence(range(first * EACH, (first + 1) * EACH), found)


def _append_in_processes(path: Path, count: int) -> None:
    children = []
    for first in range(count):

        def run(pipe: int, first: int = first) -> None:
            writer = new_writer(path, lock_timeout=60, roll_bytes=0x10110 + 20_000)
            for number in range(first * EACH, (first + 1) * EACH):
                writer.append(event(number))

        children.append(in_child(run))
    for pid, pipe in children:
        assert exit_code(pid) == 0
        os.close(pipe)
    found = numbers(path)
    assert sorted(found) == list(range(count * EACH))
    for first in range(count):
        assert is_subsequence(range(first * EACH, (first + 1) * EACH), found)


def test_processes_append_all_of_theirs_over_many_rolls(outbox_path: Path) -> None:
    _append_in_processes(outbox_path, 4)
    assert len(os.listdir(outbox_path / "queue")) > 3


@pytest.mark.usefixtures("posix_locks")
def test_processes_append_all_of_theirs_with_posix_locks(outbox_path: Path) -> None:
    _append_in_processes(outbox_path, 3)


@pytest.mark.usefixtures("posix_locks")
def test_posix_and_open_file_description_locks_exclude_each_other(outbox_path: Path) -> None:
    writer = new_writer(outbox_path, lock_timeout=0.1)
    writer.append(event(0))
    ready, go = os.pipe(), os.pipe()

    def hold(pipe: int) -> None:
        lock = os.open(outbox_path / "outbox.lock", os.O_RDWR)
        # As F_OFD_SETLK, whose name this test has hidden.
        fcntl.fcntl(lock, 37, _struct_flock(fcntl.F_WRLCK))
        os.write(ready[1], b".")
        os.read(go[0], 1)

    pid, _ = in_child(hold)
    os.read(ready[0], 1)
    with pytest.raises(OutboxBusy):
        writer.append(event(1))
    os.write(go[1], b".")
    assert exit_code(pid) == 0
    writer.append(event(2))
    assert numbers(outbox_path) == [0, 2]


def _struct_flock(kind: int) -> bytes:
    import struct

    return struct.pack("hhqqi4x", kind, os.SEEK_SET, 0, 1, 0)


def _is_free(path: Path) -> bool:
    """Whether another could have the kernel's lock now."""
    fd = os.open(path / "outbox.lock", os.O_RDWR)
    try:
        fcntl.fcntl(fd, fcntl.F_OFD_SETLK, _struct_flock(fcntl.F_WRLCK))
    except BlockingIOError:
        return False
    finally:
        os.close(fd)
    return True


def test_a_stopped_holder_costs_the_others_a_named_error(outbox_path: Path) -> None:
    reading, writing = os.pipe()

    def stop() -> None:
        os.write(writing, b".")
        os.kill(os.getpid(), signal.SIGSTOP)

    def run(pipe: int) -> None:
        new_writer(outbox_path, disk=Reached("payload", 1, stop)).append(event(1))

    pid, _ = in_child(run)
    os.read(reading, 1)
    os.waitpid(pid, os.WUNTRACED)
    writer = new_writer(outbox_path, lock_timeout=0.2)
    with pytest.raises(OutboxBusy, match=r"outbox\.lock was held by other writers for 0\.2 s"):
        writer.append(event(2))
    assert not _is_free(outbox_path)
    os.kill(pid, signal.SIGCONT)
    assert exit_code(pid) == 0
    writer.append(event(3))
    assert numbers(outbox_path) == [1, 3]


def test_a_thread_that_holds_the_lock_costs_the_others_a_named_error(outbox_path: Path) -> None:
    inside, go = threading.Event(), threading.Event()

    def wait() -> None:
        inside.set()
        assert go.wait(60)

    holder = new_writer(outbox_path, disk=Reached("payload", 1, wait))
    thread = threading.Thread(target=holder.append, args=(event(1),))
    thread.start()
    assert inside.wait(60)
    other = new_writer(outbox_path, lock_timeout=0.2)
    with pytest.raises(OutboxBusy, match="another thread"):
        other.append(event(2))
    with pytest.raises(OutboxBusy, match="another thread"):
        new_writer(outbox_path, lock_timeout=0).close()
    go.set()
    thread.join()
    other.append(event(3))
    assert numbers(outbox_path) == [1, 3]


def test_an_append_within_an_append_of_the_same_thread_is_refused_at_once(
    outbox_path: Path,
) -> None:
    caught: list[OutboxBusy] = []
    inner = Outbox(outbox_path, lock_timeout=60)

    def append_again() -> None:
        with pytest.raises(OutboxBusy, match="inside an append") as problem:
            inner.append(b"", topic="t")
        caught.append(problem.value)

    writer = new_writer(outbox_path, lock_timeout=60, disk=Reached("payload", 1, append_again))
    started = time.monotonic()
    writer.append(event(1))
    assert time.monotonic() - started < 30
    assert len(caught) == 1
    writer.append(event(2))
    assert numbers(outbox_path) == [1, 2]


def test_a_claim_that_was_left_behind_is_taken_over(outbox_path: Path) -> None:
    writer = new_writer(outbox_path, lock_timeout=60)
    writer.append(event(0))
    lock = lock_of(str(outbox_path / "outbox.lock"))

    def leave_behind() -> None:
        # What two signals that raise one right after the other can do.
        token = Token()
        lock.owner = Claim(token)
        lock.kernel_call(lock.fd, lock._lock_command, lock._lock_argument)

    leave_behind()
    writer.append(event(1))
    assert _is_free(outbox_path)

    leave_behind()
    other = threading.Thread(target=writer.append, args=(event(2),))
    other.start()
    other.join()

    gone = threading.Thread(target=leave_behind)
    gone.start()
    gone.join()
    writer.append(event(3))
    assert numbers(outbox_path) == [0, 1, 2, 3]
    assert _is_free(outbox_path)


def test_a_claim_whose_frame_still_runs_is_not_taken_over(outbox_path: Path) -> None:
    lock = lock_of(str(outbox_path / "outbox.lock"))
    token = Token()
    claim = Claim(token)
    lock.owner = claim
    try:
        with pytest.raises(OutboxBusy):
            new_writer(outbox_path, lock_timeout=60).append(event(0))
        failed: list[BaseException] = []

        def run() -> None:
            try:
                new_writer(outbox_path, lock_timeout=0.3).append(event(0))
            except OutboxBusy as problem:
                failed.append(problem)

        thread = threading.Thread(target=run)
        thread.start()
        thread.join()
        assert len(failed) == 1
    finally:
        lock.release(claim)
    new_writer(outbox_path).append(event(1))


def replace(lock: Path) -> None:
    new = lock.with_name("new")
    new.touch()
    new.chmod(0o660)
    new.rename(lock)


def remove(lock: Path) -> None:
    lock.unlink()


@pytest.mark.parametrize("change", [remove, replace])
def test_a_lock_file_that_is_gone_is_noticed(
    change: Callable[[Path], None], outbox_path: Path
) -> None:
    writer = new_writer(outbox_path)
    writer.append(event(0))
    lock = outbox_path / "outbox.lock"
    change(lock)
    assert os.fstat(writer._lock.fd).st_nlink == 0
    writer.append(event(1))
    assert os.path.samestat(lock.stat(), os.fstat(writer._lock.fd))
    assert lock.stat().st_mode & 0o7777 == 0o660
    new_writer(outbox_path).append(event(2))
    assert numbers(outbox_path) == [0, 1, 2]


def test_who_waits_for_a_lock_file_that_is_replaced_meanwhile_waits_for_its_holder(
    outbox_path: Path,
) -> None:
    """Else two would append at once; but only up to the deadline, as the holder may be stopped."""
    lock = outbox_path / "outbox.lock"
    writer = new_writer(outbox_path, lock_timeout=0.2)
    writer.append(event(0))
    old = os.open(lock, os.O_RDWR)
    fcntl.fcntl(old, fcntl.F_OFD_SETLK, _struct_flock(fcntl.F_WRLCK))
    replace(lock)
    with pytest.raises(OutboxBusy):
        writer.append(event(1))
    writer.append(event(2))
    assert numbers(outbox_path) == [0, 2]
    os.close(old)


def test_an_outbox_that_was_removed_as_a_whole_is_made_anew(outbox_path: Path) -> None:
    import shutil

    writer = new_writer(outbox_path)
    first = writer.append(event(0))
    shutil.rmtree(outbox_path)
    second = writer.append(event(1))
    assert second.sequence == 1
    assert second.outbox != first.outbox
    assert numbers(outbox_path) == [1]


@pytest.mark.parametrize("refused", [False, True], ids=["at once", "after a refusal"])
def test_an_outbox_that_was_moved_away_is_left_alone_and_its_copy_appended_to(
    refused: bool, outbox_path: Path
) -> None:
    import shutil

    writer = new_writer(outbox_path)
    writer.append(event(0))
    away = outbox_path.with_name("away")
    outbox_path.rename(away)
    if refused:
        outbox_path.touch()
        with pytest.raises(OutboxUnavailable):
            writer.append(event(1))
        outbox_path.unlink()
    shutil.copytree(away, outbox_path)
    writer.append(event(2))
    assert numbers(outbox_path) == [0, 2]
    assert numbers(away) == [0]


def test_a_lock_that_the_kernel_cannot_give_is_unavailable(outbox_path: Path) -> None:
    writer = new_writer(outbox_path, disk=Reached("lock", 1, fail(errno.ENOLCK)))
    with pytest.raises(OutboxUnavailable, match=r"lock .*outbox\.lock"):
        writer.append(event(0))
    writer.append(event(1))
    assert numbers(outbox_path) == [1]


# --- fork ---


def test_a_forked_child_and_its_parent_both_append(outbox_path: Path) -> None:
    writer = new_writer(outbox_path, lock_timeout=60)
    writer.append(event(0))

    def run(pipe: int) -> None:
        for number in range(1000, 1000 + EACH):
            writer.append(event(number))

    pid, _ = in_child(run)
    for number in range(1, EACH):
        writer.append(event(number))
    assert exit_code(pid) == 0
    found = numbers(outbox_path)
    assert sorted(found) == [*range(EACH), *range(1000, 1000 + EACH)]


def _fork_inside_an_append_and_die(path: Path, pipe: int) -> None:
    def fork_and_die() -> None:
        child = os.fork()
        if child == 0:
            signal.pause()
            os._exit(0)
        os.write(pipe, f"{child}\n".encode())
        os.kill(os.getpid(), signal.SIGKILL)

    new_writer(path, disk=Reached("payload", 2, fork_and_die)).append(event(0))
    new_writer(path, disk=Reached("payload", 1, fork_and_die)).append(event(1))


def _child_that_outlives(path: Path, *, forgetting: bool) -> int:
    def run(pipe: int) -> None:
        if not forgetting:
            _writers_lock._locks.clear()  # the hook then finds nothing to close
            _writers_lock.WritersLock.forget = lambda self: None  # type: ignore[method-assign]
            _writers_lock._locks[str(path / "outbox.lock")] = WritersLock(str(path / "outbox.lock"))
        _fork_inside_an_append_and_die(path, pipe)

    pid, pipe = in_child(run)
    child = int(os.read(pipe, 100))
    os.close(pipe)
    assert exit_code(pid) == -signal.SIGKILL
    return child


@pytest.mark.parametrize("forgetting", [True, False], ids=["closing", "negative-control"])
def test_a_child_that_outlives_a_killed_holder_stalls_nobody(
    forgetting: bool, outbox_path: Path
) -> None:
    child = _child_that_outlives(outbox_path, forgetting=forgetting)
    try:
        started = time.monotonic()
        writer = new_writer(outbox_path, lock_timeout=2 if forgetting else 0.3)
        if forgetting:
            writer.append(event(2))
            assert time.monotonic() - started < 2
        else:
            with pytest.raises(OutboxBusy):
                writer.append(event(2))
    finally:
        os.kill(child, signal.SIGKILL)
    if forgetting:
        assert numbers(outbox_path) == [0, 2]


def test_a_fork_while_a_thread_opens_the_lock_file_leaves_no_descriptor_of_it(
    outbox_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    new_writer(outbox_path).open()
    lock_file = outbox_path / "outbox.lock"
    create = Folder.create
    found: list[bytes] = []

    def fork_before_it_is_stored(self: Folder, name: str) -> File:
        file = create(self, name)
        if name == lock_file.name and not found:
            pid, pipe = in_child(lambda pipe: None if _has_open(lock_file) else _say(pipe))
            found.append(read_all(pipe))
            assert exit_code(pid) == 0
        return file

    monkeypatch.setattr(Folder, "create", fork_before_it_is_stored)
    writer = new_writer(outbox_path)
    writer.close()
    writer.append(event(0))
    assert found == [b"closed"]
    assert _has_open(lock_file)


def _say(pipe: int) -> None:
    os.write(pipe, b"closed")


def _has_open(path: Path) -> bool:
    return any(
        os.path.realpath(f"/proc/self/fd/{fd}") == str(path) for fd in os.listdir("/proc/self/fd")
    )


def test_a_child_that_closes_every_descriptor_can_append(outbox_path: Path) -> None:
    """As a daemon does, which may then open files of its own under the same numbers."""
    writer = new_writer(outbox_path)
    writer.append(event(0))

    def run(pipe: int) -> None:
        os.closerange(3, 200)
        own = [os.open("/dev/null", os.O_RDWR) for _ in range(20)]
        writer.append(event(1))
        del writer._session
        assert all(os.fstat(fd) for fd in own)

    pid, _ = in_child(run)
    assert exit_code(pid) == 0
    writer.append(event(2))
    assert numbers(outbox_path) == [0, 1, 2]


def test_a_thread_that_forks_while_another_appends_leaves_a_child_that_can_append(
    outbox_path: Path,
) -> None:
    inside, go = threading.Event(), threading.Event()

    def wait() -> None:
        inside.set()
        assert go.wait(60)

    writer = new_writer(outbox_path, lock_timeout=30, disk=Reached("payload", 2, wait))
    writer.append(event(0))
    thread = threading.Thread(target=writer.append, args=(event(1),))
    thread.start()
    assert inside.wait(60)

    def run(pipe: int) -> None:
        writer.append(event(2))

    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DeprecationWarning)  # of forking with threads, from 3.12
        pid, pipe = in_child(run)
    go.set()
    thread.join()
    assert exit_code(pid) == 0
    assert read_all(pipe) == b""
    assert numbers(outbox_path) == [0, 1, 2]


# --- waiting ---


def test_pauses_grow_are_jittered_and_end_at_the_deadline(monkeypatch: pytest.MonkeyPatch) -> None:
    now = 0.0
    pauses: list[float] = []

    def sleep(seconds: float) -> None:
        nonlocal now
        pauses.append(seconds)
        now += seconds

    monkeypatch.setattr(time, "sleep", sleep)
    monkeypatch.setattr(_lock_deadline, "monotonic", lambda: now)
    backoff = LockDeadline(0.1, random=lambda count: b"\xff" * count)
    while backoff.wait():
        pass
    assert pauses[:3] == [0, 0, 0]
    assert pauses[3:9] == pytest.approx([75e-6 * 2**n for n in range(6)])
    assert max(pauses) == pytest.approx(3e-3)
    assert sum(pauses) == pytest.approx(0.1)


def test_locks_of_one_file_are_one(outbox_path: Path, tmp_path: Path) -> None:
    (tmp_path / "link").symlink_to(tmp_path)
    direct = new_writer(outbox_path)
    assert new_writer(tmp_path / "link" / "outbox")._lock is direct._lock


def test_a_lock_file_of_a_process_that_has_just_created_it_is_waited_for(
    outbox_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    problem = OutboxUnavailable("not yet")
    problem._errno = errno.EACCES
    tries = 0
    create = Folder.create

    def refuse_twice(self: Folder, name: str) -> File:
        nonlocal tries
        tries += 1
        if tries < 3:
            raise problem
        return create(self, name)

    monkeypatch.setattr(Folder, "create", refuse_twice)
    directory = OutboxDirectory(str(outbox_path))
    lock = WritersLock(str(outbox_path / "outbox.lock"))
    token = Token()
    claim = Claim(token)
    lock.acquire(claim, 5, directory, Disk())
    lock.release(claim)
    assert tries == 3


def test_clock_is_read_under_the_lock(outbox_path: Path) -> None:
    clock = Clock()
    before = clock.now

    def check() -> None:
        assert clock.now == before

    new_writer(outbox_path, clock=clock, disk=Reached("lock", 1, check)).append(event(0))
    assert clock.now > before
