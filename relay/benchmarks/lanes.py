"""Contestants as processes that work on command, so that rounds of all of them can take turns."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from time import perf_counter
from typing import TYPE_CHECKING

from figures import Round

from harness.child import clean_environment
from harness.places import CLIENT_JAR, ROOT, built, java

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence
    from types import TracebackType

    from typing_extensions import Self

PROGRAMS = Path(__file__).resolve().parent / "programs"
BENCHMARKS_JAR = ROOT / "relay" / "benchmarks" / "target" / "benchmarks.jar"
BENCHMARKS_CLASSES = ROOT / "relay" / "benchmarks" / "target" / "classes"
PACKAGE = "dev.outboxrelay.benchmarks"
# What Chronicle needs of the JDK; `java -cp` does not read a jar's manifest for these.
CHRONICLE = (
    *(
        f"--add-opens=java.base/{package}=ALL-UNNAMED"
        for package in ("sun.nio.ch", "java.lang", "java.lang.reflect", "java.io", "java.util")
    ),
    "--add-exports=java.base/jdk.internal.ref=ALL-UNNAMED",
    "-Dchronicle.analytics.disable=true",
    "-Dchronicle.announcer.disable=true",
)


def python_program(name: str, *arguments: object) -> list[str]:
    return [sys.executable, str(PROGRAMS / f"{name}.py"), *map(str, arguments)]


def java_program(name: str, *arguments: object, jvm: Sequence[str] = ()) -> list[str]:
    """With everything on the classpath."""
    return [java(), *jvm, "-cp", built(BENCHMARKS_JAR), f"{PACKAGE}.{name}", *map(str, arguments)]


def java_client_program(name: str, *arguments: object, jvm: Sequence[str] = ()) -> list[str]:
    """With nothing but the Java client on the classpath, as in a user's process."""
    path = f"{built(CLIENT_JAR)}:{BENCHMARKS_CLASSES}"
    return [java(), *jvm, "-cp", path, f"{PACKAGE}.{name}", *map(str, arguments)]


class Lane:
    """A process that answers each line "N" by doing N operations and telling their quantiles.

    Args:
        command: starts it; it says "ready" when it is.
        operations: of one round.
        log: its stderr.
        warm_up: rounds whose figures are dropped.
        environment: of it, beside ours.
    """

    def __init__(
        self,
        command: Sequence[str],
        operations: int,
        log: Path,
        *,
        warm_up: int = 1,
        environment: Mapping[str, str] | None = None,
    ) -> None:
        self.command = list(command)
        self.operations = operations
        self.rounds: list[Round] = []
        self._warm_up = warm_up
        self._log = log
        self._environment = dict(environment or {})
        self._process: subprocess.Popen[str] | None = None

    def start(self) -> None:
        with self._log.open("ab") as errors:
            self._process = subprocess.Popen(
                ["setpriv", "--pdeathsig", "KILL", *self.command],
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=errors,
                text=True,
                env=clean_environment() | self._environment,
            )
        if self._answer() != "ready":
            raise self._broken()
        for _ in range(self._warm_up):
            self._work()

    def round(self) -> Round:
        done = self._work()
        self.rounds.append(done)
        return done

    def command_round(self) -> None:
        """Begin a round without waiting for its end: for rounds of many lanes at once."""
        assert self._process is not None
        assert self._process.stdin is not None
        self._process.stdin.write(f"{self.operations}\n")
        self._process.stdin.flush()

    def finish_round(self) -> Round:
        return Round(**json.loads(self._answer()))

    def stop(self) -> None:
        if self._process is not None:
            process, self._process = self._process, None
            process.communicate()

    def _work(self) -> Round:
        self.command_round()
        return self.finish_round()

    def _answer(self) -> str:
        assert self._process is not None
        assert self._process.stdout is not None
        line = self._process.stdout.readline()
        if not line:
            raise self._broken()
        return line.strip()

    def _broken(self) -> RuntimeError:
        errors = self._log.read_text(errors="replace")[-4000:]
        return RuntimeError(f"a contestant ended: {self.command}\n{errors}")

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self.stop()


def together(lanes: Sequence[Lane]) -> tuple[float, list[Round]]:
    """A round of all at once: the operations per second, and what each says of its own."""
    start = perf_counter()
    for lane in lanes:
        lane.command_round()
    rounds = [lane.finish_round() for lane in lanes]
    took = perf_counter() - start
    return sum(done.operations for done in rounds) / took, rounds


def take_turns(lanes: Mapping[str, Lane], rounds: int) -> dict[str, list[Round]]:
    """Rounds in the order A B C C B A A B C …: what drifts meets all alike."""
    order: Iterable[Lane] = list(lanes.values())
    for lane in order:
        lane.start()
    try:
        for _ in range(rounds):
            for lane in order:
                lane.round()
            order = list(reversed(list(order)))
    finally:
        for lane in lanes.values():
            lane.stop()
    return {name: lane.rounds for name, lane in lanes.items()}
