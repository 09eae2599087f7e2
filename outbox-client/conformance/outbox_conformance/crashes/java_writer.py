"""A writer in a JVM that stops after each change until that is recorded."""

from __future__ import annotations

import subprocess
import time
from typing import TYPE_CHECKING

from .. import places
from ..clock import Clock
from ..writers import JAVA, History, command, history_of
from .oplog import Enter, Leave, Operation, Resize, Sync, Write

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from ..writers import Ack
    from .recording import Recorder

_OPENED = ("java.io", "java.nio", "sun.nio.ch")
#: Of the sync lock: that it is tried for, and that it is had.
_CHANGE_NOTHING = ("try", "lock")
#: Of a value, and of batches.
SIZE, BATCH = 300, 3


def in_batches(durability: str) -> str:
    """Return what a writer of batches is called."""
    return f"{durability} in batches"


def writers(directory: str, roll_bytes: int) -> dict[str, JavaWriter]:
    """Start writers of both durabilities, of single events and of batches."""
    return {
        name(durability): JavaWriter(
            directory, durability=durability, roll_bytes=roll_bytes, batch=batch
        )
        for durability in ("process", "power")
        for name, batch in ((str, None), (in_batches, BATCH))
    }


class JavaWriter:
    """Appends to one outbox after the other, and tells their recorders."""

    def __init__(
        self, directory: str, *, durability: str, roll_bytes: int, batch: int | None = None
    ) -> None:
        """Start it.

        Args:
            directory: for the file with its clock.
            durability: ``"process"`` or ``"power"``.
            roll_bytes: as the client knows it.
            batch: how many events it appends with each call; None for one by itself.
        """
        self._clock = Clock(f"{directory}/clock-of-{durability}-{batch}-{roll_bytes}")
        options: dict[str, object] = {
            "clock_offset_file": self._clock.path,
            "durability": durability,
            "roll_bytes": roll_bytes,
            "size": SIZE,
            "record": "yes",
        }
        if batch is not None:
            options["batch"] = batch
        program, *arguments = command(JAVA, "/nowhere", "recorded", options)
        opened = [f"--add-opens=java.base/{package}=ALL-UNNAMED" for package in _OPENED]
        self._process = subprocess.Popen(
            places.guarded([program, *opened, *arguments]),
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            text=True,
            bufsize=1,
        )
        assert self._line() == "ready"

    def append(
        self,
        recorder: Recorder,
        outbox: str,
        name: str,
        now: int,
        count: int = 1,
        by_the_way: Callable[[str, str], None] = lambda operation, label: None,
    ) -> dict[int, Ack]:
        """Append events; all that is done for them is recorded.

        Args:
            recorder: is told.
            outbox: its path.
            name: of the writer.
            now: milliseconds since the epoch.
            count: of the events.
            by_the_way: called with each operation and its label, before the JVM goes on.
        """
        self._clock.set(now - time.time_ns() // 1_000_000)
        told = []
        for line in self._order(f"{count}\t{outbox}\t{name}"):
            if line.startswith("op "):
                words = line.split(" ")[1:]
                if words[0] not in _CHANGE_NOTHING:
                    recorder.add(_operation(recorder, words))
                by_the_way(words[0], words[1])
                self._say("go")
            else:
                told.append(line)
        return history_of(told, History(name, 0, threads=1)).acks

    def forget(self, outbox: str, name: str) -> None:
        """Close an outbox."""
        assert not list(self._order(f"forget\t{outbox}\t{name}"))

    def _order(self, line: str) -> Iterator[str]:
        self._say(line)
        return iter(self._line, "done")

    def _say(self, line: str) -> None:
        assert self._process.stdin is not None
        self._process.stdin.write(line + "\n")
        self._process.stdin.flush()

    def _line(self) -> str:
        assert self._process.stdout is not None
        line = self._process.stdout.readline()
        if not line:
            raise AssertionError("the JVM has ended")
        return line.rstrip("\n")

    def end(self) -> None:
        """End the JVM."""
        self._process.kill()
        self._process.communicate()


def _operation(recorder: Recorder, words: list[str]) -> Operation:
    """Return what a line of RecordingDisk says."""
    kind, label, inode, *rest = words
    node = recorder.node(int(inode))
    if kind in ("write", "store"):
        return Write(label, node, int(rest[0]), bytes.fromhex(rest[1]), store=kind == "store")
    if kind == "resize":
        return Resize(label, node, int(rest[0]))
    if kind == "link":
        return Enter(label, node, rest[0], recorder.node(int(rest[1])))
    if kind == "unlink":
        return Leave(label, node, rest[0])
    assert kind == "sync"
    return Sync(label, node)
