"""What the sections share: how long to measure, where, and the broker."""

from __future__ import annotations

import shutil
import tempfile
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from lanes import Lane, java_client_program

from harness.broker import Broker
from harness.relay import Relay

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from types import TracebackType

    from typing_extensions import Self

# As operators are told to run it.
RELAY_JVM = ("-Xmx64m", "-XX:+UseSerialGC", "-XX:TieredStopAtLevel=1")
# Its throughput is measured: all of the compiler, and no heap that is the limit.
BROKER_JVM = ("-Xmx512m",)
# In rounds that take turns, a contestant must not be charged for the JIT's work.
JVM_WARM_UP = 4


@dataclass(frozen=True)
class Scale:
    """How much is measured.

    Args:
        name: quick, normal or full.
        rounds: how often each contestant has its turn.
        share: of a normal run's operations per round.
    """

    name: str
    rounds: int
    share: float

    def of(self, operations: int) -> int:
        return max(1, round(operations * self.share))


QUICK = Scale("quick", rounds=3, share=0.3)
NORMAL = Scale("normal", rounds=7, share=1.0)
FULL = Scale("full", rounds=11, share=1.0)


class Arena:
    """A directory on a real disk and, once it is asked for, a broker; both gone at the end.

    Args:
        scale: how much to measure.
        parent: where the directory is made. Not on tmpfs, where a sync costs nothing.
    """

    def __init__(self, scale: Scale, parent: Path) -> None:
        self.scale = scale
        parent.mkdir(parents=True, exist_ok=True)
        self.place = Path(tempfile.mkdtemp(prefix="bench-", dir=parent))
        self._stack = ExitStack()
        self._broker: Broker | None = None
        self._names = 0
        self._kept = False

    def keep(self) -> Path:
        """Leave the directory behind; it is returned."""
        self._kept = True
        return self.place

    def directory(self, name: str) -> Path:
        """A fresh, empty one."""
        self._names += 1
        path = self.place / f"{name}-{self._names}"
        path.mkdir()
        return path

    def log(self, name: str) -> Path:
        return self.place / f"{name}.log"

    @property
    def broker(self) -> Broker:
        """One for all sections; a section that stops it starts it again."""
        if self._broker is None:
            self._broker = self._stack.enter_context(Broker(self.place / "kafka", jvm=BROKER_JVM))
        return self._broker

    def topic(self, name: str) -> str:
        """A fresh one with one partition."""
        self._names += 1
        return self.broker.create_topic(f"{name}-{self._names}")

    def relay(
        self,
        outbox: Path,
        *,
        settings: Mapping[str, str] | None = None,
        java_home: str | None = None,
        jvm: Sequence[str] = RELAY_JVM,
    ) -> Relay:
        """Not started yet."""
        return Relay(
            outbox,
            self.broker.bootstrap,
            log=self.log("relay"),
            settings=settings,
            java_home=java_home,
            jvm=tuple(jvm),
        )

    def lane(
        self,
        command: Sequence[str],
        operations: int,
        *,
        warm_up: int = 1,
        environment: Mapping[str, str] | None = None,
    ) -> Lane:
        """A contestant of `operations` in a round of a normal run."""
        return Lane(
            command,
            self.scale.of(operations),
            self.log("lanes"),
            warm_up=warm_up,
            environment=environment,
        )

    def backlog(self, outbox: Path, topic: str, events: int) -> None:
        """Append so many events of 1 KB, as fast as one Java process can."""
        filler = java_client_program("AppendLane", "fill", outbox, topic)
        with Lane(filler, events, self.log("lanes"), warm_up=0) as lane:
            lane.round()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self._stack.close()
        if kind is None and not self._kept:
            shutil.rmtree(self.place, ignore_errors=True)
