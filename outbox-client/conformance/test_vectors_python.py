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
from outbox_client._batch_draft import BatchDraft, batch_draft
from outbox_client._outbox_directory import OutboxDirectory
from outbox_client._queue_writer import QueueWriter

if TYPE_CHECKING:
    from outbox_client._receipt import Receipt

NAMES = goldenfiles.names()
APPENDABLE = [name for name in NAMES if not Golden(name).expected["refused"]]
REFUSED = [name for name in NAMES if Golden(name).expected["refused"]]
REFUSALS = {
    "former-format": (OutboxUnavailable, "before the first release"),
    "later-version": (OutboxUnavailable, "this client knows"),
    "full": (OutboxFull, "OUTBOX_MAX_BYTES"),
}
WRITABLE = [name for name in NAMES if Golden(name).expected["writable"]]
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

    def append(self, *events: dict[str, Any]) -> list[Receipt]:
        """Append these events; several as a batch."""
        self._now = events[0]["append_time"]
        made = batch_draft(map(self._arguments, events))
        if isinstance(made, BatchDraft):
            return self._writer.append_all(made)
        assert made is not None
        return [self._writer.append(made)]

    def _arguments(self, event: dict[str, Any]) -> dict[str, Any]:
        timestamp = event["timestamp"]
        return {
            "value": _bytes(event["value"]),
            "topic": event["topic"],
            "key": _bytes(event["key"]),
            "headers": [(name, _bytes(value)) for name, value in event["headers"]],
            "event_id": uuid.UUID(event["event_id"]),
            "timestamp": None if timestamp == self._now else timestamp,
            "partition": event["partition"],
        }


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
    appended = expected["appended"]
    events = appended if isinstance(appended, list) else [appended]
    receipts = Writer(outbox, expected["roll_bytes"], expected["max_bytes"]).append(*events)
    assert [receipt.sequence for receipt in receipts] == [event["sequence"] for event in events]
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
    batch = []
    for event in golden.expected["records"]:
        batch.append(event)
        if not event["batch"]:
            assert writer.append(*batch)[-1].sequence == event["sequence"]
            batch = []
    assert not batch
    _assert_files(outbox, golden.before())
