"""States enumerated, materialised, recovered from and judged."""

from __future__ import annotations

import contextlib
import os
import shutil
import tempfile
from collections import Counter
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

from .. import cyclefile
from ..clock import HOUR
from . import judge
from .recovery import RefusedError
from .survival import Survival, killed

if TYPE_CHECKING:
    import random
    from collections.abc import Iterator, Sequence

    from typing_extensions import Self

    from ..outbox import Published
    from ..writers import Ack
    from .judge import Known, Name
    from .oplog import Log
    from .recovery import Successor
    from .states import State

#: In memory: a state is looked at for a few milliseconds.
FAST = "/dev/shm" if os.path.isdir("/dev/shm") else None


#: Of the states, one in so many is continued by a second writer.
SECOND = 3


def _remove(directory: str) -> None:
    """Remove a directory of ours, where nobody can play tricks with links; faster than rmtree."""
    with os.scandir(directory) as entries:
        for entry in entries:
            if entry.is_dir(follow_symlinks=False):
                _remove(entry.path)
            else:
                os.unlink(entry.path)
    os.rmdir(directory)


@dataclass
class Report:
    """What came of it.

    Attributes:
        kills: states judged that a kill left.
        cuts: states judged that a power cut left.
        seen: keys of all of them.
        violations: each state's, with how it comes about.
    """

    kills: int = 0
    cuts: int = 0
    seen: set[int] = field(default_factory=set)
    violations: list[Violation] = field(default_factory=list)

    @property
    def states(self) -> int:
        return self.kills + self.cuts

    def kinds(self) -> Counter[str]:
        """Count what is wrong, by its first words."""
        return Counter(" ".join(what.split()[:3]) for each in self.violations for what in each.what)


@dataclass(frozen=True)
class Violation:
    """What is wrong with one state."""

    history: str
    killed: bool
    state: State
    what: list[str]

    def __str__(self) -> str:
        crash = "kill" if self.killed else "cut"
        return f"{self.history}, {crash} at {self.state.point}, {self.state.how}: {self.what}"


class Campaign:
    """Goes through states of logs.

    Attributes:
        report: so far.
    """

    def __init__(
        self, successors: Sequence[Successor], chance: random.Random, *, stop_at: str | None = None
    ) -> None:
        """Prepare.

        Args:
            successors: the first recovers, the second continues what it left of some states.
            chance: chooses samples.
            stop_at: how a violation reads behind which no more states are looked at.
        """
        self.successors = successors
        self.report = Report()
        self._chance = chance
        self._stop_at = stop_at
        self._parent = tempfile.mkdtemp(prefix="outbox-crash-", dir=FAST)
        self._count = 0

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *problem: object) -> None:
        shutil.rmtree(self._parent)

    def kills(self, log: Log) -> None:
        """Judge all that a kill may leave."""
        for state in killed(log):
            known = judge.known_at(log.attempts, state.point, killed=True)
            known = replace(known, sound=not log.cut)
            if self._is_new(state, known):
                self.report.kills += 1
                self._judge(log, state, known)
            if self._stops():
                return

    def cuts(self, log: Log, block: int, limit: int) -> None:
        """Judge what a power cut may leave at each operation, at most *limit* states of each."""
        readable = self._readable(Survival(log, block).state({}))
        for state in self._cuts(log, block, limit):
            known = judge.known_at(log.attempts, state.point, killed=False)
            known = replace(known, readable=readable)
            if self._is_new(state, known):
                self.report.cuts += 1
                self._judge(log, state, known)
            if self._stops():
                return

    def agreement(self, log: Log, block: int, limit: int) -> None:
        """Let each successor go on by itself: all must give the same sequence and cycle."""
        for state in self._cuts(log, block, limit):
            if self._is_new(state, judge.known_at((), 0, killed=False)):
                self.report.cuts += 1
                self._compare(log, state)

    def _cuts(self, log: Log, block: int, limit: int) -> Iterator[State]:
        survival = Survival(log, block)
        while True:
            if survival.point >= log.start:
                yield from survival.states(self._chance, limit)
            if survival.point == len(log.operations):
                return
            survival.advance()

    def _stops(self) -> bool:
        found = self.report.violations
        return bool(self._stop_at and found and any(self._stop_at in one for one in found[-1].what))

    def _compare(self, log: Log, state: State) -> None:
        now = log.now + self._chance.choice((1, HOUR))
        found = {}
        for successor in self.successors:
            with self._materialised(state) as outbox:
                name = type(successor).__name__
                try:
                    ack = successor.append(outbox, "after", now)
                except RefusedError as problem:
                    found[name] = str(problem)
                else:
                    cycles = cyclefile.numbers(os.listdir(f"{outbox}/queue"))
                    found[name] = f"sequence {ack.sequence} in {cycles[-1]}"
        if len(set(found.values())) > 1:
            what = [f"they disagree: {found}"]
            self.report.violations.append(Violation(log.name, False, state, what))

    def _readable(self, state: State) -> tuple[Published, ...]:
        """Return what a reader finds in a state."""
        with self._materialised(state) as outbox:
            return tuple(judge.read(outbox).records)

    def _is_new(self, state: State, known: Known) -> bool:
        key = hash((state.key(), known.kept, known.killed))
        if key in self.report.seen:
            return False
        self.report.seen.add(key)
        return True

    @contextlib.contextmanager
    def _materialised(self, state: State) -> Iterator[str]:
        self._count += 1
        place = f"{self._parent}/{self._count}"
        os.mkdir(place, 0o770)
        state.materialise(place)
        yield f"{place}/outbox"
        _remove(place)

    def _judge(self, log: Log, state: State, known: Known) -> None:
        appended: dict[Name, Ack] = {}
        with self._materialised(state) as outbox:
            before = judge.read(outbox)
            up_to = judge.settled(outbox)
            wrong = judge.unsynced(outbox, before)
            now = log.now
            try:
                # Most of what a second could find wrong, the scan does.
                second = self._count % SECOND == 0
                for number, successor in enumerate(self.successors[: 1 + second]):
                    # Some go on within the hour, others begin a cycle of the next.
                    now += self._chance.choice((1, 1, HOUR))
                    name = f"after-{number}"
                    appended[name, 0] = successor.append(outbox, name, now)
            except RefusedError as problem:
                what = [f"refused: {problem}"]
            else:
                what = judge.violations(known, before, judge.read(outbox), appended, up_to)
        what = wrong + what
        if what:
            self.report.violations.append(Violation(log.name, known.killed, state, what))
