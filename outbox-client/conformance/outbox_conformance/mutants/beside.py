"""Guesses about other writers: what is held open is taken for what there is."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

from .. import cyclefile
from ..cyclefile import FAST_HOURLY
from ..entries import CycleView
from ..reference import files, writer
from ..reference.files import State
from ..reference.lock import Lock
from ..reference.session import Session
from .mutant import mutant

if TYPE_CHECKING:
    from ..reference.session import Session as AnySession


def _replaces_a_cycle(queue: str, cycle: int) -> bool:
    path = os.path.join(queue, cyclefile.name(cycle))
    file = cyclefile.new_file(FAST_HOURLY)
    descriptor = files.create(f"{path}.new")
    os.pwrite(descriptor, bytes(file.data), 0)
    os.ftruncate(descriptor, file.size)
    os.close(descriptor)
    os.rename(f"{path}.new", path)
    return True


_SIZE = CycleView.size


def _size_at_first(self: CycleView) -> int:
    known = getattr(self, "known", None)
    if known is None:
        known = _SIZE.__get__(self)
        self.__dict__["known"] = known
    return int(known)


def _is_none(session: AnySession) -> bool:
    return False


MUTANTS = [
    mutant(
        "a link leads to the queue as well",
        "case queue_points_elsewhere",
        (files, "refuse_links", lambda outbox: None),
    ),
    mutant(
        "what is held open decides a roll",
        "case another_rolled_as_the_hour_was_over",
        (writer, "others_went_on", _is_none),
        (files, "new_cycle", _replaces_a_cycle),
    ),
    mutant(
        "no cycle held open is no cycle",
        "case another_began_the_first_cycle",
        (writer, "others_went_on", _is_none),
        (files, "new_cycle", _replaces_a_cycle),
    ),
    mutant(
        "the tail is where it was",
        "case another_appended",
        (Session, "knows_its_tail", lambda self: True),
    ),
    mutant(
        "a file is as long as it was",
        "case another_grew_the_file",
        (CycleView, "size", property(_size_at_first)),
    ),
    mutant(
        "a failed mark is looked at when opening",
        "case another_marked_the_cycle_failed",
        (State, "is_failed", lambda self, cycle: False),
    ),
    mutant(
        "a removed cycle is written to",
        "case another_saw_a_removed_cycle_and_died",
        (Session, "is_current", lambda self: True),
    ),
    mutant(
        "a replaced state is written to",
        "case another_made_the_state_anew",
        (State, "is_current", lambda self: True),
    ),
    mutant(
        "a lock is held under any name",
        "case another_made_the_whole_outbox_anew",
        (Lock, "_has_the_name", lambda self: True),
        (State, "is_current", lambda self: True),
    ),
]
