"""The golden files: Chronicle reads them as our scanner does, and writes the same bytes itself."""

from __future__ import annotations

import json
import os
from typing import TYPE_CHECKING

import pytest
from outbox_conformance import cyclefile, goldenfiles, listing, records, scanner, sparsefiles
from outbox_conformance import outbox as image
from outbox_conformance.goldenfiles import Golden
from outbox_conformance.states import STATES
from outbox_conformance.states.builder import MIDNIGHT

if TYPE_CHECKING:
    from collections.abc import Callable

    from outbox_conformance.chronicle import Chronicle
    from outbox_conformance.sparsefiles import SparseFile
    from outbox_conformance.states import State

NAMES = goldenfiles.names()
READABLE = [name for name in NAMES if Golden(name).expected["chronicle"]]


@pytest.mark.parametrize("build", STATES, ids=lambda build: build.__name__)
def test_stored_files_are_what_the_generator_makes(build: Callable[[], State]) -> None:
    state = build()
    golden = Golden(state.name)
    assert golden.expected == json.loads(goldenfiles.expected(state))
    assert _contents(golden.before()) == _contents(state.before)
    assert _contents(golden.after()) == _contents(state.after)


def test_every_stored_state_has_a_generator() -> None:
    assert sorted(build().name for build in STATES) == NAMES


def _contents(files: dict[str, SparseFile]) -> dict[str, tuple[int, bytes]]:
    return {path: (file.size, file.trimmed()) for path, file in files.items()}


@pytest.mark.parametrize("name", NAMES)
def test_the_scanner_finds_every_record_and_every_problem(name: str, outbox: str) -> None:
    golden = Golden(name)
    expected = golden.expected
    image.materialise(golden.before(), outbox, golden.links)
    found = scanner.scan(outbox)
    assert list(map(goldenfiles.describe, found.records)) == expected["records"]
    assert list(map(vars, found.problems)) == expected["problems"]
    assert (found.stopped and vars(found.stopped)) == expected["stopped"]


@pytest.mark.parametrize("name", NAMES)
def test_the_scanner_finds_the_next_append_too(name: str, outbox: str) -> None:
    golden = Golden(name)
    image.materialise(golden.after(), outbox)
    found = scanner.scan(outbox)
    assert list(map(goldenfiles.describe, found.records)) == golden.records_after()
    assert list(map(vars, found.problems)) == golden.expected["problems_after"]


@pytest.mark.parametrize("name", NAMES)
def test_a_scan_that_resumes_finds_the_rest(name: str, outbox: str) -> None:
    image.materialise(Golden(name).after(), outbox)
    found = scanner.scan(outbox)
    for number, behind in enumerate(found.records[-12:], start=max(len(found.records) - 12, 0)):
        rest = scanner.scan(outbox, behind)
        assert rest.records == found.records[number + 1 :]
        place = (behind.cycle, behind.offset)
        later = [each for each in found.problems if (each.cycle, each.offset) > place]
        headers = [each for each in rest.problems if each.kind == "unreadable-header"]
        assert [each for each in rest.problems if each not in headers or each in later] == later


@pytest.mark.parametrize("name", READABLE)
def test_chronicle_reads_the_same_records(
    name: str, outbox: str, parent: str, chronicle: Chronicle
) -> None:
    golden = Golden(name)
    image.materialise(golden.after(), outbox)
    read = chronicle.dump(outbox, os.path.join(parent, "dump"), full=True)
    by_chronicle = [(line["cycle"], line["entry"], line["record"]) for line in read]
    scan = scanner.scan(outbox)
    assert scan.outbox_id is not None
    ours = [
        (found.cycle, found.record.entry, records.encode(found.record, place).hex())
        for found in scan.records
        for place in [records.Place(scan.outbox_id, found.cycle, found.offset)]
    ]
    assert by_chronicle == ours
    assert [line["event_id"] for line in read] == [
        record["event_id"] for record in golden.records_after()
    ]
    assert chronicle.seek(outbox, 1) == (len(ours), len(ours))


@pytest.mark.parametrize("name", ["one-record", "all-fields", "indexed", "roll-by-hour"])
def test_chronicle_writes_the_same_bytes(
    name: str, outbox: str, parent: str, chronicle: Chronicle
) -> None:
    _is_what_chronicle_writes(Golden(name).before(), "FAST_HOURLY", outbox, parent, chronicle)


@pytest.mark.parametrize("name", ["small-layout", "small-layout-three-pages"])
def test_chronicle_writes_the_same_small_index_pages(
    name: str, outbox: str, parent: str, chronicle: Chronicle
) -> None:
    _is_what_chronicle_writes(Golden(name).before(), "SMALL", outbox, parent, chronicle)


def _is_what_chronicle_writes(
    ours: dict[str, SparseFile], layout: str, outbox: str, parent: str, chronicle: Chronicle
) -> None:
    image.materialise(ours, outbox)
    copy = os.path.join(parent, "copy")
    chronicle.job("copy", f"{outbox}/queue", copy, layout)
    theirs = sorted(name for name in os.listdir(copy) if name.endswith(".cq4"))
    paths = sorted(path for path in ours if path.endswith(".cq4"))
    for path, file in zip(paths, theirs, strict=True):
        _assert_equal(ours[path], os.path.join(copy, file))


@pytest.mark.parametrize("layout", ["FAST_HOURLY", "SMALL", "HUGE", "SPARSE"])
def test_chronicle_creates_the_same_empty_file(
    layout: str, parent: str, chronicle: Chronicle
) -> None:
    chronicle.job("create", parent, layout, MIDNIGHT)
    (created,) = [name for name in os.listdir(parent) if name.endswith(".cq4")]
    ours = cyclefile.new_file(getattr(cyclefile, layout))
    _assert_equal(ours, os.path.join(parent, created))


def test_chronicle_creates_the_same_metadata(parent: str, chronicle: Chronicle) -> None:
    chronicle.job("create-metadata", f"{parent}/new", "FAST_HOURLY", MIDNIGHT)
    ours = listing.metadata(*listing.NO_CYCLES, mod_count=1)
    _assert_equal(ours, f"{parent}/new/metadata.cq4t")
    chronicle.job("create", f"{parent}/one", "FAST_HOURLY", MIDNIGHT)
    cycle = MIDNIGHT // cyclefile.HOUR
    ours = listing.metadata(cycle, cycle, mod_count=2)
    _assert_equal(ours, f"{parent}/one/metadata.cq4t")


def _assert_equal(ours: SparseFile, path: str) -> None:
    assert sparsefiles.difference(ours, sparsefiles.load(path)) is None
