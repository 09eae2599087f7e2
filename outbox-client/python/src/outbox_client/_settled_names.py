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

    __slots__ = ("_found", "_queue", "_queue_identity", "_remembered", "_root", "_root_fd", "held")

    def __init__(
        self, directory: OutboxDirectory, place: tuple[tuple[int, int], tuple[int, int]]
    ) -> None:
        """Hold the outbox's directory.

        Args:
            directory: of the outbox.
            place: device and inode of `<outbox>` and of `queue/`, as they were opened.

        Raises:
            OSError: it cannot be held.
        """
        self._root = Folder(directory.path)
        self._root_fd = self._root.fd
        self._queue = os.fsencode(directory.queue)
        self._queue_identity = place[1]
        # Changes of the one and the other; no directory has these.
        self._found: tuple[int, int] | None = None
        self._remembered: tuple[int, int] | None = None
        self.held = False
        if self._root.identity != place[0]:
            self._queue_identity = (-1, -1)  # moved away: never settled

    def hold(self) -> bool:
        """Whether all names are as they were at the look that is remembered."""
        self.held = False
        self._found = None
        try:
            queue = _lstat(self._queue)
            root = _fstat(self._root_fd)
        except OSError as problem:
            if problem.errno is None:
                raise  # a signal handler's TimeoutError
            return False
        if (queue.st_dev, queue.st_ino) == self._queue_identity:
            found = queue.st_ctime_ns, root.st_ctime_ns
            if found == self._remembered:
                self.held = True
                return True
            self._found = found
        return False

    def remember(self) -> None:
        """Remember that a look at each name, begun after the last `hold`, found them all right."""
        found = self._found
        if found is not None and max(found) < time_ns() - _GRAIN_NS:
            self._remembered = found
