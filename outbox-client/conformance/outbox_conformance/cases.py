"""What one writer does while another holds its session open, and what the other must make of it.

Golden files show one writer at a time; here is the second one, and the second crash. In each case
the client that is tested has appended, then something happens, then it appends again.
"""

from __future__ import annotations

import os
import time
import uuid
from typing import TYPE_CHECKING, Protocol

from . import cyclefile, outbox, reference, scanner
from .clock import HOUR, Clock
from .cyclefile import OVERLAP
from .goldenfiles import Golden
from .records import Event
from .states.builder import Builder

if TYPE_CHECKING:
    from collections.abc import Callable

MIB = 1 << 20


class Client(Protocol):
    """A writer that is tested: it keeps its outbox open from one call to the next."""

    def open(self) -> None:
        """Open the outbox without appending."""

    def append(self, count: int) -> list[int]:
        """Append events; return the sequences that were acknowledged."""


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

    def golden(self, name: str) -> None:
        """Put a golden state on disk instead, which the client has not opened yet."""
        golden = Golden(name)
        outbox.materialise(golden.before(), self.path)
        self._at(golden.expected["clock"])
        self.problems |= {each["kind"] for each in golden.expected["problems_after"]}

    def _at(self, milliseconds: int) -> None:
        self.clock.set(milliseconds - time.time_ns() // 1_000_000)

    def another(
        self, *, dies_at: str | None = None, roll_bytes: int = outbox.GIB
    ) -> reference.Writer:
        """Return another writer."""
        made = reference.Writer(
            self.path,
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
        acknowledged = scene.client.append(2)
        found = scanner.scan(scene.path)
        sequences = [each.record.sequence for each in found.records]
        assert found.records[: len(before)] == before, "what was there is there no more"
        assert sequences[len(before) :] == acknowledged, f"{sequences} does not end so"
        assert sorted(set(sequences)) == sequences, f"{sequences} are not given once"
        assert {each.kind for each in found.problems} <= scene.problems, found.problems
        assert {path: os.stat(path).st_ino for path in files} == files, "a cycle was replaced"
    finally:
        scene.end()


# --- what another writer does ---


def another_appended(scene: Scene) -> None:
    scene.begin()
    scene.another().append(event())


def another_appended_a_batch(scene: Scene) -> None:
    scene.begin()
    scene.another().append(event(), event(), event())


def another_began_the_first_cycle(scene: Scene) -> None:
    scene.clock.begin_hour()
    scene.client.open()
    scene.another().append(event())


def another_rolled_as_the_hour_was_over(scene: Scene) -> None:
    scene.begin()
    scene.clock.advance(HOUR)
    scene.another().append(event())


def another_rolled_within_the_hour(scene: Scene) -> None:
    scene.begin()
    scene.another(roll_bytes=66_000).append(event())


def another_rolled_twice(scene: Scene) -> None:
    scene.begin()
    writer = scene.another(roll_bytes=66_000)
    writer.append(event())
    writer.append(event())


def another_rolled_and_the_clock_went_back(scene: Scene) -> None:
    scene.begin()
    scene.clock.advance(30 * HOUR)
    scene.another().append(event())
    scene.clock.advance(-30 * HOUR)


def another_grew_the_file(scene: Scene) -> None:
    newest = scene.image.newest
    newest.file.size = newest.tail + 10_000 + OVERLAP
    scene.begin()
    writer = scene.another()
    for _ in range(17):
        writer.append(event(MIB - 10_000))
    size = os.path.getsize(scene.newest())
    assert size > newest.file.size + OVERLAP, "all of it is beyond what the client has seen"


def another_marked_the_cycle_failed(scene: Scene) -> None:
    scene.begin()
    scene.problems.add("missing-eof")
    writer = scene.another()
    writer.mark_newest_failed()


def another_marked_the_cycle_failed_and_went_on(scene: Scene) -> None:
    scene.begin()
    scene.problems.add("missing-eof")
    writer = scene.another()
    writer.mark_newest_failed()
    writer.append(event())


# --- where another writer dies ---


def another_died_before_publishing(scene: Scene) -> None:
    scene.begin()
    scene.another_dies("written")


def another_died_before_publishing_a_batch(scene: Scene) -> None:
    scene.begin()
    scene.another_dies("written", count=3)


def another_died_before_booking(scene: Scene) -> None:
    scene.begin()
    scene.another_dies("published")


def another_died_before_booking_a_batch(scene: Scene) -> None:
    scene.begin()
    scene.another_dies("published", count=3)


def another_died_in_the_first_cycle(scene: Scene) -> None:
    scene.clock.begin_hour()
    scene.client.open()
    scene.another_dies("published")


def another_died_when_it_had_ended_the_cycle(scene: Scene) -> None:
    scene.begin()
    scene.clock.advance(HOUR)
    scene.another_dies("ended")


def another_died_when_it_had_linked_the_next_cycle(scene: Scene) -> None:
    scene.begin()
    scene.clock.advance(HOUR)
    scene.another_dies("linked")


def another_died_before_it_linked_the_next_cycle(scene: Scene) -> None:
    another_died_when_it_had_ended_the_cycle(scene)
    _leave_half_of_the_next_cycle(scene)


def another_died_before_it_linked_the_next_of_a_failed_cycle(scene: Scene) -> None:
    another_marked_the_cycle_failed(scene)
    _leave_half_of_the_next_cycle(scene)


def _leave_half_of_the_next_cycle(scene: Scene) -> None:
    folder = os.path.join(scene.path, "queue")
    numbers = cyclefile.numbers(os.listdir(folder))
    with open(os.path.join(folder, f".{cyclefile.name(numbers[-1] + 1)}.tmp"), "wb") as half:
        half.write(b"half of a cycle file")


def another_died_between_two_links(scene: Scene) -> None:
    another_died_when_it_had_linked_the_next_cycle(scene)
    folder, name = os.path.split(scene.newest())
    os.link(scene.newest(), os.path.join(folder, f".{name}.tmp"))


def another_died_when_it_had_begun_the_next_cycle(scene: Scene) -> None:
    scene.begin()
    scene.clock.advance(HOUR)
    scene.another_dies("begun")


def another_died_between_repair_and_append(scene: Scene) -> None:
    scene.golden("state-missing-position-ahead")
    scene.another_dies("repaired")


def another_died_before_it_marked_the_cycle_failed(scene: Scene) -> None:
    scene.golden("survivors-behind-a-hole")
    scene.another_dies("sequence")


def another_died_before_it_marked_a_cycle_without_a_header_failed(scene: Scene) -> None:
    scene.golden("page-0-zeroed")
    scene.another_dies("sequence")


# --- what an operator does, and another writer sees first ---


def another_made_the_state_anew(scene: Scene) -> None:
    scene.begin()
    os.remove(os.path.join(scene.path, "outbox.state"))
    scene.another().append(event())


def another_made_the_state_anew_and_died(scene: Scene) -> None:
    scene.begin()
    os.remove(os.path.join(scene.path, "outbox.state"))
    scene.another_dies("repaired")


def another_went_on_behind_a_removed_cycle(scene: Scene) -> None:
    scene.begin()
    os.remove(scene.newest())
    scene.another().append(event())


def another_saw_a_removed_cycle_and_died(scene: Scene) -> None:
    scene.begin()
    os.remove(scene.newest())
    scene.another_dies("repaired")


def another_made_the_lock_anew(scene: Scene) -> None:
    scene.begin()
    os.remove(os.path.join(scene.path, "outbox.lock"))
    scene.another().append(event())


def another_made_the_whole_outbox_anew(scene: Scene) -> None:
    scene.begin()
    os.rename(scene.path, f"{scene.path}.moved")
    scene.another().append(event())


CASES = [
    another_appended,
    another_appended_a_batch,
    another_began_the_first_cycle,
    another_rolled_as_the_hour_was_over,
    another_rolled_within_the_hour,
    another_rolled_twice,
    another_rolled_and_the_clock_went_back,
    another_grew_the_file,
    another_marked_the_cycle_failed,
    another_marked_the_cycle_failed_and_went_on,
    another_died_before_publishing,
    another_died_before_publishing_a_batch,
    another_died_before_booking,
    another_died_before_booking_a_batch,
    another_died_in_the_first_cycle,
    another_died_when_it_had_ended_the_cycle,
    another_died_when_it_had_linked_the_next_cycle,
    another_died_before_it_linked_the_next_cycle,
    another_died_before_it_linked_the_next_of_a_failed_cycle,
    another_died_between_two_links,
    another_died_when_it_had_begun_the_next_cycle,
    another_died_between_repair_and_append,
    another_died_before_it_marked_the_cycle_failed,
    another_died_before_it_marked_a_cycle_without_a_header_failed,
    another_made_the_state_anew,
    another_made_the_state_anew_and_died,
    another_went_on_behind_a_removed_cycle,
    another_saw_a_removed_cycle_and_died,
    another_made_the_lock_anew,
    another_made_the_whole_outbox_anew,
]
