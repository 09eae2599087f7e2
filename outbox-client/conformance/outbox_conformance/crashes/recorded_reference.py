"""The reference client, recorded: it has no `Disk`, so what it calls is replaced."""

from __future__ import annotations

import contextlib
import os
from typing import TYPE_CHECKING, Any
from unittest import mock

from ..reference import booking, files, group, session, writer
from .oplog import Enter, Leave, Resize, Sync, Write

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from .kernel import Kernel
    from .oplog import Operation
    from .recording import Recorder


class RecordingOs:
    """`os` for the reference client: does what that does, and tells a recorder."""

    def __init__(self, recorder: Recorder, kernel: Kernel) -> None:
        self._recorder = recorder
        self._kernel = kernel

    def __getattr__(self, name: str) -> Any:
        return getattr(os, name)

    def _done(self, make: Callable[[int], Operation], inode: int) -> None:
        self._recorder.add(make(self._recorder.node(inode)))

    def pwrite(self, descriptor: int, data: bytes, offset: int) -> int:
        label = "payload" if data[:4] == bytes(4) and len(data) > 16 else "write"
        done = os.pwrite(descriptor, data, offset)
        inode = os.fstat(descriptor).st_ino
        self._done(lambda node: Write(label, node, offset, data), inode)
        return done

    def store(self, descriptor: int, offset: int, value: int, *, width: int = 8) -> None:
        _STORE(descriptor, offset, value, width=width)
        data = (value & (1 << 8 * width) - 1).to_bytes(width, "little")
        inode = os.fstat(descriptor).st_ino
        self._done(lambda node: Write("store", node, offset, data, store=True), inode)

    def ftruncate(self, descriptor: int, size: int) -> None:
        os.ftruncate(descriptor, size)
        self._done(lambda node: Resize("truncate", node, size), os.fstat(descriptor).st_ino)

    def fsync(self, descriptor: int) -> None:
        os.fsync(descriptor)
        self._done(lambda node: Sync("fsync", node), os.fstat(descriptor).st_ino)

    def fdatasync(self, descriptor: int) -> None:
        self._kernel.tell(descriptor)
        os.fdatasync(descriptor)
        self._done(lambda node: Sync("payload", node), os.fstat(descriptor).st_ino)

    def link(self, source: str, target: str) -> None:
        os.link(source, target)
        holder, name = os.path.split(target)
        folder = self._recorder.node(os.stat(holder).st_ino)
        self._done(lambda node: Enter("link", folder, name, node), os.stat(target).st_ino)

    def unlink(self, path: str) -> None:
        os.unlink(path)
        holder, name = os.path.split(path)
        self._done(lambda node: Leave("unlink", node, name), os.stat(holder).st_ino)


_STORE = files.store


@contextlib.contextmanager
def recorded(recorder: Recorder, kernel: Kernel) -> Iterator[None]:
    """Record what the reference client does."""
    system = RecordingOs(recorder, kernel)
    with contextlib.ExitStack() as stack:
        for module in (booking, files, group, session, writer):
            stack.enter_context(mock.patch.object(module, "os", system))
        stack.enter_context(mock.patch.object(files, "store", system.store))
        yield
