"""The reference client on a golden state: what it makes of it, compared with what it must."""

from __future__ import annotations

import itertools
import os
import uuid
from typing import TYPE_CHECKING, Any

from . import goldenfiles, outbox, reference, scanner, sparsefiles
from .goldenfiles import Golden
from .identity import OtherFormatError
from .records import Event

if TYPE_CHECKING:
    from collections.abc import Iterator

# All zeros as long as no append was refused; in no golden state.
COUNTERS = "append.failures"
NAMES = goldenfiles.names()


def reads(name: str, path: str) -> None:
    """Read a state before and after the next append."""
    golden = Golden(name)
    expected = golden.expected
    outbox.materialise(golden.before(), path, golden.links)
    found = scanner.scan(path)
    assert list(map(goldenfiles.describe, found.records)) == expected["records"]
    assert list(map(vars, found.problems)) == expected["problems"]
    assert (found.stopped and vars(found.stopped)) == expected["stopped"]


def reads_after(name: str, path: str) -> None:
    """Read a state after the next append."""
    golden = Golden(name)
    outbox.materialise(golden.after(), path)
    found = scanner.scan(path)
    assert list(map(goldenfiles.describe, found.records)) == golden.records_after()
    assert list(map(vars, found.problems)) == golden.expected["problems_after"]


def next_append(name: str, path: str) -> None:
    """Open a state and append the next event, or be refused."""
    golden = Golden(name)
    expected = golden.expected
    outbox.materialise(golden.before(), path, golden.links)
    writer = reference.Writer(
        path,
        clock=lambda: int(expected["clock"]),
        roll_bytes=expected["roll_bytes"],
        max_bytes=expected["max_bytes"],
    )
    refused = None
    with writer:
        try:
            appended = writer.append(*map(_event, golden.events()))
        except OtherFormatError as other:
            refused = other.kind
        except reference.FullError:
            refused = "full"
        else:
            assert list(map(goldenfiles.describe, appended)) == golden.appended()
    assert refused == expected["refused"]
    _assert_files(path, golden.after())


def same_bytes(name: str, path: str) -> None:
    """Append all records of a state to the empty one."""
    golden = Golden(name)
    outbox.materialise(Golden("empty").before(), path)
    now = 0
    with reference.Writer(
        path, clock=lambda: now, roll_bytes=golden.expected["roll_bytes"]
    ) as writer:
        for run in _batches(golden.expected["records"]):
            now = run[0]["append_time"]
            appended = writer.append(*map(_event, run))
            assert list(map(goldenfiles.describe, appended)) == run
    _assert_files(path, golden.before())


def _batches(described: list[dict[str, Any]]) -> Iterator[list[dict[str, Any]]]:
    starts = itertools.accumulate(not record["continued"] for record in described)
    numbered = zip(starts, described, strict=True)
    for _, run in itertools.groupby(numbered, key=lambda each: each[0]):
        yield [record for _, record in run]


def _event(described: dict[str, Any]) -> Event:
    timestamp, now = described["timestamp"], described["append_time"]
    return Event(
        uuid.UUID(described["event_id"]),
        described["topic"],
        _bytes(described["key"]),
        _bytes(described["value"]),
        tuple((name, _bytes(value)) for name, value in described["headers"]),
        None if timestamp == now else timestamp,
        described["partition"],
    )


def _bytes(hexadecimal: str | None) -> bytes | None:
    return None if hexadecimal is None else bytes.fromhex(hexadecimal)


def _assert_files(path: str, wanted: dict[str, sparsefiles.SparseFile]) -> None:
    found = {
        os.path.relpath(os.path.join(parent, name), path): sparsefiles.load(
            os.path.join(parent, name)
        )
        for parent, _, names in os.walk(path)
        for name in names
        if name != COUNTERS
    }
    assert sorted(found) == sorted(wanted), f"{sorted(found)} in place of {sorted(wanted)}"
    for name, file in wanted.items():
        difference = sparsefiles.difference(file, found[name])
        assert difference is None, f"{name}: {difference}"
