"""The Python client reads, continues and writes every golden file."""

from __future__ import annotations

import os
import uuid
from typing import TYPE_CHECKING, Any

import pytest
from outbox_conformance import goldenfiles, sparsefiles
from outbox_conformance import outbox as image
from outbox_conformance.goldenfiles import Golden

from outbox_client import OutboxFull, OutboxUnavailable
from outbox_client._outbox_directory import OutboxDirectory
from outbox_client._queue_writer import QueueWriter
from outbox_client._record_draft import draft

if TYPE_CHECKING:
    from outbox_client._receipt import Receipt

NAMES = goldenfiles.names()
# Batches are for the call that writes them.
APPENDABLE = [
    name
    for name in NAMES
    if not Golden(name).expected["refused"] and isinstance(Golden(name).expected["appended"], dict)
]
REFUSED = [name for name in NAMES if Golden(name).expected["refused"]]
REFUSALS = {
    "former-format": (OutboxUnavailable, "before the first release"),
    "later-version": (OutboxUnavailable, "this client knows"),
    "full": (OutboxFull, "OUTBOX_MAX_BYTES"),
}
WRITABLE = [
    name
    for name in NAMES
    if Golden(name).expected["writable"]
    and not any(record["batch"] for record in Golden(name).expected["records"])
]
# All zeros as long as no append was refused.
COUNTERS = "append.failures"


class Writer:
    """The client with a clock of ours."""

    def __init__(self, path: str, roll_bytes: int, max_bytes: int | None = None) -> None:
        self._now = 0
        self._writer = QueueWriter(
            OutboxDirectory(path),
            durability="process",
            max_bytes=max_bytes,
            lock_timeout=5.0,
            clock=lambda: self._now * 1_000_000,
            roll_bytes=roll_bytes,
        )

    def append(self, event: dict[str, Any]) -> Receipt:
        self._now = event["append_time"]
        timestamp = event["timestamp"]
        return self._writer.append(
            draft(
                _bytes(event["value"]),
                event["topic"],
                _bytes(event["key"]),
                [(name, _bytes(value)) for name, value in event["headers"]],
                uuid.UUID(event["event_id"]),
                None if timestamp == self._now else timestamp,
                event["partition"],
            )
        )


def _bytes(hexadecimal: str | None) -> bytes | None:
    return None if hexadecimal is None else bytes.fromhex(hexadecimal)


def _load(path: str) -> dict[str, sparsefiles.SparseFile]:
    return {
        os.path.relpath(os.path.join(parent, name), path): sparsefiles.load(
            os.path.join(parent, name)
        )
        for parent, _, names in os.walk(path)
        for name in names
    }


def _assert_files(path: str, wanted: dict[str, sparsefiles.SparseFile]) -> None:
    found = _load(path)
    counters = found.pop(COUNTERS, sparsefiles.SparseFile(size=512))
    assert counters.size == 512
    assert not counters.trimmed()
    assert sorted(found) == sorted(wanted)
    differences = {name: sparsefiles.difference(wanted[name], found[name]) for name in wanted}
    assert {name: text for name, text in differences.items() if text} == {}


@pytest.mark.parametrize("name", APPENDABLE)
def test_the_next_append_recovers(name: str, outbox: str) -> None:
    golden = Golden(name)
    expected = golden.expected
    image.materialise(golden.before(), outbox, golden.links)
    receipt = Writer(outbox, expected["roll_bytes"], expected["max_bytes"]).append(
        expected["appended"]
    )
    assert receipt.sequence == expected["appended"]["sequence"]
    _assert_files(outbox, golden.after())


@pytest.mark.parametrize("name", REFUSED)
def test_what_is_refused_is_named_and_left_as_it_is(name: str, outbox: str) -> None:
    golden = Golden(name)
    expected = golden.expected
    image.materialise(golden.before(), outbox, golden.links)
    writer = Writer(outbox, expected["roll_bytes"], expected["max_bytes"])
    kind, reason = REFUSALS[expected["refused"]]
    with pytest.raises(kind, match=reason):
        writer.append(expected["appended"])
    _assert_files(outbox, golden.after())


@pytest.mark.parametrize("name", WRITABLE)
def test_the_same_events_make_the_same_bytes(name: str, outbox: str) -> None:
    golden = Golden(name)
    image.materialise(Golden("empty").before(), outbox)
    writer = Writer(outbox, golden.expected["roll_bytes"])
    for event in golden.expected["records"]:
        assert writer.append(event).sequence == event["sequence"]
    _assert_files(outbox, golden.before())
