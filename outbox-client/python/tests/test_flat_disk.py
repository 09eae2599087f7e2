"""The flat steps of production are those, in that order, that all other tests take one by one."""

from __future__ import annotations

import os
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any

import pytest

from outbox_client import OutboxUnavailable, _disk
from outbox_client._disk import Disk, FlatDisk

if TYPE_CHECKING:
    from collections.abc import Callable


class Words:
    """Records each store."""

    def __init__(self, name: str, log: list[Any]) -> None:
        self._name = name
        self._log = log

    def __setitem__(self, index: int, value: int) -> None:
        self._log.append((self._name, index, value))


def _steps(disk: Disk, monkeypatch: pytest.MonkeyPatch, *, written: int) -> list[Any]:
    log: list[Any] = []

    def pwrite(fd: int, data: bytes, offset: int) -> int:
        log.append(("pwrite", fd, bytes(data), offset))
        return min(written, len(data))

    monkeypatch.setattr(os, "pwrite", pwrite)
    monkeypatch.setattr(_disk, "_pwrite", pwrite)
    monkeypatch.setattr(_disk, "_fdatasync", lambda fd: log.append(("fdatasync", fd)))
    cycle: Any = SimpleNamespace(
        fd=7, word1=8, words32=Words("words32", log), words64=Words("words64", log)
    )
    state: Any = SimpleNamespace(words=Words("state", log))
    disk.publish(cycle, b"0123456789abcdef", 400, 4)
    disk.book(cycle, state, 400, 5, 6)
    steps: list[None] = []
    disk.sync_payload(7, steps)
    return [*log, len(steps)]


@pytest.mark.parametrize("written", [100, 5])
def test_flat_steps_are_the_steps(written: int, monkeypatch: pytest.MonkeyPatch) -> None:
    wanted = _steps(Disk(), monkeypatch, written=written)
    assert _steps(FlatDisk(), monkeypatch, written=written) == wanted
    assert [step[0] for step in wanted[-8:-1]] == [
        "pwrite",
        "words32",
        "state",
        "state",
        "words64",
        "words64",
        "fdatasync",
    ]


def test_each_flat_step_is_refused_where_it_was_stopped() -> None:
    disk = FlatDisk()
    _disk.stop(disk)
    nothing: Any = None
    calls: list[Callable[[], None]] = [
        lambda: disk.publish(nothing, b"", 0, 0),
        lambda: disk.book(nothing, nothing, 0, 0, 0),
        lambda: disk.sync_payload(0, []),
        lambda: disk.sync_lock(0, 0, b""),
    ]
    for call in calls:
        with pytest.raises(OutboxUnavailable, match="forked inside an append"):
            call()
