"""Whatever duplicates the clients' objects, all at once on one outbox, and killed at random.

Two class loaders of one JVM, a pool of spawned workers, greenlets, and two writer programs.
"""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from typing import TYPE_CHECKING

import pytest
from outbox_conformance import checker, places, scanner
from outbox_conformance.waiting import eventually
from outbox_conformance.writers import JAVA, PYTHON, History, history_of

if TYPE_CHECKING:
    import random
    from collections.abc import Callable

    from outbox_conformance.chronicle import Chronicle
    from outbox_conformance.writers import Writers

TORTURE = os.environ.get("TORTURE") == "1"
KILLS = 60 if TORTURE else 8
ROUND = 1_000_000
EACH = 2000


def _pool(outbox: str, first: int) -> list[str]:
    script = str(places.CONFORMANCE / "crowd_writer.py")
    return [sys.executable, script, "pool", outbox, "pool", str(first), "8", str(EACH // 4)]


def _greenlets(outbox: str, first: int) -> list[str]:
    script = str(places.CONFORMANCE / "crowd_writer.py")
    return [sys.executable, script, "greenlets", outbox, "green", str(first), "4", str(EACH // 2)]


def _two_loaders(outbox: str, first: int) -> list[str]:
    client = places.built(places.CLIENT_JAR)
    main = "dev.outboxrelay.conformance.TwoLoadersMain"
    jvm = [places.java(), *places.QUICK_JVM, "-cp", places.built(places.CONFORMANCE_JAR), main]
    return [*jvm, client, outbox, "loader", str(first), str(EACH)]


CROWDS: list[Callable[[str, int], list[str]]] = [_pool, _greenlets, _two_loaders]


class Crowd:
    """A program that is several writers, killed and started again with further numbers."""

    def __init__(self, command: Callable[[str, int], list[str]], outbox: str, logs: str) -> None:
        self._command = command
        self._outbox = outbox
        self._logs = logs
        self._started: list[str] = []
        self._process: subprocess.Popen[bytes] | None = None

    def start(self) -> None:
        """Start it with numbers that were not used before."""
        log = f"{self._logs}/{self._command.__name__}-{len(self._started)}.log"
        environment = dict(os.environ, PYTHONPATH=str(places.PYTHON_CLIENT), PYTHONDEVMODE="")
        with open(log, "xb") as output:
            self._process = subprocess.Popen(
                places.guarded(self._command(self._outbox, len(self._started) * ROUND)),
                stdout=output,
                env=environment,
                start_new_session=True,
            )
        self._started.append(log)

    def kill(self) -> None:
        """SIGKILL to all of its processes at once."""
        assert self._process is not None
        os.killpg(self._process.pid, signal.SIGKILL)
        self._process.wait()

    def has_acks(self) -> bool:
        """Whether the present incarnation appends."""
        with open(self._started[-1], "rb") as log:
            return b" ack " in log.read(200_000)

    def is_done(self) -> bool:
        """Whether it has ended, and by itself."""
        assert self._process is not None
        status = self._process.poll()
        assert status in (None, 0), f"{self._started[-1]}: exit status {status}"
        return status == 0

    def histories(self) -> list[History]:
        """What each writer of each incarnation was told."""
        found: dict[tuple[int, str], History] = {}
        for incarnation, log in enumerate(self._started):
            with open(log, encoding="utf-8") as text:
                lines = text.read().rpartition("\n")[0].splitlines()
            for line in lines:
                name, _, said = line.partition(" ")
                key = incarnation, name
                first = incarnation * ROUND
                history = found.setdefault(key, History(name, first, threads=1))
                history_of([said], history)
        return list(found.values())

    def first_in_doubt(self) -> set[int]:
        """Numbers that a writer may have used which was killed before it said anything."""
        return {incarnation * ROUND for incarnation in range(len(self._started))}

    def end(self) -> None:
        """Leave nothing behind."""
        if self._process is not None and self._process.poll() is None:
            self.kill()


@pytest.mark.torture
def test_nothing_that_copies_an_outbox_makes_a_second_holder(
    outbox: str, parent: str, writers: Writers, chance: random.Random, chronicle: Chronicle
) -> None:
    pytest.importorskip("gevent")
    logs = os.path.join(parent, "crowds")
    os.mkdir(logs)
    plain = [
        writers.start(language, outbox, f"plain-{language}", count=EACH, lock_timeout=60)
        for language in (PYTHON, JAVA)
    ]
    crowds = [Crowd(command, outbox, logs) for command in CROWDS]
    try:
        for crowd in crowds:
            crowd.start()
        for _ in range(KILLS):
            victim = chance.choice(crowds)
            eventually("the victim appends", victim.has_acks)
            time.sleep(0.05 * chance.random())  # at a random moment: that is the point
            victim.kill()
            victim.start()
        eventually("all are done", lambda: all(crowd.is_done() for crowd in crowds), within=300)
        assert [writer.wait(300) for writer in plain] == [0, 0]
    finally:
        for crowd in crowds:
            crowd.end()
    histories = writers.histories()
    doubtful: dict[str, set[int]] = {}
    for crowd in crowds:
        for history in crowd.histories():
            histories.append(history)
            doubtful.setdefault(history.writer, set()).update(crowd.first_in_doubt())
    histories += [History(name, 0, threads=0, doubtful=n) for name, n in doubtful.items()]
    assert not [history.failures for history in histories if history.failures]
    scan = scanner.scan(outbox)
    assert scan.problems == []
    events = checker.from_scan(scan.records)
    assert checker.violations(events, histories) == []
    assert checker.from_chronicle(chronicle.dump(outbox, os.path.join(parent, "dump"))) == events
    print(
        f"{KILLS} kills, {len(events)} events of {len({event.writer for event in events})} writers"
    )
