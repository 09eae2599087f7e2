"""A disk on which one step of the writers' protocol goes wrong."""

from __future__ import annotations

import errno
import os
import signal
from typing import TYPE_CHECKING, Any

from outbox_client._disk import Disk

if TYPE_CHECKING:
    from collections.abc import Callable

    from outbox_client._safe_files import Folder


class InjectedError(BaseException):
    """What a raising signal handler throws: no client expects it."""


class Fault:
    """Goes off at one call of a step: ``[OPERATION.]LABEL:N[+]:ACTION``.

    OPERATION is lock, write, store, truncate, sync, link or unlink, LABEL one of the client's
    or ``*`` for all; N counts the calls from 1, with a ``+`` all further calls are meant, too.
    ACTION is

    - ``kill``: SIGKILL before the operation; ``kill-after``: behind it;
    - ``half-kill``: SIGKILL when half of the bytes are written;
    - ``stop``: SIGSTOP before the operation, which goes on after SIGCONT;
    - ``raise``: an exception that no client expects;
    - ``skip``: the operation is left out, and reported as done;
    - an errno's name: the operation fails with it.
    """

    def __init__(self, spec: str) -> None:
        step, count, self.action = spec.split(":")
        self.operation, _, self.label = step.rpartition(".")
        self.count = int(count.removesuffix("+"))
        self.stays = count.endswith("+")
        self.calls = 0

    def is_due(self, operation: str, label: str) -> bool:
        if self.label not in ("*", label) or self.operation not in ("", operation):
            return False
        self.calls += 1
        return self.calls == self.count or (self.stays and self.calls > self.count)


class FaultyDisk(Disk):
    """Does what the real disk does, until the fault is due."""

    __slots__ = ("_fault",)

    def __init__(self, fault: Fault) -> None:
        self._fault = fault

    def _run(
        self,
        operation: str,
        what: str,
        do: Callable[[], Any],
        half: Callable[[], Any] | None = None,
    ) -> None:
        fault = self._fault
        if not fault.is_due(operation, what):
            do()
            return
        action = fault.action
        if action == "skip":
            return
        if action == "raise":
            raise InjectedError(f"at {operation} of {what}")
        if action.startswith("E"):
            number = getattr(errno, action)
            raise OSError(number, os.strerror(number))
        if action == "stop":
            os.kill(os.getpid(), signal.SIGSTOP)
            do()
            return
        if action == "kill-after":
            do()
        elif action == "half-kill" and half is not None:
            half()
        os.kill(os.getpid(), signal.SIGKILL)

    def lock(self, call: Callable[..., Any], fd: int, command: int, argument: Any) -> None:
        self._run("lock", "lock", lambda: call(fd, command, argument))

    def sync_lock(self, fd: int, command: int, argument: bytes) -> None:
        self._run(
            "lock", "sync-lock", lambda: super(FaultyDisk, self).sync_lock(fd, command, argument)
        )

    def pwrite(self, fd: int, data: bytes | memoryview, offset: int, what: str) -> None:
        self._run(
            "write",
            what,
            lambda: super(FaultyDisk, self).pwrite(fd, data, offset, what),
            lambda: os.pwrite(fd, data[: len(data) // 2], offset),
        )

    def store(self, words: memoryview, index: int, value: int, what: str) -> None:
        self._run("store", what, lambda: words.__setitem__(index, value))

    def truncate(self, fd: int, size: int, what: str) -> None:
        self._run("truncate", what, lambda: os.ftruncate(fd, size))

    def fsync(self, fd: int, what: str) -> None:
        self._run("sync", what, lambda: os.fsync(fd))

    def fdatasync(self, fd: int, what: str) -> None:
        self._run("sync", what, lambda: super(FaultyDisk, self).fdatasync(fd, what))

    def link(self, folder: Folder, source: str, target: str, what: str) -> None:
        self._run("link", what, lambda: super(FaultyDisk, self).link(folder, source, target, what))

    def unlink(self, folder: Folder, name: str, what: str) -> None:
        self._run("unlink", what, lambda: super(FaultyDisk, self).unlink(folder, name, what))
