"""Writer processes in both languages: started, killed, and started again under a new name."""

from __future__ import annotations

import sys
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING

from .check import check
from .child import Child, clean_environment
from .ledger import SUFFIX, Ledgers
from .places import CLIENT_JAR, ROOT, built, java
from .topics import read_topic

if TYPE_CHECKING:
    from collections.abc import Callable
    from types import TracebackType

    from typing_extensions import Self

    from .check import Findings

PYTHON_PATH = str(Path(__file__).resolve().parents[1])
JAVA_SOURCE = ROOT / "relay" / "demo" / "AppendEvents.java"
# A JVM that ends on SIGTERM in order says so by this code.
JAVA_TERMINATED = 143


@dataclass(frozen=True)
class Traffic:
    """What the writers of one run have in common.

    Args:
        outbox: the directory of the outbox.
        topic: where the events go.
        ledgers: a directory of its own for the ledger files.
        rate: events per second of each writer; 0: no limit.
        size: bytes of a value.
    """

    outbox: Path
    topic: str
    ledgers: Path
    rate: float = 200.0
    size: int = 1024

    def at_full_speed(self) -> Traffic:
        """The same without a pace."""
        return replace(self, rate=0.0)

    def read(self) -> Ledgers:
        """What the writers tried and what was acked to them so far."""
        return Ledgers.read(self.ledgers)

    def check(self, bootstrap: str) -> Findings:
        """Compare the ledgers with what is in the topic now."""
        return check(self.read(), read_topic(bootstrap, self.topic))


class Writer:
    """One writer process after another, each with a ledger file and a key of its own."""

    def __init__(
        self, name: str, traffic: Traffic, command: Callable[[str], list[str]], *, stopped: int
    ) -> None:
        self.name = name
        self.started = 0
        self._ledgers = traffic.ledgers
        self._command = command
        self._stopped = stopped
        self._child: Child | None = None

    @classmethod
    def python(cls, name: str, traffic: Traffic, *, count: int | None = None) -> Writer:
        """A Python process; with `count` it ends by itself after so many events."""

        def command(incarnation: str) -> list[str]:
            return [
                *(sys.executable, "-m", "harness.writer", "--name", incarnation),
                *("--outbox", str(traffic.outbox), "--topic", traffic.topic),
                *("--ledgers", str(traffic.ledgers), "--rate", str(traffic.rate)),
                *("--size", str(traffic.size)),
                *(() if count is None else ("--count", str(count))),
            ]

        return cls(name, traffic, command, stopped=0)

    @classmethod
    def java(cls, name: str, traffic: Traffic) -> Writer:
        """A Java process, run from its source."""

        def command(incarnation: str) -> list[str]:
            return [
                *(java(), "-Xmx64m", "-XX:+UseSerialGC", "-XX:TieredStopAtLevel=1"),
                *("-cp", built(CLIENT_JAR), str(JAVA_SOURCE), incarnation, str(traffic.outbox)),
                *(traffic.topic, str(traffic.ledgers), str(traffic.rate), str(traffic.size)),
            ]

        return cls(name, traffic, command, stopped=JAVA_TERMINATED)

    @property
    def running(self) -> bool:
        return self._child is not None and self._child.running

    @property
    def incarnation(self) -> str:
        """Names the present process, its ledger and its events' key."""
        return f"{self.name}-{self.started}"

    def has_appended(self) -> bool:
        """Whether an append of the present process was acked; an error when it has ended."""
        self.assert_running()
        ledger = self._ledgers / f"{self.incarnation}{SUFFIX}"
        return ledger.exists() and b"\nack " in ledger.read_bytes()

    def start(self) -> None:
        """Start the next process; the one before must have ended."""
        if self.running:
            raise AssertionError(f"writer {self.name} runs already")
        self.started += 1
        environment = {**clean_environment(), "PYTHONPATH": PYTHON_PATH}
        command = self._command(self.incarnation)
        log = self._ledgers / f"{self.name}.log"
        self._child = Child(command, log=log, env=environment)

    @property
    def child(self) -> Child:
        if self._child is None:
            raise AssertionError(f"writer {self.name} was not started")
        return self._child

    def kill(self) -> None:
        """SIGKILL. An error when it had ended by itself before."""
        self.assert_running()
        self.child.kill()

    def kill_if_running(self) -> None:
        if self.running:
            self.child.kill()

    def assert_running(self) -> None:
        if not self.running:
            raise AssertionError(
                f"writer {self.name} ended with {self.child.exit_code}:\n{self.child.output()}"
            )

    def stop(self, within: float = 60.0) -> None:
        """SIGTERM: it ends after the append it is at. An error when it had ended by itself."""
        self.assert_running()
        self.child.terminate()
        self.finish(within, code=self._stopped)

    def finish(self, within: float = 120.0, *, code: int = 0) -> None:
        """Wait until it has appended its `count` events."""
        ended = self.child.wait(within)
        if ended != code:
            raise AssertionError(
                f"writer {self.name} ended with {ended}, not {code}:\n{self.child.output()}"
            )

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self.kill_if_running()
