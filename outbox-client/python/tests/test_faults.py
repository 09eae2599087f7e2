"""A fault at every step of the protocol: an error, an exception from anywhere, the end of the
process. What was acknowledged is there, once and in order; the next append works.
"""

from __future__ import annotations

import errno
import os
import signal
import time
from typing import TYPE_CHECKING

import pytest
from support import (
    HOUR_NS,
    Clock,
    Reached,
    event,
    exit_code,
    fail,
    in_child,
    is_subsequence,
    kill_self,
    new_writer,
    numbers,
    read_all,
    small_layout,
)

from outbox_client import OutboxError, OutboxFull, OutboxUnavailable

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from outbox_client._disk import Disk

APPENDS = 140  # past the second index page of the small layout
AFTER_ROLL = 3


def scenario(
    path: Path, disk: Disk, done: Callable[[int], None], failed: type[BaseException]
) -> None:
    """Open, append past an index page, roll, append. Tells which appends returned."""
    clock = Clock()
    writer = new_writer(path, clock=clock, disk=disk)
    for number in range(APPENDS + AFTER_ROLL):
        if number == APPENDS:
            clock.now += HOUR_NS
        try:
            writer.append(event(number))
        except failed:
            continue
        done(number)


def _steps() -> dict[str, int]:
    """How often each label is reached when nothing fails."""
    import tempfile
    from pathlib import Path

    with tempfile.TemporaryDirectory() as parent:
        path = Path(parent) / "outbox"
        small_layout(path)
        disk = Reached()
        scenario(path, disk, lambda number: None, OutboxError)
    steps: dict[str, int] = {}
    for (_, label), count in disk.calls.items():
        steps[label] = steps.get(label, 0) + count
    return steps


STEPS = _steps()
PLACES = [
    (label, number)
    for label, count in sorted(STEPS.items())
    for number in sorted({1, 2, 3, 4, count // 2, count - 1, count} & set(range(1, count + 1)))
]
SYSTEM_CALLS = {
    "ahead",
    "payload",
    "index-page",
    "eof-tail",
    "create",
    "link",
    "unlink",
    "failures",
}


def test_the_scenario_reaches_every_label() -> None:
    assert set(STEPS) == {
        "ahead",
        "create",
        "eof",
        "eof-tail",
        "failures",
        "index",
        "index-page",
        "link",
        "listing",
        "lock",
        "payload",
        "publish",
        "state",
        "unlink",
        "word1",
        "word2",
    }


def assert_whole(path: Path, done: list[int], possible: range) -> None:
    """What returned is there once and in order; the next append works."""
    started = time.monotonic()
    new_writer(path, clock=Clock()).append(event(1000))
    assert time.monotonic() - started < 2
    found = numbers(path)
    assert len(found) == len(set(found))
    assert is_subsequence(done, found)
    assert found[-1] == 1000
    assert set(found[:-1]) <= set(possible)


@pytest.mark.parametrize(
    ("label", "number", "half"),
    [(*place, False) for place in PLACES]
    + [(*place, True) for place in PLACES if place[0] in SYSTEM_CALLS],
)
def test_a_kill_loses_nothing_that_returned(
    label: str, number: int, half: bool, outbox_path: Path
) -> None:
    small_layout(outbox_path)

    def run(pipe: int) -> None:
        disk = Reached(label, number, kill_self, half=half)
        scenario(outbox_path, disk, lambda n: assert_written(pipe, n), OutboxError)

    pid, pipe = in_child(run)
    done = list(read_all(pipe))
    assert exit_code(pid) == -signal.SIGKILL
    assert_whole(outbox_path, done, range(len(done) + 1))


def assert_written(pipe: int, number: int) -> None:
    assert os.write(pipe, bytes((number,))) == 1


@pytest.mark.parametrize("code", [errno.ENOSPC, errno.EIO], ids=["full", "broken"])
@pytest.mark.parametrize(
    ("label", "number"), [place for place in PLACES if place[0] in SYSTEM_CALLS]
)
@pytest.mark.parametrize("half", [False, True], ids=["before", "half"])
def test_an_error_of_the_disk_is_named_and_what_failed_is_not_there(
    label: str, number: int, code: int, half: bool, outbox_path: Path
) -> None:
    small_layout(outbox_path)
    done: list[int] = []
    wanted = OutboxFull if code == errno.ENOSPC else OutboxUnavailable
    scenario(outbox_path, Reached(label, number, fail(code), half=half), done.append, wanted)
    failures = APPENDS + AFTER_ROLL - len(done)
    # Writing ahead, the index and the counters of failures are not worth an append; a block that
    # takes no record or EOF is left behind.
    left_behind = code == errno.EIO and label in ("payload", "eof-tail")
    spared = label in ("ahead", "index-page", "failures") or left_behind
    assert failures == (0 if spared else 1)
    assert_whole(outbox_path, done, range(APPENDS + AFTER_ROLL))
    assert numbers(outbox_path)[:-1] == done


class FromAnywhereError(BaseException):
    """As a signal handler raises it, at a place that is not prepared for any error."""


def _raise() -> None:
    raise FromAnywhereError


@pytest.mark.parametrize(("label", "number"), PLACES)
def test_an_exception_from_anywhere_loses_nothing_and_leaks_no_lock(
    label: str, number: int, outbox_path: Path
) -> None:
    small_layout(outbox_path)
    done: list[int] = []
    scenario(outbox_path, Reached(label, number, _raise), done.append, FromAnywhereError)
    assert len(done) == APPENDS + AFTER_ROLL - 1
    assert_whole(outbox_path, done, range(APPENDS + AFTER_ROLL))


@pytest.mark.parametrize(
    ("label", "number"),
    [("state", 1), ("state", 2), ("word2", 1), ("word1", 1), ("index", 1), ("index", 3)],
)
def test_what_cannot_be_booked_is_appended_and_booked_by_the_next_append(
    label: str, number: int, outbox_path: Path
) -> None:
    small_layout(outbox_path)
    disk = Reached(label)
    writer = new_writer(outbox_path, clock=Clock(), disk=disk)
    for count in range(4):
        writer.append(event(count))
    disk.fail_at(number, fail())
    receipts = [writer.append(event(count)) for count in range(4, 10)]
    assert [receipt.sequence for receipt in receipts] == list(range(5, 11))
    assert disk.calls["store", label] > 0
    assert numbers(outbox_path) == list(range(10))


CREATION = [
    ("lock", 1),
    ("lock", 2),
    ("listing", 1),
    ("listing", 2),
    ("listing", 3),
    ("state", 1),
    ("state", 2),
    ("state", 3),
    ("state", 6),
    ("create", 1),
    ("create", 2),
    ("create", 3),
    ("link", 1),
    ("link", 2),
    ("unlink", 1),
]


@pytest.mark.parametrize(("label", "number"), CREATION)
def test_a_kill_while_an_outbox_is_created_leaves_one_that_can_be_created(
    label: str, number: int, outbox_path: Path
) -> None:
    def run(pipe: int) -> None:
        writer = new_writer(outbox_path, disk=Reached(label, number, kill_self, half=True))
        for count in range(4):
            writer.append(event(count))
            assert_written(pipe, count)

    pid, pipe = in_child(run)
    done = list(read_all(pipe))
    assert exit_code(pid) == -signal.SIGKILL
    assert_whole(outbox_path, done, range(4))


@pytest.mark.parametrize("code", [errno.ENOSPC, errno.EIO], ids=["full", "broken"])
@pytest.mark.parametrize(
    ("label", "number"), [place for place in CREATION if place not in {("lock", 2), ("listing", 3)}]
)
def test_an_error_while_an_outbox_is_created_is_named_and_passes(
    label: str, number: int, code: int, outbox_path: Path
) -> None:
    writer = new_writer(outbox_path, disk=Reached(label, number, fail(code), half=True))
    with pytest.raises(OutboxFull if code == errno.ENOSPC else OutboxUnavailable):
        writer.append(event(0))
    writer.append(event(2))
    writer.append(event(3))
    assert_whole(outbox_path, [], range(4))


def test_a_fault_that_is_not_looked_for_is_found(outbox_path: Path) -> None:
    """The negative control: an append that is not there fails the check."""
    writer = new_writer(outbox_path, clock=Clock())
    writer.append(event(0))
    with pytest.raises(AssertionError):
        assert_whole(outbox_path, [0, 1], range(2))
