"""`wait_delivered`, `status`, and the counters of refused appends."""

from __future__ import annotations

import fcntl
import struct
import threading
import time
import uuid
import zlib
from typing import TYPE_CHECKING

import pytest
from test_full import write_position

import outbox_client
from outbox_client import (
    DeliveryOutcome,
    EventTooLarge,
    InvalidEvent,
    Outbox,
    OutboxError,
    OutboxFull,
    OutboxUnavailable,
    Receipt,
)

if TYPE_CHECKING:
    from pathlib import Path


@pytest.fixture
def outbox(outbox_path: Path) -> Outbox:
    return Outbox(outbox_path)


def settle(outbox: Outbox, receipt: Receipt, count: int = 1) -> None:
    from pathlib import Path

    write_position(Path(outbox.path), receipt.outbox.bytes, sequence=receipt.sequence, count=count)


def outcome(first: int, last: int, code: int) -> bytes:
    entry = struct.pack("<QQB3x", first, last, code)
    return entry + struct.pack("<I", zlib.crc32(entry))


def test_an_event_is_pending_until_it_is_settled(outbox: Outbox) -> None:
    first = outbox.append(b"", topic="t")
    second = outbox.append(b"", topic="t")
    assert outbox.wait_delivered(first, 0) is DeliveryOutcome.PENDING
    settle(outbox, first)
    assert outbox.wait_delivered(first, 0) is DeliveryOutcome.DELIVERED
    assert outbox.wait_delivered(second, 0.01) is DeliveryOutcome.PENDING
    assert outbox.wait_delivered(first, 0) == "DELIVERED"
    assert str(DeliveryOutcome.DEAD) == "DEAD"


def test_waiting_ends_when_the_relay_settles(outbox: Outbox) -> None:
    receipt = outbox.append(b"", topic="t")
    found: list[DeliveryOutcome] = []
    thread = threading.Thread(target=lambda: found.append(outbox.wait_delivered(receipt, 60)))
    started = time.monotonic()
    thread.start()
    settle(outbox, receipt)
    thread.join()
    assert found == [DeliveryOutcome.DELIVERED]
    assert time.monotonic() - started < 30


def test_the_last_outcome_that_covers_a_sequence_holds(outbox: Outbox, outbox_path: Path) -> None:
    receipts = [outbox.append(b"", topic="t") for _ in range(9)]
    settle(outbox, receipts[-1])
    damaged = bytearray(outcome(6, 6, 2))
    damaged[-1] ^= 1
    (outbox_path / "relay.outcomes").write_bytes(
        outcome(2, 5, 1)
        + outcome(3, 3, 2)
        + outcome(4, 4, 3)
        + outcome(5, 5, 4)
        + damaged
        + outcome(7, 7, 9)
        + outcome(8, 8, 2)[:-3]
    )
    found = [outbox.wait_delivered(receipt, 0).value for receipt in receipts]
    assert found == [
        "DELIVERED",
        "PARKED",
        "DEAD",
        "QUARANTINED",
        *["DELIVERED"] * 5,
    ]


def test_many_outcomes_are_read_from_the_end(outbox: Outbox, outbox_path: Path) -> None:
    receipt = outbox.append(b"", topic="t")
    settle(outbox, receipt)
    (outbox_path / "relay.outcomes").write_bytes(outcome(1, 1, 2) + outcome(9, 9, 1) * 10_000)
    assert outbox.wait_delivered(receipt, 0) is DeliveryOutcome.DEAD


def test_the_newer_valid_position_holds(outbox: Outbox, outbox_path: Path) -> None:
    first, second = (outbox.append(b"", topic="t") for _ in range(2))
    settle(outbox, first, count=1)
    settle(outbox, second, count=2)
    assert outbox.wait_delivered(second, 0) is DeliveryOutcome.DELIVERED
    with (outbox_path / "relay.position").open("rb+") as file:
        file.seek(4096 + 40)
        file.write(b"\xff")
    assert outbox.wait_delivered(second, 0) is DeliveryOutcome.PENDING
    assert outbox.wait_delivered(first, 0) is DeliveryOutcome.DELIVERED


def test_a_receipt_of_another_outbox_is_refused(outbox: Outbox) -> None:
    outbox.append(b"", topic="t")
    foreign = Receipt(uuid.uuid4().bytes, 1, 1, bytes(16), "process")
    with pytest.raises(ValueError, match=str(foreign.outbox)):
        outbox.wait_delivered(foreign, 0)


def test_a_link_in_the_place_of_a_small_file_is_refused(outbox: Outbox, outbox_path: Path) -> None:
    receipt = outbox.append(b"", topic="t")
    (outbox_path / "relay.position").symlink_to(outbox_path / "outbox.state")
    with pytest.raises(OutboxUnavailable, match="not a regular file"):
        outbox.wait_delivered(receipt, 0)


def test_the_status_of_an_outbox(outbox: Outbox, outbox_path: Path) -> None:
    with pytest.raises(OutboxUnavailable, match=r"outbox\.state"):
        outbox.status()
    outbox.create()
    empty = outbox.status()
    assert (empty.next_sequence, empty.lag_events, empty.lag_bytes) == (1, 0, 0)
    assert (empty.cycles, empty.newest_cycle, empty.delivery) == ((), None, None)
    receipts = [outbox.append(bytes(40), topic="t") for _ in range(5)]
    write_position(outbox_path, receipts[0].outbox.bytes, sequence=2, settled_bytes=300, mode=1)
    status = outbox.status()
    assert status.path == str(outbox_path)
    assert status.outbox == receipts[0].outbox
    assert status.generation == 1
    assert status.next_sequence == 6
    assert status.settled_sequence == 2
    assert status.lag_events == 3
    assert status.lag_bytes == 5 * (4 + 72 + 44) + 40 - 300
    assert len(status.cycles) == 1
    assert status.newest_cycle == status.cycles[0]
    assert status.delivery == "exactly-once"


def test_the_status_of_an_outbox_whose_word1_leads_nowhere(
    outbox: Outbox, outbox_path: Path
) -> None:
    outbox.append(b"", topic="t")
    (cycle,) = (outbox_path / "queue").glob("*.cq4")
    with cycle.open("rb+") as file:
        file.seek(0x40)
        file.write(b"\xff" * 8)
    status = outbox.status()
    assert (status.next_sequence, status.lag_bytes) == (2, 0)


def test_looking_changes_nothing(outbox: Outbox, outbox_path: Path) -> None:
    outbox.append(b"", topic="t")
    before = {path: path.stat().st_mtime_ns for path in outbox_path.rglob("*")}
    outbox.status()
    assert {path: path.stat().st_mtime_ns for path in outbox_path.rglob("*")} == before


def test_a_damaged_state_has_no_status(outbox: Outbox, outbox_path: Path) -> None:
    outbox.append(b"", topic="t")
    (outbox_path / "outbox.state").write_bytes(b"short")
    with pytest.raises(OutboxUnavailable, match="the next append mends it"):
        outbox.status()


def counters(path: Path) -> list[int]:
    data = (path / "append.failures").read_bytes()
    assert len(data) == 512
    return list(struct.unpack_from("<6Q", data))


def test_the_counters_are_made_with_the_outbox_and_filled_up_when_short(
    outbox: Outbox, outbox_path: Path
) -> None:
    outbox.create()
    assert counters(outbox_path) == [0, 0, 0, 0, 0, 0]
    (outbox_path / "append.failures").write_bytes(struct.pack("<3Q", 1, 2, 3))
    Outbox(outbox_path).append(b"", topic="t")
    assert counters(outbox_path) == [1, 2, 3, 0, 0, 0]


def test_an_outbox_whose_counters_cannot_be_made_is_used_without(
    outbox: Outbox, outbox_path: Path
) -> None:
    outbox.create()
    (outbox_path / "append.failures").unlink()
    (outbox_path / "append.failures").symlink_to("nowhere")
    assert Outbox(outbox_path).append(b"", topic="t").sequence == 1
    assert not (outbox_path / "nowhere").exists()


def test_looking_makes_no_counters(outbox: Outbox, outbox_path: Path) -> None:
    receipt = outbox.append(b"", topic="t")
    (outbox_path / "append.failures").unlink()
    outbox.status()
    outbox.wait_delivered(receipt, 0)
    assert not (outbox_path / "append.failures").exists()


def test_refused_appends_are_counted_by_reason(outbox: Outbox, outbox_path: Path) -> None:
    for _ in range(2):
        with pytest.raises(EventTooLarge):
            outbox.append(bytes(1 << 20), topic="t")
    with pytest.raises(InvalidEvent):
        outbox.append(b"", topic="")
    with pytest.raises(OutboxFull):
        Outbox(outbox_path, max_bytes=1).append(b"", topic="t")
    assert counters(outbox_path) == [2, 1, 1, 0, 0, 0]
    assert (outbox_path / "append.failures").stat().st_mode & 0o777 == 0o660


def test_what_was_lost_before_an_append_can_be_counted_by_the_same_reasons(
    outbox: Outbox, outbox_path: Path, tmp_path: Path
) -> None:
    outbox.count_refusal()
    outbox.count_refusal(OutboxUnavailable)
    outbox.count_refusal(InvalidEvent)
    assert counters(outbox_path) == [0, 2, 0, 0, 0, 1]
    for wrong in (OutboxError, ValueError, "invalid"):
        with pytest.raises(ValueError, match="must be one of EventTooLarge, InvalidEvent, "):
            outbox.count_refusal(wrong)  # type: ignore[arg-type]
    Outbox(tmp_path / "no" / "outbox").count_refusal()
    (tmp_path / "file").touch()
    Outbox(tmp_path / "file").count_refusal()


def test_a_warning_that_is_an_error_does_not_stand_in_for_the_refusal(
    outbox: Outbox, monkeypatch: pytest.MonkeyPatch
) -> None:
    def warns(self: object, device: int) -> None:
        raise RuntimeWarning("on overlayfs")

    monkeypatch.setattr("outbox_client._outbox_directory.OutboxDirectory._check_file_system", warns)
    with pytest.raises(InvalidEvent):
        outbox.append(b"", topic="")


def test_a_count_is_not_waited_for(outbox: Outbox, outbox_path: Path) -> None:
    with pytest.raises(InvalidEvent):
        outbox.append(b"", topic="")
    with (outbox_path / "append.failures").open("rb+") as file:
        held = struct.pack("hhqqi4x", fcntl.F_WRLCK, 0, 1, 1, 0)
        fcntl.fcntl(file, fcntl.F_OFD_SETLK, held)
        with pytest.raises(InvalidEvent):
            outbox.append(b"", topic="")
    assert counters(outbox_path)[1] == 1


def test_a_refused_append_where_nothing_can_be_counted_is_still_that_refusal(
    tmp_path: Path,
) -> None:
    with pytest.raises(InvalidEvent):
        Outbox(tmp_path / "no" / "outbox").append(b"", topic="")


def test_what_is_public_is_there() -> None:
    for name in outbox_client.__all__:
        assert getattr(outbox_client, name) is not None
    assert outbox_client.__version__
    with pytest.raises(AttributeError):
        outbox_client.nothing  # noqa: B018
