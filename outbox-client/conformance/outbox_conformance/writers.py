"""The writer programs of both languages, as processes that a test starts, commands and kills."""

from __future__ import annotations

import os
import shlex
import signal
import subprocess
import sys
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, NamedTuple

from . import places
from .waiting import eventually

if TYPE_CHECKING:
    from types import TracebackType

    from typing_extensions import Self

PYTHON, JAVA = "python", "java"
LANGUAGES = (PYTHON, JAVA)
# The command of a third client's writer program, see the README.
PROGRAM = os.environ.get("OUTBOX_CLIENT_PROGRAM")
CLIENTS = (*LANGUAGES, "third") if PROGRAM else LANGUAGES
_JAVA_MAIN = "dev.outboxrelay.conformance.WriterMain"


class Ack(NamedTuple):
    """An append that returned."""

    sequence: int
    event_id: str


class Failure(NamedTuple):
    """An append that raised."""

    number: int
    kind: str
    message: str

    @property
    def maybe_appended(self) -> bool:
        """Whether the client could not tell."""
        return self.message.startswith("maybe-appended ")


@dataclass
class History:
    """What one writer process was told about its appends.

    Attributes:
        writer: its name.
        first: the number of its first event.
        threads: of it, that append at once.
        batch: how many events it appends with a call; it is told to append multiples of that.
        acks: by number.
        failures: in their order.
        doubtful: numbers of which nothing is known.
    """

    writer: str
    first: int
    threads: int
    batch: int = field(default=1, kw_only=True)
    acks: dict[int, Ack] = field(default_factory=dict)
    failures: list[Failure] = field(default_factory=list)
    doubtful: set[int] = field(default_factory=set)

    def as_known_at(self, earlier: History) -> History:
        """Return what was known earlier; what came later may have happened or not.

        After a power cut there is nobody left to acknowledge to, but in a test there is.
        """
        later = self.acks.keys() | {failure.number for failure in self.failures}
        return replace(earlier, doubtful=(later - earlier.acks.keys()) | self.in_doubt())

    def in_doubt(self) -> set[int]:
        """Numbers that may or may not have become events, as the process died over them."""
        failed = self._failed(self.failures)
        maybe = self._failed([each for each in self.failures if each.maybe_appended])
        last = max(self.acks.keys() | failed, default=self.first - 1)
        started = set(range(self.first, last + 1 + self.threads * self.batch))
        return (started - self.acks.keys() - failed) | maybe | self.doubtful

    def _failed(self, failures: list[Failure]) -> set[int]:
        """Return the numbers of all events of batches that failed; told is the first of each."""
        return {each.number + member for each in failures for member in range(self.batch)}


def command(language: str, outbox: str, writer: str, options: dict[str, object]) -> list[str]:
    """Return the command line of a writer program."""
    program = str(options.get("program", "writer.py"))
    if language == PYTHON:
        start = [sys.executable, "-S", str(places.CONFORMANCE / program)]
    elif language != JAVA and PROGRAM:
        start = shlex.split(PROGRAM)
    else:
        jars = (places.CONFORMANCE_JAR, places.CLIENT_JAR)
        classpath = ":".join(map(places.built, jars))
        start = [places.java(), *places.QUICK_JVM, "-cp", classpath, _JAVA_MAIN]
    arguments = [
        f"--{name.replace('_', '-')}={value}"
        for name, value in options.items()
        if name not in ("program", "prefix")
    ]
    prefix = shlex.split(str(options.get("prefix", "")))  # as another user
    return [*prefix, *start, f"--dir={outbox}", f"--writer={writer}", *arguments]


class Writer:
    """A running writer program. Its output goes to a file, so that nothing it said is lost.

    Without `count` it appends when `append` says so, and outlives errors.
    """

    def __init__(
        self, language: str, outbox: str, writer: str, log: str, **options: object
    ) -> None:
        self.language = language
        self.writer = writer
        self.log = log
        self._first = int(str(options.get("first", 0)))
        self._threads = int(str(options.get("threads", 1)))
        self._batch = int(str(options.get("batch", 1)))
        self._commands = 0
        environment = dict(os.environ, PYTHONPATH=str(places.PYTHON_CLIENT), PYTHONDEVMODE="")
        with open(log, "xb") as output:
            self.process = subprocess.Popen(
                places.guarded(command(language, outbox, writer, options)),
                stdin=subprocess.PIPE,
                stdout=output,
                env=environment,
            )

    # --- what it says ---

    def lines(self) -> list[str]:
        """Return the whole lines that it has printed."""
        with open(self.log, encoding="utf-8") as log:
            text = log.read()
        return text[: text.rfind("\n") + 1].splitlines()

    def history(self) -> History:
        """Return what it was told about its appends so far."""
        known = History(self.writer, self._first, self._threads, batch=self._batch)
        return history_of(self.lines(), known)

    def has_acks(self) -> bool:
        """Whether it appends already."""
        return self._running() and b"\nack " in self._head()

    def _head(self) -> bytes:
        with open(self.log, "rb") as log:
            return log.read(200)

    def await_acks(self, count: int) -> Self:
        """Wait until it has so many."""
        eventually(
            f"{count} acks of {self.writer}",
            lambda: self._running() and len(self.history().acks) >= count,
        )
        return self

    def await_ready(self) -> Self:
        """Wait until it has started."""
        eventually(f"{self.writer} is ready", lambda: self._running() and self.lines())
        return self

    def _running(self) -> bool:
        if self.process.poll() is not None and not self.lines():
            raise AssertionError(f"{self.writer} ended with {self.process.returncode} at once")
        return True

    # --- what it is told ---

    def command(self, line: str) -> None:
        """Give it a line of orders, and do not wait."""
        assert self.process.stdin is not None
        self.process.stdin.write(line.encode() + b"\n")
        self.process.stdin.flush()
        self._commands += 1

    def order(self, count: int = 1) -> None:
        """Tell it to append, and do not wait."""
        self.command(str(count))

    def append(self, count: int = 1) -> History:
        """Tell it to append, wait until it has or has failed, and return what came of it."""
        before = self.history()
        self.order(count)
        self.await_done()
        now = self.history()
        now.acks = {n: ack for n, ack in now.acks.items() if n not in before.acks}
        now.failures = now.failures[len(before.failures) :]
        return now

    def await_done(self) -> None:
        """Wait until it has done all that it was told to, or has ended."""
        eventually(f"{self.writer} is done", self.is_done, every=0.002)

    def is_done(self) -> bool:
        """Whether it has done all that it was told to, or has ended."""
        return self.lines().count("done") == self._commands or self.process.poll() is not None

    def wait(self, within: float = 120.0) -> int:
        """Wait until it ends; return its exit status."""
        assert self.process.stdin is not None
        self.process.stdin.close()
        return self.process.wait(within)

    def signal(self, number: signal.Signals) -> None:
        """Send a signal."""
        self.process.send_signal(number)

    def kill(self) -> None:
        """SIGKILL, and wait until it is gone."""
        self.process.kill()
        self.process.wait()
        if self.process.stdin is not None and not self.process.stdin.closed:
            self.process.stdin.close()

    def await_stopped(self) -> None:
        """Wait until a SIGSTOP has stopped all of it."""
        pid = self.process.pid
        eventually(f"{self.writer} is stopped", lambda: _state(pid) == "T")

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        if self.process.poll() is None:
            self.process.send_signal(signal.SIGCONT)
        self.kill()


def history_of(lines: list[str], history: History) -> History:
    """Add what a writer program has printed to a history."""
    for line in lines:
        kind, *words = line.split(" ", 3)
        if kind == "ack":
            history.acks[int(words[0])] = Ack(int(words[1]), words[2])
        elif kind == "error":
            history.failures.append(Failure(int(words[0]), words[1], words[2]))
    return history


def _state(pid: int) -> str:
    with open(f"/proc/{pid}/stat", encoding="utf-8") as stat:
        return stat.read().rpartition(") ")[2][0]


class Server:
    """A writer program that appends to many outboxes, so that a test pays for its start once.

    It keeps an outbox open for each name that it appended as.
    """

    def __init__(self, language: str, log: str, **options: object) -> None:
        self.language = language
        self._program = Writer(language, "/nowhere", "server", log, **options)
        self._histories: dict[tuple[str, str], History] = {}

    @property
    def pid(self) -> int:
        """Of the program."""
        return self._program.process.pid

    def append(self, outbox: str, writer: str, count: int = 1) -> History:
        """Append and return what became of these events."""
        program = self._program
        before = len(program.lines())
        program.command(f"{count}\t{outbox}\t{writer}")
        program.await_done()
        assert program.process.poll() is None, "the server has ended"
        now = history_of(program.lines()[before:], History(writer, 0, threads=1))
        all_of_it = self._histories.setdefault((outbox, writer), History(writer, 0, threads=0))
        all_of_it.acks.update(now.acks)
        all_of_it.failures += now.failures
        return now

    def histories(self, outbox: str) -> list[History]:
        """Return all histories of an outbox, and close it."""
        found = [key for key in self._histories if key[0] == outbox]
        for _, writer in found:
            self._program.command(f"forget\t{outbox}\t{writer}")
        return [self._histories.pop(key) for key in found]

    def end(self) -> None:
        """End the program."""
        self._program.__exit__(None, None, None)


class Writers:
    """Starts writer programs with distinct logs, and ends them all."""

    def __init__(self, logs: str) -> None:
        self._logs = logs
        self._all: list[Writer] = []

    def start(self, language: str, outbox: str, writer: str, **options: object) -> Writer:
        """Start a writer program; `append(...)` it, or give it a `count`."""
        log = os.path.join(self._logs, f"{len(self._all):04}-{writer}.log")
        started = Writer(language, outbox, writer, log, **options)
        self._all.append(started)
        return started

    def histories(self) -> list[History]:
        """Return what all writers were told so far."""
        return [writer.history() for writer in self._all]

    def end(self) -> None:
        """Kill those that still run."""
        for writer in self._all:
            writer.__exit__(None, None, None)
