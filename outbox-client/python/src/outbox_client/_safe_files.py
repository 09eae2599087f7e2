"""Open files that close with their last reference, by name within a directory that is held."""

from __future__ import annotations

import os
import select
from errno import EIO
from io import FileIO
from stat import S_ISREG

from outbox_client._errors import OutboxUnavailable, system_error

TYPE_CHECKING = False
if TYPE_CHECKING:
    from functools import partial
    from typing import Any
else:
    from _functools import partial  # what functools itself imports costs more than an append


def _class_that_owns_descriptors() -> Any:
    module: Any = select
    if not hasattr(module, "epoll") and not hasattr(module, "kqueue"):
        # gevent and eventlet take them out of the module: that of another copy of it.
        spec: Any = select.__spec__
        module = spec.loader.create_module(spec)
        spec.loader.exec_module(module)
    return getattr(module, "epoll", None) or module.kqueue  # macOS


FILE_MODE = 0o660
WRITABLE_BY_OTHERS = 0o002
# Objects that own a descriptor of any kind and close it in C, for the reason given at Descriptor:
# FileIO takes no directory.
_owner = _class_that_owns_descriptors()
# A directory that may be passed, but not listed, can be held all the same.
_PASS_ONLY = getattr(os, "O_PATH", 0)


class Descriptor(FileIO):
    """A descriptor that has an owner from the moment it exists, and closes silently with it.

    ``os.open`` leaks one where a signal handler raises before its result is stored. Writers share
    their files with threads that still sync them, so nobody closes one while another needs it.
    """

    # Without the warning of FileIO, for which closing is the caller's. And in C: what a signal
    # handler raises inside a __del__ written in Python is lost.
    __del__ = FileIO.close


# A link in the file's place for a moment at each of so many looks is no accident.
_TRIES = 20
# A daemon puts something else in the place of its standard streams, whoever has these numbers.
_LOWEST = 3


class File(Descriptor):
    """A regular file of the outbox.

    Attributes:
        fd: the descriptor.
        opened: what the file was when it was opened.
        where: its path.
    """

    def __init__(self, path: str, mode: str = "r+", folder: int | None = None) -> None:
        """Open a regular file, which must exist.

        Args:
            path: of the file, or its name within *folder*.
            mode: as `FileIO` has it.
            folder: descriptor of the directory that the path begins at.

        Raises:
            OSError: it cannot be opened.
            NotRegularError: it is something else, or was replaced by that meanwhile.
        """
        for _ in range(_TRIES):
            before = os.stat(path, dir_fd=folder, follow_symlinks=False)
            if not S_ISREG(before.st_mode):
                break
            opener = partial(os.open, dir_fd=folder)
            super().__init__(path, mode, opener=opener)
            below = []
            while self.fileno() < _LOWEST:
                self.close()
                below.append(Descriptor(os.devnull))
                super().__init__(path, mode, opener=opener)
            self.fd = self.fileno()
            self.opened = found = os.fstat(self.fd)
            self.where = path
            if found.st_ino == before.st_ino and found.st_dev == before.st_dev:
                return
            # A new version took its place meanwhile, as relay.outcomes'.
        raise NotRegularError(path)


def mark(file: File) -> int:
    """Give an open file a position that no other one has, and return it.

    A look at the position tells for the least of all calls whether a descriptor is still that of
    the file: programs close descriptors that they do not know, and the numbers are used again.
    """
    # Below 2^31, as some file systems take no more.
    return os.lseek(file.fd, 1 + int.from_bytes(os.urandom(4), "big") // 2, os.SEEK_SET)


class NotRegularError(Exception):
    """A symbolic link, a directory, a device, or not the file that was there a moment ago."""


class Folder:
    """A directory of the outbox, held by its descriptor.

    Wherever its path leads later: what is opened, made, linked, listed and removed through it lies
    in this directory.

    Attributes:
        path: for messages.
        fd: the descriptor.
        gid: the group that owns the outbox.
        identity: device and inode.
    """

    __slots__ = ("_owner", "fd", "gid", "identity", "path")

    def __init__(self, path: str, within: Folder | None = None) -> None:
        """Open a directory, which must exist; through no link.

        Args:
            path: of the directory.
            within: the directory that holds it, if that is held.

        Raises:
            OSError: it cannot be opened, or is none.
        """
        self.path = path
        name, folder = (path, None) if within is None else (os.path.basename(path), within.fd)
        try:
            self._owner = _own(name, os.O_RDONLY, folder)
        except PermissionError:
            self._owner = _own(name, _PASS_ONLY, folder)
        self.fd: int = self._owner.fileno()
        found = os.fstat(self.fd)
        self.identity = found.st_dev, found.st_ino
        self.gid: int = found.st_gid if within is None else within.gid

    def close(self) -> None:
        """Let it go."""
        self._owner.close()

    def where(self, name: str) -> str:
        """The path of a file, for messages."""
        return f"{self.path}/{name}"

    def look(self, name: str) -> os.stat_result:
        """What is there by a name.

        Raises:
            OSError: nothing, or it cannot be looked at.
        """
        return os.stat(name, dir_fd=self.fd, follow_symlinks=False)

    def names(self) -> list[str]:
        """The names of all that it holds.

        Raises:
            OutboxUnavailable: it cannot be listed.
        """
        try:
            return os.listdir(self.fd)
        except OSError as problem:
            raise system_error(f"list {self.path}", problem) from None

    def open(self, name: str, links: int = 1) -> File:
        """Open a file of the outbox, refusing what is not ours.

        Args:
            name: of the file.
            links: how many names it may have.

        Raises:
            FileNotFoundError: there is none.
            OutboxUnavailable: it is refused, with the reason, or cannot be opened.
        """
        try:
            file = File(name, folder=self.fd)
        except FileNotFoundError:
            raise
        except NotRegularError:
            raise OutboxUnavailable(
                f"{self.where(name)} is a symbolic link or no regular file: remove it"
            ) from None
        except OSError as problem:
            raise system_error(f"open {self.where(name)}", problem) from None
        file.where = self.where(name)
        if file.opened.st_mode & 0o660 == 0o600 and file.opened.st_uid == os.geteuid():
            # Killed between making and this, or the group's other users could never open it.
            os.fchmod(file.fd, FILE_MODE)
            file.opened = os.fstat(file.fd)
        self._check(file.where, file.opened, links)
        return file

    def _check(self, path: str, found: os.stat_result, links: int) -> None:
        if not 1 <= found.st_nlink <= links:
            raise OutboxUnavailable(
                f"{path} has {found.st_nlink} links, a file of an outbox has one: find out who "
                "linked it, then remove the other name"
            )
        if found.st_mode & WRITABLE_BY_OTHERS:
            raise OutboxUnavailable(f"{path} is world-writable: chmod 660 {path}")
        self.check_group(path, found)

    def check_group(self, path: str, found: os.stat_result) -> None:
        """Refuse what belongs to another group than the outbox.

        Raises:
            OutboxUnavailable: it does.
        """
        if found.st_gid != self.gid:
            raise OutboxUnavailable(
                f"{path} belongs to group {found.st_gid}, the outbox to group {self.gid}: find out "
                f"who made it, then chgrp {self.gid} {path}"
            )

    def create(self, name: str) -> File:
        """Open a file of the outbox, made with the outbox's mode and group if there is none.

        Raises:
            OutboxUnavailable: it is refused, with the reason, or cannot be opened.
            OutboxFull: there is no space to create it.
        """
        while True:
            try:
                return self.open(name)
            except FileNotFoundError:
                pass
            try:
                self._create(name)
            except FileExistsError:
                continue  # somebody else was first: open theirs

    def create_new(self, name: str) -> File:
        """Make a file of the outbox, and open it.

        Raises:
            FileExistsError: there is one.
            OutboxError: as `create`.
        """
        self._create(name)
        return self.open(name)

    def _create(self, name: str) -> None:
        path = self.where(name)
        opener = partial(os.open, mode=FILE_MODE, dir_fd=self.fd)
        try:
            file = Descriptor(name, "x+", opener=opener)
        except FileExistsError:
            raise
        except OSError as problem:
            raise system_error(f"create {path}", problem) from None
        with file:
            fd = file.fileno()
            try:
                os.fchmod(fd, FILE_MODE)  # whatever the umask
                if os.fstat(fd).st_gid != self.gid:
                    os.fchown(fd, -1, self.gid)
            except OSError as problem:
                os.unlink(name, dir_fd=self.fd)  # else whoever comes next would be refused for it
                raise system_error(f"give {path} to group {self.gid}", problem) from None


def _own(name: str, access: int, folder: int | None) -> Any:
    """Open a directory. All of it in C, so that no signal handler comes between its two steps."""
    flags = access | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC
    opened = map(partial(os.open, dir_fd=folder), (name,), (flags,))
    return next(map(_owner.fromfd, opened))


def readable(fd: int, length: int) -> bytes:
    """The first bytes of a file; none if the disk does not give them: that is damage like others.

    Raises:
        OSError: they cannot be read for another reason.
    """
    try:
        return os.pread(fd, length, 0)
    except OSError as problem:
        if problem.errno != EIO:
            raise
        return b""


def read(path: str, length: int, *offsets: int, folder: int | None = None) -> list[bytes]:
    """Some pieces of a file.

    Args:
        path: of a regular file, or its name within *folder*.
        length: of each piece; shorter at the file's end.
        offsets: of the pieces; default one at 0.
        folder: descriptor of the directory that the path begins at.

    Raises:
        OSError: it cannot be read.
        NotRegularError: as `File`.
    """
    with File(path, "r", folder) as file:
        return [os.pread(file.fd, length, offset) for offset in offsets or (0,)]
