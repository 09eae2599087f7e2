"""Names and beginnings of cycle files, and the metadata table."""

from __future__ import annotations

import hashlib
import os
from typing import TYPE_CHECKING

import pytest
from hypothesis import given
from hypothesis import strategies as st

from outbox_client._cycle_layout import CycleLayout, cycle_name, cycle_number
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


# SHA-256 of what Chronicle Queue 2026.4 writes for FAST_HOURLY, TEST4_DAILY, HUGE_DAILY and
# LARGE_HOURLY_XSPARSE, with 8 zeros behind.
BY_CHRONICLE = {
    (4096, 256): "88b84cf3e5d928cc001bd8e5992db5d962164ba508e5b9af7aea54beb12219ca",
    (32, 4): "a1736be252aa358b97d3db47f31acc100245798d7d7b2fa9a22ee2d5ef9261b7",
    (32768, 1024): "ca0884f74613548a4b64cffa2431ccc521eade4f179769d42caa2f533d14c169",
    (2048, 1 << 20): "af5f0b1fc50b9bd519da48631a9d91a1cf6362dabf737c5e541c0930ad640676",
}


@pytest.mark.parametrize("shape", BY_CHRONICLE)
def test_a_new_file_is_what_chronicle_creates(shape: tuple[int, int]) -> None:
    layout = CycleLayout(*shape)
    made = layout.new_file()
    assert len(made) == layout.first + 8
    assert hashlib.sha256(made).hexdigest() == BY_CHRONICLE[shape]


def parsed(data: bytes, size: int | None = None) -> CycleLayout:
    def read(length: int, offset: int) -> bytes:
        return data[offset : offset + length]

    return CycleLayout.parse(read, len(data) if size is None else size)


def test_the_offsets_follow_from_count_and_spacing() -> None:
    ours = parsed(CycleLayout().new_file())
    assert (ours.word1, ours.last_index, ours.index2index) == (0x40, 0xB0, 0xE0)
    assert (ours.first, ours.capacity, ours.spacing) == (0x10110, 4096, 256)
    small = parsed(CycleLayout(32, 4).new_file())
    assert (small.word1, small.first, small.capacity, small.spacing) == (0x40, 0x310, 32, 4)
    sparse = parsed(CycleLayout(2048, 1 << 20).new_file())
    assert (sparse.word1, sparse.last_index, sparse.index2index) == (0x40, 0xB8, 0xE8)
    assert (sparse.first, sparse.capacity, sparse.spacing) == (0x8118, 2048, 1 << 20)


@pytest.mark.parametrize("length", [0, 1, 4, 100, 0x77, 0x78, 0xC8, 0x80F0, 0x8110, 0x10110 + 7])
def test_a_short_file_does_not_parse(length: int) -> None:
    with pytest.raises(UnparsableError):
        parsed(CycleLayout().new_file()[:length])


@pytest.mark.parametrize("shape", [(32, 0), (33, 4), (32, 6), (1 << 21, 4), (32, 1 << 21)])
def test_only_powers_of_two_up_to_a_limit_are_counts(shape: tuple[int, int]) -> None:
    with pytest.raises(UnparsableError):
        parsed(CycleLayout(*shape).new_file())
    assert parsed(CycleLayout(1 << 20, 1).new_file()).capacity == 1 << 20


# By FORMAT.md: word1 and word2, lastIndex, use and slots of index2index but for slot 0, use and
# slots of the first index page.
CHANGING = {
    (4096, 256): ((0x40, 0x50), (0xB0, 0xB8), (0xE8, 0xF0), (0xF8, 0x80F0), (0x8108, 0x10110)),
    (32, 4): ((0x40, 0x50), (0xB0, 0xB8), (0xE8, 0xF0), (0xF8, 0x1F0), (0x208, 0x310)),
}


@pytest.mark.parametrize("shape", CHANGING)
def test_a_header_parses_with_what_changes_and_with_no_other_bit(shape: tuple[int, int]) -> None:
    """All bits, but for every 61st slot of the larger one."""
    layout = CycleLayout(*shape)
    data = bytearray(layout.new_file())
    found = {True: 0, False: 0}
    for offset in range(layout.first):
        changes = any(begin <= offset < end for begin, end in CHANGING[shape])
        if changes and shape[0] == 4096 and offset >= 0x100 and offset // 8 % 61:
            continue
        for bit in range(8):
            data[offset] ^= 1 << bit
            try:
                assert parsed(bytes(data)).first == layout.first
                parses = True
            except UnparsableError:
                parses = False
            assert parses == changes, f"bit {bit} of 0x{offset:x}"
            found[changes] += 1
            data[offset] ^= 1 << bit
    assert found[False] == 8 * (0xF8 - 32 + 24)
    assert found[True] > 8 * 40


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
