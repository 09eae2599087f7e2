"""Hand-written parts for the seams: a clock, a disk with faults, processes."""

from __future__ import annotations

import errno
import os
import signal
import subprocess
import sys
import time
from collections import Counter
from pathlib import Path
from typing import TYPE_CHECKING, Any

import outbox_client
from outbox_client import Outbox
from outbox_client._cycle_layout import FILE_BYTES, CycleLayout, cycle_name
from outbox_client._cycle_scanner import scan
from outbox_client._disk import Disk
from outbox_client._outbox_directory import OutboxDirectory
from outbox_client._queue_writer import QueueWriter
from outbox_client._record_draft import RecordDraft

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from outbox_client._record_codec import OutboxRecord
    from outbox_client._safe_files import Folder

HOUR_NS = 3_600_000_000_000
HOUR = 490_896  # 2026-01-01, 0 h


class Clock:
    """Nanoseconds since the epoch, moved by the test."""

    def __init__(self, hour: int = HOUR) -> None:
        self.now = hour * HOUR_NS

    def __call__(self) -> int:
        self.now += 1_000_000
        return self.now


def new_writer(path: Path | str, **settings: Any) -> QueueWriter:
    trust_parent = settings.pop("trust_parent", False)
    settings = {"durability": "process", "max_bytes": None, "lock_timeout": 5.0, **settings}
    directory = OutboxDirectory(
        str(path), power=settings["durability"] == "power", trust_parent=trust_parent
    )
    return QueueWriter(directory, **settings)


def event_id(number: int) -> bytes:
    return number.to_bytes(16, "big")


def event(number: int, size: int = 40) -> RecordDraft:
    value = f"value {number} ".encode().ljust(size, b".")
    return RecordDraft(b"topic", b"key", b"", value, event_id(number), None)


def records(path: Path | str) -> list[OutboxRecord]:
    """All records; a scan that ends early for a fault is an error."""
    return list(scan(str(path)))


def numbers(path: Path | str) -> list[int]:
    """The numbers of all events on disk, having checked that sequences grow."""
    found = records(path)
    sequences = [record.sequence for record in found]
    assert sequences == sorted(set(sequences))
    return [int.from_bytes(record.event_id, "big") for record in found]


def small_layout(path: Path, hour: int = HOUR) -> None:
    """An outbox whose newest cycle has index pages of 32 slots, every 4th entry indexed.

    So that a test reaches a second index page without a million events.
    """
    new_writer(path, clock=Clock(hour)).open()
    (path / "append.failures").unlink()  # as older writers left it: made by the next one
    file = path / "queue" / cycle_name(hour)
    file.write_bytes(CycleLayout(32, 4).new_file())
    os.truncate(file, FILE_BYTES)
    file.chmod(0o660)


class Reached(Disk):
    """Counts the calls of each operation and label, and calls back at a chosen one.

    Attributes:
        calls: how often ``(operation, label)`` was called.
    """

    __slots__ = ("_before", "_half", "_label", "_left", "calls")

    def __init__(
        self,
        label: str | None = None,
        number: int = 1,
        before: Callable[[], None] | None = None,
        *,
        half: bool = False,
    ) -> None:
        """At the *number*-th call of *label*, optionally write half, and call *before*."""
        self.calls: Counter[tuple[str, str]] = Counter()
        self._label = label
        self._left = number
        self._before = before
        self._half = half

    def fail_at(self, number: int, before: Callable[[], None]) -> None:
        """Call back at the *number*-th call of the label from now on."""
        self._left = number
        self._before = before

    def steps(self) -> list[tuple[str, int]]:
        """Each call so far, by its label and how many times that was called by then."""
        counts: Counter[str] = Counter()
        for (_, label), count in self.calls.items():
            counts[label] += count
        return [(label, number + 1) for label, count in counts.items() for number in range(count)]

    def _reach(self, operation: str, what: str) -> bool:
        self.calls[operation, what] += 1
        if what != self._label:
            return False
        self._left -= 1
        return self._left == 0

    def _act(self) -> None:
        if self._before is not None:
            self._before()

    def lock(self, call: Callable[..., Any], fd: int, command: int, argument: Any) -> None:
        if self._reach("lock", "lock"):
            self._act()
        super().lock(call, fd, command, argument)

    def sync_lock(self, fd: int, command: int, argument: bytes) -> None:
        super().sync_lock(fd, command, argument)
        if self._reach("lock", "sync-lock"):
            self._act()

    def sync_unlock(self, fd: int, command: int, argument: bytes) -> None:
        if self._reach("unlock", "sync-unlock"):
            self._act()
        super().sync_unlock(fd, command, argument)

    def pwrite(self, fd: int, data: bytes | memoryview, offset: int, what: str) -> None:
        if self._reach("pwrite", what):
            if self._half:
                os.pwrite(fd, data[: len(data) // 2], offset)
            self._act()
        super().pwrite(fd, data, offset, what)

    def store(self, words: memoryview, index: int, value: int, what: str) -> None:
        if self._reach("store", what):
            self._act()
        super().store(words, index, value, what)

    def truncate(self, fd: int, size: int, what: str) -> None:
        if self._reach("truncate", what):
            self._act()
        super().truncate(fd, size, what)

    def fsync(self, fd: int, what: str) -> None:
        if self._reach("fsync", what):
            self._act()
        super().fsync(fd, what)

    def sync_directory(self, folder: Folder, what: str) -> None:
        if self._reach("sync_directory", what):
            self._act()
        super().sync_directory(folder, what)

    def fdatasync(self, fd: int, what: str) -> None:
        if self._reach("fdatasync", what):
            self._act()
        super().fdatasync(fd, what)

    def link(self, folder: Folder, source: str, target: str, what: str) -> None:
        if self._reach("link", what):
            self._act()
        super().link(folder, source, target, what)

    def unlink(self, folder: Folder, name: str, what: str) -> None:
        if self._reach("unlink", what):
            self._act()
        super().unlink(folder, name, what)


def fail(code: int = errno.EIO) -> Callable[[], None]:
    """What a system call does that fails."""

    def raise_error() -> None:
        raise OSError(code, os.strerror(code))

    return raise_error


def kill_self() -> None:
    os.kill(os.getpid(), signal.SIGKILL)


def in_child(action: Callable[[int], None]) -> tuple[int, int]:
    """Run *action* in a forked child with the writing end of a pipe; pid and reading end."""
    reading, writing = os.pipe()
    pid = os.fork()
    if pid == 0:
        code = 70
        try:
            os.close(reading)
            action(writing)
            code = 0
        finally:
            os._exit(code)
    os.close(writing)
    return pid, reading


def read_all(fd: int) -> bytes:
    """Everything until the writing end is closed."""
    with os.fdopen(fd, "rb") as pipe:
        return pipe.read()


def exit_code(pid: int) -> int:
    """Wait for a child; negative for a signal."""
    return os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1])


def eventually(condition: Callable[[], bool], seconds: float = 30.0) -> None:
    """Poll until a condition holds."""
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline, "not in time"
        time.sleep(0.002)


def is_subsequence(part: Iterable[int], whole: Iterable[int]) -> bool:
    rest = iter(whole)
    return all(item in rest for item in part)


def run_python(program: str, *arguments: str, interpreter: str = sys.executable) -> str:
    """Run a program that can import this package and the tests; what it printed.

    Raises:
        AssertionError: it failed; with what it said.
    """
    source = Path(outbox_client.__file__).parents[1]
    done = subprocess.run(
        [interpreter, "-c", program, *arguments],
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
        env={**os.environ, "PYTHONPATH": f"{source}:{Path(__file__).parent}"},
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


_kept: Outbox | None = None


def keep(outbox: Outbox) -> None:
    """Begin a worker of a pool, which keeps what it was given."""
    global _kept
    _kept = outbox


def append_kept(number: int) -> int:
    """Append in a worker of a pool."""
    assert _kept is not None
    return _kept.append(str(number), topic="t").sequence
