"""Whether the names within an outbox are still those that were looked at."""

from __future__ import annotations

import os
from time import time_ns

from outbox_client._safe_files import Folder

TYPE_CHECKING = False
if TYPE_CHECKING:
    from outbox_client._outbox_directory import OutboxDirectory

# Time stamps have the grain of the kernel's clock, on old file systems that of a second: a name
# that changes behind a look may leave a directory the time that it had before the look.
_GRAIN_NS = 2_000_000_000

_lstat = os.lstat
_fstat = os.fstat


class SettledNames:
    """Remembers that all names were right, and the directories' times of change then.

    No entry of a directory is made, renamed or removed without a new time. That `queue/` still has
    its inode where the path leads, and neither it nor the `<outbox>` that is held has changed, says
    of each name in them what a look at it would say. Used by the holder of the writers' lock alone.

    Attributes:
        held: what `hold` has returned.
    """

    __slots__ = (
        "_device",
        "_found",
        "_inode",
        "_not_before",
        "_queue",
        "_queue_changed",
        "_root",
        "_root_changed",
        "_root_fd",
        "held",
    )

    def __init__(
        self, directory: OutboxDirectory, place: tuple[tuple[int, int], tuple[int, int]]
    ) -> None:
        """Hold the outbox's directory.

        Args:
            directory: of the outbox.
            place: device and inode of `<outbox>` and of `queue/`, as they were opened.
        """
        self._queue = os.fsencode(directory.queue)
        self._device, self._inode = place[1]
        try:
            self._root = Folder(directory.path)
            self._root_fd = self._root.fd
            moved = self._root.identity != place[0]
        except OSError as problem:
            if problem.errno is None:
                raise  # a signal handler's TimeoutError
            self._root_fd = -1
            moved = True
        if moved:
            self._inode = -1  # never settled
        self._queue_changed = -1
        self._root_changed = -1
        self._found: tuple[int, int] | None = None
        self._not_before = 0  # when what is found may be remembered; 0 once it is
        self.held = False

    def hold(self) -> bool:
        """Whether all names are as they were at the look that is remembered."""
        if self._not_before and time_ns() < self._not_before:
            self._found = None
            self.held = False
            return False
        try:
            queue = _lstat(self._queue)
            root = _fstat(self._root_fd)
        except OSError as problem:
            if problem.errno is None:
                raise  # a signal handler's TimeoutError
            self._found = None
            self.held = False
            return False
        inode = queue.st_ino == self._inode and queue.st_dev == self._device
        if (
            inode
            and queue.st_ctime_ns == self._queue_changed
            and root.st_ctime_ns == self._root_changed
        ):
            self.held = True
            return True
        if inode:
            self._found = queue.st_ctime_ns, root.st_ctime_ns
            self._not_before = max(self._found) + _GRAIN_NS
        else:
            self._found = None
        self.held = False
        return False

    def remember(self) -> None:
        """Remember that a look at each name, begun after the last `hold`, found them all right."""
        found = self._found
        if found is not None and time_ns() > self._not_before:
            self._queue_changed, self._root_changed = found
            self._not_before = 0
