"""The reference client, written from FORMAT.md alone, makes of each golden state what it must."""

from __future__ import annotations

import pytest
from outbox_conformance import goldenfiles, trying
from outbox_conformance.goldenfiles import Golden

NAMES = goldenfiles.names()
WRITABLE = [name for name in NAMES if Golden(name).expected["writable"]]


@pytest.mark.parametrize("name", NAMES)
def test_the_next_append_recovers(name: str, outbox: str) -> None:
    trying.next_append(name, outbox)


@pytest.mark.parametrize("name", WRITABLE)
def test_the_same_events_make_the_same_bytes(name: str, outbox: str) -> None:
    trying.same_bytes(name, outbox)
