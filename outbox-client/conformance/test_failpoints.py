"""A writer is killed at each step of the protocol; a writer of the other language goes on."""

from __future__ import annotations

import os
import time
from typing import TYPE_CHECKING

import pytest
from outbox_conformance import checker, scanner
from outbox_conformance import outbox as image
from outbox_conformance.clock import HOUR, Clock
from outbox_conformance.cyclefile import FAST_HOURLY, SMALL
from outbox_conformance.goldenfiles import Golden
from outbox_conformance.states.builder import Builder
from outbox_conformance.writers import JAVA, LANGUAGES, PYTHON, Ack, History, Server, Writers

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from outbox_conformance.chronicle import Chronicle
    from outbox_conformance.outbox import Published
    from outbox_conformance.sparsefiles import SparseFile

TORTURE = os.environ.get("TORTURE") == "1"
KILLED = -9


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

# Scenario, step, fault.
FAILPOINTS = [
    ("append", "before the lock", "lock:1:kill"),
    ("append", "the payload is partly written", "write.payload:1:half-kill"),
    ("append", "before publish", "store.publish:1:kill"),
    ("append", "after publish", "store.publish:1:kill-after"),
    ("append", "in outbox.state", "store.state:2:kill"),
    ("append", "before word2", "store.word2:1:kill"),
    ("append", "before word1", "store.word1:1:kill"),
    ("append", "after word1", "store.word1:1:kill-after"),
    ("indexed", "before the index", "store.index:1:kill"),
    ("indexed", "in the index", "store.index:2:kill"),
    ("index page", "the index page is partly written", "write.index-page:1:half-kill"),
    ("index page", "before the index page", "store.index-page:1:kill"),
    ("index page", "after the index page", "store.index-page:1:kill-after"),
    ("index page", "in the index of pages", "store.index:2:kill"),
    ("roll", "before EOF", "write.eof-tail:1:kill-after"),
    ("roll", "in EOF", "store.eof:1:kill"),
    ("roll", "after EOF", "store.eof:1:kill-after"),
    ("roll", "the new cycle is partly written", "write.create:1:half-kill"),
    ("roll", "before rename", "rename.rename:1:kill"),
    ("roll", "after rename, before the listing", "rename.rename:1:kill-after"),
    ("roll", "in the listing", "store.listing:2:kill"),
    ("roll", "in outbox.state's cycle", "store.state:2:kill"),
    ("roll", "before the new cycle's first record", "store.publish:1:kill"),
    ("roll", "after the new cycle's first record", "store.publish:1:kill-after"),
]


# Scenarios in which the next writer may append before the victim, and how much earlier.
OPEN_BEFORE = {"append": 0, "roll": HOUR}


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


@pytest.fixture(scope="module")
def stage(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stage]:
    started = Stage(str(tmp_path_factory.mktemp("stage")))
    yield started
    started.end()


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

    def kill(self, language: str, fault: str) -> int:
        """Let a writer append under a fault; return its exit status."""
        victim = self.writers.start(
            language,
            self.outbox,
            "victim",
            count=1,
            fault=fault,
            clock_offset_file=self.stage.clock.path,
        )
        status = victim.wait()
        self.histories.append(victim.history())
        return status

    def go_on(self, language: str, name: str, count: int = 3) -> None:
        """Let a writer append, which must succeed."""
        appended = self.stage.servers[language].append(self.outbox, name, count)
        assert not appended.failures
        assert len(appended.acks) == count

    def check(self, chronicle: Chronicle | None = None) -> None:
        """Nothing is lost, nothing used twice, for our reader and for Chronicle's."""
        histories = [*self.histories]
        for server in self.stage.servers.values():
            histories += server.histories(self.outbox)
        scan = scanner.scan(self.outbox)
        assert scan.problems == []
        events = checker.from_scan(scan.records)
        assert checker.violations(events, histories) == []
        if chronicle is not None:
            read = chronicle.dump(self.outbox, f"{self.outbox}.dump")
            assert checker.from_chronicle(read) == events
            assert chronicle.seek(self.outbox, 1) == (len(events), len(events))


@pytest.mark.parametrize(("scenario", "step", "fault"), FAILPOINTS)
@pytest.mark.parametrize("victim", LANGUAGES)
def test_the_other_language_goes_on(
    victim: str,
    scenario: str,
    step: str,
    fault: str,
    outbox: str,
    stage: Stage,
    writers: Writers,
    chronicle: Chronicle,
) -> None:
    trial = Trial(scenario, outbox, stage, writers)
    other = JAVA if victim == PYTHON else PYTHON
    if scenario in OPEN_BEFORE and FAILPOINTS.index((scenario, step, fault)) % 2:
        trial.open_before(other, OPEN_BEFORE[scenario])
    assert trial.kill(victim, fault) == KILLED, f"a {victim} writer does not come by {fault}"
    trial.go_on(other, "other")
    trial.go_on(victim, "again")
    trial.check(chronicle)


@pytest.mark.torture
@pytest.mark.parametrize("scenario", SCENARIOS)
@pytest.mark.parametrize("victim", LANGUAGES if TORTURE else (PYTHON,))
def test_a_writer_killed_at_any_operation_leaves_a_sound_outbox(
    victim: str, scenario: str, parent: str, stage: Stage, writers: Writers
) -> None:
    other = JAVA if victim == PYTHON else PYTHON
    for operations, action in (("*", "kill"), ("write.*", "half-kill")):
        operation = 0
        status = KILLED
        while status == KILLED:
            operation += 1
            outbox = f"{parent}/{action}-{operation}"
            trial = Trial(scenario, outbox, stage, writers)
            status = trial.kill(victim, f"{operations}:{operation}:{action}")
            trial.go_on(other, "other")
            trial.go_on(victim, "again", count=1)
            trial.check()
        assert status == 0
        assert operation > 5 or action == "half-kill"
