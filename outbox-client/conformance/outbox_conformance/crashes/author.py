"""Writers of both languages that append to one outbox, one after the other, and are recorded."""

from __future__ import annotations

import os
import uuid
from typing import TYPE_CHECKING
from unittest import mock

from outbox_client import _outbox_directory, _writers_lock
from outbox_client._batch_draft import BatchDraft, batch_draft
from outbox_client._outbox_directory import OutboxDirectory
from outbox_client._queue_writer import QueueWriter
from outbox_client._record_draft import draft

from .. import cyclefile, outbox, records, scanner
from ..writers import JAVA, PYTHON
from .java_writer import SIZE, JavaWriter, in_batches
from .oplog import Attempt, Log
from .recording import Recorder, RecordingDisk
from .recovery import value

if TYPE_CHECKING:
    from contextlib import AbstractContextManager

    from ..sparsefiles import SparseFile

#: Half past an hour, so that none ends by itself.
NOON = 1_767_269_400_000


class Author:
    """Appends to one outbox as several writers, and records it.

    Attributes:
        outbox: its path.
        now: the clock of all.
        recorder: of all that they do.
    """

    def __init__(
        self,
        parent: str,
        log: Log | None = None,
        *,
        roll_bytes: int = 1 << 30,
        java: dict[str, JavaWriter] | None = None,
    ) -> None:
        """Begin.

        Args:
            parent: of the outbox.
            log: to be continued.
            roll_bytes: as the client knows it.
            java: writers in JVMs, by their durability; of batches, by `in_batches` of it.
        """
        self.outbox = f"{parent}/outbox"
        self.recorder = Recorder(parent, log)
        self.now = NOON if log is None else log.now
        self._roll_bytes = roll_bytes
        self._disk = RecordingDisk(self.recorder)
        self._writer: QueueWriter | None = None
        self._java = java or {}
        self._open_java: JavaWriter | None = None
        self._power = False
        self._sessions = 0
        self._number = 0
        self._batches = 0
        self._positions = 0

    @property
    def log(self) -> Log:
        return self.recorder.log

    def open(self, durability: str, language: str = PYTHON, *, batches: bool = False) -> None:
        """Go on as another writer, which opens the outbox afresh; in Java one of batches alone."""
        self.close()
        self._power = durability == "power"
        self._sessions += 1
        self._number = 0
        if language == JAVA:
            self._open_java = self._java[in_batches(durability) if batches else durability]
            return
        self._writer = QueueWriter(
            OutboxDirectory(self.outbox, power=self._power),
            durability=durability,
            max_bytes=None,
            lock_timeout=0.0,
            disk=self._disk,
            clock=lambda: self.now * 1_000_000,
            roll_bytes=self._roll_bytes,
        )

    def append(self, *sizes: int) -> None:
        """Append events with values of these sizes; in Java they have one size."""
        for size in sizes:
            self.now += 1
            if self._open_java is not None:
                self._append_in_java(self._open_java)
                continue
            assert self._writer is not None
            data = value(self._name, self._number, size)
            began = self._begin()
            made = draft(data, "crash", self._name, None, uuid.uuid4(), None)
            with self._syncs_of_directories():
                sequence = self._writer.append(made).sequence
            self._end(began, [data], sequence)

    def _append_in_java(self, writer: JavaWriter) -> None:
        data = value(self._name, self._number, SIZE)
        began = self._begin()
        (ack,) = writer.append(self.recorder, self.outbox, self._name, self.now).values()
        self._end(began, [data], ack.sequence)

    def append_batch(self, *sizes: int) -> None:
        """Append events as a batch; in Java they have one size, and there are as many each time."""
        self.now += 1
        values = [value(self._name, self._number + n, size) for n, size in enumerate(sizes)]
        began = self._begin()
        if self._open_java is not None:
            told = self._open_java.append(
                self.recorder, self.outbox, self._name, self.now, len(sizes)
            )
            sequence = told[self._number].sequence
        else:
            assert self._writer is not None
            made = batch_draft(
                {"value": data, "topic": "crash", "key": self._name} for data in values
            )
            assert isinstance(made, BatchDraft)
            with self._syncs_of_directories():
                sequence = self._writer.append_all(made)[0].sequence
        self._batches += 1
        self._end(began, values, sequence, self._batches)

    def settle(self) -> None:
        """Let the relay note that it has delivered all there is, which it syncs before (I8)."""
        queue = f"{self.outbox}/queue"
        for number in cyclefile.numbers(os.listdir(queue)):
            with open(f"{queue}/{cyclefile.name(number)}", "rb") as cycle:
                self._disk.fdatasync(cycle.fileno(), "settled")
        self._positions += 1
        slot = (self._positions - 1) % 2 * 4096
        path = f"{self.outbox}/{outbox.POSITION}"
        with open(os.open(path, os.O_RDWR | os.O_CREAT, 0o660), "r+b", buffering=0) as file:
            if self._positions == 1:
                self._disk.truncate(file.fileno(), 8192, "position")
            data = self._position().read(slot, 128)
            self._disk.pwrite(file.fileno(), data, slot, "position")
            self._disk.fdatasync(file.fileno(), "position")

    def _position(self) -> SparseFile:
        found = scanner.scan(self.outbox)
        last = found.records[-1]
        (first,) = (
            each for each in found.records if each.cycle == last.cycle and not each.record.entry
        )
        assert found.outbox_id is not None
        assert first.record.prologue is not None
        place = records.Place(found.outbox_id, last.cycle, last.offset)
        behind = last.offset + 4 + len(records.encode(last.record, place))
        return outbox.position(
            self._positions,
            last.record.sequence,
            last.record.event_id,
            last.cycle,
            behind,
            last.record.entry,
            first.record.prologue.base + behind - first.offset,
            self.now,
            found.outbox_id,
        )

    def _syncs_of_directories(self) -> AbstractContextManager[object]:
        """Let the syncs be recorded that `OutboxDirectory` makes with a disk of its own."""
        return mock.patch.object(_outbox_directory, "_DISK", self._disk)

    @property
    def _name(self) -> str:
        return f"{self.log.name}-{self._sessions}"

    def _begin(self) -> int:
        self.recorder.settle()
        return len(self.log.operations)

    def _end(
        self, began: int, values: list[bytes], sequence: int, batch: int | None = None
    ) -> None:
        self.recorder.settle()
        acked = len(self.log.operations)
        for number, data in enumerate(values):
            self.log.attempts.append(
                Attempt(
                    self._name,
                    self._number + number,
                    data,
                    self._power,
                    began,
                    acked,
                    sequence + number,
                    batch,
                )
            )
        self._number += len(values)

    def close(self) -> None:
        """End the writer."""
        if self._open_java is not None:
            self._open_java.forget(self.outbox, self._name)
            self._open_java = None
        if self._writer is not None:
            self._writer.close()
            _writers_lock._locks.pop(f"{self.outbox}/outbox.lock", None)
            self._writer = None
