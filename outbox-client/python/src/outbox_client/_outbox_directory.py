"""The outbox's directory: its files by name, how they are made, and what is refused."""

from __future__ import annotations

import os
from stat import S_ISDIR, S_ISLNK

from outbox_client._cycle_layout import cycle_number
from outbox_client._disk import Disk
from outbox_client._errors import OutboxUnavailable, system_error
from outbox_client._safe_files import Descriptor, File, NotRegularError

DIRECTORY_MODE = 0o2770
FILE_MODE = 0o660
WRITABLE_BY_OTHERS = 0o002

_DISK = Disk()
_SUPPORTED = ("ext4", "ext3", "ext2", "xfs", "tmpfs", "overlay")


class OutboxDirectory:
    """Names, opens and checks the files of one outbox.

    Attributes:
        path: of the outbox, absolute. Its parent is resolved once, so that lock and files stay
            together whatever becomes of symbolic links on the way.
        queue: of its Chronicle queue.
        gid: the group that owns the outbox; known after `prepare`.
        checked: whether `prepare` has just run, so that opening need not repeat it.
    """

    __slots__ = ("checked", "gid", "path", "power", "queue", "trust_parent")

    def __init__(self, path: str, *, power: bool = False, trust_parent: bool = False) -> None:
        parent, name = os.path.split(path)
        self.path = os.path.join(os.path.realpath(parent), name)
        self.queue = self.path + "/queue"
        self.power = power
        self.trust_parent = trust_parent
        self.gid = -1
        self.checked = False

    def file(self, name: str) -> str:
        """The path of a file beside the queue."""
        return f"{self.path}/{name}"

    def prepare(self) -> None:
        """Create the outbox if its parent exists, and refuse it if it is not safe to use.

        Raises:
            OutboxUnavailable: with the reason.
            OutboxFull: there is no space to create it.
        """
        parent = os.path.dirname(self.path)
        self._make_directory(self.path)
        found = self._check_directory(self.path)
        self.gid = found.st_gid
        if not self.trust_parent and _stat(parent).st_mode & WRITABLE_BY_OTHERS:
            raise OutboxUnavailable(
                f"{parent}, the parent of the outbox, is world-writable: anyone could replace the "
                "outbox. Use another directory, or set OUTBOX_TRUST_PARENT=1 if only this outbox's "
                "group can reach it"
            )
        self._check_file_system(found.st_dev)
        if self._make_directory(self.queue) and os.stat(self.queue).st_gid != self.gid:
            os.chown(self.queue, -1, self.gid)
        queue = self._check_directory(self.queue)
        self._check_group(self.queue, queue)
        if self.power:
            # Whoever made them may not have cared.
            for directory in (self.path, parent):
                try:
                    _DISK.sync_directory(directory, "create")
                except PermissionError:  # noqa: PERF203 - cold
                    continue  # whoever made it unreadable is trusted to have synced it
        self.checked = True

    def _make_directory(self, path: str) -> bool:
        try:
            os.mkdir(path, 0o770)
        except FileExistsError:
            return False
        except FileNotFoundError:
            raise OutboxUnavailable(
                f"{os.path.dirname(path)} does not exist: create it, only the last part of the "
                f"outbox's path ({path}) is created"
            ) from None
        except OSError as problem:
            error = system_error(f"create {path}", problem)
            # An existing directory below a read-only or foreign one is reported as that.
            if os.path.isdir(path):
                return False
            raise error from None
        os.chmod(path, DIRECTORY_MODE)  # whatever the umask
        return True

    def _check_directory(self, path: str) -> os.stat_result:
        found = _stat(path)
        if S_ISLNK(found.st_mode):
            raise OutboxUnavailable(f"{path} is a symbolic link: name the directory itself")
        if not S_ISDIR(found.st_mode):
            raise OutboxUnavailable(f"{path} is not a directory")
        if found.st_mode & WRITABLE_BY_OTHERS:
            raise OutboxUnavailable(f"{path} is world-writable: chmod 2770 {path}")
        return found

    def _check_group(self, path: str, found: os.stat_result) -> None:
        if found.st_gid != self.gid:
            raise OutboxUnavailable(
                f"{path} belongs to group {found.st_gid}, the outbox to group {self.gid}: find out "
                f"who made it, then chgrp {self.gid} {path}"
            )

    def _check_file_system(self, device: int) -> None:
        kind = file_system(self.path, device)
        if kind is None:
            return
        if kind not in _SUPPORTED:
            raise OutboxUnavailable(
                f"{self.path} is on {kind}: use a local ext4, xfs or tmpfs, locks and mapped files "
                "cannot be relied on elsewhere"
            )
        if kind == "tmpfs" and self.power:
            raise OutboxUnavailable(
                f"{self.path} is on tmpfs, which no power cut survives: use ext4 or xfs, or "
                "durability 'process'"
            )
        if kind == "overlay":
            from warnings import warn

            warn(
                f"outbox {self.path} is on overlayfs and lost with its container: mount a volume",
                RuntimeWarning,
                stacklevel=2,
            )

    def open(self, path: str) -> File:
        """Open a file of the outbox, refusing what is not ours.

        Raises:
            FileNotFoundError: there is none.
            OutboxUnavailable: it is refused, with the reason, or cannot be opened.
        """
        try:
            file = File(path)
        except FileNotFoundError:
            raise
        except NotRegularError:
            raise OutboxUnavailable(
                f"{path} is a symbolic link or no regular file: remove it"
            ) from None
        except OSError as problem:
            raise system_error(f"open {path}", problem) from None
        self._check_file(path, file.opened)
        return file

    def _check_file(self, path: str, found: os.stat_result) -> None:
        if found.st_nlink != 1:
            raise OutboxUnavailable(
                f"{path} has {found.st_nlink} links, a file of an outbox has one: find out who "
                "linked it, then remove the other name"
            )
        if found.st_mode & WRITABLE_BY_OTHERS:
            raise OutboxUnavailable(f"{path} is world-writable: chmod 660 {path}")
        self._check_group(path, found)

    def create(self, path: str) -> File:
        """Open a file of the outbox, made with the outbox's mode and group if there is none.

        Raises:
            OutboxUnavailable: it is refused, with the reason, or cannot be opened.
            OutboxFull: there is no space to create it.
        """
        while True:
            try:
                return self.open(path)
            except FileNotFoundError:
                pass
            try:
                self._create(path)
            except FileExistsError:
                continue  # somebody else was first: open theirs

    def create_new(self, path: str) -> File:
        """Make a file of the outbox, and open it.

        Raises:
            FileExistsError: there is one.
            OutboxError: as `create`.
        """
        self._create(path)
        return self.open(path)

    def _create(self, path: str) -> None:
        try:
            fd = os.open(path, os.O_RDWR | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, FILE_MODE)
        except FileExistsError:
            raise
        except OSError as problem:
            raise system_error(f"create {path}", problem) from None
        try:
            os.fchmod(fd, FILE_MODE)  # whatever the umask
            if os.fstat(fd).st_gid != self.gid:
                os.fchown(fd, -1, self.gid)
        except OSError as problem:
            os.unlink(path)  # else whoever comes next would be refused for it
            raise system_error(f"give {path} to group {self.gid}", problem) from None
        finally:
            os.close(fd)

    def cycles(self) -> list[int]:
        """The numbers of the cycle files, ascending.

        Raises:
            OutboxUnavailable: the queue cannot be listed.
        """
        return sorted(number for number in map(cycle_number, self._names()) if number is not None)

    def leftovers(self) -> list[str]:
        """The paths at which cycles were being begun by writers that died.

        Raises:
            OutboxUnavailable: the queue cannot be listed.
        """
        return [
            f"{self.queue}/{name}"
            for name in self._names()
            if name[:1] == "." and name[-4:] == ".tmp" and cycle_number(name[1:-4]) is not None
        ]

    def _names(self) -> list[str]:
        try:
            return os.listdir(self.queue)
        except OSError as problem:
            raise system_error(f"list {self.queue}", problem) from None


def _stat(path: str) -> os.stat_result:
    try:
        return os.lstat(path)
    except OSError as problem:
        raise system_error(f"look at {path}", problem) from None


_file_systems: dict[int, str | None] = {}


def file_system(path: str, device: int) -> str | None:
    """The type of the file system that holds *path*, or None where the system does not tell.

    Args:
        path: absolute.
        device: its ``st_dev``; file systems whose files report another are found by path.
    """
    if device not in _file_systems:
        _file_systems[device] = _look_up(path, device)
    return _file_systems[device]


def _look_up(path: str, device: int) -> str | None:
    try:
        with Descriptor("/proc/self/mountinfo", "r") as mounts:
            lines = os.fsdecode(mounts.read()).splitlines()
    except OSError as problem:
        if problem.errno is None:
            raise  # a signal handler's TimeoutError
        return None
    wanted = f"{os.major(device)}:{os.minor(device)}"
    longest = -1
    kind = None
    for line in lines:
        left, _, right = line.partition(" - ")
        fields = left.split(" ")
        if fields[2] == wanted:
            return right.split(" ", 1)[0]
        mount = fields[4].rstrip("/")
        if len(mount) > longest and (path == mount or path.startswith(mount + "/")):
            longest = len(mount)
            kind = right.split(" ", 1)[0]
    return kind
