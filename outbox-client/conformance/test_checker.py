"""The checker is shown to fail: a check that can't is worth nothing."""

from __future__ import annotations

import dataclasses

import pytest
from outbox_conformance import checker
from outbox_conformance.checker import Event
from outbox_conformance.writers import Ack, Failure, History


def _history() -> History:
    acks = {number: Ack(number + 1, f"id-{number}") for number in range(5)}
    return History("w", first=0, threads=1, acks=acks)


def _event(number: int, *, sequence: int | None = None, writer: str = "w") -> Event:
    sequence = number + 1 if sequence is None else sequence
    return Event(writer, number, sequence, f"id-{number}", 7 << 32 | sequence - 1)


GOOD = [_event(number) for number in range(5)]


def _kinds(events: list[Event], history: History | None = None) -> set[str]:
    found = checker.violations(events, [history or _history()])
    return {violation.split(":")[0].split(" (")[0].split(" id-")[0] for violation in found}


def test_a_complete_history_has_no_violation() -> None:
    assert checker.violations(GOOD, [_history()]) == []


def test_the_append_that_a_killed_writer_was_at_may_be_there_or_not() -> None:
    assert checker.violations([*GOOD, _event(5)], [_history()]) == []


def test_a_lost_event_is_found() -> None:
    assert _kinds(GOOD[:2] + GOOD[3:]) == {"lost"}


def test_a_lost_last_event_is_found() -> None:
    assert _kinds(GOOD[:4]) == {"lost"}


def test_a_doubled_event_is_found() -> None:
    doubled = GOOD[2]._replace(sequence=6, chronicle_index=7 << 32 | 5)
    found = checker.violations([*GOOD, doubled], [_history()])
    assert any(violation.startswith("append ('w', 2) is there 2 times") for violation in found)


@pytest.mark.parametrize("field", ["sequence", "chronicle_index", "event_id"])
def test_an_identity_used_twice_is_found(field: str) -> None:
    events = [*GOOD[:4], GOOD[4]._replace(**{field: getattr(GOOD[3], field)})]
    name = field.replace("_", " ")
    found = checker.violations(events, [_history()])
    assert any(violation.startswith(f"{name} ") and "2 times" in violation for violation in found)


def test_swapped_events_are_found() -> None:
    swapped = [
        GOOD[0],
        GOOD[2]._replace(sequence=2, chronicle_index=GOOD[1].chronicle_index),
        GOOD[1]._replace(sequence=3, chronicle_index=GOOD[2].chronicle_index),
        *GOOD[3:],
    ]
    assert "out of order" in _kinds(swapped)


def test_an_event_that_nobody_appended_is_found() -> None:
    assert _kinds([*GOOD, _event(6)]) == {"phantom"}
    assert _kinds([*GOOD, _event(5, writer="stranger")]) == {"phantom"}


def test_an_event_whose_append_failed_is_found() -> None:
    failed = dataclasses.replace(_history(), failures=[Failure(5, "OutboxFull", "no space")])
    assert _kinds([*GOOD, _event(5)], failed) == {"phantom"}
    maybe = dataclasses.replace(_history(), failures=[Failure(5, "Error", "maybe-appended EIO")])
    assert checker.violations([*GOOD, _event(5)], [maybe]) == []


def test_another_sequence_than_the_acknowledged_is_found() -> None:
    events = [*GOOD[:4], GOOD[4]._replace(sequence=9)]
    assert _kinds(events) == {"not what was acknowledged"}


def _batches(*numbers: int) -> tuple[list[Event], History]:
    acks = {number: Ack(number + 1, f"id-{number}") for number in range(3)}
    return [_event(number) for number in numbers], History("w", 0, threads=1, acks=acks, batch=3)


@pytest.mark.parametrize("there", [(), (3, 4, 5)])
def test_a_batch_that_a_killed_writer_was_at_may_be_there_as_a_whole(there: tuple[int]) -> None:
    events, history = _batches(0, 1, 2, *there)
    assert checker.violations(events, [history]) == []


@pytest.mark.parametrize("there", [(3,), (3, 4), (4, 5), (3, 5)])
def test_a_batch_in_part_is_found(there: tuple[int, ...]) -> None:
    events, history = _batches(0, 1, 2, *there)
    assert _kinds(events, history) == {"in part"}


def test_an_event_within_a_batch_is_found() -> None:
    events, history = _batches(0, 1, 2)
    last = events[2]._replace(sequence=4, chronicle_index=7 << 32 | 3)
    history.acks[2] = Ack(4, last.event_id)
    within = _event(0, sequence=3, writer="other")._replace(event_id="id-other")
    other = History("other", 0, threads=1, acks={0: Ack(3, "id-other")})
    found = checker.violations([*events[:2], within, last], [history, other])
    assert [violation.split(":")[0] for violation in found] == ["in part"]


def test_an_event_of_a_batch_that_failed_is_found() -> None:
    events, history = _batches(0, 1, 2, 3, 4, 5)
    failed = dataclasses.replace(history, failures=[Failure(3, "OutboxFull", "no space")])
    assert _kinds(events, failed) == {"phantom"}
    maybe = dataclasses.replace(history, failures=[Failure(3, "Error", "maybe-appended EIO")])
    assert checker.violations(events, [maybe]) == []
