"""The writers' lock: one holder among all threads and greenlets of all processes.

Two levels. Within the process, the attribute `owner` of the one `WritersLock` per path is claimed
by an atomic ``dict.setdefault``; between processes, byte 0 of the lock file is locked through the
kernel. Both are polled up to a deadline, so that a stopped holder costs the others a named error.

Whoever claimed locks through the descriptor of the `WritersLock`, and whoever locked unlocks before
it gives the claim back. Nobody takes a claim from a holder that may still run: `_claim` tells how
the others know that one is gone.

A signal handler may raise between any two steps. Hence a claim is made before it is staked: whether
it was can be seen afterwards by identity, and giving it back is one step. Holders write::

    token = Token()
    claim = Claim(token)
    try:
        try:
            lock.acquire(claim, timeout, directory, disk)
            ...
        finally:
            if lock.owner is claim and lock.fd >= 0:
                lock.kernel_call(lock.fd, lock.unlock_command, lock.unlock_argument)
            if lock.owner is claim:
                del lock.owner
    finally:
        try:
            lock.release(claim)
        finally:
            del token

CPython runs handlers behind calls, at the start of functions and at backward jumps, so from 3.11 on
none can come between the beginning of the inner ``finally`` and the unlocking. One that raises
behind that, or earlier in 3.10, meets the outer one. Should a claim be left behind nevertheless, by
several that raise in quick succession, the token goes all the same, also where a traceback keeps
the frame; the next to want the lock takes it over, with the kernel's.

A copy that is made in this process is the same object, one that is made elsewhere is that process's
own, and a forked child begins anew. Each interpreter and each install of this package in a process
has a descriptor of its own: locks on open file descriptions exclude these from each other, and who
closes one leaves the others' alone. POSIX record locks, for systems without, do neither.
"""

from __future__ import annotations

import fcntl
import os
from errno import EACCES, EBADF, ESPIPE
from struct import pack
from time import monotonic

from outbox_client._claim import Claim, Token
from outbox_client._errors import OutboxBusy, OutboxUnavailable, system_error
from outbox_client._forks import forget_the_parent, here, in_each_child
from outbox_client._lock_deadline import LockDeadline
from outbox_client._safe_files import mark

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Any

    from outbox_client._disk import Disk
    from outbox_client._outbox_directory import OutboxDirectory
    from outbox_client._safe_files import File, Folder
    from outbox_client._settled_names import SettledNames

# A lock file that another process has just created gets its final mode a moment later.
_CREATION_GRACE_SECONDS = 0.2

_stat = os.lstat
_lseek = os.lseek
_SEEK_CUR = os.SEEK_CUR
# Objects whose descriptors somebody else has closed: the numbers may be another's by now, so they
# are never closed.
_strays: list[object] = []


class WritersLock:
    """The lock of one outbox in this process. Get it from `lock_of`."""

    #: The claim of whoever holds the lock in this process. A class attribute, so that it can be
    #: read without a call while the instance has none.
    owner: Claim | None = None

    def __init__(self, path: str) -> None:
        self.path = path
        self.fd = -1
        #: How often a lock file was opened: what was opened under another one may be another's.
        self.openings = 0
        #: How often its descriptor was found to be closed by somebody else, as daemons do.
        self.losses = 0
        self._file: File | None = None
        self._opening = False
        self._device = -1
        self._inode = -1
        self._mark = 0
        (
            self.kernel_call,
            self._lock_command,
            self._lock_argument,
            self.unlock_command,
            self.unlock_argument,
        ) = kernel_lock()
        self._claim = self.__dict__.setdefault

    def __reduce__(self) -> tuple[Callable[[str], WritersLock], tuple[str]]:
        return lock_of, (self.path,)

    def acquire(
        self,
        claim: Claim,
        timeout: float,
        directory: OutboxDirectory,
        disk: Disk,
        names: SettledNames | None = None,
    ) -> None:
        """Take the lock. The caller gives it back, see above, whether this succeeds or not.

        Args:
            claim: of a fresh token; the caller keeps both in local variables of these names as long
                as it may hold the lock.
            timeout: seconds.
            directory: opens the lock file.
            disk: locks it.
            names: know whether the path still leads to the file.

        Raises:
            OutboxBusy: not within the timeout, or the caller has interrupted the holder.
            OutboxUnavailable: the lock file cannot be opened.
        """
        if not here[0]:
            forget_the_parent()
        backoff = None
        while True:
            # Anew, should a greenlet have forked while this one slept: the claim stays behind.
            if self._claim("owner", claim) is not claim:
                backoff = backoff or LockDeadline(monotonic() + timeout)
                self._wait_for_claim(claim, timeout, backoff.deadline)
            if (fd := self.fd) < 0:
                self._open(claim, directory)
                continue
            try:
                if _lseek(fd, 0, _SEEK_CUR) == self._mark or self._is_open():
                    disk.lock(self.kernel_call, fd, self._lock_command, self._lock_argument)
                    if (names is not None and names.hold()) or self.is_the_paths():
                        return
                    self._close()  # this one excludes nobody
            except (BlockingIOError, PermissionError):
                pass
            except OSError as problem:
                if problem.errno not in (EBADF, ESPIPE) or (self.fd >= 0 and self._is_open()):
                    raise system_error(f"lock {self.path}", problem) from None
                # Else it was closed at this very moment.
            backoff = backoff or LockDeadline(monotonic() + timeout)
            if not backoff.wait():
                # The next append begins with the path's file, should this be another by now. Not
                # before: whoever waits here is still serialised with the holder of this one.
                if not self.is_the_paths():
                    self._close()
                raise OutboxBusy(
                    f"{self.path} was held by other writers for {timeout} s. Append again, or "
                    "raise lock_timeout; if it persists, look for a stopped process among those "
                    f"that have the file open (fuser {self.path})"
                )

    def _is_open(self) -> bool:
        """Whether the descriptor is still that of the file; else it is let be."""
        try:
            if _lseek(self.fd, 0, _SEEK_CUR) == self._mark:
                return True
        except OSError as problem:
            if problem.errno not in (EBADF, ESPIPE):
                raise
        _strays.append(self._file)
        self._file = None
        self.fd = -1
        self.losses += 1
        return False

    def is_the_paths(self) -> bool:
        """Whether the path leads to the file that is open."""
        try:
            found = _stat(self.path)
        except FileNotFoundError:
            return False
        except OSError as problem:
            raise system_error(f"look at {self.path}", problem) from None
        return found.st_ino == self._inode and found.st_dev == self._device

    def is_in(self, root: Folder) -> bool:
        """Whether the file that the caller has locked is the lock of the outbox that is held."""
        try:
            found = root.look(os.path.basename(self.path))
        except FileNotFoundError:
            return False
        return found.st_ino == self._inode and found.st_dev == self._device

    def close(self, claim: Claim, timeout: float) -> None:
        """Close the descriptor once no thread of this process holds the lock.

        The caller releases the claim.

        Raises:
            OutboxBusy: another thread held it for the timeout.
        """
        if not here[0]:
            forget_the_parent()
        self._wait_for_claim(claim, timeout, monotonic() + timeout)
        self._close()

    def release(self, claim: Claim) -> None:
        """Give the lock back if the claim holds it."""
        if self.owner is claim:
            try:
                if self.fd >= 0 and self._is_open():
                    self.kernel_call(self.fd, self.unlock_command, self.unlock_argument)
            finally:
                del self.owner

    def forget(self) -> None:
        """In a forked child: close what was inherited, without unlocking the parent's lock."""
        self.__dict__.pop("owner", None)
        if self.fd >= 0 and not self._is_open():
            return
        self.fd = -1
        if self._file is not None:
            self._file.close()
        if self._opening:
            # Another thread of the parent was about to store a descriptor.
            self._opening = False
            _close_all(self.path)

    def _open(self, claim: Claim, directory: OutboxDirectory) -> None:
        self._opening = True
        file = self._create(directory)
        if self.owner is not claim:
            return  # a greenlet has forked meanwhile
        self._mark = mark(file)
        self._device = file.opened.st_dev
        self._inode = file.opened.st_ino
        self.openings += 1
        self._file = file
        self.fd = file.fd
        self._opening = False

    def _create(self, directory: OutboxDirectory) -> File:
        backoff = LockDeadline(monotonic() + _CREATION_GRACE_SECONDS)
        while True:
            try:
                with directory.hold() as held:
                    return held.root.create(os.path.basename(self.path))
            except OutboxUnavailable as problem:  # noqa: PERF203 - cold
                if problem._errno != EACCES or not backoff.wait():
                    raise

    def _close(self) -> None:
        if self.fd >= 0 and self._is_open():
            # Unlocked first, so that a handler that raises here leaves no lock behind.
            self.kernel_call(self.fd, self.unlock_command, self.unlock_argument)
            self.fd = -1
        if self._file is not None:
            self._file.close()

    def _wait_for_claim(self, claim: Claim, timeout: float, deadline: float) -> None:
        backoff = LockDeadline(deadline)
        before = None
        while (holder := self._claim("owner", claim)) is not claim:
            if holder.abandoned():
                if holder.inherited_by(claim) and self.owner is holder:
                    del self.owner
                    continue
            elif holder is not before:
                holder.refuse_to_wait(os.path.dirname(self.path))
                before = holder
            if not backoff.wait():
                raise OutboxBusy(
                    f"{self.path} was held by another thread of this process for {timeout} s: "
                    "append again, or raise lock_timeout"
                )


def _close_all(path: str) -> None:
    """Close every descriptor of a file that this process has."""
    if os.path.isdir("/proc/self/fd"):
        for name in os.listdir("/proc/self/fd"):
            try:
                if os.readlink(f"/proc/self/fd/{name}") == path:
                    os.close(int(name))
            except OSError:  # noqa: PERF203 - the descriptor of the listing itself
                continue


def kernel_lock() -> tuple[Callable[..., Any], int, Any, int, Any]:
    """The call, and its command and argument for locking and for unlocking."""
    if hasattr(fcntl, "F_OFD_SETLK"):
        # struct flock: type, whence, start, length, pid
        lock = pack("hhqqi4x", fcntl.F_WRLCK, os.SEEK_SET, 0, 1, 0)
        unlock = pack("hhqqi4x", fcntl.F_UNLCK, os.SEEK_SET, 0, 1, 0)
        return fcntl.fcntl, fcntl.F_OFD_SETLK, lock, fcntl.F_OFD_SETLK, unlock
    # POSIX record locks: safe with the one descriptor per path that `lock_of` guarantees to this
    # interpreter and install.
    return fcntl.lockf, fcntl.LOCK_EX | fcntl.LOCK_NB, 1, fcntl.LOCK_UN, 1


def leave_open(held: object) -> None:
    """Never close what this holds: its descriptors are no more those that it had opened."""
    _strays.append(held)


_locks: dict[str, WritersLock] = {}


def lock_of(path: str) -> WritersLock:
    """The lock for a lock file's real path, the same for all who ask in this process."""
    lock = _locks.get(path)
    return lock if lock is not None else _locks.setdefault(path, WritersLock(path))


def _forget_locks() -> None:
    for lock in list(_locks.values()):
        lock.forget()


in_each_child(_forget_locks)
__all__ = ["Claim", "Token", "WritersLock", "kernel_lock", "leave_open", "lock_of"]
