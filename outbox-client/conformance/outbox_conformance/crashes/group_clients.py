"""The clients' own writers on such a stage, in which others act where they come by."""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

from .java_writer import SIZE
from .oplog import Attempt
from .recovery import value

if TYPE_CHECKING:
    from collections.abc import Callable

    from .group_stage import Stage
    from .java_writer import JavaWriter

#: Of the operations of a writer that a stage has a name for, as the JVM calls them.
_STEPS = {
    ("try", "sync-lock"): "try",
    ("lock", "sync-lock"): "lock",
    ("sync", "payload"): "synced",
}


class Client(Protocol):
    """A writer that appends events of `SIZE`, and knows steps of that: see `reference.Writer`."""

    def append(self) -> bool:
        """Append an event; whether it is acknowledged."""

    def at(self, step: str, action: Callable[[], object]) -> None:
        """Do something when it comes by a step for the next time."""

    def close(self) -> None:
        """End it."""


class JavaClient:
    """In a JVM that is recorded."""

    def __init__(self, stage: Stage, writer: JavaWriter) -> None:
        self._stage = stage
        self._writer = writer
        self._name = stage.name()
        self._number = 0
        self._actions: dict[str, Callable[[], object]] = {}

    def at(self, step: str, action: Callable[[], object]) -> None:
        self._actions[step] = action

    def append(self) -> bool:
        stage = self._stage
        stage.now += 1
        began = len(stage.done())
        told = self._writer.append(
            stage.recorder, stage.outbox, self._name, stage.now, by_the_way=self._by_the_way
        )
        data = value(self._name, self._number, SIZE)
        acked = len(stage.done())
        sequence = told[self._number].sequence
        stage.log.attempts.append(
            Attempt(self._name, self._number, data, True, began, acked, sequence)
        )
        self._number += 1
        return True

    def _by_the_way(self, operation: str, label: str) -> None:
        action = self._actions.pop(_STEPS.get((operation, label), ""), None)
        if action is not None:
            action()

    def close(self) -> None:
        """Let the JVM close the outbox."""
        self._writer.forget(self._stage.outbox, self._name)
