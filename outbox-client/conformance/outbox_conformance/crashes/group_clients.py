"""The clients' own writers on such a stage, in which others act where they come by."""

from __future__ import annotations

import uuid
from typing import TYPE_CHECKING, Protocol
from unittest import mock

from outbox_client import OutboxUnavailable, _outbox_directory, _writers_lock
from outbox_client._outbox_directory import OutboxDirectory
from outbox_client._queue_writer import QueueWriter
from outbox_client._record_draft import draft
from outbox_client._writers_lock import WritersLock

from .java_writer import SIZE
from .oplog import Attempt
from .recording import RecordingDisk
from .recovery import value

if TYPE_CHECKING:
    from collections.abc import Callable
    from contextlib import AbstractContextManager

    from .group_stage import Stage
    from .java_writer import JavaWriter


class Client(Protocol):
    """A writer that appends events of `SIZE`, and knows steps of that: see `reference.Writer`."""

    def append(self) -> bool:
        """Append an event; whether it is acknowledged."""

    def at(self, step: str, action: Callable[[], object]) -> None:
        """Do something when it comes by a step for the next time."""

    def close(self) -> None:
        """End it."""


class _Stepped:
    """What clients have in common."""

    def __init__(self, stage: Stage) -> None:
        self._stage = stage
        self._name = stage.name()
        self._number = 0
        self._actions: dict[str, Callable[[], object]] = {}
        self._stores = 0

    def at(self, step: str, action: Callable[[], object]) -> None:
        self._actions[step] = action

    def append(self) -> bool:
        stage = self._stage
        stage.now += 1
        began = len(stage.done())
        data = value(self._name, self._number, SIZE)
        sequence = self._append(data)
        acked = len(stage.done()) if sequence else None
        stage.log.attempts.append(
            Attempt(self._name, self._number, data, True, began, acked, sequence)
        )
        self._number += 1
        return acked is not None

    def _append(self, data: bytes) -> int:
        """Append; return the sequence, 0 if it may be lost."""
        raise NotImplementedError

    def _comes_by(self, operation: str, label: str) -> None:
        step = {"try": "try", "lock": "lock", "sync": "synced", "store": ""}.get(operation, "")
        if (operation, label) == ("store", "synced"):
            self._stores += 1
            step = "" if self._stores % 2 else "range"
        elif label not in ("sync-lock", "payload"):
            return
        action = self._actions.pop(step, None)
        if action is not None:
            action()


class JavaClient(_Stepped):
    """In a JVM that is recorded."""

    def __init__(self, stage: Stage, writer: JavaWriter) -> None:
        super().__init__(stage)
        self._writer = writer

    def _append(self, data: bytes) -> int:
        stage = self._stage
        told = self._writer.append(
            stage.recorder, stage.outbox, self._name, stage.now, by_the_way=self._comes_by
        )
        return told[self._number].sequence

    def close(self) -> None:
        """Let the JVM close the outbox."""
        self._writer.forget(self._stage.outbox, self._name)


class _StageDisk(RecordingDisk):
    """Tells of errors, and lets others act."""

    __slots__ = ("_comes_by", "_stage")

    def __init__(self, stage: Stage, comes_by: Callable[[str, str], None]) -> None:
        super().__init__(stage.recorder)
        self._stage = stage
        self._comes_by = comes_by

    def store(self, words: memoryview, index: int, value: int, what: str) -> None:
        super().store(words, index, value, what)
        self._comes_by("store", what)

    def fdatasync(self, fd: int, what: str) -> None:
        self._stage.kernel.tell(fd)
        super().fdatasync(fd, what)
        self._comes_by("sync", what)

    def sync_lock(self, fd: int, command: int, argument: bytes) -> None:
        self._comes_by("try", "sync-lock")
        super().sync_lock(fd, command, argument)
        self._comes_by("lock", "sync-lock")


class PythonClient(_Stepped):
    """In this process; what it locks is its own, as if each were in another."""

    def __init__(self, stage: Stage) -> None:
        super().__init__(stage)
        self._disk = _StageDisk(stage, self._comes_by)
        self._path = f"{stage.outbox}/outbox.lock"
        self._lock = WritersLock(self._path)
        with self._with_its_lock():
            self._writer = self._made(stage)

    def _made(self, stage: Stage) -> QueueWriter:
        return QueueWriter(
            OutboxDirectory(stage.outbox, power=True),
            durability="power",
            max_bytes=None,
            lock_timeout=0.0,
            disk=self._disk,
            clock=lambda: stage.now * 1_000_000,
        )

    def _with_its_lock(self) -> AbstractContextManager[object]:
        return mock.patch.dict(_writers_lock._locks, {self._path: self._lock})

    def _append(self, data: bytes) -> int:
        made = draft(data, "crash", self._name, None, uuid.uuid4(), None)
        with self._with_its_lock(), mock.patch.object(_outbox_directory, "_DISK", self._disk):
            try:
                return self._writer.append(made).sequence
            except OutboxUnavailable as problem:
                if not problem.maybe_appended:
                    raise
                return 0

    def close(self) -> None:
        """Close the files."""
        self._writer.close()
