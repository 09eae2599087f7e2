"""A guess turned around: where the reference client is changed, and by what."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True)
class Mutant:
    """One rule that is not kept.

    Attributes:
        guess: what it does instead.
        caught_by: what notices: ``read``, ``read-after``, ``append`` or ``write`` and a golden
            state, or ``case`` and one of `cases`.
        changes: owner, name of its attribute, replacement.
    """

    guess: str
    caught_by: str
    changes: tuple[tuple[Any, str, Any], ...]


def mutant(guess: str, caught_by: str, *changes: tuple[Any, str, Any]) -> Mutant:
    """Return a mutant with any number of changes."""
    return Mutant(guess, caught_by, changes)
