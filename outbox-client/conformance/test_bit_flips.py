"""One bit of one file of an outbox is another: at most the event that it belongs to is lost.

All bits under TORTURE=1, but for zeros that nobody reads: unused index slots, and what lies behind
the used part of each file. Of these, and of all otherwise, SEED draws some.
"""

from __future__ import annotations

import itertools
import os
import shutil
import tempfile
import uuid
from typing import TYPE_CHECKING, NamedTuple

import pytest
from outbox_conformance import cyclefile, outbox
from outbox_conformance.crashes import judge
from outbox_conformance.crashes.author import NOON
from outbox_conformance.crashes.campaign import FAST
from outbox_conformance.crashes.oplog import Attempt
from outbox_conformance.crashes.recovery import (
    JavaSuccessor,
    PythonSuccessor,
    ReferenceSuccessor,
    RefusedError,
    value,
)
from outbox_conformance.cyclefile import HOUR
from outbox_conformance.outbox import METADATA, POSITION, STATE, OutboxImage
from outbox_conformance.records import Event
from outbox_conformance.sparsefiles import SparseFile

if TYPE_CHECKING:
    import random
    from collections.abc import Iterator

    from outbox_conformance.crashes.recovery import Successor
    from outbox_conformance.scanner import Scan

TORTURE = os.environ.get("TORTURE") == "1"
FLIPS_BY_PYTHON, FLIPS_BY_ALL = (None, 3000) if TORTURE else (500, 100)
WRITER = "flipped"
FAILURES = "append.failures"
CYCLE = outbox.cycle_path(NOON // HOUR)


class Flip(NamedTuple):
    """Which bit of which file."""

    path: str
    offset: int
    bit: int


def _image() -> OutboxImage:
    """Three events, of which the relay has settled one."""
    image = OutboxImage(uuid.UUID(int=0x1234567890AB4DEF8000000000000001), NOON)
    for number in range(3):
        data = value(WRITER, number)
        image.append(Event(uuid.UUID(int=number + 1), "crash", WRITER.encode(), data))
    first, second, _ = image.published
    image.files[POSITION] = outbox.position(
        1,
        first.record.sequence,
        first.record.event_id,
        first.cycle,
        second.offset,
        first.record.entry,
        second.offset - first.offset,
        NOON,
        image.outbox_id,
    )
    image.files[FAILURES] = SparseFile(size=512)
    return image


IMAGE = _image()
TAIL = IMAGE.newest.tail


def _flips(chance: random.Random) -> list[Flip]:
    """All that are of interest, and some of the others."""
    header = IMAGE.newest.header
    index = header.index2index + 0x30
    page = header.first_data - 8 * header.layout.count + 0x10
    used = [
        *((CYCLE, offset) for offset in (*range(index), *range(0x80F0, page))),
        *((CYCLE, offset) for offset in range(header.first_data, TAIL + 16)),
        *((STATE, offset) for offset in range(256)),
        *((METADATA, offset) for offset in range(496)),
        *((POSITION, offset) for offset in range(128)),
        *((FAILURES, offset) for offset in range(48)),
    ]
    others = [
        (path, chance.randrange(start, end))
        for path, start, end in (
            (CYCLE, index, 0x80F0),
            (CYCLE, page, header.first_data),
            (STATE, 256, 4096),
            (METADATA, 496, 131072),
            (POSITION, 128, 8192),
            (FAILURES, 48, 512),
        )
        for _ in range(16)
    ]
    return [Flip(path, offset, bit) for path, offset in used + others for bit in range(8)]


def _sample(count: int | None, chance: random.Random) -> list[Flip]:
    flips = _flips(chance)
    return flips if count is None else chance.sample(flips, count)


def _hit(flip: Flip) -> int | None:
    """Return the number of the event to which a bit belongs."""
    if flip.path == CYCLE:
        for number, published in enumerate(IMAGE.published):
            end = IMAGE.published[number + 1].offset if number < 2 else TAIL
            if published.offset <= flip.offset < end:
                return number
    return None


@pytest.fixture
def place() -> Iterator[str]:
    """In memory."""
    parent = tempfile.mkdtemp(prefix="outbox-flip-", dir=FAST)
    yield parent
    shutil.rmtree(parent)


@pytest.fixture(scope="module")
def java(tmp_path_factory: pytest.TempPathFactory) -> Iterator[JavaSuccessor]:
    running = JavaSuccessor(str(tmp_path_factory.mktemp("java")))
    yield running
    running.end()


class Trial:
    """An outbox of which one bit is another."""

    _numbers = itertools.count()

    def __init__(self, place: str, flip: Flip) -> None:
        self.path = f"{place}/{next(self._numbers)}"
        self.flip = flip
        flipped = IMAGE.files[flip.path].copy()
        (byte,) = flipped.read(flip.offset, 1)
        size = flipped.size
        flipped.write(flip.offset, bytes([byte ^ 1 << flip.bit]))
        assert flipped.size == size
        outbox.materialise(IMAGE.files | {flip.path: flipped}, self.path)

    def go_on(self, successors: tuple[Successor, ...]) -> list[str]:
        """Let writers append, and name what must not be."""
        before = judge.read(self.path)
        appended = {}
        try:
            for number, successor in enumerate(successors):
                name = f"after-{number}"
                appended[name, 0] = successor.append(self.path, name, NOON + 1 + number)
        except RefusedError as problem:
            return [f"refused: {problem}"]
        after = judge.read(self.path)
        return judge.violations(self._known(), before, after, appended) + self._uncounted(before)

    def _known(self) -> judge.Known:
        attempts = {
            (WRITER, number): Attempt(
                WRITER,
                number,
                value(WRITER, number),
                power=True,
                began=0,
                acked=0,
                sequence=number + 1,
            )
            for number in range(3)
        }
        kept = frozenset(name for name in attempts if name[1] != _hit(self.flip))
        return judge.Known(attempts, kept, killed=False)

    def _uncounted(self, scan: Scan) -> list[str]:
        """An event that is lost must be seen to be."""
        sequences = [published.record.sequence for published in scan.records]
        if len(sequences) == 3 or scan.problems or sequences == [1, 3]:
            return []
        return [f"nothing tells that {sequences} is not all"]

    def next_append(self, successor: Successor) -> str:
        """Return which sequence and cycle a writer goes on with."""
        try:
            ack = successor.append(self.path, "after", NOON + 1)
        except RefusedError as problem:
            return str(problem)
        newest = cyclefile.numbers(os.listdir(f"{self.path}/queue"))[-1]
        return f"sequence {ack.sequence} in {newest}"

    def end(self) -> None:
        shutil.rmtree(self.path)


@pytest.mark.torture
def test_a_flipped_bit_costs_at_most_its_event(place: str, chance: random.Random) -> None:
    wrong = {}
    flips = _sample(FLIPS_BY_PYTHON, chance)
    for flip in flips:
        trial = Trial(place, flip)
        found = trial.go_on((PythonSuccessor(), PythonSuccessor()))
        if found:
            wrong[flip] = found
        trial.end()
    print(f"{len(flips)} flips, {len(wrong)} that cost more")
    assert not wrong


@pytest.mark.torture
def test_all_clients_go_on_alike_after_a_flipped_bit(
    place: str, java: JavaSuccessor, chance: random.Random
) -> None:
    wrong = {}
    for flip in _sample(FLIPS_BY_ALL, chance):
        found = {}
        for client in (PythonSuccessor(), ReferenceSuccessor(), java):
            trial = Trial(place, flip)
            found[type(client).__name__] = trial.next_append(client)
            trial.end()
        if len(set(found.values())) > 1:
            wrong[flip] = found
    assert not wrong


@pytest.mark.torture
def test_java_goes_on_after_a_flipped_bit(
    place: str, java: JavaSuccessor, chance: random.Random
) -> None:
    wrong = {}
    for flip in _sample(FLIPS_BY_ALL, chance):
        trial = Trial(place, flip)
        found = trial.go_on((java, PythonSuccessor()))
        if found:
            wrong[flip] = found
        trial.end()
    assert not wrong
