"""The reference client with one guess turned around each.

A client that guessed so, where FORMAT.md left it a choice or was not read to its end, passed too
many golden files once: each of these is caught by one that is named, or by a case.
"""

from __future__ import annotations

from . import beside, finding, reading, rolling
from .mutant import Mutant

MUTANTS = [*reading.MUTANTS, *finding.MUTANTS, *rolling.MUTANTS, *beside.MUTANTS]

__all__ = ["MUTANTS", "Mutant"]
