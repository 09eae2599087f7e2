"""What a writer was about to append and what was acked to it, in a file that survives its SIGKILL.

One file per writer process, one line per step, each written by one system call:

    try NUMBER
    ack NUMBER SEQUENCE EVENT-ID NANOSECONDS UNIX-MILLISECONDS

NUMBER counts a writer process's own appends from 0; NANOSECONDS is how long the append took. A
`try` without `ack` may or may not have become an event.
"""

from __future__ import annotations

import json
import os
import time
from dataclasses import dataclass
from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from pathlib import Path

SUFFIX = ".ledger"


class Append(NamedTuple):
    """Identifies one append: the writer process and its own count."""

    writer: str
    number: int

    def value(self, size: int) -> bytes:
        """The event's value: it tells which append it came from, padded to `size` bytes."""
        head = json.dumps({"writer": self.writer, "number": self.number, "padding": ""}).encode()
        return head[:-2] + b"x" * (size - len(head)) + head[-2:]

    @classmethod
    def from_value(cls, value: bytes | None) -> Append | None:
        """The append that made this value; None when no writer of ours did."""
        try:
            content = json.loads(value or b"")
            return cls(str(content["writer"]), int(content["number"]))
        except (ValueError, KeyError, TypeError):
            return None


@dataclass(frozen=True)
class Ack:
    """An append that returned."""

    append: Append
    sequence: int
    event_id: str
    nanoseconds: int
    unix_milliseconds: int


@dataclass(frozen=True)
class Ledgers:
    """All that the writers of one run tried, and what of it was acked."""

    tried: frozenset[Append]
    acked: tuple[Ack, ...]

    @classmethod
    def read(cls, directory: Path) -> Ledgers:
        """Read the files of all writers; a torn last line is left out."""
        tried: set[Append] = set()
        acked: list[Ack] = []
        for path in sorted(directory.glob(f"*{SUFFIX}")):
            whole = path.read_bytes()
            for line in whole[: whole.rfind(b"\n") + 1].splitlines():
                step = _parse(path.name.removesuffix(SUFFIX), line.decode())
                if isinstance(step, Ack):
                    acked.append(step)
                else:
                    tried.add(step)
        return cls(frozenset(tried), tuple(acked))

    @property
    def writers(self) -> frozenset[str]:
        """The writer processes that have tried anything."""
        return frozenset(append.writer for append in self.tried)


def _parse(writer: str, line: str) -> Append | Ack:
    step, number, *rest = line.split(" ")
    append = Append(writer, int(number))
    if step == "try":
        return append
    sequence, event_id, nanoseconds, milliseconds = rest
    return Ack(append, int(sequence), event_id, int(nanoseconds), int(milliseconds))


class LedgerTail:
    """Follows the ledgers while they grow: `acked` counts what it has seen of all writers."""

    def __init__(self, directory: Path) -> None:
        self.acked = 0
        self._directory = directory
        self._offsets: dict[Path, int] = {}

    def read(self) -> list[int]:
        """How long the appends acked since the last call took, in nanoseconds."""
        taken: list[int] = []
        for path in self._directory.glob(f"*{SUFFIX}"):
            offset = self._offsets.get(path, 0)
            with path.open("rb") as file:
                file.seek(offset)
                news = file.read()
            news = news[: news.rfind(b"\n") + 1]
            self._offsets[path] = offset + len(news)
            steps = (_parse(path.name, line.decode()) for line in news.splitlines())
            taken += [step.nanoseconds for step in steps if isinstance(step, Ack)]
        self.acked += len(taken)
        return taken


class LedgerWriter:
    """Writes the ledger of one writer process."""

    def __init__(self, directory: Path, writer: str) -> None:
        self._fd = os.open(
            directory / f"{writer}{SUFFIX}",
            os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_APPEND | os.O_CLOEXEC,
            0o644,
        )

    def trying(self, number: int) -> None:
        os.write(self._fd, b"try %d\n" % number)

    def acked(self, number: int, sequence: int, event_id: object, nanoseconds: int) -> None:
        now = time.time_ns() // 1_000_000
        os.write(self._fd, f"ack {number} {sequence} {event_id} {nanoseconds} {now}\n".encode())
