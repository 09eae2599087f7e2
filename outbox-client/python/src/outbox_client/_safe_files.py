"""Open files that close with their last reference."""

from __future__ import annotations

import os
from io import FileIO
from stat import S_ISREG


class Descriptor(FileIO):
    """A descriptor that has an owner from the moment it exists, and closes silently with it.

    ``os.open`` leaks one where a signal handler raises before its result is stored. Writers share
    their files with threads that still sync them, so nobody closes one while another needs it.
    """

    # Without the warning of FileIO, for which closing is the caller's. And in C: what a signal
    # handler raises inside a __del__ written in Python is lost.
    __del__ = FileIO.close


class File(Descriptor):
    """A regular file of the outbox.

    Attributes:
        fd: the descriptor.
        opened: what the file was when it was opened.
    """

    def __init__(self, path: str, mode: str = "r+") -> None:
        """Open a regular file, which must exist.

        Raises:
            OSError: it cannot be opened.
            NotRegularError: it is something else, or was replaced by that meanwhile.
        """
        before = os.lstat(path)
        if not S_ISREG(before.st_mode):
            raise NotRegularError(path)
        super().__init__(path, mode)
        self.fd = self.fileno()
        found = os.fstat(self.fd)
        if found.st_ino != before.st_ino or found.st_dev != before.st_dev:
            raise NotRegularError(path)
        self.opened = found


class NotRegularError(Exception):
    """A symbolic link, a directory, a device, or not the file that was there a moment ago."""


def read(path: str, length: int, *offsets: int) -> list[bytes]:
    """Some pieces of a file.

    Args:
        path: of a regular file.
        length: of each piece; shorter at the file's end.
        offsets: of the pieces; default one at 0.

    Raises:
        OSError: it cannot be read.
        NotRegularError: as `File`.
    """
    with File(path, "r") as file:
        return [os.pread(file.fd, length, offset) for offset in offsets or (0,)]
