"""The Java runtime of the Debian package and the image."""

from __future__ import annotations

import os
import subprocess
from typing import TYPE_CHECKING

from .places import RELAY_JAR, ROOT, built

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

EPOCH = "1767225600"


def make_runtime(root: Path) -> Path:
    """What package and image are made of, below `root`; a few seconds. Returns `root`."""
    built(RELAY_JAR)
    script = ROOT / "ops" / "runtime" / "build.sh"
    _run(str(script), str(root), env={**os.environ, "SOURCE_DATE_EPOCH": EPOCH})
    return root


def make_archive(home: Path) -> Path:
    """The class archive as the package's installation makes it, for the jar of the build.

    Args:
        home: usr/lib/outbox-relay of a runtime.
    """
    archive = home / "outbox-relay.jsa"
    _run(
        str(home / "runtime" / "bin" / "java"),
        "-Xshare:dump",
        f"-XX:SharedClassListFile={home / 'classes.lst'}",
        f"-XX:SharedArchiveFile={archive}",
        *("-cp", built(RELAY_JAR)),
    )
    return archive


def _run(*command: str, env: Mapping[str, str] | None = None) -> None:
    done = subprocess.run(command, env=env, capture_output=True, text=True, check=False)
    if done.returncode != 0:
        raise AssertionError(f"{command} ended with {done.returncode}:\n{done.stderr[-6000:]}")
