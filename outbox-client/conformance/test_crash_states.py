"""A writer is killed, or the power is cut, at each operation: whatever that may leave is mended.

Not a sample of moments but all of them, and of what a file system may keep at each as many states
as there is time for: all where they are few, else drawn by SEED.
"""

from __future__ import annotations

import itertools
import os
import shutil
import tempfile
from typing import TYPE_CHECKING

import pytest
from outbox_conformance.crashes import histories, java_writer, judge
from outbox_conformance.crashes.author import Author
from outbox_conformance.crashes.campaign import Campaign
from outbox_conformance.crashes.planted import overlapped, without_syncs
from outbox_conformance.crashes.recording import IncompleteError
from outbox_conformance.crashes.recovery import (
    JavaSuccessor,
    PythonSuccessor,
    ReferenceSuccessor,
)
from outbox_conformance.crashes.survival import PAGE, SECTOR, Survival, killed
from outbox_conformance.writers import LANGUAGES

if TYPE_CHECKING:
    import random
    from collections.abc import Callable, Iterator

    from outbox_conformance.crashes.java_writer import JavaWriter
    from outbox_conformance.crashes.oplog import Log
    from outbox_conformance.crashes.recovery import Successor
    from outbox_conformance.crashes.states import State

TORTURE = os.environ.get("TORTURE") == "1"
#: States of each power cut, by who recovers; a JVM takes three times as long.
BY_PYTHON, BY_JAVA, BY_ALL = (50, 10, 8) if TORTURE else (2, 1, 1)
#: Of the crashes after which a second one is looked at, one in so many.
SECOND = 12 if TORTURE else 300

ALL = (*histories.FIRST, *histories.WITH_JAVA)


@pytest.fixture(autouse=True)
def umask() -> Iterator[None]:
    """States are written with the modes that the clients give."""
    before = os.umask(0o007)
    yield
    os.umask(before)


@pytest.fixture(scope="module")
def place() -> Iterator[Callable[[], str]]:
    """Makes empty directories on a disk."""
    parent = tempfile.mkdtemp(prefix="outbox-crash-")
    yield lambda: tempfile.mkdtemp(dir=parent)
    shutil.rmtree(parent)


@pytest.fixture(scope="module")
def recorded(place: Callable[[], str]) -> Iterator[dict[str, JavaWriter]]:
    """JVMs that are recorded, by the durability of what they append."""
    running = java_writer.writers(place(), histories.SMALL_ROLL)
    yield running
    for writer in running.values():
        writer.end()


@pytest.fixture(scope="module")
def logs(place: Callable[[], str], recorded: dict[str, JavaWriter]) -> dict[str, Log]:
    """What is done before a crash."""
    return {name: histories.first(name, place(), recorded) for name in ALL}


@pytest.fixture(scope="module")
def java(place: Callable[[], str]) -> Iterator[JavaSuccessor]:
    running = JavaSuccessor(place())
    yield running
    running.end()


def _look(
    log: Log,
    successors: tuple[Successor, Successor],
    chance: random.Random,
    limit: int,
    *,
    kills: bool = True,
) -> None:
    with Campaign(successors, chance) as campaign:
        if kills:
            campaign.kills(log)
        for block in (SECTOR, PAGE):
            campaign.cuts(log, block, limit)
    report = campaign.report
    print(f"{log.name}: {report.kills} states of kills, {report.cuts} of power cuts")
    assert not report.violations, "\n".join(map(str, report.violations[:5]))


@pytest.mark.parametrize("name", ALL)
def test_a_recording_is_whole(name: str, logs: dict[str, Log], place: Callable[[], str]) -> None:
    """It was compared with the directory at each operation: here it is there at all."""
    labels = {operation.label for operation in logs[name].operations}
    assert labels >= {"payload", "publish", "state", "word1", "word2", "index", ""}
    assert name == "pages" or labels >= {"create", "link", "unlink", "listing"}
    assert all(attempt.acked is not None for attempt in logs[name].attempts)


def test_a_change_past_the_disk_is_noticed(place: Callable[[], str]) -> None:
    parent = place()
    author = Author(parent)
    author.open("process")
    author.append(100)
    with open(f"{parent}/outbox/outbox.state", "r+b") as state:
        state.seek(300)
        state.write(b"x")
    with pytest.raises(IncompleteError, match=r"outbox\.state"):
        author.append(100)
    author.close()


@pytest.mark.torture
@pytest.mark.parametrize("name", ALL)
def test_python_goes_on_after_any_crash(
    name: str, logs: dict[str, Log], chance: random.Random
) -> None:
    _look(logs[name], (PythonSuccessor(), PythonSuccessor()), chance, BY_PYTHON)


@pytest.mark.torture
@pytest.mark.parametrize("name", ALL)
def test_java_goes_on_after_any_crash(
    name: str, logs: dict[str, Log], java: JavaSuccessor, chance: random.Random
) -> None:
    """And Python after Java."""
    _look(logs[name], (java, PythonSuccessor()), chance, BY_JAVA)


@pytest.mark.torture
@pytest.mark.parametrize("name", ALL if TORTURE else ["batches", "pages", "java"])
def test_an_fdatasync_may_come_while_others_append(
    name: str, logs: dict[str, Log], chance: random.Random
) -> None:
    log = overlapped(logs[name], chance)
    _look(log, (PythonSuccessor(), PythonSuccessor()), chance, BY_PYTHON, kills=False)


@pytest.mark.torture
@pytest.mark.parametrize("name", ALL)
def test_all_clients_go_on_alike(
    name: str, logs: dict[str, Log], java: JavaSuccessor, chance: random.Random
) -> None:
    clients = (PythonSuccessor(), ReferenceSuccessor(), java)
    with Campaign(clients, chance) as campaign:
        campaign.agreement(logs[name], SECTOR, BY_ALL)
    print(f"{name}: {campaign.report.cuts} states")
    assert not campaign.report.violations, "\n".join(map(str, campaign.report.violations[:5]))


def test_a_position_ahead_of_the_records_costs_no_sequence(
    logs: dict[str, Log], chance: random.Random
) -> None:
    """Not even a relay that breaks I8 has a writer give what it would never read."""
    log = without_syncs(logs["settled"], "settled")
    _look(log, (PythonSuccessor(), PythonSuccessor()), chance, BY_PYTHON, kills=False)


@pytest.mark.parametrize("language", LANGUAGES)
def test_who_goes_on_after_a_kill_in_power_mode_answers_for_names_too(
    language: str,
    logs: dict[str, Log],
    recorded: dict[str, JavaWriter],
    place: Callable[[], str],
    chance: random.Random,
) -> None:
    """Killed between the link of a cycle and the sync of its directory, or soon after."""
    log = logs["process"]
    labels = [operation.label for operation in log.operations]
    first = labels.index("link") + 1
    for state in killed(log):
        if state.how or not first <= state.point <= first + 2:
            continue
        name = f"{language}-{state.point}"
        continued = histories.after_a_kill(log, state, place(), name, language, recorded)
        _look(continued, (PythonSuccessor(), PythonSuccessor()), chance, BY_PYTHON, kills=False)


@pytest.mark.torture
@pytest.mark.parametrize("language", LANGUAGES)
@pytest.mark.parametrize("name", histories.FIRST)
def test_a_second_crash_takes_nothing_either(
    name: str,
    language: str,
    logs: dict[str, Log],
    recorded: dict[str, JavaWriter],
    place: Callable[[], str],
    chance: random.Random,
) -> None:
    """The first is a kill or a cut; a writer in power mode goes on, and its power is cut."""
    log = logs[name]

    def named(state: State) -> str:
        return f"{name}-{language}-{next(numbers)}-at-{state.point}"

    numbers = itertools.count()
    second = [
        histories.after_a_kill(log, state, place(), named(state), language, recorded)
        for state in killed(log)
        # Of what a kill left half written nothing is in the log that is continued.
        if not state.how and chance.randrange(SECOND) == 0
    ]
    survival = Survival(log, SECTOR)
    while survival.point < len(log.operations):
        survival.advance()
        if chance.randrange(SECOND) == 0:
            state = chance.choice([*survival.states(chance, 6)])
            known = judge.known_at(log.attempts, state.point, killed=False)
            second.append(
                histories.after_a_cut(log, state, known, place(), named(state), language, recorded)
            )
    for continued in second:
        _look(continued, (PythonSuccessor(), PythonSuccessor()), chance, BY_PYTHON)
