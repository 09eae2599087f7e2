"""A writer is killed at each step of the protocol; a writer of the other language goes on."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

import pytest
from outbox_conformance.clock import HOUR
from outbox_conformance.trials import SCENARIOS, Stage, Trial
from outbox_conformance.writers import JAVA, LANGUAGES, PYTHON

if TYPE_CHECKING:
    from outbox_conformance.chronicle import Chronicle
    from outbox_conformance.writers import Writers

TORTURE = os.environ.get("TORTURE") == "1"
KILLED = -9

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
    ("roll", "before the link", "link.link:1:kill"),
    ("roll", "after the link, before the listing", "link.link:1:kill-after"),
    ("roll", "after the temporary name is gone", "unlink.unlink:1:kill-after"),
    ("roll", "in the listing", "store.listing:2:kill"),
    ("roll", "in outbox.state's cycle", "store.state:2:kill"),
    ("roll", "before the new cycle's first record", "store.publish:1:kill"),
    ("roll", "after the new cycle's first record", "store.publish:1:kill-after"),
]


# Scenarios in which the next writer may append before the victim, and how much earlier.
OPEN_BEFORE = {"append": 0, "roll": HOUR}


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
    place = f"{parent}/at"
    assert _kill_at_each_operation(victim, scenario, place, stage, writers) > 5


@pytest.mark.torture
@pytest.mark.parametrize("victim", LANGUAGES)
def test_a_power_writer_killed_at_any_operation_keeps_nobody_from_appending(
    victim: str, parent: str, stage: Stage, writers: Writers
) -> None:
    """Not even where it dies with the sync lock."""
    scenarios = SCENARIOS if TORTURE else ("append",)
    kills = {
        scenario: _kill_at_each_operation(
            victim, scenario, f"{parent}/{scenario}", stage, writers, durability="power"
        )
        for scenario in scenarios
    }
    print(f"{sum(kills.values())} power writers killed: {kills}")
    assert min(kills.values()) > 10


# Batches of these lengths, in these scenarios: all that differ from a single event's in what is
# done, and with time for it the rest.
LENGTHS = (2, 100, 1000) if TORTURE else (100,)
BATCHED = {
    PYTHON: tuple(SCENARIOS) if TORTURE else ("indexed", "roll"),
    JAVA: tuple(SCENARIOS) if TORTURE else ("indexed",),
}
ENOUGH = {PYTHON: 300, JAVA: 300} if TORTURE else {PYTHON: 30, JAVA: 8}


@pytest.mark.torture
@pytest.mark.parametrize("victim", LANGUAGES)
def test_of_a_batch_whose_writer_was_killed_there_is_all_or_nothing(
    victim: str, parent: str, stage: Stage, writers: Writers
) -> None:
    kills = {
        (scenario, length): _kill_at_each_operation(
            victim, scenario, f"{parent}/{scenario}-{length}", stage, writers, length
        )
        for scenario in BATCHED[victim]
        for length in LENGTHS
    }
    print(f"{sum(kills.values())} writers killed at a batch: {kills}")
    assert min(kills.values()) > 5
    assert sum(kills.values()) >= ENOUGH[victim]


def _kill_at_each_operation(
    victim: str,
    scenario: str,
    place: str,
    stage: Stage,
    writers: Writers,
    batch: int = 1,
    durability: str = "process",
) -> int:
    """Check what is left and who goes on; return how many were killed."""
    other = JAVA if victim == PYTHON else PYTHON
    kills = 0
    for operations, action in (("*", "kill"), ("write.*", "half-kill")):
        operation = 0
        status = KILLED
        while status == KILLED:
            operation += 1
            outbox = f"{place}-{action}-{operation}"
            trial = Trial(scenario, outbox, stage, writers)
            fault = f"{operations}:{operation}:{action}"
            status = trial.kill(victim, fault, batch=batch, durability=durability)
            trial.go_on(other, "other")
            trial.go_on(victim, "again", count=1)
            trial.check()
        assert status == 0
        kills += operation - 1
    return kills
