"""Operations of the disk fail: an error says so, and no later success hides it."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

import pytest
from outbox_conformance import checker, scanner
from outbox_conformance.trials import Trial
from outbox_conformance.writers import JAVA, LANGUAGES, PYTHON

if TYPE_CHECKING:
    from outbox_conformance.chronicle import Chronicle
    from outbox_conformance.trials import Stage
    from outbox_conformance.writers import Writers

TORTURE = os.environ.get("TORTURE") == "1"
OPERATIONS = ("write", "sync", "truncate", "link", "unlink", "lock")
KINDS = {"EIO": "OutboxUnavailable", "ENOSPC": "OutboxFull"}


@pytest.mark.parametrize("error", KINDS)
@pytest.mark.parametrize("scenario", ["creation", "append", "index page", "roll", "state-missing"])
@pytest.mark.parametrize("language", LANGUAGES if TORTURE else (PYTHON,))
def test_any_operation_may_fail_once(
    language: str, scenario: str, error: str, parent: str, stage: Stage, writers: Writers
) -> None:
    other = JAVA if language == PYTHON else PYTHON
    reported = 0
    for operation in OPERATIONS:
        count = 0
        failed = True
        while failed:
            count += 1
            outbox = f"{parent}/{operation}-{count}"
            trial = Trial(scenario, outbox, stage, writers)
            writer = trial.start(language, f"{operation}.*:{count}:{error}")
            outcomes = [writer.append() for _ in range(3)]
            failed = bool(outcomes[0].failures)
            history = writer.history()
            reported += len(history.failures)
            # One append fails; the writer is none the worse for it.
            assert {failure.kind for failure in history.failures} <= {KINDS[error]}
            assert len(history.acks) >= 2
            trial.histories.append(history)
            writer.kill()
            trial.go_on(other, "other")
            trial.check()
    assert reported >= 2


@pytest.mark.parametrize("language", LANGUAGES)
def test_a_failed_fdatasync_is_reported_and_its_cycle_left(
    language: str, stage: Stage, outbox: str, writers: Writers, chronicle: Chronicle
) -> None:
    """A later fdatasync may succeed without the data: so there is none in that cycle."""
    trial = Trial("append", outbox, stage, writers)
    writer = trial.start(language, "sync.payload:1:EIO", durability="power")
    (failure,) = writer.append().failures
    assert failure.kind == "OutboxUnavailable"
    assert failure.maybe_appended
    assert len(writer.append(3).acks) == 3
    other = JAVA if language == PYTHON else PYTHON
    trial.go_on(other, "other")
    trial.histories.append(writer.history())
    found = scanner.scan(outbox)
    assert checker.violations(checker.from_scan(found.records), trial.all_histories()) == []
    in_doubt = [each.cycle for each in found.records if each.record.sequence == 4]
    cycles = {each.cycle for each in found.records if each.record.sequence > 4}
    assert in_doubt
    assert in_doubt[0] < min(cycles)
