"""Names and beginnings of cycle files, and the metadata table."""

from __future__ import annotations

import hashlib
import os
import random
from typing import TYPE_CHECKING

import pytest
from hypothesis import given
from hypothesis import strategies as st

from outbox_client._cycle_layout import CycleLayout, cycle_name, cycle_number, new_cycle_file
from outbox_client._disk import Disk
from outbox_client._metadata_table import is_valid, new_metadata, update_listing
from outbox_client._roll_rule import LAST_CYCLE
from outbox_client._wire_fields import UnparsableError

if TYPE_CHECKING:
    from pathlib import Path


@given(st.integers(0, LAST_CYCLE))
def test_a_cycle_has_the_number_of_its_name(number: int) -> None:
    assert cycle_number(cycle_name(number)) == number


def test_names_are_hours_in_utc() -> None:
    assert cycle_name(0) == "19700101-00F.cq4"
    assert cycle_name(490_901) == "20260101-05F.cq4"
    assert cycle_name(LAST_CYCLE) == "99991231-23F.cq4"


@pytest.mark.parametrize(
    "name",
    [
        "metadata.cq4t",
        ".20260101-05F.cq4.tmp",
        "20260101-05F.cq4x",
        "20260101-24F.cq4",
        "20260229-05F.cq4",
        "20261301-05F.cq4",
        "19691231-23F.cq4",
        "2026010a-05F.cq4",
        "2026010\u0661-05F.cq4",
        "20260101_05F.cq4",
        "20260101F.cq4",
        "",
    ],
)
def test_another_name_is_no_cycle(name: str) -> None:
    assert cycle_number(name) is None


def test_a_new_file_is_what_chronicle_creates() -> None:
    # SHA-256 of what Chronicle Queue 2026.4 writes for FAST_HOURLY, with 8 zeros behind.
    made = new_cycle_file()
    assert len(made) == 0x10110 + 8
    assert (
        hashlib.sha256(made).hexdigest()
        == "88b84cf3e5d928cc001bd8e5992db5d962164ba508e5b9af7aea54beb12219ca"
    )


def test_the_offsets_are_found_by_parsing() -> None:
    ours = CycleLayout(new_cycle_file())
    assert (ours.word1, ours.last_index, ours.index2index) == (0x40, 0xB0, 0xE0)
    assert (ours.first, ours.capacity, ours.spacing) == (0x10110, 4096, 256)
    small = CycleLayout(new_cycle_file(32, 4))
    assert (small.word1, small.first, small.capacity, small.spacing) == (0x40, 0x310, 32, 4)


@pytest.mark.parametrize("length", [0, 1, 4, 100, 0xC8, 0x80F0, 0x8110])
def test_a_truncated_header_is_unparsable(length: int) -> None:
    with pytest.raises(UnparsableError):
        CycleLayout(new_cycle_file()[:length])


def test_a_damaged_header_is_unparsable_or_parsed_but_never_a_crash() -> None:
    good = new_cycle_file()
    chance = random.Random(1)
    for _ in range(3000):
        bad = bytearray(good)
        for _ in range(chance.randint(1, 8)):
            bad[chance.randrange(0x120)] = chance.randrange(256)
        try:
            layout = CycleLayout(bytes(bad))
        except UnparsableError:
            continue
        assert layout.first < len(bad)


def test_deep_nesting_is_unparsable() -> None:
    head = b"\xb9\x06header" + b"\xb6\x00" * 50_000
    with pytest.raises(UnparsableError):
        CycleLayout((0x40000000 | len(head)).to_bytes(4, "little") + head)


def test_new_metadata_is_what_chronicle_creates(tmp_path: Path) -> None:
    # SHA-256 of what Chronicle Queue 2026.4 writes for an empty FAST_HOURLY queue.
    assert (
        hashlib.sha256(new_metadata([], 1)).hexdigest()
        == "263dbd5da04088962befd2cd46503ca16b569fb3a3ef12c421563f424549fefb"
    )


def test_a_listing_is_updated_in_place_and_counts_its_changes(tmp_path: Path) -> None:
    file = tmp_path / "metadata.cq4t"
    file.write_bytes(new_metadata([], 1))
    fd = os.open(file, os.O_RDWR)
    assert is_valid(fd)
    update_listing(fd, [5, 6, 9], Disk())
    assert file.read_bytes() == new_metadata([5, 6, 9], 2)
    update_listing(fd, [5, 6, 9], Disk())
    assert file.read_bytes() == new_metadata([5, 6, 9], 2)
    os.pwrite(fd, b"x", 0xA6)
    assert not is_valid(fd)
    os.ftruncate(fd, 100)
    assert not is_valid(fd)
    os.close(fd)
