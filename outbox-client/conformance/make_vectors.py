#!/usr/bin/env python3
"""Write the golden files of outbox-client/vectors anew; a test fails when they are not these."""

from __future__ import annotations

import os
import shutil

from outbox_conformance import goldenfiles
from outbox_conformance.states import STATES


def main() -> None:
    """Write every state, and remove those that are no more."""
    states = [build() for build in STATES]
    for state in states:
        goldenfiles.save(state)
    for name in set(goldenfiles.names()) - {state.name for state in states} - {"README.md"}:
        shutil.rmtree(os.path.join(goldenfiles.VECTORS, name))
    print(f"{len(states)} states in {os.path.normpath(goldenfiles.VECTORS)}")


if __name__ == "__main__":
    main()
