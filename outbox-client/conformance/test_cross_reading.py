"""Chronicle's own tailer reads what both languages wrote at the same time."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

from outbox_conformance import checker, cyclefile, scanner
from outbox_conformance.chronicle import read_lines
from outbox_conformance.clock import HOUR
from outbox_conformance.waiting import eventually
from outbox_conformance.writers import JAVA, PYTHON

if TYPE_CHECKING:
    from outbox_conformance.chronicle import Chronicle
    from outbox_conformance.clock import Clock
    from outbox_conformance.writers import Writer, Writers

LANGUAGES_OF_WRITERS = (PYTHON, JAVA, PYTHON, JAVA, PYTHON, PYTHON)
EVENTS = 100_000
FIRST_CHUNK = 64 << 20
PAGE_ENTRIES = 4096 * 256


def _newest_cycle(outbox: str) -> str:
    queue = f"{outbox}/queue"
    return os.path.join(queue, max(name for name in os.listdir(queue) if name.endswith(".cq4")))


def _allocated(path: str) -> int:
    return os.stat(path).st_blocks * 512


def test_chronicle_reads_what_six_processes_write(
    outbox: str, parent: str, clock: Clock, writers: Writers, chronicle: Chronicle
) -> None:
    clock.begin_hour()
    share = -(-EVENTS // len(LANGUAGES_OF_WRITERS))
    running = [
        writers.start(
            language,
            outbox,
            f"{language}-{number}",
            count=share,
            size=1000,
            lock_timeout=60,
            clock_offset_file=clock.path,
        )
        for number, language in enumerate(LANGUAGES_OF_WRITERS)
    ]
    eventually("a first event", lambda: any(writer.has_acks() for writer in running))
    live = os.path.join(parent, "live")
    chronicle.job("follow", f"{outbox}/queue", live)

    def grown(size: int) -> bool:
        _assert_running(running)
        return _allocated(_newest_cycle(outbox)) > size

    # The first cycle goes past its first chunk; then two rolls while all append.
    eventually("the first chunk is full", lambda: grown(FIRST_CHUNK + (1 << 20)), within=240)
    for _ in range(2):
        before = _newest_cycle(outbox)
        clock.advance(HOUR)
        _await_newer(outbox, before)
        eventually("a second half", lambda: grown(10 << 20) or _ended(running), within=120)
    for writer in running:
        assert writer.wait(240) == 0
    written = share * len(LANGUAGES_OF_WRITERS)
    (followed,) = chronicle.job("unfollow", f"{outbox}/queue", written, 60)
    assert int(followed) == written

    queue = sorted(name for name in os.listdir(f"{outbox}/queue") if name.endswith(".cq4"))
    assert len(queue) == 3
    assert os.path.getsize(f"{outbox}/queue/{queue[0]}") > cyclefile.CHUNK + cyclefile.OVERLAP
    histories = writers.histories()
    read_live = checker.from_chronicle(read_lines(live))
    assert checker.violations(read_live, histories) == []
    read = checker.from_chronicle(chronicle.dump(outbox, os.path.join(parent, "dump")))
    assert read == read_live
    assert [event.sequence for event in read] == list(range(1, written + 1))
    scan = scanner.scan(outbox)
    assert scan.problems == []
    assert checker.from_scan(scan.records) == read
    records, jumps = chronicle.seek(outbox, 1000)
    assert (records, jumps) == (written, -(-written // 1000))


def _await_newer(outbox: str, cycle: str) -> None:
    eventually(f"a cycle after {cycle}", lambda: _newest_cycle(outbox) > cycle)


def _assert_running(running: list[Writer]) -> None:
    for writer in running:
        assert writer.process.poll() in (None, 0), writer.lines()[-1]


def _ended(running: list[Writer]) -> bool:
    return all(writer.process.poll() is not None for writer in running)


def test_a_cycle_with_more_entries_than_an_index_page(
    outbox: str, clock: Clock, writers: Writers, chronicle: Chronicle
) -> None:
    clock.begin_hour()
    count = PAGE_ENTRIES + 2000
    writer = writers.start(
        JAVA,
        outbox,
        "w",
        count=count,
        size=60,
        ack_every=100_000,
        clock_offset_file=clock.path,
    )
    assert writer.wait(280) == 0
    # One that comes later finds the tail and both pages.
    later = writers.start(PYTHON, outbox, "later", clock_offset_file=clock.path)
    assert len(later.append(300).acks) == 300
    around = (PAGE_ENTRIES - 256, PAGE_ENTRIES, PAGE_ENTRIES + 256, PAGE_ENTRIES + 512)
    records, jumps = chronicle.seek(outbox, 10_000, *around)
    assert records == count + 300
    assert jumps > records // 10_000 + len(around)
    (file,) = [name for name in os.listdir(f"{outbox}/queue") if name.endswith(".cq4")]
    with open(f"{outbox}/queue/{file}", "rb") as cycle:
        used = os.pread(cycle.fileno(), 8, 0xE8)
    assert int.from_bytes(used, "little") == 2
