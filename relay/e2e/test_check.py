"""The checker finds each kind of fault that the other tests rely on it to find."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from harness.check import (
    check,
    percentile,
    repeated_without_a_cause,
    sequences_given_twice,
)
from harness.ledger import Ack, Append, Ledgers, LedgerWriter
from harness.topics import EVENT_ID, Delivered

if TYPE_CHECKING:
    from pathlib import Path

EVENTS = [Append(writer, number) for number in range(50) for writer in ("a-1", "b-1")]
LEDGERS = Ledgers(
    frozenset(EVENTS),
    tuple(Ack(append, i + 1, f"id-{i}", 1000, 0) for i, append in enumerate(EVENTS)),
)
IDS = {ack.append: ack.event_id for ack in LEDGERS.acked}


def record(append: Append, offset: int = 0) -> Delivered:
    header = (EVENT_ID, IDS.get(append, "?").encode())
    return Delivered(0, offset, 0, append.writer.encode(), append.value(200), (header,))


def delivered(appends: list[Append]) -> list[Delivered]:
    return [record(append, offset) for offset, append in enumerate(appends)]


def test_all_that_was_appended_and_nothing_else_passes() -> None:
    findings = check(LEDGERS, delivered(EVENTS))
    assert findings.problems(duplicates_allowed=False) == []
    assert findings.acked == findings.delivered == len(EVENTS)


def test_an_event_tried_but_never_acked_may_arrive_or_not() -> None:
    unacked = Append("a-1", 50)
    ledgers = Ledgers(LEDGERS.tried | {unacked}, LEDGERS.acked)
    assert check(ledgers, delivered(EVENTS)).problems(duplicates_allowed=False) == []
    assert check(ledgers, delivered([*EVENTS, unacked])).problems(duplicates_allowed=False) == []


def test_a_missing_event_is_found() -> None:
    findings = check(LEDGERS, delivered(EVENTS[:37] + EVENTS[38:]))
    assert [ack.append for ack in findings.missing] == [EVENTS[37]]
    assert "1 acked events are missing" in findings.problems(duplicates_allowed=True)[0]


def test_a_second_delivery_is_counted_and_no_disorder() -> None:
    findings = check(LEDGERS, delivered(EVENTS + EVENTS[10:20] + EVENTS[10:11]))
    assert findings.duplicate_count == 11
    assert findings.duplicates[EVENTS[10]] == 2
    assert findings.problems(duplicates_allowed=True) == []
    assert findings.problems(duplicates_allowed=False)


def test_two_events_of_one_writer_swapped_are_found() -> None:
    swapped = [*EVENTS]
    swapped[20], swapped[22] = swapped[22], swapped[20]
    findings = check(LEDGERS, delivered(swapped))
    assert findings.disorder == ((EVENTS[22], EVENTS[20]),)
    assert findings.problems(duplicates_allowed=True)


def test_events_of_different_writers_have_no_order() -> None:
    swapped = [*EVENTS]
    swapped[20], swapped[21] = swapped[21], swapped[20]
    assert check(LEDGERS, delivered(swapped)).problems(duplicates_allowed=False) == []


@pytest.mark.parametrize(
    "stranger", [Append("a-1", 99), Append("c-1", 0)], ids=["unknown number", "unknown writer"]
)
def test_a_record_that_nobody_tried_to_append_is_found(stranger: Append) -> None:
    findings = check(LEDGERS, delivered([*EVENTS, stranger]))
    assert [Append.from_value(r.value) for r in findings.phantoms] == [stranger]
    assert findings.problems(duplicates_allowed=True)


@pytest.mark.parametrize("value", [None, b"", b"{}", b"\xff\x00", b"[1]"])
def test_a_record_with_a_value_that_no_writer_makes_is_found(value: bytes | None) -> None:
    stranger = Delivered(0, 100, 0, b"a-1", value, ())
    assert check(LEDGERS, [*delivered(EVENTS), stranger]).phantoms == (stranger,)


def test_changed_padding_key_or_event_id_is_found() -> None:
    good = delivered(EVENTS)
    value = good[3].value
    assert value is not None
    bad = [
        Delivered(0, 3, 0, good[3].key, value.replace(b"xx", b"xy", 1), good[3].headers),
        Delivered(0, 4, 0, b"another key", good[4].value, good[4].headers),
        Delivered(0, 5, 0, good[5].key, good[5].value, ((EVENT_ID, b"id-6"),)),
        Delivered(0, 6, 0, good[6].key, good[6].value, ()),
    ]
    findings = check(LEDGERS, [*good[:3], *bad, *good[7:]])
    assert findings.changed == tuple(bad)
    assert findings.problems(duplicates_allowed=True)


def test_a_sequence_given_to_two_appends_is_found() -> None:
    twice = Ack(Append("c-1", 0), 7, "id", 1, 0)
    assert sequences_given_twice(LEDGERS) == {}
    assert sequences_given_twice(Ledgers(LEDGERS.tried, (*LEDGERS.acked, twice))) == {
        7: [EVENTS[6], twice.append]
    }


def test_a_repeat_needs_a_kill_with_the_position_before_the_event() -> None:
    twice = check(LEDGERS, delivered([*EVENTS, EVENTS[10]]))  # sequence 11
    assert repeated_without_a_cause(LEDGERS, twice, positions=[10]) == {}
    assert repeated_without_a_cause(LEDGERS, twice, positions=[11, 90]) == {EVENTS[10]: 1}
    thrice = check(LEDGERS, delivered([*EVENTS, EVENTS[10], EVENTS[10]]))
    assert repeated_without_a_cause(LEDGERS, thrice, positions=[5, 11]) == {EVENTS[10]: 2}


def test_a_ledger_is_read_back_without_its_torn_last_line(tmp_path: Path) -> None:
    writer = LedgerWriter(tmp_path, "w-1")
    writer.trying(0)
    writer.acked(0, 17, "some-id", 4_000)
    writer.trying(1)
    with (tmp_path / "w-1.ledger").open("a") as file:
        file.write("ack 1 18 oth")
    ledgers = Ledgers.read(tmp_path)
    assert ledgers.tried == {Append("w-1", 0), Append("w-1", 1)}
    assert [(a.append, a.sequence, a.event_id, a.nanoseconds) for a in ledgers.acked] == [
        (Append("w-1", 0), 17, "some-id", 4_000)
    ]


def test_percentiles_are_nearest_rank() -> None:
    assert percentile(range(1, 101), 50) == 50
    assert percentile(range(1, 101), 99) == 99
    assert percentile([5.0], 99) == 5.0
