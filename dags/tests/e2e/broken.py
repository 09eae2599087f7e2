"""Ways in which an outbox is broken while Airflow goes on, and whole again afterwards."""

from __future__ import annotations

import errno
import os
import shutil
import signal
import sys
import tempfile
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from outbox_conformance.mounts import Tmpfs

from harness.child import Child
from harness.waiting import eventually

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from contextlib import AbstractContextManager

    Broken = Callable[[Path], AbstractContextManager[None]]

# Takes the writers' lock as a client does, and keeps it.
HOLD = """
import fcntl, os, signal, struct, sys
fd = os.open(sys.argv[1], os.O_RDWR)
fcntl.fcntl(fd, fcntl.F_OFD_SETLK, struct.pack("hhqqi4x", fcntl.F_WRLCK, 0, 0, 1, 0))
print("held", flush=True)
signal.pause()
"""


@contextmanager
def _moved_away(outbox: Path) -> Iterator[Path]:
    """Nothing at the outbox's place, not even its parent; yields where it is."""
    away = outbox.parent.with_name("away")
    outbox.parent.rename(away)
    yield away / outbox.name
    away.rename(outbox.parent)


def _put_aside(place: Path) -> None:
    """Remove a place, with what a callback that came late may have made there just now."""
    place.rename(tempfile.mkdtemp(prefix="left-", dir=place.parent))


@contextmanager
def missing(outbox: Path) -> Iterator[None]:
    """Its parent is not there."""
    with _moved_away(outbox):
        yield


@contextmanager
def no_directory(outbox: Path) -> Iterator[None]:
    """A file has its name."""
    with _moved_away(outbox):
        outbox.parent.mkdir()
        outbox.touch()
        yield
        _put_aside(outbox.parent)


@contextmanager
def _on_a_file_system_of_its_own(outbox: Path) -> Iterator[Tmpfs]:
    with _moved_away(outbox) as whole:
        with Tmpfs(str(outbox.parent), "size=64m") as disk:
            outbox.mkdir()
            shutil.copystat(whole, outbox)
            for path in whole.rglob("*"):
                here = outbox / path.relative_to(whole)
                if path.is_dir():
                    here.mkdir()
                    shutil.copystat(path, here)
                elif path.stat().st_size < 1 << 20:
                    # Without the cycles: the next append makes a new one, if it can.
                    shutil.copy2(path, here)
            yield disk
        _put_aside(outbox.parent)


@contextmanager
def read_only(outbox: Path) -> Iterator[None]:
    """It is on a file system that is mounted read-only."""
    with _on_a_file_system_of_its_own(outbox) as disk:
        disk.resize("ro")
        yield


@contextmanager
def full(outbox: Path) -> Iterator[None]:
    """Its file system has no block left."""
    with _on_a_file_system_of_its_own(outbox) as disk:
        with open(os.path.join(disk.path, "filler"), "wb", buffering=0) as filler:
            try:
                while True:
                    filler.write(bytes(4096))
            except OSError as problem:
                if problem.errno != errno.ENOSPC:
                    raise
        yield


@contextmanager
def stopped_holder(outbox: Path) -> Iterator[None]:
    """A process was stopped (SIGSTOP) while it held the writers' lock."""
    log = outbox.parent.with_name("holder.log")
    with Child([sys.executable, "-c", HOLD, str(outbox / "outbox.lock")], log=log) as holder:
        eventually("the lock is held", lambda: "held" in holder.output())
        holder.signal(signal.SIGSTOP)
        stat = Path(f"/proc/{holder.pid}/stat")
        eventually("it is stopped", lambda: stat.read_text().rpartition(")")[2].split()[0] == "T")
        yield
