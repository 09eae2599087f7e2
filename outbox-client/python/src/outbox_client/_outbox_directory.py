"""The outbox's directory: how it is made, what is refused, and how it is held."""

from __future__ import annotations

import os
from errno import EACCES, EBADF
from stat import S_ISDIR, S_ISLNK

from outbox_client._cycle_layout import cycle_number
from outbox_client._disk import Disk
from outbox_client._errors import OutboxUnavailable, system_error
from outbox_client._safe_files import WRITABLE_BY_OTHERS, Descriptor, Folder

MOST_NAMES = 100_000  # in a queue: more than ten years of hours
TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable

    from typing_extensions import Self

DIRECTORY_MODE = 0o2770

_DISK = Disk()
SUPPORTED = ("ext4", "xfs", "tmpfs", "overlay")


class HeldDirectories:
    """An outbox and its queue, opened and checked; let go at the end of a with block.

    Attributes:
        root: the outbox's directory.
        queue: of the Chronicle queue in it.
    """

    __slots__ = ("queue", "root")

    def __init__(self, root: Folder, queue: Folder) -> None:
        self.root = root
        self.queue = queue

    @property
    def identity(self) -> tuple[tuple[int, int], tuple[int, int]]:
        """Device and inode of both."""
        return self.root.identity, self.queue.identity

    def cycles(self) -> list[int]:
        """The numbers of the cycle files, ascending.

        Raises:
            OutboxUnavailable: the queue cannot be listed.
        """
        return cycles_of(self.queue.names())

    def replaced(self) -> OutboxUnavailable:
        """To be raised before anything is changed, where the outbox's path led to another."""
        return OutboxUnavailable(
            f"{self.root.path} was replaced during this append: nothing was appended, append again"
        )

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *problem: object) -> None:
        self.queue.close()
        self.root.close()


class OutboxDirectory:
    """Where an outbox lies, and whether it may be there.

    Attributes:
        path: of the outbox, absolute. Its parent is resolved once, so that lock and files stay
            together whatever becomes of symbolic links on the way.
        queue: of its Chronicle queue.
    """

    __slots__ = ("path", "power", "queue", "trust_parent")

    def __init__(self, path: str, *, power: bool = False, trust_parent: bool = False) -> None:
        parent, name = os.path.split(path)
        self.path = os.path.join(os.path.realpath(parent), name)
        self.queue = self.path + "/queue"
        self.power = power
        self.trust_parent = trust_parent

    def __reduce__(self) -> tuple[Callable[[str], OutboxDirectory], tuple[str]]:
        from functools import partial

        return partial(type(self), power=self.power, trust_parent=self.trust_parent), (self.path,)

    def file(self, name: str) -> str:
        """The path of a file beside the queue."""
        return f"{self.path}/{name}"

    def hold(self, *, sync: bool = True) -> HeldDirectories:
        """Create the outbox if its parent exists, refuse it if it is not safe to use, hold it.

        Args:
            sync: whether to bring the directories to stable storage, for ``power``.

        Raises:
            OutboxUnavailable: with the reason.
            OutboxFull: there is no space to create it.
        """
        parent = os.path.dirname(self.path)
        made = self._make(self.path, None)
        root = self._open(self.path, None, made)
        if not self.trust_parent:
            self._check_parent(parent)
        self._check_file_system(root.identity[0])
        made = self._make(self.queue, root)
        queue = self._open(self.queue, root, made)
        if queue.identity[0] != root.identity[0]:
            raise OutboxUnavailable(
                f"{self.queue} is a file system of its own: mount it at {self.path}, or above"
            )
        if self.power and sync:
            self._sync(parent, root, queue)
        return HeldDirectories(root, queue)

    def check(self) -> None:
        """Refuse what `hold` would of what is there, and make nothing.

        Raises:
            OutboxUnavailable: with the reason.
        """
        parent = os.path.dirname(self.path)
        device = _stat(parent).st_dev
        if os.path.lexists(self.path):
            self._check(self.path, None)
            found = _stat(self.path)
            _check_mode(self.path, found)
            device = found.st_dev
        if not self.trust_parent:
            self._check_parent(parent)
        self._check_file_system(device)

    def _check_parent(self, parent: str) -> None:
        if _stat(parent).st_mode & WRITABLE_BY_OTHERS:
            raise OutboxUnavailable(
                f"{parent}, the parent of the outbox, is world-writable: anyone could replace the "
                "outbox. Use another directory, or set OUTBOX_TRUST_PARENT=1 if only this outbox's "
                "group can reach it"
            )

    def cycles(self) -> list[int]:
        """The numbers of the cycle files as somebody sees them who only looks on, ascending.

        Raises:
            OutboxUnavailable: the queue cannot be listed.
        """
        try:
            return cycles_of(os.listdir(self.queue))
        except OSError as problem:
            raise system_error(f"list {self.queue}", problem) from None

    def _make(self, path: str, within: Folder | None) -> bool:
        name, folder = (path, None) if within is None else (os.path.basename(path), within.fd)
        try:
            os.mkdir(name, 0o770, dir_fd=folder)
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
        return True

    def _open(self, path: str, within: Folder | None, made: bool) -> Folder:
        """Open a directory, with our mode and group if it is new, and check it otherwise."""
        if not made:
            self._check(path, within)
        try:
            folder = Folder(path, within)
        except OSError as problem:
            if made:
                self._unmake(path, within)
            raise system_error(f"open {path}", problem) from None
        try:
            found = os.fstat(folder.fd)
            if made:
                os.fchmod(folder.fd, DIRECTORY_MODE)  # whatever the umask
                if found.st_gid != folder.gid:
                    os.fchown(folder.fd, -1, folder.gid)
                found = os.fstat(folder.fd)
            _check_mode(path, found)
            folder.check_group(path, found)
        except OSError as problem:
            if made:
                self._unmake(path, within)
            raise system_error(f"set mode and group of {path}", problem) from None
        return folder

    def _unmake(self, path: str, within: Folder | None) -> None:
        """Leave nothing behind that would be refused, should another user come next."""
        try:
            if within is None:
                os.rmdir(path)
            else:
                os.rmdir(os.path.basename(path), dir_fd=within.fd)
        except OSError as problem:
            if problem.errno is None:
                raise  # a signal handler's TimeoutError

    def _check(self, path: str, within: Folder | None) -> None:
        """Say what is wrong with what stands in a directory's place."""
        if within is None:
            found = _stat(path)
        else:
            try:
                found = within.look(os.path.basename(path))
            except OSError as problem:
                raise system_error(f"look at {path}", problem) from None
        if S_ISLNK(found.st_mode):
            raise OutboxUnavailable(f"{path} is a symbolic link: name the directory itself")
        if not S_ISDIR(found.st_mode):
            raise OutboxUnavailable(f"{path} is not a directory")

    def _sync(self, parent: str, root: Folder, queue: Folder) -> None:
        # Whoever made them, or the newest cycle, may not have cared, or was killed before it did.
        _DISK.sync_directory(queue, "create")
        try:
            _DISK.sync_directory(root, "create")
            _DISK.sync_directory(Folder(parent), "create")
        except OSError as problem:
            # Whoever made it unreadable is trusted to have synced it.
            if problem.errno not in (EACCES, EBADF):
                raise

    def _check_file_system(self, device: int) -> None:
        kind = file_system(self.path, device)
        if kind is None:
            return
        if kind not in SUPPORTED:
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
            try:
                from warnings import warn
            except ImportError:  # at the interpreter's exit
                return
            warn(
                f"outbox {self.path} is on overlayfs and lost with its container: mount a volume",
                RuntimeWarning,
                stacklevel=2,
            )


def _check_mode(path: str, found: os.stat_result) -> None:
    if found.st_mode & WRITABLE_BY_OTHERS:
        raise OutboxUnavailable(f"{path} is world-writable: chmod 2770 {path}")


def cycles_of(names: list[str]) -> list[int]:
    """The numbers of the cycle files among these names of a queue, ascending.

    Raises:
        OutboxUnavailable: there are more names than an outbox ever has.
    """
    if len(names) > MOST_NAMES:
        raise OutboxUnavailable(
            f"the queue holds more than {MOST_NAMES} names: remove what is not the outbox's"
        )
    return sorted(number for number in map(cycle_number, names) if number is not None)


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
            lines = os.fsdecode(mounts.read()).rstrip("\n").split("\n")
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
