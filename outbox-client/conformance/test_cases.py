"""A second writer, and a second crash, while a client holds its outbox open."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from outbox_conformance import scene as stage
from outbox_conformance.cases import CASES
from outbox_conformance.scene import ReferenceClient, Scene
from outbox_conformance.writers import CLIENTS

if TYPE_CHECKING:
    from collections.abc import Callable

    from outbox_conformance.clock import Clock
    from outbox_conformance.writers import Writer, Writers

each_case = pytest.mark.parametrize("case", CASES, ids=lambda case: case.__name__)


class ProgramClient:
    """A client by its writer program, which obeys standard input."""

    def __init__(self, program: Writer) -> None:
        self._program = program

    def open(self) -> None:
        self._program.command("open")
        self._program.await_done()
        assert not self._program.history().failures

    def append(self, count: int) -> list[int]:
        history = self._program.append(count)
        assert not history.failures
        return [ack.sequence for _, ack in sorted(history.acks.items())]

    def try_to_append(self) -> None:
        self._program.append(1)


@each_case
def test_the_reference_client(case: Callable[[Scene], None], outbox: str, clock: Clock) -> None:
    stage.run(case, Scene(outbox, clock, ReferenceClient))


@pytest.mark.parametrize("language", CLIENTS)
@each_case
def test_the_clients(
    case: Callable[[Scene], None], language: str, outbox: str, clock: Clock, writers: Writers
) -> None:
    def client(scene: Scene) -> ProgramClient:
        program = writers.start(language, outbox, "client", clock_offset_file=clock.path)
        return ProgramClient(program.await_ready())

    stage.run(case, Scene(outbox, clock, client))
