"""Class archives of the two jars, with which the JVMs of a long run of tests start faster."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

_archives: dict[str, Path] = {}


def options(jar: str) -> list[str]:
    """What a JVM of the default JDK takes to start `jar` faster: nothing before it was `made`."""
    archive = _archives.get(jar)
    # One that does not fit, as to another collector, is left aside without a word.
    return [] if archive is None else [f"-XX:SharedArchiveFile={archive}", "-Xlog:cds*=off"]


def making(archive: Path, jvm: Sequence[str]) -> list[str]:
    """The options `jvm` of a process that writes its archive when it ends in order."""
    return [*jvm, f"-XX:ArchiveClassesAtExit={archive}", "-Xlog:cds*=off"]


def made(jar: str, archive: Path) -> None:
    """Have those that start from now on use it."""
    if not archive.exists():
        raise FileNotFoundError(f"{archive}: the JVM of {jar} ended without writing it")
    _archives[jar] = archive
