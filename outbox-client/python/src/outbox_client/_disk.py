# ruff: noqa: ARG002 - the labels are for the tests's disks
"""The one seam between the writer and the machine.

Every system call and mapped store by which a writer changes an outbox goes through a `Disk`, with
a label that says what is written. Tests pass another one, which fails or ends the process at the
n-th call of a label. Labels: lock, ahead, payload, publish, state, word2, word1, index, index-page,
eof-tail, eof, create, link, unlink, listing, failures.
"""

from __future__ import annotations

import os

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Any


class Disk:
    """The real one. Holds no state, so one object serves all."""

    __slots__ = ()

    def lock(self, call: Callable[..., Any], fd: int, command: int, argument: Any) -> None:
        """Try for the writers' lock.

        Raises:
            BlockingIOError: another holds it.
            PermissionError: the same, on some systems.
        """
        call(fd, command, argument)

    def pwrite(self, fd: int, data: bytes | memoryview, offset: int, what: str) -> None:
        """Write all of data.

        Raises:
            OSError: not all of it could be written.
        """
        written = os.pwrite(fd, data, offset)
        while written < len(data):
            # Short, as on a full disk: the next call says why.
            data = data[written:]
            offset += written
            written = os.pwrite(fd, data, offset)

    def store(self, words: memoryview, index: int, value: int, what: str) -> None:
        """One aligned store of a word into a mapping."""
        words[index] = value

    def truncate(self, fd: int, size: int, what: str) -> None:
        """Set a file's length."""
        os.ftruncate(fd, size)

    def fsync(self, fd: int, what: str) -> None:
        """Bring a file to stable storage."""
        os.fsync(fd)

    def sync_directory(self, path: str, what: str) -> None:
        """Bring a directory's entries to stable storage."""
        fd = os.open(path, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
        try:
            os.fsync(fd)
        finally:
            os.close(fd)

    def fdatasync(self, fd: int, what: str) -> None:
        """Bring a file's contents to stable storage."""
        _fdatasync(fd)

    def link(self, source: str, target: str, what: str) -> None:
        """Give a file a second name.

        Raises:
            FileExistsError: something has that name.
        """
        os.link(source, target, follow_symlinks=False)

    def unlink(self, path: str, what: str) -> None:
        """Take a name away."""
        os.unlink(path)


_fdatasync = getattr(os, "fdatasync", os.fsync)  # macOS has none
