"""Many processes and threads, forks, signals, and an operator who meddles with the files."""

from __future__ import annotations

import os
import signal
import time
from typing import TYPE_CHECKING

import pytest
from outbox_conformance import checker, scanner
from outbox_conformance.waiting import eventually
from outbox_conformance.writers import JAVA, LANGUAGES, PYTHON, History, history_of

if TYPE_CHECKING:
    import random
    from collections.abc import Callable

    from outbox_conformance.chronicle import Chronicle
    from outbox_conformance.clock import Clock
    from outbox_conformance.writers import Writers

both = pytest.mark.parametrize("language", LANGUAGES)


def _check(outbox: str, histories: list[History], chronicle: Chronicle | None = None) -> None:
    scan = scanner.scan(outbox)
    assert scan.problems == []
    events = checker.from_scan(scan.records)
    assert checker.violations(events, histories) == []
    if chronicle is not None:
        assert checker.from_chronicle(chronicle.dump(outbox, f"{outbox}.dump")) == events


@both
def test_eight_threads(language: str, outbox: str, writers: Writers) -> None:
    writer = writers.start(language, outbox, "w", threads=8, count=300, lock_timeout=60)
    assert writer.wait() == 0
    (history,) = writers.histories()
    assert len(history.acks) == 8 * 300
    # Threads take numbers before they append: their events are not in the order of the numbers.
    events = checker.from_scan(scanner.scan(outbox).records)
    ordered = sorted(events, key=lambda event: event.number)
    renumbered = [event._replace(number=n) for n, event in enumerate(events)]
    acks = {n: history.acks[event.number] for n, event in enumerate(events)}
    assert [event.number for event in ordered] == list(range(8 * 300))
    assert checker.violations(renumbered, [History("w", 0, threads=0, acks=acks)]) == []


def test_eight_processes(outbox: str, writers: Writers, chronicle: Chronicle) -> None:
    running = [
        writers.start(
            JAVA if number % 4 == 0 else PYTHON, outbox, f"w{number}", count=300, lock_timeout=60
        )
        for number in range(8)
    ]
    assert [writer.wait() for writer in running] == [0] * 8
    assert all(len(history.acks) == 300 for history in writers.histories())
    _check(outbox, writers.histories(), chronicle)


# --- fork ---


@pytest.mark.parametrize("step", ["write.payload", "store.publish", "store.word1"])
def test_parent_killed_within_an_append_while_its_child_lives(
    step: str, outbox: str, writers: Writers, chronicle: Chronicle
) -> None:
    parent = writers.start(
        PYTHON, outbox, "parent", program="forking_writer.py", fault=f"{step}:2:wait", count=0
    )
    eventually("the fork", lambda: "forked" in parent.lines())
    child_log = f"{outbox}.child"
    child_pid = int(eventually("the child", lambda: _lines(child_log))[0].split()[1])
    try:
        waiting = writers.start(JAVA, outbox, "waiting", lock_timeout=1)
        assert [each.kind for each in waiting.append().failures] == ["OutboxBusy"]
        os.kill(parent.process.pid, signal.SIGKILL)
        parent.process.wait()
        # The child has inherited the descriptor of the lock, and does not keep it alive.
        for writer in (waiting, writers.start(PYTHON, outbox, "other", lock_timeout=1)):
            assert len(writer.append(10).acks) == 10
        parent.order(20)
        eventually("the child has appended", lambda: "done" in _lines(child_log))
    finally:
        os.kill(child_pid, signal.SIGKILL)
    child = history_of(_lines(child_log), History("child", 0, threads=1))
    assert len(child.acks) == 20
    _check(outbox, [*writers.histories(), child], chronicle)


def test_parent_and_child_append_with_the_same_outbox(
    outbox: str, writers: Writers, chronicle: Chronicle
) -> None:
    parent = writers.start(
        PYTHON,
        outbox,
        "parent",
        program="forking_writer.py",
        fault="store.publish:2:wait",
        count=2000,
    )
    eventually("the fork", lambda: "forked" in parent.lines())
    child_log = f"{outbox}.child"
    parent.order(2000)
    eventually("both are done", lambda: "done" in parent.lines() and "done" in _lines(child_log))
    child = history_of(_lines(child_log), History("child", 0, threads=1))
    assert len(child.acks) == 2000
    assert len(parent.history().acks) == 2002
    _check(outbox, [*writers.histories(), child], chronicle)


def _lines(path: str) -> list[str]:
    if not os.path.exists(path):
        return []
    with open(path, encoding="utf-8") as log:
        text = log.read()
    return text[: text.rfind("\n") + 1].splitlines()


# --- signals ---


def test_a_handler_that_raises_a_thousand_times_leaks_no_lock(
    outbox: str, writers: Writers, chance: random.Random
) -> None:
    others = [writers.start(language, outbox, f"other-{language}") for language in LANGUAGES]
    alarmed = writers.start(
        PYTHON,
        outbox,
        "alarmed",
        program="alarmed_writer.py",
        count=1000,
        first=chance.randrange(1_000_000),
    )
    alarmed.await_ready()
    while alarmed.process.poll() is None:
        for other in others:
            assert not other.append(20).failures
    assert alarmed.wait() == 0
    for other in others:
        assert len(other.append(20).acks) == 20
    interrupted = [each for each in alarmed.history().failures if each.kind == "Alarm"]
    assert len(interrupted) == 1000
    # Python itself swallows what is raised in a finalizer; the client swallows nothing.
    (raised,) = [line.split()[1] for line in alarmed.lines() if line.startswith("raised ")]
    assert int(raised) < 1050
    _check(outbox, writers.histories())


@both
def test_a_stopped_lock_holder_makes_others_busy_not_hang(
    language: str, outbox: str, writers: Writers, chronicle: Chronicle
) -> None:
    holder = writers.start(language, outbox, "holder", fault="store.publish:3:stop")
    assert len(holder.append(2).acks) == 2
    waiting = [
        writers.start(other, outbox, f"waiting-{other}", lock_timeout=1) for other in LANGUAGES
    ]
    for writer in waiting:
        assert len(writer.append().acks) == 1
    holder.order()
    holder.await_stopped()
    for writer in waiting:
        begin = time.monotonic()
        assert [each.kind for each in writer.append().failures] == ["OutboxBusy"]
        assert time.monotonic() - begin < 20, "a deadline of 1 s"
    holder.signal(signal.SIGCONT)
    holder.await_done()
    assert len(holder.history().acks) == 3
    for writer in (*waiting, holder):
        assert len(writer.append(5).acks) == 5
    _check(outbox, writers.histories(), chronicle)


# --- an operator's hand ---


def _remove(path: str) -> None:
    os.remove(path)


def _zero(path: str) -> None:
    with open(path, "r+b") as file:
        file.write(bytes(os.fstat(file.fileno()).st_size))


def _truncate(path: str) -> None:
    os.truncate(path, 100)


def _replace(path: str) -> None:
    with open(f"{path}.new", "xb") as file:
        os.fchmod(file.fileno(), 0o660)
    os.rename(f"{path}.new", path)


@pytest.mark.parametrize(
    ("name", "action"),
    [
        ("outbox.lock", _remove),
        ("outbox.lock", _replace),
        ("outbox.state", _remove),
        ("outbox.state", _zero),
        ("outbox.state", _truncate),
        ("queue/metadata.cq4t", _remove),
        ("queue/metadata.cq4t", _zero),
        ("queue/metadata.cq4t", _truncate),
    ],
)
@both
def test_writers_that_have_it_open_survive_an_operators_hand(
    language: str,
    name: str,
    action: Callable[[str], None],
    outbox: str,
    clock: Clock,
    writers: Writers,
    chronicle: Chronicle,
) -> None:
    clock.begin_hour()
    first, second = sorted(LANGUAGES, key=lambda other: other != language)
    running = [
        writers.start(each, outbox, f"{number}-{each}", clock_offset_file=clock.path)
        for number, each in enumerate((first, second, first))
    ]
    for writer in running[:2]:
        assert len(writer.append(3).acks) == 3
    action(f"{outbox}/{name}")
    for writer in (*running, *running):
        assert len(writer.append(3).acks) == 3
    clock.advance(3_600_000)
    for writer in running:
        assert len(writer.append(3).acks) == 3
    _check(outbox, writers.histories(), chronicle)


@both
def test_an_unlinked_cycle_is_noticed_before_the_next_append(
    language: str, outbox: str, clock: Clock, writers: Writers, chronicle: Chronicle
) -> None:
    clock.begin_hour()
    first, second = sorted(LANGUAGES, key=lambda other: other != language)
    running = [
        writers.start(each, outbox, each, clock_offset_file=clock.path) for each in (first, second)
    ]
    for writer in running:
        assert len(writer.append(3).acks) == 3
    (cycle,) = [name for name in os.listdir(f"{outbox}/queue") if name.endswith(".cq4")]
    os.remove(f"{outbox}/queue/{cycle}")
    after = [history for writer in running for history in (writer.append(3),)]
    assert all(len(history.acks) == 3 for history in after)
    events = checker.from_scan(scanner.scan(outbox).records)
    assert [event.sequence for event in events] == list(range(7, 13))
    assert checker.violations(events, after) == []
    assert checker.from_chronicle(chronicle.dump(outbox, f"{outbox}.dump")) == events


def test_a_lock_file_replaced_again_and_again_under_traffic(
    outbox: str, writers: Writers, chance: random.Random, chronicle: Chronicle
) -> None:
    running = [
        writers.start(language, outbox, f"w{number}", lock_timeout=60)
        for number, language in enumerate((PYTHON, PYTHON, PYTHON, JAVA))
    ]
    for writer in running:
        assert len(writer.append().acks) == 1
        writer.order(100_000)
    for _ in range(40):
        chance.choice((_remove, _replace))(f"{outbox}/outbox.lock")
        # All have moved to the new file before the next comes: else one that holds the lock of the
        # last could meet one that skips a file. An operator who is that quick is not survived.
        seen = [os.path.getsize(writer.log) for writer in running]
        for writer, size in zip(running, seen, strict=True):
            _await_growth(writer.log, size + 200)
    for writer in running:
        writer.kill()
    assert [each.failures for each in writers.histories()] == [[]] * 4
    _check(outbox, writers.histories(), chronicle)


def _await_growth(path: str, size: int) -> None:
    eventually(f"{path} grows", lambda: os.path.getsize(path) > size, every=0.001)
