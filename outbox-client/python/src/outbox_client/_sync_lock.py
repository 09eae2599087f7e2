"""The sync lock: byte 1 of the lock file. Whoever has it syncs for all."""

from __future__ import annotations

import fcntl
import os
from _weakref import ref
from struct import pack

from outbox_client._forks import in_each_child
from outbox_client._safe_files import mark

TYPE_CHECKING = False
if TYPE_CHECKING:
    from outbox_client._disk import Disk
    from outbox_client._safe_files import Folder

_COMMAND: int = getattr(fcntl, "F_OFD_SETLK", -1)
_LOCK = pack("hhqqi4x", fcntl.F_WRLCK, os.SEEK_SET, 1, 1, 0)
_UNLOCK = pack("hhqqi4x", fcntl.F_UNLCK, os.SEEK_SET, 1, 1, 0)


class SyncLock:
    """The lock, through a descriptor of its own. For one thread at a time.

    Not to be had where the system only has POSIX record locks: there, to close a descriptor of the
    file would drop the writers' lock.
    """

    def __init__(self, root: Folder) -> None:
        """Open the lock file.

        Args:
            root: the outbox's directory.
        """
        self._file = root.open("outbox.lock") if _COMMAND >= 0 else None
        self._mark = 0 if self._file is None else mark(self._file)
        self._held = False  # or may be
        _locks.add(ref(self, _locks.discard))

    def is_open(self) -> bool:
        """Whether nobody else has closed the descriptor, with others of this process maybe."""
        if self._file is None:
            return True  # nothing tells
        try:
            return os.lseek(self._file.fd, 0, os.SEEK_CUR) == self._mark
        except OSError as problem:
            if problem.errno is None:
                raise  # a signal handler's TimeoutError
            return False

    def can_be_had(self) -> bool:
        """Whether it is of use to try."""
        return self._file is not None and self.is_open()

    def acquire(self, disk: Disk) -> bool:
        """Try for it, without waiting."""
        if self._file is None or not self.is_open():
            return False
        self._held = True
        try:
            disk.sync_lock(self._file.fd, _COMMAND, _LOCK)
        except OSError as problem:
            if problem.errno is None:
                raise  # a signal handler's TimeoutError
            self._held = False
            return False
        return True

    def release(self, disk: Disk) -> None:
        """Give it back, if it was taken."""
        if self._held and self._file is not None and self.is_open():
            disk.sync_unlock(self._file.fd, _COMMAND, _UNLOCK)
        self._held = False

    def forget(self) -> None:
        """In a forked child: let go of it, as it stays the parent's.

        Closed here, since frames of the parent's threads refer to it for as long as the child
        lives.
        """
        if self._file is not None and self.is_open():
            self._file.close()


_locks: set[ref[SyncLock]] = set()


def _forget_locks() -> None:
    for reference in list(_locks):
        lock = reference()
        if lock is not None:
            lock.forget()


in_each_child(_forget_locks)
