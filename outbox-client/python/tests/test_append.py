"""Appending, rolling, reopening."""

from __future__ import annotations

from typing import TYPE_CHECKING

from outbox_client import Outbox
from outbox_client._cycle import Cycle
from outbox_client._directory import Directory
from outbox_client._layout import cycle_name
from outbox_client._record import Draft, Record
from outbox_client._writer import QueueWriter

if TYPE_CHECKING:
    from pathlib import Path

HOUR_NS = 3_600_000_000_000


def read_all(path: Path) -> list[Record]:
    directory = Directory(str(path))
    directory.prepare()
    records = []
    for number in directory.cycles():
        cycle = Cycle(number, directory.open(f"{directory.queue}/{cycle_name(number)}"))
        offset = cycle.layout.first
        while word := cycle.word_at(offset):
            if word >> 30:
                if word >> 30 == 3:
                    break
                offset = cycle.behind_meta(offset, word)
                continue
            record, offset = cycle.record_at(offset)
            records.append(record)
    return records


def test_two_outboxes_on_one_directory_share_its_sequences(tmp_path: Path) -> None:
    one = Outbox(tmp_path / "outbox")
    two = Outbox(tmp_path / "outbox")
    receipts = [(one, two)[i % 2].append(f"value {i}", topic="t", key=str(i)) for i in range(600)]
    assert [receipt.sequence for receipt in receipts] == list(range(1, 601))
    records = read_all(tmp_path / "outbox")
    assert [record.sequence for record in records] == list(range(1, 601))
    assert [record.entry for record in records] == list(range(600))
    assert records[5].value == b"value 5"
    assert records[5].key == b"5"


def test_a_new_cycle_begins_with_the_hour_and_repeats_base_and_identity(tmp_path: Path) -> None:
    now = 1_000_000 * HOUR_NS
    writer = QueueWriter(
        Directory(str(tmp_path / "outbox")),
        durability="process",
        max_bytes=None,
        lock_timeout=5,
        clock=lambda: now,
    )
    draft = Draft(b"t", None, b"", b"v", bytes(16), None)
    writer.append(draft)
    writer.append(draft)
    now += HOUR_NS
    receipt = writer.append(draft)
    assert receipt.sequence == 3
    records = read_all(tmp_path / "outbox")
    first, second = (record.prologue for record in records if record.prologue)
    assert (first.base, first.cycle_hour) == (0, 1_000_000)
    assert second.cycle_hour == 1_000_001
    assert second.base == (4 + 72 + 40 + 4) + (4 + 72 + 4)
    assert second.outbox == receipt.outbox.bytes
