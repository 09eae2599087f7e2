"""The states that the golden files hold, and what a reader and the next append must make of each.

`written` come from writers that die nowhere, `killed` from those that die in between, `batches`
from both; `rolled` are at the edges of the rules. `damaged` come from power cuts, failing disks and
hostile hands where a writer notices, `survivors` from cuts that left records behind a lost page;
`headers` have a damaged one; what `searched` have only readers notice; `rebuilt` lack a file that
can be made anew, and `versions` are of another format.
"""

from __future__ import annotations

from . import (
    batches,
    damaged,
    headers,
    killed,
    rebuilt,
    rolled,
    searched,
    survivors,
    versions,
    written,
)
from .builder import State

STATES = [
    *written.STATES,
    *batches.STATES,
    *rolled.STATES,
    *killed.STATES,
    *damaged.STATES,
    *survivors.STATES,
    *headers.STATES,
    *searched.STATES,
    *rebuilt.STATES,
    *versions.STATES,
]

__all__ = ["STATES", "State"]
