"""The enumeration of crash states finds what it must: faults are planted, each is found."""

from __future__ import annotations

import os
import random
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import pytest
from outbox_conformance import cyclefile
from outbox_conformance.crashes import histories, planted
from outbox_conformance.crashes.campaign import Campaign
from outbox_conformance.crashes.recovery import PythonSuccessor
from outbox_conformance.crashes.survival import SECTOR, killed

from outbox_client import _cycle_facts, _new_cycle, _recovery

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from outbox_conformance.crashes.oplog import Log


#: Finds all of them, and soon.
SEED = 1
LIMIT = 60


@pytest.fixture(autouse=True)
def umask() -> Iterator[None]:
    before = os.umask(0o007)
    yield
    os.umask(before)


def _find(what: str, log: Log, *, kills: bool = False) -> None:
    """Look at the crash states of a log until one shows the fault."""
    successors = (PythonSuccessor(), PythonSuccessor())
    with Campaign(successors, random.Random(SEED), stop_at=what) as campaign:
        if kills:
            campaign.kills(log)
        else:
            campaign.cuts(log, SECTOR, LIMIT)
    report = campaign.report
    found = [each for each in report.violations if any(what in one for one in each.what)]
    assert found, f"{report.states} states, and of {what!r} none: {report.kinds()}"
    print(f"after {report.states} states: {found[0]}")


def _from(log: Log, label: str) -> Log:
    """Crashes are of interest from the last operation of this label on."""
    labels = [operation.label for operation in log.operations]
    return replace(log, start=len(labels) - 1 - labels[::-1].index(label))


def test_an_ack_without_fdatasync(tmp_path: Path) -> None:
    log = histories.first("power", str(tmp_path))
    _find("lost", planted.without_syncs(log, "payload"))


def test_a_roll_without_fsync_of_the_directory(tmp_path: Path) -> None:
    log = histories.first("power", str(tmp_path))
    _find("lost", planted.without_syncs(log, "link"))


def test_a_header_word_before_its_record(tmp_path: Path) -> None:
    log = histories.first("process", str(tmp_path))
    _find("a kill left", planted.published_first(log), kills=True)


def test_a_batch_published_by_its_last_word(tmp_path: Path) -> None:
    log = histories.first("batches", str(tmp_path))
    _find("incomplete-batch", planted.batches_published_last(log), kills=True)


def test_a_batch_written_with_a_final_first_word(tmp_path: Path) -> None:
    log = histories.first("batches", str(tmp_path))
    _find("incomplete-batch", planted.batches_published_by_the_write(log), kills=True)


def test_state_and_word1_before_the_record(tmp_path: Path) -> None:
    log = histories.first("process", str(tmp_path))
    _find("a kill left", planted.booked_first(log), kills=True)


def test_a_recovery_that_does_not_search(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    log = histories.first("process", str(tmp_path))
    monkeypatch.setattr(_cycle_facts, "search", lambda *_: iter(()))
    _find("I4", _from(log, "eof"))


def test_a_power_writer_that_trusts_the_name_of_a_cycle(tmp_path: Path) -> None:
    """Its maker was killed between link and fsync."""
    (tmp_path / "first").mkdir()
    (tmp_path / "second").mkdir()
    log = histories.first("process", str(tmp_path / "first"))
    state = next(each for each in killed(log) if log.operations[each.point - 1].label == "link")
    continued = histories.after_a_kill(log, state, str(tmp_path / "second"), "continued")
    _find("lost", planted.without_sync_of_the_queue(continued))


def test_an_opening_that_leaves_second_names_of_older_cycles(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def remove(queue: Any, names: list[str], disk: Any) -> None:
        newest = cyclefile.name(max(cyclefile.numbers(os.listdir(queue.fd)), default=0))
        _remove(queue, [name for name in names if newest in name], disk)

    _remove = _new_cycle.remove_leftovers
    log = histories.first("mixed", str(tmp_path))
    monkeypatch.setattr(_recovery, "remove_leftovers", remove)
    _find("refused", log)


def test_an_eof_before_records_that_readers_find(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def end(self: Any, cycle: Any, tail: Any, whole: bool, state: Any) -> None:
        tail = self._book(cycle, tail, state)
        if whole and not tail.ended:
            cycle.end(tail.offset, self.options.lock_timeout, self.disk)

    log = histories.first("process", str(tmp_path))
    monkeypatch.setattr(_recovery._Recovery, "_end", end)
    _find("I5", _from(log, "eof"))
