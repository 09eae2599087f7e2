"""Small file systems to fill and to cut the power of. Needs root.

The whole test process moves to a mount namespace of its own, so that nothing stays mounted when it
is killed. What is to see the mounts must be started after that.
"""

from __future__ import annotations

import ctypes
import fcntl
import os
import shutil
import struct
import subprocess
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from types import TracebackType

    from typing_extensions import Self

_CLONE_NEWNS = 0x00020000
_EXT4_IOC_SHUTDOWN = 0x8004587D
_WITHOUT_FLUSHING_THE_JOURNAL = struct.pack("<I", 2)

_private = False


def make_private() -> None:
    """Move to a mount namespace of our own, if that is allowed. Call it before threads start."""
    global _private
    if _private or os.geteuid() != 0 or shutil.which("mount") is None:
        return
    if ctypes.CDLL(None, use_errno=True).unshare(_CLONE_NEWNS) == 0:
        run("mount", "--make-rprivate", "/")
        _private = True


def missing(*commands: str) -> str | None:
    """Say what is missing for mounting, None if it will work."""
    if os.geteuid() != 0:
        return "mounting a file system needs root"
    if not _private:
        return "a mount namespace of our own is not allowed here"
    absent = [command for command in ("mount", "umount", *commands) if not shutil.which(command)]
    return f"not installed: {', '.join(absent)}" if absent else None


def run(*command: str) -> None:
    """Run a command; its output is part of the error.

    Raises:
        OSError: it failed.
    """
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode:
        raise OSError(f"{' '.join(command)}: {done.stderr.strip() or done.stdout.strip()}")


class Tmpfs:
    """A file system in memory, as small as wanted.

    Attributes:
        path: where it is mounted.
    """

    def __init__(self, path: str, options: str) -> None:
        os.mkdir(path)
        self.path = path
        run("mount", "-t", "tmpfs", "-o", f"mode=0755,{options}", "tmpfs", path)

    def resize(self, options: str) -> None:
        """Change its limits."""
        run("mount", "-o", f"remount,{options}", self.path)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        run("umount", "-l", self.path)


class PoweredDisk:
    """An ext4 in a file whose power can be cut: what was not synced is gone.

    Processes that use it must have ended before `restore`.

    Attributes:
        path: where it is mounted.
    """

    def __init__(self, directory: str, *, mebibytes: int = 256) -> None:
        self._image = os.path.join(directory, "disk.ext4")
        self.path = os.path.join(directory, "disk")
        os.mkdir(self.path)
        with open(self._image, "xb") as image:
            image.truncate(mebibytes << 20)
        run("mkfs.ext4", "-q", "-F", "-m", "0", "-E", "nodiscard,lazy_itable_init=1", self._image)
        self._mount()

    def _mount(self) -> None:
        # The loop device frees itself with the unmount. No periodic commit comes between.
        run("mount", "-o", "loop,commit=600", self._image, self.path)

    def write_back(self) -> None:
        """Let the kernel write all that was written so far, as it does every 30 seconds."""
        run("sync", "-f", self.path)

    def cut(self) -> None:
        """Cut the power: from here on nothing reaches the disk, and all that is tried fails."""
        descriptor = os.open(self.path, os.O_RDONLY | os.O_DIRECTORY)
        try:
            fcntl.ioctl(descriptor, _EXT4_IOC_SHUTDOWN, _WITHOUT_FLUSHING_THE_JOURNAL)
        finally:
            os.close(descriptor)

    def restore(self) -> None:
        """Bring the power back: what was in memory is forgotten, the journal is replayed."""
        run("umount", self.path)
        self._mount()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        run("umount", "-l", self.path)
        os.remove(self._image)
