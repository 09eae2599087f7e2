"""What is on disk after a crash."""

from __future__ import annotations

import os
from dataclasses import dataclass


@dataclass(frozen=True)
class Image:
    """One file of a state: its length, and its blocks that are not all zero."""

    node: int
    size: int
    pieces: tuple[tuple[int, bytes], ...]


@dataclass(frozen=True)
class State:
    """What a crash left.

    Attributes:
        directories: their paths, each before what it holds.
        files: by path.
        point: how many operations of the log had been done.
        how: the choices that lead here.
    """

    directories: tuple[str, ...]
    files: dict[str, Image]
    point: int
    how: str

    def key(self) -> int:
        """Return the same for states that are the same."""
        return hash((self.directories, tuple(sorted(self.files.items(), key=_path))))

    def materialise(self, parent: str) -> None:
        """Write it into a directory. The umask is to be 0o007."""
        for path in self.directories:
            os.mkdir(f"{parent}/{path}")
            os.chmod(f"{parent}/{path}", 0o2770)
        links: dict[int, str] = {}
        for path, image in self.files.items():
            name = f"{parent}/{path}"
            if image.node in links:
                os.link(links[image.node], name)
                continue
            links[image.node] = name
            descriptor = os.open(name, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o660)
            for offset, data in image.pieces:
                os.pwrite(descriptor, data, offset)
            os.ftruncate(descriptor, image.size)
            os.close(descriptor)


def _path(item: tuple[str, Image]) -> str:
    return item[0]
