"""Recording all that writers do to an outbox.

A writer's `Disk` says what it did. What it does without one (directories, empty files) shows in the
directory itself: after each operation the names are compared with what the log adds up to, and what
is new enters the log. Then names, lengths and every byte must be those of the log: so it is whole
at each of its operations, or recording fails.
"""

from __future__ import annotations

import ctypes
import os
import stat
from typing import TYPE_CHECKING, Any

from outbox_client._disk import Disk

from .. import sparsefiles
from .oplog import ROOT, Enter, Leave, Log, Operation, Resize, Sync, Tree, Write, replay

if TYPE_CHECKING:
    from collections.abc import Callable

    from outbox_client._safe_files import Folder


class IncompleteError(Exception):
    """Something was changed that the log does not explain."""


class Recorder:
    """Follows what is done in a directory.

    Attributes:
        parent: the directory in which the outbox is made.
        log: so far.
        tree: what it adds up to.
    """

    def __init__(self, parent: str, log: Log | None = None) -> None:
        """Begin.

        Args:
            parent: what it holds is taken to be on stable storage.
            log: to be continued, which has led to what the parent holds.
        """
        self.parent = parent
        self._nodes: dict[int, int] = {os.stat(parent).st_ino: ROOT}
        if log is None:
            self.log = Log()
            self.tree = Tree()
            self._take_names()
            for path, node in self.tree.walk():
                if node in self.tree.files:
                    self.tree.files[node] = sparsefiles.load(os.path.join(parent, path))
            self.log = Log(self.tree.copy())
        else:
            self.log = log
            self.tree = replay(log.base, log.operations)
            for path, node in self.tree.walk():
                self._nodes[os.stat(os.path.join(parent, path)).st_ino] = node
        self._check()

    # --- what a Disk says ---

    def node(self, inode: int) -> int:
        """Return the node of a file that a writer has open."""
        if inode not in self._nodes:
            self._take_names()
        return self._nodes[inode]

    def add(self, operation: Operation) -> None:
        """Note an operation that has been done, and whatever was done before it without a Disk."""
        if isinstance(operation, Leave):
            gone = self.tree.entries[operation.node].get(operation.name)
            self._take_names(expected=(operation.node, operation.name))
            self._note(operation)
            self._forget(gone)
        elif isinstance(operation, Enter):
            self._note(operation)
            self._take_names()
        else:
            self._take_names()
            self._note(operation)
        self._check()

    def settle(self) -> None:
        """Note what was done since the last operation."""
        self._take_names()
        self._check()

    def _note(self, operation: Operation) -> None:
        self.tree.apply(operation)
        self.log.operations.append(operation)

    # --- what the directory shows ---

    def _take_names(self, expected: tuple[int, str] | None = None) -> None:
        found: dict[int, set[str]] = {}
        for path, entry in _entries(self.parent):
            directory, _, name = path.rpartition("/")
            holder = self._nodes[os.stat(os.path.join(self.parent, directory)).st_ino]
            found.setdefault(holder, set()).add(name)
            known = self.tree.entries[holder].get(name)
            if known is not None and self._nodes.get(entry.st_ino) == known:
                continue
            if known is not None:
                raise IncompleteError(f"{path} is another file than before")
            node = self._nodes.setdefault(entry.st_ino, self._next_node())
            self._note(Enter("", holder, name, node, is_directory=stat.S_ISDIR(entry.st_mode)))
        for holder, names in list(self.tree.entries.items()):
            for name in set(names) - found.get(holder, set()):
                if (holder, name) != expected:
                    gone = names[name]
                    self._note(Leave("", holder, name))
                    self._forget(gone)

    def _next_node(self) -> int:
        return 1 + max(self.tree.files.keys() | self.tree.entries.keys())

    def _forget(self, gone: int | None) -> None:
        """The inode of a file without names may be another's soon."""
        if gone is not None and not any(node == gone for _, node in self.tree.walk()):
            self._nodes = {inode: node for inode, node in self._nodes.items() if node != gone}

    def _check(self) -> None:
        walked = dict(self.tree.walk())
        found = {path: self._nodes.get(entry.st_ino) for path, entry in _entries(self.parent)}
        if walked != found:
            raise IncompleteError(f"names {found}, but by the log {walked}")
        for path, node in walked.items():
            if node in self.tree.files:
                there = sparsefiles.load(os.path.join(self.parent, path))
                different = sparsefiles.difference(there, self.tree.files[node])
                if different is not None:
                    last = self.log.operations[-1] if self.log.operations else None
                    raise IncompleteError(f"{path} by {last}: {different}")


def _entries(parent: str) -> list[tuple[str, os.stat_result]]:
    """All that a directory holds, each directory before what it holds."""
    found = []
    for directory, directories, files in os.walk(parent):
        directories.sort()
        for name in sorted(directories + files):
            path = os.path.join(directory, name)
            found.append((os.path.relpath(path, parent), os.lstat(path)))
    return found


class RecordingDisk(Disk):
    """Does what the real one does, and tells a recorder."""

    __slots__ = ("_recorder",)

    def __init__(self, recorder: Recorder) -> None:
        self._recorder = recorder

    def _done(self, make: Callable[[int], Operation], inode: int) -> None:
        self._recorder.add(make(self._recorder.node(inode)))

    def pwrite(self, fd: int, data: bytes | memoryview, offset: int, what: str) -> None:
        super().pwrite(fd, data, offset, what)
        self._done(lambda node: Write(what, node, offset, bytes(data)), os.fstat(fd).st_ino)

    def store(self, words: memoryview, index: int, value: int, what: str) -> None:
        super().store(words, index, value, what)
        inode, offset = _mapped(words)
        data = bytes(words[index : index + 1])
        offset += index * words.itemsize
        self._done(lambda node: Write(what, node, offset, data, store=True), inode)

    def truncate(self, fd: int, size: int, what: str) -> None:
        super().truncate(fd, size, what)
        self._done(lambda node: Resize(what, node, size), os.fstat(fd).st_ino)

    def fsync(self, fd: int, what: str) -> None:
        super().fsync(fd, what)
        self._done(lambda node: Sync(what, node), os.fstat(fd).st_ino)

    def fdatasync(self, fd: int, what: str) -> None:
        super().fdatasync(fd, what)
        self._done(lambda node: Sync(what, node), os.fstat(fd).st_ino)

    def sync_directory(self, folder: Folder, what: str) -> None:
        super().sync_directory(folder, what)
        self._done(lambda node: Sync(what, node), os.fstat(folder.fd).st_ino)

    def link(self, folder: Folder, source: str, target: str, what: str) -> None:
        super().link(folder, source, target, what)
        holder = self._recorder.node(os.fstat(folder.fd).st_ino)
        inode = os.stat(target, dir_fd=folder.fd).st_ino
        self._done(lambda node: Enter(what, holder, target, node), inode)

    def unlink(self, folder: Folder, name: str, what: str) -> None:
        super().unlink(folder, name, what)
        self._done(lambda node: Leave(what, node, name), os.fstat(folder.fd).st_ino)


def _mapped(words: Any) -> tuple[int, int]:
    """Return the inode of a mapped file, and the offset at which a view of it begins."""
    address = ctypes.addressof(ctypes.c_char.from_buffer(words))
    with open("/proc/self/maps", encoding="utf-8") as maps:
        for line in maps:
            span, _, offset, _, inode = line.split()[:5]
            start, end = (int(each, 16) for each in span.split("-"))
            if start <= address < end:
                return int(inode), address - start + int(offset, 16)
    raise LookupError(f"nothing is mapped at 0x{address:x}")
