"""The states that the golden files hold, and what a reader and the next append must make of each.

`written` come from writers that die nowhere, `killed` from those that die in between, `damaged`
from power cuts, failing disks and hostile hands, `rebuilt` lack a file that can be made anew.
"""

from __future__ import annotations

from . import damaged, killed, rebuilt, written
from .builder import State

STATES = [*written.STATES, *killed.STATES, *damaged.STATES, *rebuilt.STATES]

__all__ = ["STATES", "State"]
