"""Batches: all of it or nothing, with one store."""

from __future__ import annotations

import os
import uuid
from typing import TYPE_CHECKING

import pytest
from support import HOUR, Clock, Reached, fail, new_writer, records, small_layout

from outbox_client import (
    EventTooLarge,
    InvalidEvent,
    Outbox,
    OutboxCorrupt,
    OutboxFull,
    OutboxUnavailable,
)
from outbox_client._batch_draft import BatchDraft, batch_draft
from outbox_client._cycle_layout import cycle_name
from outbox_client._record_codec import BATCH, CONTINUED
from outbox_client.testing import read_events

if TYPE_CHECKING:
    from pathlib import Path
    from typing import Any


def _events(count: int, size: int = 0) -> list[dict[str, Any]]:
    return [{"value": b"%d" % n + bytes(size), "topic": "t", "key": str(n)} for n in range(count)]


def _draft(count: int, size: int = 0) -> BatchDraft:
    draft = batch_draft(_events(count, size))
    assert isinstance(draft, BatchDraft)
    return draft


def test_receipts_follow_the_events(outbox_path: Path) -> None:
    outbox = Outbox(outbox_path)
    ids = [uuid.uuid4() for _ in range(5)]
    outbox.append(b"before", topic="t")
    events = [{**event, "event_id": i} for event, i in zip(_events(5), ids, strict=True)]
    receipts = outbox.append_all(event for event in events)
    assert [receipt.sequence for receipt in receipts] == [2, 3, 4, 5, 6]
    assert [receipt.event_id for receipt in receipts] == ids
    assert outbox.append(b"behind", topic="t").sequence == 7
    assert [event.value for event in read_events(outbox_path)] == [
        b"before",
        *(b"%d" % n for n in range(5)),
        b"behind",
    ]
    assert [record.flags & (BATCH | CONTINUED) for record in records(outbox_path)] == [
        0,
        BATCH,
        *[BATCH | CONTINUED] * 3,
        CONTINUED,
        0,
    ]


def test_all_arguments_of_append_are_taken(outbox_path: Path) -> None:
    Outbox(outbox_path).append_all(
        [
            {"value": None, "topic": "a"},
            {
                "value": "text",
                "topic": "b",
                "key": b"\xff",
                "headers": {"h": "1"},
                "event_id": "00000000-0000-0000-0000-000000000007",
                "timestamp": 5,
                "partition": 3,
            },
        ]
    )
    first, second = records(outbox_path)
    assert (first.value, first.key, first.partition) == (None, None, None)
    assert (second.value, second.key, second.headers()) == (b"text", b"\xff", [("h", b"1")])
    assert (second.event_id[15], second.timestamp, second.partition) == (7, 5, 3)


def test_no_events_are_nothing_and_one_is_no_batch(outbox_path: Path) -> None:
    outbox = Outbox(outbox_path)
    assert outbox.append_all([]) == []
    assert not outbox_path.exists()
    (receipt,) = outbox.append_all(_events(1))
    assert receipt.sequence == 1
    assert records(outbox_path)[0].flags & (BATCH | CONTINUED) == 0


@pytest.mark.parametrize(
    ("third", "words"),
    [
        (7, "event 3: it is a int, not a mapping"),
        ({"value": b""}, "event 3: it has no 'topic'"),
        ({"topic": "t"}, "event 3: it has no 'value'"),
        ({"value": b"", "topic": "t", "keys": b""}, "event 3: append has no argument 'keys'"),
        ({"value": b"", "topic": "no/topic"}, "event 3: topic 'no/topic'"),
        ({"value": 3, "topic": "t"}, "event 3: value must be"),
    ],
)
def test_an_event_that_is_refused_refuses_all_and_is_named(
    third: Any, words: str, outbox_path: Path
) -> None:
    outbox = Outbox(outbox_path)
    outbox.append(b"", topic="t")
    with pytest.raises(InvalidEvent, match=words):
        outbox.append_all([*_events(2), third, *_events(1)])
    assert len(records(outbox_path)) == 1


def test_what_is_too_large_for_a_batch(outbox_path: Path) -> None:
    outbox = Outbox(outbox_path)
    with pytest.raises(EventTooLarge, match="event 3: "):
        outbox.append_all([*_events(2), {"value": bytes(1 << 20), "topic": "t"}])
    with pytest.raises(EventTooLarge, match="with event 9 the batch takes 9000760 bytes"):
        outbox.append_all(_events(20, 1_000_000))
    with pytest.raises(EventTooLarge, match="at most 10000 events"):
        outbox.append_all({"value": None, "topic": "t"} for _ in range(10_001))
    assert len(outbox.append_all({"value": None, "topic": "t"} for _ in range(10_000))) == 10_000
    assert len(outbox.append_all(_events(8, 1_000_000))) == 8
    assert len(records(outbox_path)) == 10_008


def test_a_batch_that_takes_8_mebibytes_to_the_byte_fits(outbox_path: Path) -> None:
    # A prologue, and for each record a header word, the fixed part and the topic, padded.
    count = 16
    size = ((8 << 20) - 40) // count - 4 - 72 - 4 - 3 & -4
    events = [{"value": bytes(size), "topic": "abcd"} for _ in range(count)]
    events[0]["value"] = bytes(size + (8 << 20) - 40 - count * (size + 80))
    outbox = Outbox(outbox_path)
    with pytest.raises(EventTooLarge):
        outbox.append_all([*events[:-1], {"value": bytes(size + 1), "topic": "abcd"}])
    assert len(outbox.append_all(events)) == count


def test_the_index_has_each_record_of_a_batch_that_belongs_there(outbox_path: Path) -> None:
    small_layout(outbox_path)
    outbox = new_writer(outbox_path)
    for count in (3, 10, 61, 2, 130, 5):  # 128 records fill a page
        outbox.append_all(_draft(count))
    assert [record.entry for record in records(outbox_path)] == list(range(211))
    outbox.append_all(_draft(2))
    assert len(records(outbox_path)) == 213


def test_a_batch_stands_in_one_cycle(outbox_path: Path) -> None:
    writer = new_writer(outbox_path, roll_bytes=200_000, clock=Clock())
    for _ in range(7):
        writer.append_all(_draft(30, 1000))
    names = sorted(path.name for path in outbox_path.glob("queue/*.cq4"))
    assert names == [cycle_name(HOUR + n) for n in range(len(names))]
    assert len(names) == 2
    found = records(outbox_path)
    assert [record.sequence for record in found] == list(range(1, 211))
    assert [record.entry for record in found].count(0) == 2


def test_the_cap_counts_all_of_it(outbox_path: Path) -> None:
    outbox = Outbox(outbox_path, max_bytes=50_000)
    outbox.append_all(_events(30, 1000))
    with pytest.raises(OutboxFull):
        outbox.append_all(_events(30, 1000))
    outbox.append_all(_events(10, 1000))
    assert len(records(outbox_path)) == 40


def test_it_is_written_and_published_by_one_step_each(outbox_path: Path) -> None:
    disk = Reached()
    writer = new_writer(outbox_path, clock=Clock(), disk=disk)
    writer.append_all(_draft(2))
    before = disk.calls.copy()
    writer.append_all(_draft(50))
    made = disk.calls - before
    assert made["lock", "lock"] == 1
    assert made["pwrite", "payload"] == 1
    assert made["store", "publish"] == 1


def test_what_a_generator_raises_comes_through_and_nothing_is_appended(outbox_path: Path) -> None:
    def broken() -> Any:
        yield from _events(2)
        raise KeyError("of the caller")

    outbox = Outbox(outbox_path)
    outbox.append(b"", topic="t")
    with pytest.raises(KeyError, match="of the caller"):
        outbox.append_all(broken())
    assert len(records(outbox_path)) == 1


def test_a_refusal_is_counted_once(outbox_path: Path) -> None:
    outbox = Outbox(outbox_path)
    outbox.append(b"", topic="t")
    with pytest.raises(InvalidEvent):
        outbox.append_all([*_events(2), {"value": b"", "topic": ""}])
    counters = (outbox_path / "append.failures").read_bytes()
    assert int.from_bytes(counters[8:16], "little") == 1


def test_killed_before_it_is_published_it_is_not_there(outbox_path: Path) -> None:
    pid = os.fork()
    if not pid:
        writer = new_writer(outbox_path, disk=Reached("publish", 2, lambda: os._exit(9)))
        writer.append_all(_draft(3))
        writer.append_all(_draft(50))
        os._exit(0)
    assert os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]) == 9
    assert len(records(outbox_path)) == 3
    assert new_writer(outbox_path).append_all(_draft(2))[0].sequence == 4


def test_a_batch_beyond_the_last_sequence_is_refused(outbox_path: Path) -> None:
    writer = new_writer(outbox_path)
    writer.open()
    assert writer._session is not None
    writer._session.state.set_next_sequence((1 << 63) - 3, Reached())
    with pytest.raises(OutboxCorrupt, match="FORMAT I4"):
        writer.append_all(_draft(4))
    receipts = writer.append_all(_draft(3))
    assert receipts[-1].sequence == (1 << 63) - 1


def test_a_failed_sync_tells_the_ids_that_nobody_else_knows(outbox_path: Path) -> None:
    disk = Reached("payload", 2, fail())
    writer = new_writer(outbox_path, clock=Clock(), durability="power", disk=disk)
    with pytest.raises(OutboxUnavailable, match="the 3 events were published") as raised:
        writer.append_all(_draft(3))
    error = raised.value
    assert error.maybe_appended
    assert error.event_id == error.event_ids[0]
    there = [record.event_id for record in records(outbox_path)]
    assert [identity.bytes for identity in error.event_ids] == there
    again = [{**event, "event_id": i} for event, i in zip(_events(3), there, strict=True)]
    assert len(Outbox(outbox_path).append_all(again)) == 3
    assert len({record.event_id for record in records(outbox_path)}) == 3


def test_of_what_was_not_appended_there_are_no_ids(outbox_path: Path) -> None:
    with pytest.raises(EventTooLarge) as raised:
        Outbox(outbox_path).append_all(_events(2, 2 << 20))
    assert (raised.value.event_id, raised.value.event_ids) == (None, [])
