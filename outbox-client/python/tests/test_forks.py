"""Forks that happen in the middle of an append, and forks that Python does not know of."""

from __future__ import annotations

import ctypes
import os
from typing import TYPE_CHECKING

import pytest
from support import (
    HOUR_NS,
    Clock,
    Reached,
    event,
    event_id,
    exit_code,
    new_writer,
    numbers,
    records,
    run_python,
)
from test_lock import _is_free

from outbox_client import OutboxUnavailable, _forks
from outbox_client._record_draft import RecordDraft

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from pathlib import Path
    from typing import Any

    from outbox_client._disk import Disk


class ForkOnce:
    """Forks when it is told to, as a signal handler can; the child waits until it is let go on."""

    def __init__(self) -> None:
        self.armed = False
        self.child = -1
        self._go = os.pipe()

    def __call__(self) -> None:
        if not self.armed:
            return
        self.armed = False
        self.child = os.fork()
        if self.child == 0:
            os.close(self._go[1])
            os.read(self._go[0], 1)

    def let_go_on(self) -> int:
        """The child's exit code."""
        os.close(self._go[1])
        return exit_code(self.child)


class ForkingClock(Clock):
    def __init__(self, fork: ForkOnce) -> None:
        super().__init__()
        self._fork = fork

    def __call__(self) -> int:
        self._fork()
        return super().__call__()


class ForkingDraft(RecordDraft):
    __slots__ = ("fork",)
    fork: Callable[[], None]

    def parts(self, *arguments: Any) -> Sequence[bytes]:
        parts = super().parts(*arguments)
        self.fork()
        return parts


@pytest.mark.parametrize("place", ["before", "after"])
@pytest.mark.parametrize("first", [True, False], ids=["first append", "later append"])
def test_a_child_that_is_forked_inside_an_append_does_not_go_on_with_it(
    place: str, first: bool, outbox_path: Path
) -> None:
    """It has the frames of its parent, but not the lock: it would overwrite what came later."""
    fork = ForkOnce()
    clock = ForkingClock(fork) if place == "before" else Clock()
    writer = new_writer(outbox_path, lock_timeout=60, clock=clock)
    if not first:
        writer.append(event(0))
    draft = ForkingDraft(b"topic", b"key", b"", b"value", event_id(1), None)
    draft.fork = fork if place == "after" else lambda: None
    fork.armed = True
    try:
        writer.append(draft)
        assert fork.child > 0
    except OutboxUnavailable as problem:
        if fork.child == 0 and problem.maybe_appended:
            writer.append(event(3))
            os._exit(0)
    finally:
        if fork.child == 0:
            os._exit(70)
    writer.append(event(2))
    assert fork.let_go_on() == 0
    assert numbers(outbox_path) == ([1, 2, 3] if first else [0, 1, 2, 3])
    assert _is_free(outbox_path)


def append_and_roll(path: Path, disk: Disk, clock: Clock) -> list[int]:
    """Append until a child of a fork is told that it is one; return what was appended."""
    writer = new_writer(path, lock_timeout=60, durability="power", disk=disk, clock=clock)
    for number in range(4):
        if number == 2:
            clock.now += HOUR_NS
        writer.append(event(number))
    return list(range(4))


def test_a_child_that_is_forked_at_the_entry_of_any_operation_does_not_carry_it_out(
    tmp_path: Path,
) -> None:
    """A signal handler runs where a method begins: what it forks there goes on behind it."""
    every = Reached()
    append_and_roll(tmp_path / "all", every, Clock())
    for label, number in every.steps():
        if label in ("lock", "sync-unlock"):
            continue  # who waits for the lock, or is done, at a fork appends in the child, too
        path = tmp_path / f"{label}-{number}"
        fork = ForkOnce()
        fork.armed = True
        clock = Clock()
        try:
            append_and_roll(path, Reached(label, number, fork), clock)
            assert fork.child > 0, "it was not forked, or the child went on"
        except OutboxUnavailable as problem:
            if fork.child == 0 and problem.maybe_appended:
                new_writer(path, lock_timeout=60, clock=clock).append(event(9))
                os._exit(0)
            raise
        finally:
            if fork.child == 0:
                os._exit(70)
        new_writer(path, clock=clock).append(event(4))
        assert fork.let_go_on() == 0, (label, number)
        assert numbers(path) == [0, 1, 2, 3, 4, 9], (label, number)
        assert _is_free(path)


def test_children_of_a_fork_that_python_was_not_told_of_have_a_lock_and_ids_of_their_own(
    outbox_path: Path,
) -> None:
    """As some servers fork their workers once the application is loaded."""
    if not _sees_forks_in_c():
        pytest.skip("this kernel has no MADV_WIPEONFORK")
    program = """
import ctypes, os, sys
from outbox_client import Outbox
outbox = Outbox(sys.argv[1], lock_timeout=60)
outbox.append("", topic="t")
fork = ctypes.PyDLL(None).fork
children = []
for _ in range(4):
    pid = fork()
    if pid == 0:
        code = 70
        try:
            for _ in range(300):
                outbox.append("", topic="t")
            code = 0
        finally:
            os._exit(code)
    children.append(pid)
print([os.waitpid(pid, 0)[1] for pid in children])
"""
    assert run_python(program, str(outbox_path)).strip() == "[0, 0, 0, 0]"
    found = records(outbox_path)
    assert [record.sequence for record in found] == list(range(1, 1202))
    assert len({record.event_id[6:] for record in found}) == 1201


def _sees_forks_in_c() -> bool:
    pid = ctypes.PyDLL(None).fork()
    if pid == 0:
        os._exit(_forks.here[0])
    return exit_code(pid) == 0
