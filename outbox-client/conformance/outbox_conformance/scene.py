"""The stage of a case: an outbox, its time, the client that is tested, and other writers."""

from __future__ import annotations

import contextlib
import os
import time
import uuid
from typing import TYPE_CHECKING, Protocol

from . import cyclefile, identity, outbox, reference, scanner, sparsefiles
from .goldenfiles import Golden
from .records import Event
from .reference.files import next_sequence
from .states.builder import Builder

if TYPE_CHECKING:
    from collections.abc import Callable

    from .clock import Clock


class Client(Protocol):
    """A writer that is tested: it keeps its outbox open from one call to the next."""

    def open(self) -> None:
        """Open the outbox without appending."""

    def append(self, count: int) -> list[int]:
        """Append events; return the sequences that were acknowledged."""

    def try_to_append(self) -> None:
        """Append one event, which may be refused."""


class ReferenceClient:
    """The reference client in the place of the one that is tested."""

    def __init__(self, scene: Scene) -> None:
        self._writer = scene.another()
        self._scene = scene

    def open(self) -> None:
        self._writer.open()

    def append(self, count: int) -> list[int]:
        appended = [self._writer.append(event()) for _ in range(count)]
        return [found.record.sequence for (found,) in appended]

    def try_to_append(self) -> None:
        with contextlib.suppress(OSError):
            self._writer.append(event())


class Scene:
    """An outbox that holds three records, its time, and who writes to it."""

    def __init__(self, path: str, clock: Clock, client: Callable[[Scene], Client]) -> None:
        self.path = path
        self.clock = clock
        self.image = Builder().three().image
        self._client = client
        self._opened: Client | None = None
        self._others: list[reference.Writer] = []
        self.problems: set[str] = set()
        self.left_alone: set[str] = set()

    @property
    def client(self) -> Client:
        """The client that is tested, always the same one."""
        if self._opened is None:
            self._opened = self._client(self)
        return self._opened

    def begin(self) -> None:
        """Put the outbox on disk, and let the client open it and append."""
        outbox.materialise(self.image.files, self.path)
        self._at(self.image.clock + 1000)
        self.client.append(1)

    def elsewhere(self) -> str:
        """Put another outbox on disk; its path."""
        path = f"{self.path}.elsewhere"
        self.another(path=path).append(event())
        return path

    def golden(self, name: str) -> None:
        """Put a golden state on disk instead, which the client has not opened yet."""
        golden = Golden(name)
        outbox.materialise(golden.before(), self.path)
        self._at(golden.expected["clock"])
        self.problems |= {each["kind"] for each in golden.expected["problems_after"]}

    def _at(self, milliseconds: int) -> None:
        self.clock.set(milliseconds - time.time_ns() // 1_000_000)

    def another(
        self,
        *,
        path: str | None = None,
        dies_at: str | None = None,
        roll_bytes: int = outbox.GIB,
    ) -> reference.Writer:
        """Return another writer, of this outbox unless it is told otherwise."""
        made = reference.Writer(
            path or self.path,
            clock=lambda: time.time_ns() // 1_000_000 + self.clock.milliseconds,
            roll_bytes=roll_bytes,
            dies_at=dies_at,
        )
        self._others.append(made)
        return made

    def another_dies(self, dies_at: str, count: int = 1) -> None:
        """Let another writer open the outbox, append and be killed on the way."""
        try:
            self.another(dies_at=dies_at).append(*[event() for _ in range(count)])
        except reference.KilledError:
            return
        raise AssertionError(f"it does not come by {dies_at}")

    def newest(self) -> str:
        """The path of the newest cycle."""
        return self.cycles()[-1]

    def cycles(self) -> list[str]:
        """The paths of the cycles."""
        queue = os.path.join(self.path, "queue")
        numbers = cyclefile.numbers(os.listdir(queue))
        return [os.path.join(queue, cyclefile.name(number)) for number in numbers]

    def end(self) -> None:
        """Close what was opened."""
        for writer in self._others:
            writer.close()


def event(size: int = 100) -> Event:
    """Return an event that no other is like."""
    return Event(uuid.uuid4(), topic="conformance", key=b"case", value=b"x" * size)


def run(case: Callable[[Scene], None], scene: Scene) -> None:
    """Play a case, then let the client append: nothing is lost, replaced or given twice."""
    try:
        case(scene)
        before = scanner.scan(scene.path).records
        files = {path: os.stat(path).st_ino for path in scene.cycles()}
        left_alone = {path: sparsefiles.load(path).trimmed() for path in scene.left_alone}
        acknowledged = scene.client.append(2)
        found = scanner.scan(scene.path)
        sequences = [each.record.sequence for each in found.records]
        assert found.records[: len(before)] == before, "what was there is there no more"
        assert sequences[len(before) :] == acknowledged, f"{sequences} does not end so"
        assert sorted(set(sequences)) == sequences, f"{sequences} are not given once"
        assert {each.kind for each in found.problems} <= scene.problems, found.problems
        assert {path: os.stat(path).st_ino for path in files} == files, "a cycle was replaced"
        for path, data in left_alone.items():
            assert sparsefiles.load(path).trimmed() == data, f"{path} was changed"
        state = identity.read_file(os.path.join(scene.path, "outbox.state"))
        assert next_sequence(state) == sequences[-1] + 1, "the state does not know it"
    finally:
        scene.end()
