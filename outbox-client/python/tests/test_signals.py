"""Signal handlers that raise, anywhere in an append."""

from __future__ import annotations

import gc
import os
import random
import signal
from typing import TYPE_CHECKING

import pytest
from support import HOUR, Clock, Reached, event, is_subsequence, new_writer, numbers
from test_lock import _is_free

from outbox_client import Outbox, OutboxBusy, _outbox_directory
from outbox_client._cycle_layout import cycle_name
from outbox_client._outbox_directory import file_system

if TYPE_CHECKING:
    from collections.abc import Callable, Generator
    from pathlib import Path
    from types import FrameType

    from outbox_client._record_draft import RecordDraft

ALARMS = 20_000 if os.environ.get("TORTURE") else 1500


@pytest.fixture(autouse=True)
def _no_garbage_collection() -> Generator[None, None, None]:
    """What a handler raises inside a callback of the collector, like Hypothesis's, is lost."""
    gc.collect()
    gc.disable()
    yield
    gc.enable()


class AlarmError(BaseException):
    """As Airflow's timeout."""


class Alarm:
    """A timer whose handler raises, so many times per append."""

    def __init__(self, problem: type[BaseException], times: int = 1) -> None:
        self._problem = problem
        self._times = times
        self._left = 0
        self._chance = random.Random(1)
        self.rung = 0
        self.before = signal.signal(signal.SIGALRM, self._ring)

    def _ring(self, number: int, frame: FrameType | None) -> None:
        if self._left:
            self._left -= 1
            if self._left:
                signal.setitimer(signal.ITIMER_REAL, self._chance.uniform(1e-6, 6e-6))
            raise self._problem("the task's time is over")

    def returns(
        self, action: Callable[[RecordDraft], object], argument: RecordDraft, longest: float
    ) -> bool:
        """Whether the call returned before the alarm rang."""
        try:
            try:
                self._left = self._times
                signal.setitimer(signal.ITIMER_REAL, self._chance.uniform(1e-6, longest))
                action(argument)
            finally:
                self._left = 0
        except (self._problem, SystemError):
            # CPython 3.10 lets a second one in before the finally, or makes a SystemError of both.
            self._left = 0
            self.rung += 1
            return False
        finally:
            signal.setitimer(signal.ITIMER_REAL, 0)
        return True

    def stop(self) -> None:
        self._left = 0
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(signal.SIGALRM, self.before)


@pytest.fixture
def alarm() -> Generator[Alarm, None, None]:
    alarm = Alarm(AlarmError)
    yield alarm
    alarm.stop()


@pytest.fixture
def double_alarm() -> Generator[Alarm, None, None]:
    alarm = Alarm(AlarmError, times=2)
    yield alarm
    alarm.stop()


def append_under(alarm: Alarm, path: Path, *, cold: bool = False) -> tuple[list[int], int]:
    """Append until enough alarms have rung; the acknowledged numbers, and the leaked locks."""
    writer = new_writer(path, lock_timeout=20)
    done: list[int] = []
    leaks = number = 0
    while alarm.rung < ALARMS:
        number += 1
        if cold:
            writer.close()
        if alarm.returns(writer.append, event(number), 1e-3 if cold else 40e-6):
            done.append(number)
            continue
        leaks += not _is_free(path)
        if not cold:
            number += 1
            writer.append(event(number))
            done.append(number)
    return done, leaks


def assert_nothing_lost(path: Path, done: list[int]) -> None:
    found = numbers(path)
    assert len(set(found)) == len(found)
    assert is_subsequence(done, found)


@pytest.mark.parametrize("cold", [False, True], ids=["warm", "cold"])
def test_an_alarm_that_raises_leaks_no_lock_and_loses_nothing(
    cold: bool, alarm: Alarm, outbox_path: Path
) -> None:
    Outbox(outbox_path).create()
    descriptors = len(os.listdir("/proc/self/fd"))
    done, leaks = append_under(alarm, outbox_path, cold=cold)
    assert leaks == 0
    assert len(os.listdir("/proc/self/fd")) <= descriptors + 3  # lock, state, cycle
    assert_nothing_lost(outbox_path, done)


def test_alarms_in_quick_succession_stall_no_later_append(
    double_alarm: Alarm, outbox_path: Path
) -> None:
    Outbox(outbox_path).create()
    done, leaks = append_under(double_alarm, outbox_path)
    # Two that hit the same append's end may leave the lock behind until the next append.
    assert leaks < ALARMS / 20
    new_writer(outbox_path, lock_timeout=20).append(event(0))
    assert _is_free(outbox_path)
    assert_nothing_lost(outbox_path, done)


def test_a_lock_that_leaks_is_seen(outbox_path: Path, alarm: Alarm) -> None:
    """The negative control."""
    writer = new_writer(outbox_path)
    writer.append(event(0))
    lock = writer._lock
    lock.kernel_call(lock.fd, lock._lock_command, lock._lock_argument)
    assert not _is_free(outbox_path)
    writer.append(event(1))
    assert _is_free(outbox_path)


def test_a_handler_that_appends_itself_is_told_so_and_disturbs_nothing(
    alarm: Alarm, outbox_path: Path
) -> None:
    outbox = Outbox(outbox_path, lock_timeout=20)
    refused = appended = 0

    def append_too(number: int, frame: FrameType | None) -> None:
        nonlocal refused, appended
        try:
            outbox.append(b"from the handler", topic="t")
            appended += 1
        except OutboxBusy:
            refused += 1

    signal.signal(signal.SIGALRM, append_too)
    chance = random.Random(2)
    count = 0
    while refused < 300:
        signal.setitimer(signal.ITIMER_REAL, chance.uniform(1e-6, 40e-6))
        outbox.append(b"", topic="t")
        count += 1
        signal.setitimer(signal.ITIMER_REAL, 0)
    assert len(numbers_of_any(outbox_path)) == count + appended


def numbers_of_any(path: Path) -> list[int]:
    from support import records

    return [record.sequence for record in records(path)]


def test_a_handlers_timeout_error_is_not_taken_for_a_disks(outbox_path: Path) -> None:
    alarm = Alarm(TimeoutError)
    try:
        writer = new_writer(outbox_path)
        for number in range(3000):
            if number % 10 == 0:
                writer.close()
            # Any other error, and a TimeoutError that is swallowed, would end the test.
            alarm.returns(writer.append, event(number), 60e-6)
        assert alarm.rung > 100
    finally:
        alarm.stop()


def _ring() -> None:
    raise TimeoutError("the task's time is over")


def test_a_handlers_timeout_error_during_a_sync_is_no_failed_sync(outbox_path: Path) -> None:
    disk = Reached("payload", 4, _ring)  # write, sync, write, sync
    writer = new_writer(outbox_path, clock=Clock(), durability="power", disk=disk)
    writer.append(event(0))
    with pytest.raises(TimeoutError, match="time is over"):
        writer.append(event(1))
    assert disk.calls["fdatasync", "payload"] == 2
    writer.append(event(2))
    assert numbers(outbox_path) == [0, 1, 2]
    assert [path.name for path in (outbox_path / "queue").glob("*.cq4")] == [cycle_name(HOUR)]


def test_a_handlers_timeout_error_does_not_make_a_file_system_unknown(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    def ring(*_: str) -> None:
        _ring()

    device = os.makedev(4095, 2)
    monkeypatch.setattr(_outbox_directory, "Descriptor", ring)
    with pytest.raises(TimeoutError):
        file_system("/proc", device)
    monkeypatch.undo()
    assert file_system("/proc", device) == "proc"


def test_a_handlers_timeout_error_behind_the_making_of_a_directory_passes(
    outbox_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    make = os.mkdir

    def make_and_ring(path: str, mode: int, *, dir_fd: int | None) -> None:
        make(path, mode, dir_fd=dir_fd)
        _ring()

    monkeypatch.setattr(os, "mkdir", make_and_ring)
    with pytest.raises(TimeoutError):
        new_writer(outbox_path).open()
    monkeypatch.undo()
    new_writer(outbox_path).append(event(0))
    assert numbers(outbox_path) == [0]
