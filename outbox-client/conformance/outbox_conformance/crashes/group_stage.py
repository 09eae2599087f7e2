"""An outbox that writers in `power` mode share whose syncs serve each other, recorded."""

from __future__ import annotations

import os
import uuid
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any

from .. import cyclefile, reference
from ..records import Event
from ..reference import group
from .author import NOON
from .java_writer import SIZE
from .kernel import Kernel
from .oplog import Attempt, Fail, Log, Sync
from .recording import Recorder
from .recovery import value

if TYPE_CHECKING:
    from collections.abc import Callable


class Stage:
    """One outbox, its writers, and what is recorded of them.

    Attributes:
        now: the clock of all.
        recorder: of all that they do.
        kernel: tells them of errors.
    """

    def __init__(self, parent: str, *, right: bool) -> None:
        self._right = right
        self.outbox = f"{parent}/outbox"
        self.now = NOON
        self.recorder = Recorder(parent)
        self.kernel = Kernel()
        self.actors: list[Actor] = []
        self.batches = 0
        self.sessions = 0

    @property
    def log(self) -> Log:
        return self.recorder.log

    def actor(self) -> Actor:
        """Return another writer, which opens the outbox with its first append."""
        made = Actor(self, self.name())
        self.actors.append(made)
        return made

    def name(self) -> str:
        """Return a name for another writer."""
        self.sessions += 1
        return f"{self.log.name}-{self.sessions}"

    def fail(self) -> None:
        """Let the kernel fail to write back what is dirty of the newest cycle."""
        queue = f"{self.outbox}/queue"
        newest = cyclefile.name(cyclefile.numbers(os.listdir(queue))[-1])
        inode = os.stat(f"{queue}/{newest}").st_ino
        self.kernel.fail(inode)
        self.recorder.add(Fail("write-back", self.recorder.node(inode)))

    def claim_all_to_be_synced(self) -> None:
        """Store a range of the newest cycle that goes far beyond its tail."""
        newest = cyclefile.numbers(os.listdir(f"{self.outbox}/queue"))[-1]
        with open(f"{self.outbox}/outbox.state", "r+b") as state:
            whole = group.Range(newest, cyclefile.FIRST_DATA, 1 << 31)
            described: Any = SimpleNamespace(descriptor=state.fileno())
            group.write(described, whole)

    def expect(self, happened: bool) -> None:
        """Insist on what writers do that are right."""
        assert happened or not self._right

    def syncs(self) -> int:
        """Return how many syncs of records there were."""
        return sum(isinstance(each, Sync) and each.label == "payload" for each in self.done())

    def done(self) -> list[object]:
        """Return all operations, up to now."""
        self.recorder.settle()
        return list(self.log.operations)


class _SteppedWriter(reference.Writer):
    """Lets others act where it comes by."""

    actions: dict[str, Callable[[], object]]

    def _dies(self, step: str) -> None:
        action = self.actions.pop(step, None)
        if action is not None:
            action()


class Actor:
    """A writer that publishes and waits for the disk when it is told to."""

    def __init__(self, stage: Stage, name: str) -> None:
        self._stage = stage
        self._name = name
        self._number = 0
        self._waiting: list[Attempt] = []
        self._writer = _SteppedWriter(
            stage.outbox, clock=lambda: stage.now, lock_timeout=0.0, power=True
        )
        self._writer.actions = {}

    def at(self, step: str, action: Callable[[], object]) -> None:
        """Do something when the writer comes by a step for the next time."""
        self._writer.actions[step] = action

    def publish(self, *sizes: int) -> None:
        """Append an event, or several as a batch, up to where the lock is given back."""
        stage = self._stage
        stage.now += 1
        stage.batches += 1
        numbers = range(self._number, self._number + len(sizes))
        self._number = numbers.stop
        values = [value(self._name, n, size) for n, size in zip(numbers, sizes, strict=True)]
        events = [Event(uuid.uuid4(), "crash", self._name.encode(), each) for each in values]
        began = len(stage.done())
        published = self._writer.publish(*events)
        self._waiting = [
            Attempt(
                self._name,
                number,
                found.record.value or b"",
                power=True,
                began=began,
                acked=None,
                sequence=found.record.sequence,
                batch=stage.batches if len(sizes) > 1 else None,
            )
            for number, found in zip(numbers, published, strict=True)
        ]

    def finish(self) -> bool:
        """Wait for the disk; whether the append is acknowledged."""
        if not self._waiting:
            return False  # it never came to publish
        try:
            self._writer.make_durable()
        except reference.UnsyncedError:
            acked = None
        else:
            acked = len(self._stage.done())
        attempts, self._waiting = self._waiting, []
        self._stage.log.attempts += [Attempt(**{**vars(each), "acked": acked}) for each in attempts]
        return acked is not None

    def append(self, *sizes: int) -> bool:
        """Publish and wait for the disk; without sizes, an event as the JVM appends it."""
        self.publish(*(sizes or (SIZE,)))
        return self.finish()

    def is_served(self) -> bool:
        """Wait for the disk; whether another's sync was enough."""
        before = self._stage.syncs()
        return self.finish() and self._stage.syncs() == before

    def close(self) -> None:
        self._writer.close()
