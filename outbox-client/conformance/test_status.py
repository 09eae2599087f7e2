"""A look without a lock says the same in both languages, however damaged the outbox is."""

from __future__ import annotations

import os
import subprocess
from typing import TYPE_CHECKING

import pytest
from outbox_conformance import goldenfiles, places
from outbox_conformance import outbox as image
from outbox_conformance.goldenfiles import Golden

from outbox_client import OutboxCorrupt, OutboxError
from outbox_client._outbox_reader import OutboxReader
from outbox_client.testing import read_events

if TYPE_CHECKING:
    from pathlib import Path

NAMES = goldenfiles.names()


@pytest.fixture(scope="module")
def outboxes(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    folder = tmp_path_factory.mktemp("golden")
    for name in NAMES:
        image.materialise(Golden(name).before(), str(folder / name))
    return {name: folder / name for name in NAMES}


@pytest.fixture(scope="module")
def java(outboxes: dict[str, Path]) -> dict[str, str]:
    jars = (places.CONFORMANCE_JAR, places.CLIENT_JAR)
    classpath = ":".join(map(places.built, jars))
    main = "dev.outboxrelay.conformance.StatusMain"
    done = subprocess.run(
        [places.java(), *places.QUICK_JVM, "-cp", classpath, main],
        input="".join(f"{path}\n" for path in outboxes.values()),
        capture_output=True,
        text=True,
        check=True,
    )
    return dict(zip(outboxes, done.stdout.splitlines(), strict=True))


def _python(path: Path) -> str:
    try:
        found = OutboxReader(os.fspath(path)).status()
    except OutboxError as problem:
        return type(problem).__name__
    numbers = (found.next_sequence, found.settled_sequence, found.lag_events, found.lag_bytes)
    return " ".join(map(str, (*numbers, len(found.cycles), found.delivery or "")))


@pytest.mark.parametrize("name", NAMES)
def test_the_status_is_the_same(name: str, outboxes: dict[str, Path], java: dict[str, str]) -> None:
    assert _python(outboxes[name]) == java[name]


@pytest.mark.parametrize("name", NAMES)
def test_events_are_read_all_or_it_is_said(name: str, outboxes: dict[str, Path]) -> None:
    """A test of a user that finds no event must be able to rely on that."""
    expected = Golden(name).expected
    said = None
    found: list[int] = []
    try:
        found = [event.sequence for event in read_events(outboxes[name])]
    except OutboxError as problem:
        said = type(problem)
    if said is None:
        assert found == [record["sequence"] for record in expected["records"]]
    elif not expected["stopped"]:
        assert expected["problems"]
        assert said is OutboxCorrupt
