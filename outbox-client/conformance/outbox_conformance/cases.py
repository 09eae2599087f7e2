"""What one writer does while another holds its session open, and what the other must make of it.

Golden files show one writer at a time; here is the second one, and the second crash. In each case
the client that is tested has appended, then something happens, then it appends again.
"""

from __future__ import annotations

import os
import re
from typing import TYPE_CHECKING

from . import cyclefile, sparsefiles
from .clock import HOUR
from .cyclefile import OVERLAP
from .scene import Scene, event

if TYPE_CHECKING:
    from collections.abc import Callable

    from . import reference

MIB = 1 << 20


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
    _mark_failed(scene)


def another_marked_the_cycle_failed_and_went_on(scene: Scene) -> None:
    scene.begin()
    _mark_failed(scene).append(event())


def _mark_failed(scene: Scene) -> reference.Writer:
    scene.problems.add("missing-eof")
    scene.left_alone.add(scene.newest())
    writer = scene.another()
    writer.mark_newest_failed()
    return writer


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


def another_made_the_state_anew_and_failed_the_cycle(scene: Scene) -> None:
    scene.begin()
    os.remove(os.path.join(scene.path, "outbox.state"))
    _mark_failed(scene).append(event())


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


def the_newest_was_cut_behind_its_last_record(scene: Scene) -> None:
    scene.begin()
    _cut(scene.newest(), 0)


def the_newest_was_cut_within_its_free_header_word(scene: Scene) -> None:
    scene.begin()
    _cut(scene.newest(), 3)


def the_newest_was_cut_where_its_eof_belongs(scene: Scene) -> None:
    the_newest_was_cut_behind_its_last_record(scene)
    scene.clock.advance(HOUR)


def the_one_before_was_cut_behind_its_last_record(scene: Scene) -> None:
    scene.begin()
    one = scene.newest()
    scene.clock.advance(HOUR)
    scene.client.append(1)
    _cut(one, 0)
    os.remove(os.path.join(scene.path, "outbox.state"))  # so that it is opened anew


def _cut(path: str, more: int) -> None:
    file = sparsefiles.load(path)
    last = file.u64(0x40)
    os.truncate(path, last + 4 + file.u32(last) + more)


# --- what whoever may write to the directory does ---


def _points_elsewhere(name: str) -> Callable[[Scene], None]:
    def case(scene: Scene) -> None:
        """A name leads to another outbox for a while, and the client has to go by names."""
        scene.begin()
        other = scene.elsewhere()
        before = sparsefiles.tree(other)
        there = name.replace("CYCLE", os.path.basename(scene.newest()))
        real = os.path.join(scene.path, there).rstrip("/")
        os.rename(real, f"{real}.moved")
        os.symlink(os.path.join(other, there), real)
        scene.clock.advance(HOUR)
        scene.client.try_to_append()
        assert sparsefiles.tree(other) == before, "the other outbox was changed"
        os.unlink(real)
        os.rename(f"{real}.moved", real)

    case.__name__ = f"{re.sub('[^a-zA-Z0-9]+', '_', name or 'the_directory')}_points_elsewhere"
    return case


LINKS = [
    _points_elsewhere(name)
    for name in (
        "",
        "queue",
        "queue/CYCLE",
        "queue/metadata.cq4t",
        "outbox.state",
        "outbox.lock",
        "append.failures",
    )
]


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
    another_made_the_state_anew_and_failed_the_cycle,
    another_went_on_behind_a_removed_cycle,
    another_saw_a_removed_cycle_and_died,
    another_made_the_lock_anew,
    another_made_the_whole_outbox_anew,
    the_newest_was_cut_behind_its_last_record,
    the_newest_was_cut_within_its_free_header_word,
    the_newest_was_cut_where_its_eof_belongs,
    the_one_before_was_cut_behind_its_last_record,
    *LINKS,
]
