"""Group commit as it would be if it were wrong: each is found by the states of a history."""

from __future__ import annotations

import os
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any, NamedTuple

from .. import cyclefile
from ..reference import group

if TYPE_CHECKING:
    from collections.abc import Callable

    from ..reference.group import Published
    from ..reference.lock import Lock
    from ..reference.tail import Cycle


class Fault(NamedTuple):
    """A function of the reference client's group commit that is another.

    Attributes:
        what: is wrong.
        history: that shows it.
        name: of the function.
        replacement: for it.
    """

    what: str
    history: str
    name: str
    replacement: Callable[..., Any]


_FLUSH: Any = group.flush


def _flush(descriptor: int) -> None:
    _FLUSH(SimpleNamespace(cycle=SimpleNamespace(descriptor=descriptor)))


def _returns_before(published: Published, lock: Lock, step: Callable[[str], None]) -> None:
    pass


def _flushes_a_fresh_descriptor(published: Published) -> None:
    """It was not open when the error came up, and hears nothing of it."""
    with open(published.cycle.path, "r+b") as fresh:
        _flush(fresh.fileno())


def _flushes_the_newest_cycle(published: Published) -> None:
    queue = os.path.dirname(published.cycle.path)
    newest = cyclefile.name(cyclefile.numbers(os.listdir(queue))[-1])
    with open(os.path.join(queue, newest), "r+b") as cycle:
        _flush(cycle.fileno())


def _advances_first(published: Published, step: Callable[[str], None], *, locked: bool) -> None:
    end = max(published.cycle.word1(), published.last)
    step("word1")
    if locked:
        group.advance(published.state, published.cycle, end)
    step("range")
    group.flush(published)
    step("synced")


def _reads_word1_last(published: Published, step: Callable[[str], None], *, locked: bool) -> None:
    step("word1")
    group.flush(published)
    step("synced")
    if locked:
        end = max(published.cycle.word1(), published.last)
        group.advance(published.state, published.cycle, end)
    step("range")


def _vouches_for_all(cycle: Cycle) -> tuple[int, int]:
    return cycle.first_data, 0


def _takes_any_cycle(self: group.Range, cycle: int, first: int, last: int) -> bool:
    return self.first <= first and last <= self.to


def _looks_at_the_end(self: group.Range, cycle: int, first: int, last: int) -> bool:
    return self.cycle == cycle and last <= self.to


FAULTS = (
    Fault("return before the sync", "group-before", "bring_to_storage", _returns_before),
    Fault("sync of a fresh descriptor", "group-told", "flush", _flushes_a_fresh_descriptor),
    Fault("sync of another cycle's file", "group-roll", "flush", _flushes_the_newest_cycle),
    Fault("range advanced before the sync", "group-before", "sync", _advances_first),
    Fault("word1 read after the sync", "group-after", "sync", _reads_word1_last),
    Fault("vouching from the beginning", "group-told", "vouched_from", _vouches_for_all),
    Fault("a range of another cycle", "group-roll", "Range.covers", _takes_any_cycle),
    Fault("a range's beginning not looked at", "group-told", "Range.covers", _looks_at_the_end),
)
