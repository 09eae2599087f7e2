"""The two locks of an outbox."""

from __future__ import annotations

import contextlib
import errno
import fcntl
import os
import struct
import time
from typing import TYPE_CHECKING

from . import files
from .errors import BusyError

if TYPE_CHECKING:
    from collections.abc import Iterator


class Lock:
    """The file with the writers' lock and the sync lock, taken by one thread."""

    def __init__(self, outbox: str, timeout: float) -> None:
        self._path = os.path.join(outbox, "outbox.lock")
        self._timeout = timeout
        self._descriptor = -1
        self.openings = 0

    @contextlib.contextmanager
    def held(self) -> Iterator[None]:
        """Take the lock of the file that has the name.

        Raises:
            BusyError: not within the timeout.
        """
        deadline = time.monotonic() + self._timeout
        while True:
            if self._descriptor < 0:
                self._descriptor = files.create(self._path)
                self.openings += 1
            self._take(deadline)
            if self._has_the_name():
                break
            self.close()
        try:
            yield
        finally:
            fcntl.fcntl(self._descriptor, fcntl.F_OFD_SETLK, _byte(0, fcntl.F_UNLCK))

    def try_to_sync(self) -> bool:
        """Take the sync lock, unless another has it, or the file is not the name's any more."""
        if not self._has_the_name():
            return False
        try:
            fcntl.fcntl(self._descriptor, fcntl.F_OFD_SETLK, _byte(1, fcntl.F_WRLCK))
        except BlockingIOError:
            return False
        return True

    def end_sync(self) -> None:
        """Give the sync lock back."""
        fcntl.fcntl(self._descriptor, fcntl.F_OFD_SETLK, _byte(1, fcntl.F_UNLCK))

    def _take(self, deadline: float) -> None:
        while True:
            try:
                fcntl.fcntl(self._descriptor, fcntl.F_OFD_SETLK, _byte(0, fcntl.F_WRLCK))
            except OSError as problem:
                if problem.errno not in (errno.EAGAIN, errno.EACCES):
                    raise
            else:
                return
            if time.monotonic() > deadline:
                raise BusyError(self._path)
            time.sleep(0.001)

    def _has_the_name(self) -> bool:
        return files.is_file_of(self._descriptor, self._path)

    def close(self) -> None:
        """Close the file."""
        if self._descriptor >= 0:
            os.close(self._descriptor)
            self._descriptor = -1


def _byte(number: int, kind: int) -> bytes:
    return struct.pack("hhqqi4x", kind, os.SEEK_SET, number, 1, 0)
