"""The Java runtime of the Debian package and the image."""

from __future__ import annotations

import os
import subprocess
from typing import TYPE_CHECKING

from .places import RELAY_JAR, ROOT, built

if TYPE_CHECKING:
    from pathlib import Path

EPOCH = "1767225600"


def make_runtime(root: Path) -> Path:
    """What package and image are made of, below `root`; a few seconds. Returns `root`."""
    built(RELAY_JAR)
    script = ROOT / "ops" / "runtime" / "build.sh"
    environment = {**os.environ, "SOURCE_DATE_EPOCH": EPOCH}
    done = subprocess.run(
        [str(script), str(root)], env=environment, capture_output=True, text=True, check=False
    )
    if done.returncode != 0:
        raise AssertionError(f"{script} ended with {done.returncode}:\n{done.stderr[-6000:]}")
    return root
