"""Where a look at two directories stands for one at each name, whatever changed is still seen."""

from __future__ import annotations

import contextlib
import os
import shutil
from typing import TYPE_CHECKING

import pytest
from support import Clock, event, eventually, new_writer, numbers

from outbox_client import OutboxError, _settled_names
from outbox_client._settled_names import SettledNames

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from outbox_client._queue_writer import QueueWriter


def _remove_lock(path: Path) -> None:
    (path / "outbox.lock").unlink()


def _replace_lock(path: Path) -> None:
    (path / "new").touch(0o660)
    (path / "new").rename(path / "outbox.lock")


def _rename_lock(path: Path) -> None:
    (path / "outbox.lock").rename(path / "gone")


def _remove_state(path: Path) -> None:
    (path / "outbox.state").unlink()


def _cut_state(path: Path) -> None:
    os.truncate(path / "outbox.state", 0)


def _move_cycle(path: Path) -> None:
    (cycle,) = (path / "queue").glob("*.cq4")
    cycle.rename(path.parent / cycle.name)


def _remove_cycle(path: Path) -> None:
    (cycle,) = (path / "queue").glob("*.cq4")
    cycle.unlink()


def _copy_cycle(path: Path) -> None:
    (cycle,) = (path / "queue").glob("*.cq4")
    shutil.copy(cycle, path.parent / "copy")
    (path.parent / "copy").chmod(0o660)
    (path.parent / "copy").rename(cycle)


def _move_queue(path: Path) -> None:
    (path / "queue").rename(path.parent / "queue")


def _move_all(path: Path) -> None:
    path.rename(path.parent / "moved")


def _move_and_link(path: Path) -> None:
    path.rename(path.parent / "moved")
    path.symlink_to(path.parent / "moved")


def _link_queue(path: Path) -> None:
    (path / "queue").rename(path.parent / "queue")
    (path / "queue").symlink_to(path.parent / "queue")


def _another_around_the_queue(path: Path) -> None:
    path.rename(path.parent / "moved")
    new_writer(path, clock=Clock()).append(event(7))
    shutil.rmtree(path / "queue")
    (path.parent / "moved" / "queue").rename(path / "queue")


MEDDLED = (
    _remove_lock,
    _replace_lock,
    _rename_lock,
    _remove_state,
    _cut_state,
    _move_cycle,
    _remove_cycle,
    _copy_cycle,
    _move_queue,
    _move_all,
    _move_and_link,
    _link_queue,
    _another_around_the_queue,
)


def _settle(writer: QueueWriter) -> None:
    """Let a writer append until it goes by the two directories."""
    count = 0

    def settled() -> bool:
        nonlocal count
        count += 1
        writer.append(event(count))
        session = writer._session
        return session is not None and session.names is not None and session.names.held

    eventually(settled)


def _outcome(path: Path, meddle: Callable[[Path], None], *, settled: bool) -> tuple[object, ...]:
    path.parent.mkdir()
    writer = new_writer(path, clock=Clock())
    _settle(writer)
    if not settled:
        assert writer._session is not None
        writer._session.names = None
    meddle(path)
    try:
        writer.append(event(1000))
        found = numbers(path)
    except OutboxError as problem:
        return (type(problem),)
    return found.count(1000), len(found) == 1, sorted(os.listdir(path))


@pytest.mark.parametrize("meddle", MEDDLED, ids=lambda meddle: meddle.__name__[1:])
def test_what_was_meddled_with_is_seen_as_by_a_look_at_each_name(
    meddle: Callable[[Path], None], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(_settled_names, "_GRAIN_NS", 100_000_000)  # this file system's is finer
    wanted = _outcome(tmp_path / "by-name" / "outbox", meddle, settled=False)
    assert _outcome(tmp_path / "settled" / "outbox", meddle, settled=True) == wanted
    assert wanted[0] == 1 or not isinstance(wanted[0], int), "the event went elsewhere"


def test_names_are_looked_at_until_the_last_change_is_old_enough(outbox_path: Path) -> None:
    writer = new_writer(outbox_path, clock=Clock())
    for number in range(3):
        writer.append(event(number))
    assert writer._session is not None
    assert writer._session.names is not None
    assert not writer._session.names.held, "made within the grain of a time stamp"


def test_a_name_that_changes_between_the_look_and_the_times_is_seen_later(
    outbox_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As where the process is stopped there, for longer than the grain."""
    monkeypatch.setattr(_settled_names, "_GRAIN_NS", -(1 << 62))
    hold = SettledNames.hold
    calls = 0

    def replace_before(names: SettledNames) -> bool:
        nonlocal calls
        calls += 1
        if calls == 1:
            _replace_lock(outbox_path)
        return hold(names)

    writer = new_writer(outbox_path, clock=Clock())
    writer.append(event(0))
    monkeypatch.setattr(SettledNames, "hold", replace_before)
    with contextlib.suppress(OutboxError):
        writer.append(event(1))
    writer.append(event(2))
    assert calls
    assert writer._lock.is_the_paths()


@pytest.mark.parametrize("meddle", [_remove_cycle, _move_queue, _remove_state])
def test_what_another_thread_found_does_not_count(
    meddle: Callable[[Path], None], outbox_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Who waited for the lock did not look at the directories of the session that it finds."""
    monkeypatch.setattr(_settled_names, "_GRAIN_NS", 100_000_000)
    writer = new_writer(outbox_path, clock=Clock())
    _settle(writer)
    session = writer._session
    assert session is not None
    assert session.is_current(writer._lock, None)
    meddle(outbox_path)
    assert not session.is_current(writer._lock, None)
