"""Scenarios in which something goes wrong with a writer, and writers that go on after it."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

from . import checker, scanner
from . import outbox as image
from .clock import HOUR, Clock
from .cyclefile import FAST_HOURLY, SMALL
from .goldenfiles import Golden
from .states.builder import Builder
from .writers import LANGUAGES, Ack, History, Server

if TYPE_CHECKING:
    from collections.abc import Callable

    from .chronicle import Chronicle
    from .outbox import Published
    from .sparsefiles import SparseFile
    from .writers import Writer, Writers


class Scenario:
    """An outbox, what it holds, and the time at which the victim appends to it."""

    def __init__(self, files: dict[str, SparseFile], records: list[Published], now: int) -> None:
        self.files = files
        self.now = now
        acks = {
            number: Ack(found.record.sequence, str(found.record.event_id))
            for number, found in enumerate(records, start=1)
        }
        self.history = History("k", first=1, threads=0, acks=acks)


def _built(builder: Builder, *, later: int = 1000) -> Scenario:
    return Scenario(builder.image.files, builder.image.published, builder.image.clock + later)


def _golden(name: str) -> Scenario:
    golden = Golden(name)
    scenario = Scenario(golden.before(), [], golden.expected["clock"])
    for number, record in enumerate(golden.expected["records"], start=1):
        scenario.history.acks[number] = Ack(record["sequence"], record["event_id"])
    return scenario


def _full_page() -> Scenario:
    builder = Builder()
    builder.image.layout = SMALL
    builder.several(128)
    builder.image.layout = FAST_HOURLY
    return _built(builder)


SCENARIOS: dict[str, Callable[[], Scenario]] = {
    "creation": lambda: Scenario({}, [], 1_767_225_600_000),
    "append": lambda: _built(Builder().several(3)),
    "indexed": lambda: _built(Builder().several(256)),
    "index page": _full_page,
    "roll": lambda: _built(Builder().several(3), later=HOUR),
    "entry-behind-word1": lambda: _golden("entry-behind-word1"),
    "indexed-entry-behind-word1": lambda: _golden("indexed-entry-behind-word1"),
    "missing-eof": lambda: _golden("missing-eof"),
    "unlisted-cycle": lambda: _golden("unlisted-cycle"),
    "state-missing": lambda: _golden("state-missing"),
    "metadata-missing": lambda: _golden("metadata-missing"),
}


class Stage:
    """Writers of both languages that go on where another was killed, and the clock of all."""

    def __init__(self, directory: str) -> None:
        self.clock = Clock(f"{directory}/clock")
        self.servers = {
            language: Server(language, f"{directory}/{language}", clock_offset_file=self.clock.path)
            for language in LANGUAGES
        }

    def end(self) -> None:
        for server in self.servers.values():
            server.end()


class Trial:
    """One victim in one scenario, and what comes after."""

    def __init__(self, scenario: str, outbox: str, stage: Stage, writers: Writers) -> None:
        self.scenario = SCENARIOS[scenario]()
        self.outbox = outbox
        self.stage = stage
        self.writers = writers
        self.histories = [self.scenario.history]
        stage.clock.set(self.scenario.now - time.time_ns() // 1_000_000)
        if self.scenario.files:
            image.materialise(self.scenario.files, outbox)

    def open_before(self, language: str, earlier: int) -> None:
        """Let the next writer have the outbox open since some time before the kill."""
        self.stage.clock.advance(-earlier)
        self.go_on(language, "other", count=1)
        self.stage.clock.advance(earlier)

    def kill(self, language: str, fault: str, *, batch: int = 1, **options: object) -> int:
        """Let a writer append an event or a batch under a fault; return its exit status."""
        victim = self.start(language, fault, count=batch, batch=batch, **options)
        status = victim.wait()
        self.histories.append(victim.history())
        return status

    def start(self, language: str, fault: str, **options: object) -> Writer:
        """Start a writer with a fault."""
        clock = self.stage.clock.path
        return self.writers.start(
            language, self.outbox, "victim", fault=fault, clock_offset_file=clock, **options
        )

    def go_on(self, language: str, name: str, count: int = 3) -> None:
        """Let a writer append, which must succeed."""
        appended = self.stage.servers[language].append(self.outbox, name, count)
        assert not appended.failures
        assert len(appended.acks) == count

    def all_histories(self) -> list[History]:
        """Return what all writers were told, and let the servers close the outbox."""
        for server in self.stage.servers.values():
            self.histories += server.histories(self.outbox)
        return self.histories

    def check(self, chronicle: Chronicle | None = None) -> None:
        """Nothing is lost, nothing used twice, for our reader and for Chronicle's."""
        scan = scanner.scan(self.outbox)
        assert scan.problems == []
        events = checker.from_scan(scan.records)
        assert checker.violations(events, self.all_histories()) == []
        if chronicle is not None:
            read = chronicle.dump(self.outbox, f"{self.outbox}.dump")
            assert checker.from_chronicle(read) == events
            assert chronicle.seek(self.outbox, 1) == (len(events), len(events))
