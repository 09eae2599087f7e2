"""How the kernel tells of an error of writing back: once for each open file description."""

from __future__ import annotations

import errno
import os


class Kernel:
    """Errors of writing back, as Linux has them (errseq).

    Whoever syncs first is told, and so is every descriptor that was open by then. One that is
    opened later is not: to it the pages are clean, and the file is in order.
    """

    def __init__(self) -> None:
        # Of each file whose pages could not be written: who is still to be told, None for all.
        self._failed: dict[int, set[int] | None] = {}

    def fail(self, inode: int) -> None:
        """Let writing back fail for a file."""
        self._failed[inode] = None

    def tell(self, descriptor: int) -> None:
        """Do what a sync does of which the kernel knows that pages were not written.

        Raises:
            OSError: it was not told through this descriptor yet.
        """
        inode = os.fstat(descriptor).st_ino
        if inode not in self._failed:
            return
        waiting = self._failed[inode]
        if waiting is None:
            waiting = self._failed[inode] = _open_descriptors(inode)
        if descriptor in waiting:
            waiting.remove(descriptor)
            raise OSError(errno.EIO, os.strerror(errno.EIO))


def _open_descriptors(inode: int) -> set[int]:
    found = set()
    for name in os.listdir("/proc/self/fd"):
        try:
            if os.fstat(int(name)).st_ino == inode:
                found.add(int(name))
        except OSError:  # noqa: PERF203 - that of the listing itself
            continue
    return found
