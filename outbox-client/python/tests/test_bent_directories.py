"""Who owns one outbox points its directories at another's: that is never touched."""

from __future__ import annotations

from contextlib import suppress
from functools import partial
from hashlib import sha256
from typing import TYPE_CHECKING, Any

import pytest
from support import HOUR_NS, Clock, Reached, event, new_writer

from outbox_client import Outbox, OutboxUnavailable
from outbox_client._disk import Disk
from outbox_client._outbox_directory import OutboxDirectory

if TYPE_CHECKING:
    from pathlib import Path


def append_and_roll(path: Path, disk: Disk) -> None:
    clock = Clock()
    writer = new_writer(path, clock=clock, durability="power", disk=disk)
    writer.append(event(1))
    writer.append(event(2))
    clock.now += HOUR_NS
    writer.append(event(3))
    clock.now += HOUR_NS
    new_writer(path, clock=clock, durability="power", disk=disk).append(event(4))


def contents(outbox: Path) -> dict[str, tuple[int, str]]:
    found = {}
    for file in outbox.rglob("*"):
        if file.is_file():
            with file.open("rb") as opened:
                start = opened.read(128 << 10)
            found[str(file.relative_to(outbox))] = file.stat().st_size, sha256(start).hexdigest()
    return found


def point(directory: Path, other: Path) -> None:
    directory.rename(directory.with_name(f"{directory.name}.aside"))
    directory.symlink_to(other)


@pytest.mark.parametrize("what", ["queue", ""])
def test_whatever_step_of_a_writer_it_happens_before_another_outbox_stays_as_it_is(
    what: str, tmp_path: Path
) -> None:
    victim = tmp_path / "victim"
    append_and_roll(victim, Disk())
    before = contents(victim)
    every = Reached()
    append_and_roll(tmp_path / "all", every)
    steps = every.steps()
    assert len(steps) > 40, steps
    refused = 0
    for label, number in steps:
        bent = tmp_path / f"bent-{label}-{number}"
        disk = Reached(label, number, partial(point, bent / what, victim / what))
        try:
            append_and_roll(bent, disk)
        except OutboxUnavailable:
            refused += 1
        assert (bent / what).is_symlink(), (label, number)
        assert contents(victim) == before, (label, number)
    assert refused > len(steps) // 2


def test_an_outbox_that_was_exchanged_after_its_lock_was_looked_at_is_not_changed(
    outbox_path: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Even for a real directory: its writers go by another lock."""
    other = tmp_path / "other"
    append_and_roll(other, Disk())
    before = contents(other)
    new_writer(outbox_path).append(event(1))
    writer = new_writer(outbox_path)
    hold = OutboxDirectory.hold

    def hold_another(self: OutboxDirectory) -> Any:
        if writer._lock.fd >= 0 and outbox_path.exists():
            outbox_path.rename(tmp_path / "aside")
            other.rename(outbox_path)
        return hold(self)

    monkeypatch.setattr(OutboxDirectory, "hold", hold_another)
    with pytest.raises(OutboxUnavailable, match="was replaced during this append"):
        writer.append(event(2))
    assert contents(outbox_path) == before


def test_the_refusals_of_a_bent_outbox_are_not_counted_elsewhere(
    outbox_path: Path, tmp_path: Path
) -> None:
    victim = tmp_path / "victim"
    append_and_roll(victim, Disk())
    with Outbox(outbox_path) as outbox:
        outbox.append("x", topic="t")
        before = contents(victim)
        point(outbox_path, victim)
        for _ in range(3):
            with suppress(OutboxUnavailable):
                outbox.append("x", topic="t")
    assert contents(victim) == before
