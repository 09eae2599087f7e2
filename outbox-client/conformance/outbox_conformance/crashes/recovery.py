"""Who goes on after a crash."""

from __future__ import annotations

import subprocess
import time
import uuid
from typing import TYPE_CHECKING, Protocol

from outbox_client import _writers_lock
from outbox_client._outbox_directory import OutboxDirectory
from outbox_client._queue_writer import QueueWriter
from outbox_client._record_draft import draft

from .. import places, records, reference
from ..clock import Clock
from ..writers import JAVA, Ack, History, command, history_of

if TYPE_CHECKING:
    from outbox_client._disk import Disk


class Successor(Protocol):
    """A writer that opens what a crash left."""

    def append(self, outbox: str, name: str, now: int) -> Ack:
        """Open the outbox afresh and append the event 0 of this name.

        Raises:
            RefusedError: it would not.
        """


class RefusedError(Exception):
    """An append failed that must not."""


def value(name: str, number: int, size: int = 100) -> bytes:
    """Return an event's value, as the writer programs make it."""
    head = f'{{"writer":"{name}","n":{number},"pad":"'.encode()
    return head.ljust(size - 2, b"x") + b'"}'


class PythonSuccessor:
    """In this process."""

    def __init__(self, disk: Disk | None = None, roll_bytes: int = 1 << 30) -> None:
        self._disk = disk
        self._roll_bytes = roll_bytes

    def append(self, outbox: str, name: str, now: int) -> Ack:
        writer = QueueWriter(
            OutboxDirectory(outbox),
            durability="process",
            max_bytes=None,
            lock_timeout=0.0,
            disk=self._disk,
            clock=lambda: now * 1_000_000,
            roll_bytes=self._roll_bytes,
        )
        try:
            receipt = writer.append(draft(value(name, 0), "crash", name, None, None, None, None))
        except Exception as problem:
            raise RefusedError(f"{type(problem).__name__}: {problem}") from problem
        finally:
            writer.close()
            # One is kept for each path for ever, and there are as many paths as states.
            _writers_lock._locks.pop(f"{outbox}/outbox.lock", None)
        return Ack(receipt.sequence, str(receipt.event_id))


class ReferenceSuccessor:
    """The client that is made of FORMAT.md alone."""

    def append(self, outbox: str, name: str, now: int) -> Ack:
        identity = uuid.uuid4()
        event = records.Event(identity, "crash", name.encode(), value(name, 0))
        with reference.Writer(outbox, clock=lambda: now, lock_timeout=0.0) as writer:
            (published,) = writer.append(event)
        return Ack(published.record.sequence, str(identity))


class JavaSuccessor:
    """One JVM that appends to one outbox after the other."""

    def __init__(self, directory: str) -> None:
        """Start it.

        Args:
            directory: for the file with its clock.
        """
        self._clock = Clock(f"{directory}/clock")
        options: dict[str, object] = {"clock_offset_file": self._clock.path, "lock_timeout": 0}
        self._process = subprocess.Popen(
            places.guarded(command(JAVA, "/nowhere", "successor", options)),
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
            bufsize=1,
        )
        assert self._line() == "ready"

    def append(self, outbox: str, name: str, now: int) -> Ack:
        self._clock.set(now - time.time_ns() // 1_000_000)
        told = history_of(self._order(f"1\t{outbox}\t{name}"), History(name, 0, threads=1))
        self._order(f"forget\t{outbox}\t{name}")
        if told.failures:
            failure = told.failures[0]
            raise RefusedError(f"{failure.kind}: {failure.message}")
        return told.acks[0]

    def _order(self, line: str) -> list[str]:
        assert self._process.stdin is not None
        self._process.stdin.write(line + "\n")
        self._process.stdin.flush()
        return list(iter(self._line, "done"))

    def _line(self) -> str:
        assert self._process.stdout is not None
        line = self._process.stdout.readline()
        if not line:
            raise AssertionError("the JVM has ended")
        return line.rstrip("\n")

    def end(self) -> None:
        """End the JVM."""
        self._process.kill()
        self._process.communicate()
