# ruff: noqa: ARG002 - the labels are for the tests's disks
"""The one seam between the writer and the machine.

Every system call and mapped store by which a writer changes an outbox goes through a `Disk`, with
a label that says what is written. Tests pass another one, which fails or ends the process at the
n-th call of a label. Labels: lock, sync-lock, ahead, payload, publish, state, word2, word1, synced,
index, index-page, eof-tail, eof, create, link, unlink, listing, failures.
"""

from __future__ import annotations

import fcntl
import os

from outbox_client._errors import OutboxUnavailable
from outbox_client._forks import forget_the_parent, here
from outbox_client._state_file import ALL_ONES, COMPLEMENT, NEXT_SEQUENCE

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Any, NoReturn

    from outbox_client._cycle_file import CycleFile
    from outbox_client._safe_files import File, Folder
    from outbox_client._state_file import StateFile

_pwrite = os.pwrite


class Disk:
    """The real one, step by step. Holds no state, so one object serves all.

    Each method looks whether it is stopped directly before it changes anything: a signal handler
    may fork at its entry, or in C, and the child would go on behind it.
    """

    __slots__ = ()
    stopped = False

    def lock(self, call: Callable[..., Any], fd: int, command: int, argument: Any) -> None:
        """Try for the writers' lock.

        Raises:
            BlockingIOError: another holds it.
            PermissionError: the same, on some systems.
        """
        call(fd, command, argument)

    def create(self, folder: Folder, name: str) -> File:
        """Make a file that must not exist."""
        return folder.create_new(name)

    def pwrite(self, fd: int, data: bytes | memoryview, offset: int, what: str) -> None:
        """Write all of data.

        Raises:
            OSError: not all of it could be written.
        """
        length = len(data)
        written = 0
        while True:
            if not here[0]:
                forget_the_parent()
            if self.stopped:
                raise forked()
            written += os.pwrite(fd, data[written:] if written else data, offset + written)
            if written >= length:
                return
            # Short, as on a full disk: the next call says why.

    def store(self, words: memoryview, index: int, value: int, what: str) -> None:
        """One aligned store of a word into a mapping."""
        if self.stopped:  # a fork in C is seen by the write before; what follows can be mended
            raise forked()
        words[index] = value

    def publish(self, cycle: CycleFile, data: bytes, offset: int, length: int) -> None:
        """Write what is framed at the tail, then publish it (FORMAT I1).

        Args:
            cycle: to whose end it goes.
            data: a free header word, the records, zeros.
            offset: of the header word.
            length: what the header word becomes.

        Raises:
            OSError: not all of it could be written. Nothing is published.
        """
        self.pwrite(cycle.fd, data, offset, "payload")
        self.store(cycle.words32, offset >> 2, length, "publish")

    def book(
        self, cycle: CycleFile, state: StateFile, offset: int, entry: int, sequence: int
    ) -> None:
        """Note the last record that is published.

        Args:
            cycle: in which it stands.
            state: of the outbox.
            offset: of its header word.
            entry: its number within the cycle.
            sequence: of it.
        """
        self.store(state.words, NEXT_SEQUENCE, sequence + 1, "state")
        self.store(state.words, COMPLEMENT, sequence + 1 ^ ALL_ONES, "state")
        self.store(cycle.words64, cycle.word1 + 1, offset << 32 | entry, "word2")
        self.store(cycle.words64, cycle.word1, offset, "word1")

    def truncate(self, fd: int, size: int, what: str) -> None:
        """Set a file's length."""
        if not here[0]:
            forget_the_parent()
        if self.stopped:
            raise forked()
        os.ftruncate(fd, size)

    def fsync(self, fd: int, what: str) -> None:
        """Bring a file to stable storage."""
        if not here[0]:
            forget_the_parent()
        if self.stopped:
            raise forked()
        os.fsync(fd)

    def sync_directory(self, folder: Folder, what: str) -> None:
        """Bring a directory's entries to stable storage."""
        if not here[0]:
            forget_the_parent()
        if self.stopped:
            raise forked()
        os.fsync(folder.fd)

    def fdatasync(self, fd: int, what: str) -> None:
        """Bring a file's contents to stable storage."""
        if not here[0]:
            forget_the_parent()
        if self.stopped:
            raise forked()
        _fdatasync(fd)

    def sync_payload(self, fd: int, steps: list[None]) -> None:
        """Bring what is published to stable storage.

        Args:
            fd: of the cycle file.
            steps: gets an item when the sync has begun, and one more when it has ended well:
                whatever exception comes out, of a signal handler too, that can be told.
        """
        try:
            self.fdatasync(fd, "payload")
            steps.append(None)
        except OSError as problem:
            if problem.errno is None:
                raise  # a signal handler's TimeoutError
            steps.append(None)
            raise
        steps.append(None)

    def sync_lock(self, fd: int, command: int, argument: bytes) -> None:
        """Try for the sync lock.

        Raises:
            OSError: another holds it, or it cannot be had.
        """
        if not here[0]:
            forget_the_parent()
        if self.stopped:
            raise forked()
        fcntl.fcntl(fd, command, argument)

    def sync_unlock(self, fd: int, command: int, argument: bytes) -> None:
        """Give the sync lock back; not what a parent holds by the same open file."""
        if here[0] and not self.stopped:
            fcntl.fcntl(fd, command, argument)

    def link(self, folder: Folder, source: str, target: str, what: str) -> None:
        """Give a file a second name in the same directory.

        Raises:
            FileExistsError: something has that name.
        """
        fd = folder.fd
        if not here[0]:
            forget_the_parent()
        if self.stopped:
            raise forked()
        os.link(source, target, src_dir_fd=fd, dst_dir_fd=fd, follow_symlinks=False)

    def unlink(self, folder: Folder, name: str, what: str) -> None:
        """Take a name away."""
        if not here[0]:
            forget_the_parent()
        if self.stopped:
            raise forked()
        os.unlink(name, dir_fd=folder.fd)


class FlatDisk(Disk):
    """The real one, with the steps of each append in one place: calls cost more than the steps."""

    __slots__ = ()

    def publish(self, cycle: CycleFile, data: bytes, offset: int, length: int) -> None:
        """As `Disk.publish`."""
        if not here[0]:
            forget_the_parent()
        if self.stopped:
            raise forked()
        written = _pwrite(cycle.fd, data, offset)
        if written < len(data):  # as on a full disk: the next call says why
            self.pwrite(cycle.fd, data[written:], offset + written, "payload")
        if self.stopped:  # a signal handler may have forked behind each call
            raise forked()
        cycle.words32[offset >> 2] = length

    def book(
        self, cycle: CycleFile, state: StateFile, offset: int, entry: int, sequence: int
    ) -> None:
        """As `Disk.book`."""
        if self.stopped:
            raise forked()
        words = state.words
        words[NEXT_SEQUENCE] = sequence = sequence + 1
        words[COMPLEMENT] = sequence ^ ALL_ONES
        words = cycle.words64
        word1 = cycle.word1
        words[word1 + 1] = offset << 32 | entry
        words[word1] = offset

    def sync_payload(self, fd: int, steps: list[None]) -> None:
        """As `Disk.sync_payload`; in one call of C, behind which a signal handler may raise."""
        sync = map(_fdatasync, (fd,))
        if not here[0]:
            forget_the_parent()
        if self.stopped:
            raise forked()
        steps.append(None)
        steps.extend(sync)


def _refuse(*_: Any) -> NoReturn:
    raise forked()


_CHANGES = (
    "create",
    "publish",
    "book",
    "pwrite",
    "store",
    "truncate",
    "fsync",
    "sync_directory",
    "fdatasync",
    "sync_payload",
    "link",
    "unlink",
)
_STOPPED: dict[str, Any] = {"__slots__": (), "stopped": True, **dict.fromkeys(_CHANGES, _refuse)}


def stop(disk: Disk) -> None:
    """In a forked child: what is under way in frames that it has of its parent changes nothing.

    The lock that these frames hold is the parent's.
    """
    kind = type(disk)
    disk.__class__ = type(kind.__name__, (kind,), _STOPPED)


def forked() -> OutboxUnavailable:
    """What is said in a child to an append that its parent had begun."""
    error = OutboxUnavailable(
        "this process was forked inside an append, which is its parent's to complete: if it must "
        "not be missing should the parent have failed, append it again with the same event_id"
    )
    error.maybe_appended = True
    return error


_fdatasync = getattr(os, "fdatasync", os.fsync)  # macOS has none
