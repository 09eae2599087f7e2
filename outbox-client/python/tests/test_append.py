"""Appending, rolling, reopening."""

from __future__ import annotations

import fcntl
import os
import pickle
import uuid
from typing import TYPE_CHECKING

import pytest
from support import (
    HOUR,
    HOUR_NS,
    Clock,
    event,
    exit_code,
    in_child,
    new_writer,
    numbers,
    records,
    small_layout,
)

from outbox_client import Outbox, OutboxBusy, Receipt
from outbox_client._cycle_layout import GROWTH_BYTES, HEADROOM_BYTES, cycle_name
from outbox_client._roll_rule import HOUR_MS

if TYPE_CHECKING:
    from pathlib import Path


def test_an_event_is_recorded_with_all_its_fields(outbox_path: Path) -> None:
    identity = uuid.uuid4()
    receipt = Outbox(outbox_path).append(
        "välue",
        topic="orders",
        key=bytearray(b"key"),
        headers=[("a", b"1"), ("a", None), ("ö", "ü")],
        event_id=identity,
        timestamp=5,
        partition=7,
    )
    (record,) = records(outbox_path)
    assert record.topic == "orders"
    assert record.key == b"key"
    assert record.value == "välue".encode()
    assert record.headers() == [("a", b"1"), ("a", None), ("ö", "ü".encode())]
    assert record.timestamp == 5
    assert record.partition == 7
    assert record.append_time > 1_700_000_000_000
    assert receipt.event_id == identity
    assert record.event_id == identity.bytes
    assert receipt.sequence == record.sequence == 1
    assert receipt.generation == 1
    assert receipt.durability == "process"
    assert receipt.outbox.version == 4


def test_an_event_id_of_ours_is_a_uuid_of_version_7(outbox_path: Path) -> None:
    outbox = Outbox(outbox_path)
    ids = [outbox.append(b"", topic="t").event_id for _ in range(100)]
    assert {found.version for found in ids} == {7}
    assert {found.variant for found in ids} == {uuid.RFC_4122}
    assert len(set(ids)) == 100


def test_a_tombstone_differs_from_an_empty_value_and_no_key_from_an_empty_key(
    outbox_path: Path,
) -> None:
    outbox = Outbox(outbox_path)
    outbox.append(None, topic="t")
    outbox.append(b"", topic="t", key=b"")
    assert [(found.value, found.key) for found in records(outbox_path)] == [
        (None, None),
        (b"", b""),
    ]


def test_a_receipt_cannot_be_changed_and_compares_by_value(outbox_path: Path) -> None:
    receipt = Outbox(outbox_path).append(b"", topic="t")
    with pytest.raises(AttributeError):
        receipt.sequence = 2  # type: ignore[misc]
    copy = pickle.loads(pickle.dumps(receipt))
    assert copy == receipt
    assert hash(copy) == hash(receipt)
    assert copy != Receipt(receipt.outbox.bytes, 1, 2, receipt.event_id.bytes, "process")
    assert "sequence=1" in repr(receipt)


def test_two_outboxes_on_one_directory_share_its_sequences(outbox_path: Path) -> None:
    one = Outbox(outbox_path)
    two = Outbox(outbox_path)
    receipts = [(one, two)[i % 2].append(f"value {i}", topic="t") for i in range(600)]
    assert [receipt.sequence for receipt in receipts] == list(range(1, 601))
    found = records(outbox_path)
    assert [record.sequence for record in found] == list(range(1, 601))
    assert [record.entry for record in found] == list(range(600))


def test_a_new_cycle_begins_with_the_hour_and_repeats_base_and_identity(
    outbox_path: Path,
) -> None:
    clock = Clock()
    writer = new_writer(outbox_path, clock=clock)
    for number in range(2):
        writer.append(event(number))
    clock.now += HOUR_NS
    receipt = writer.append(event(2))
    assert receipt.sequence == 3
    found = records(outbox_path)
    first, second = (record.prologue for record in found if record.prologue)
    assert (first.base, first.cycle_hour) == (0, HOUR)
    assert second.cycle_hour == HOUR + 1
    assert second.base == (4 + 72 + 40 + 48) + (4 + 72 + 48)
    assert second.outbox == receipt.outbox.bytes


def test_a_cycle_that_is_full_is_followed_by_the_next_number(outbox_path: Path) -> None:
    writer = new_writer(outbox_path, clock=Clock(), roll_bytes=0x10110 + 1000)
    for number in range(30):
        writer.append(event(number))
    assert numbers(outbox_path) == list(range(30))
    names = sorted(os.listdir(outbox_path / "queue"))
    assert names[:2] == [cycle_name(HOUR), cycle_name(HOUR + 1)]
    assert len(names) > 4


@pytest.mark.parametrize(
    ("milliseconds", "rolls"),
    [
        (HOUR_MS - 1, False),
        (HOUR_MS, True),
        (-24 * HOUR_MS, False),
        (-24 * HOUR_MS - 1, True),
    ],
)
def test_a_writer_at_work_stays_in_its_cycle_to_the_millisecond(
    milliseconds: int, rolls: bool, outbox_path: Path
) -> None:
    clock = Clock()
    writer = new_writer(outbox_path, clock=clock)
    for number in range(3):
        writer.append(event(number))
    clock.now = HOUR * HOUR_NS + (milliseconds - 1) * 1_000_000
    writer.append(event(3))
    assert len(list((outbox_path / "queue").glob("*.cq4"))) == 1 + rolls
    assert numbers(outbox_path) == [0, 1, 2, 3]


@pytest.mark.parametrize(("spare", "rolls"), [(0, True), (4, False)])
def test_a_writer_at_work_stays_in_its_cycle_to_the_last_record_that_fits(
    spare: int, rolls: bool, outbox_path: Path
) -> None:
    end = 0x10110 + 40 + 4 * (4 + event(0).length)
    writer = new_writer(outbox_path, clock=Clock(), roll_bytes=end + spare)
    for number in range(4):
        writer.append(event(number))
    assert len(list((outbox_path / "queue").glob("*.cq4"))) == 1 + rolls
    assert numbers(outbox_path) == [0, 1, 2, 3]


def test_an_index_page_is_appended_where_the_first_is_full(outbox_path: Path) -> None:
    small_layout(outbox_path)
    writer = new_writer(outbox_path, clock=Clock())
    for number in range(300):
        writer.append(event(number))
    assert numbers(outbox_path) == list(range(300))


def shorten(path: Path) -> Path:
    """Let little be missing until the newest cycle file must grow."""
    file = path / "queue" / cycle_name(HOUR)
    os.truncate(file, HEADROOM_BYTES + (1 << 17))
    return file


def test_a_file_grows_before_its_end_is_near(outbox_path: Path) -> None:
    new_writer(outbox_path, clock=Clock()).append(event(0))
    file = shorten(outbox_path)
    writer = new_writer(outbox_path, clock=Clock())
    writer.append(event(1))
    other = new_writer(outbox_path, clock=Clock())
    other.append(event(2, 1 << 17))
    assert file.stat().st_size == HEADROOM_BYTES + (1 << 17) + GROWTH_BYTES
    writer.append(event(3))
    writer.append(event(4, 1 << 17))
    assert numbers(outbox_path) == list(range(5))
    assert file.stat().st_size == HEADROOM_BYTES + (1 << 17) + GROWTH_BYTES


def test_a_file_that_another_process_locks_does_not_grow_and_says_so(outbox_path: Path) -> None:
    writer = new_writer(outbox_path, clock=Clock(), lock_timeout=0.2)
    writer.append(event(0))
    file = shorten(outbox_path)

    def append_much(pipe: int) -> None:
        with pytest.raises(OutboxBusy, match="must grow"):
            writer.append(event(1, 1 << 17))

    with file.open("rb+") as held:
        # As a process that is growing the file at this moment.
        fcntl.lockf(held, fcntl.LOCK_EX)
        pid, _ = in_child(append_much)
        assert exit_code(pid) == 0
    writer.append(event(2, 1 << 17))
    assert numbers(outbox_path) == [0, 2]


def test_closing_ends_nothing_and_appending_afterwards_opens_anew(outbox_path: Path) -> None:
    with Outbox(outbox_path) as outbox:
        outbox.append(b"1", topic="t")
    outbox.close()
    assert outbox.append(b"2", topic="t").sequence == 2
    assert repr(outbox) == f"Outbox({str(outbox_path)!r})"


def test_an_outbox_that_is_never_closed_leaks_no_descriptor(outbox_path: Path) -> None:
    Outbox(outbox_path).append(b"", topic="t")
    before = len(os.listdir("/proc/self/fd"))
    for _ in range(50):
        Outbox(outbox_path).append(b"", topic="t")
    assert len(os.listdir("/proc/self/fd")) <= before
