"""The power is cut while writers serve each other with their syncs: what was acked is there."""

from __future__ import annotations

import os
import random
from dataclasses import replace
from typing import TYPE_CHECKING

import pytest
from outbox_conformance.crashes import groups, planted_groups, planted_python
from outbox_conformance.crashes.campaign import Campaign
from outbox_conformance.crashes.group_clients import Client, JavaClient, PythonClient
from outbox_conformance.crashes.group_stage import Stage
from outbox_conformance.crashes.java_writer import JavaWriter
from outbox_conformance.crashes.recovery import PythonSuccessor
from outbox_conformance.crashes.survival import PAGE, SECTOR

from outbox_client._group_commit import GroupCommit

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from outbox_conformance.crashes.oplog import Log
    from outbox_conformance.crashes.planted_groups import Fault

SEED = 1
TORTURE = os.environ.get("TORTURE") == "1"
LIMIT = 50 if TORTURE else 2


@pytest.fixture(autouse=True)
def umask() -> Iterator[None]:
    before = os.umask(0o007)
    yield
    os.umask(before)


@pytest.mark.torture
@pytest.mark.parametrize("name", groups.HISTORIES)
def test_what_a_sync_of_another_has_acknowledged_is_there(
    name: str, tmp_path: Path, chance: random.Random
) -> None:
    _look(groups.history(name, str(tmp_path)), chance)


@pytest.fixture(scope="module")
def java(tmp_path_factory: pytest.TempPathFactory) -> Iterator[JavaWriter]:
    place = str(tmp_path_factory.mktemp("java"))
    running = JavaWriter(place, durability="power", roll_bytes=1 << 30)
    yield running
    running.end()


@pytest.fixture(scope="module")
def clients(java: JavaWriter) -> dict[str, Callable[[Stage], Client]]:
    return {
        "reference": Stage.actor,
        "python": PythonClient,
        "java": lambda stage: JavaClient(stage, java),
    }


PAIRS = [
    ("python", "python"),
    ("python", "java"),
    ("java", "python"),
    ("python", "reference"),
    ("java", "reference"),
]


@pytest.mark.torture
@pytest.mark.parametrize(("one", "other"), PAIRS if TORTURE else PAIRS[:3])
@pytest.mark.parametrize("name", groups.PAIRED)
def test_clients_serve_each_other(
    name: str,
    one: str,
    other: str,
    tmp_path: Path,
    clients: dict[str, Callable[[Stage], Client]],
    chance: random.Random,
) -> None:
    _look(groups.paired(name, str(tmp_path), clients[one], clients[other]), chance)


@pytest.mark.torture
@pytest.mark.parametrize(
    ("client", "name"),
    [
        *[(client, name) for client in ("python", "java") for name in groups.BESIDE],
        *[("python", name) for name in groups.FAILING],
    ],
)
def test_a_client_vouches_for_no_more_than_it_may(
    client: str,
    name: str,
    tmp_path: Path,
    clients: dict[str, Callable[[Stage], Client]],
    chance: random.Random,
) -> None:
    _look(groups.beside(name, str(tmp_path), clients[client]), chance)


@pytest.mark.parametrize("client", ["reference", "python", "java"])
def test_a_range_of_what_is_not_there_is_not_believed(
    client: str, tmp_path: Path, clients: dict[str, Callable[[Stage], Client]]
) -> None:
    groups.wrong_range(str(tmp_path), clients[client])


def _look(log: Log, chance: random.Random) -> None:
    with Campaign((PythonSuccessor(), PythonSuccessor()), chance) as campaign:
        for block in (SECTOR, PAGE):
            campaign.cuts(log, block, LIMIT)
    report = campaign.report
    print(f"{log.name}: {report.cuts} states of power cuts")
    assert not report.violations, "\n".join(map(str, report.violations[:5]))


@pytest.mark.parametrize("fault", planted_groups.FAULTS, ids=lambda fault: fault.what)
def test_a_fault_is_found(fault: Fault, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(f"outbox_conformance.reference.group.{fault.name}", fault.replacement)
    _find_lost(groups.history(fault.history, str(tmp_path), right=False))


@pytest.mark.parametrize("fault", planted_python.FAULTS, ids=lambda fault: fault.what)
def test_a_fault_of_the_python_client_is_found(
    fault: Fault, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(GroupCommit, fault.name, fault.replacement)
    _find_lost(groups.beside(fault.history, str(tmp_path), PythonClient, right=False))


def _find_lost(log: Log) -> None:
    # What comes before is the same in all of them.
    log = replace(log, start=sorted(attempt.began for attempt in log.attempts)[2])
    successors = (PythonSuccessor(), PythonSuccessor())
    with Campaign(successors, random.Random(SEED), stop_at="lost") as campaign:
        campaign.cuts(log, SECTOR, 10)
    found = [each for each in campaign.report.violations if "lost" in str(each.what)]
    assert found, f"{campaign.report.states} states: {campaign.report.kinds()}"
    print(f"after {campaign.report.states} states: {found[0]}")
