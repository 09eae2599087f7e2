"""Each guess that is turned around is caught by the golden state or the case named for it."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from outbox_conformance import cases, scene, trying
from outbox_conformance.mutants import MUTANTS, Mutant
from outbox_conformance.scene import ReferenceClient, Scene

if TYPE_CHECKING:
    from outbox_conformance.clock import Clock

TRIES = {
    "read": trying.reads,
    "read-after": trying.reads_after,
    "append": trying.next_append,
    "write": trying.same_bytes,
}


def _try(check: str, outbox: str, clock: Clock) -> None:
    kind, name = check.split()
    if kind == "case":
        (case,) = [case for case in cases.CASES if case.__name__ == name]
        scene.run(case, Scene(outbox, clock, ReferenceClient))
    else:
        TRIES[kind](name, outbox)


@pytest.mark.parametrize("mutant", MUTANTS, ids=lambda mutant: mutant.guess)
def test_a_guess_is_caught(
    mutant: Mutant, outbox: str, clock: Clock, monkeypatch: pytest.MonkeyPatch
) -> None:
    for owner, name, replacement in mutant.changes:
        monkeypatch.setattr(owner, name, replacement)
    with pytest.raises(AssertionError):
        _try(mutant.caught_by, outbox, clock)


def test_what_catches_a_guess_passes_without_it() -> None:
    """All golden states and cases do: see test_reference.py, test_vectors.py and test_cases.py."""
    for mutant in MUTANTS:
        kind, name = mutant.caught_by.split()
        known = [case.__name__ for case in cases.CASES] if kind == "case" else trying.NAMES
        assert name in known
