"""A block that the disk does not give, for the reader and for the reference client."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

import pytest
from outbox_conformance import outbox as image
from outbox_conformance import reference, scanner
from outbox_conformance.entries import CycleView, UnreadableError
from outbox_conformance.states.builder import NEXT, Builder

if TYPE_CHECKING:
    from collections.abc import Callable

BLOCK = 4096


@pytest.fixture
def forty(outbox: str) -> Builder:
    """Forty records of 500 bytes on disk."""
    builder = Builder().several(40, size=400)
    image.materialise(builder.image.files, outbox)
    return builder


@pytest.fixture
def breaks(outbox: str, forty: Builder, monkeypatch: pytest.MonkeyPatch) -> Callable[[int], None]:
    """Lets the disk refuse a block of that cycle from now on."""
    cycle = os.path.join(outbox, image.cycle_path(forty.image.newest.cycle))
    read = CycleView.read
    broken: list[int] = []

    def read_or_fail(self: CycleView, offset: int, length: int) -> bytes:
        if os.path.samestat(os.fstat(self.descriptor), os.stat(cycle)):
            for block in broken:
                if block < offset + length and offset < block + BLOCK:
                    raise UnreadableError
        return read(self, offset, length)

    monkeypatch.setattr(CycleView, "read", read_or_fail)
    return broken.append


def _without(builder: Builder, block: int) -> list[int]:
    """The sequences of the records that no byte of is within a block."""
    return [
        sequence
        for sequence in range(1, 41)
        if builder.end(sequence) <= block or builder.offset(sequence) >= block + BLOCK
    ]


def _sequences(found: scanner.Scan) -> list[int]:
    return [each.record.sequence for each in found.records]


def test_a_reader_goes_on_behind_the_block(
    outbox: str, forty: Builder, breaks: Callable[[int], None]
) -> None:
    breaks(0x12000)
    found = scanner.scan(outbox)
    left = _without(forty, 0x12000)
    assert _sequences(found) == left
    first_lost = next(sequence for sequence in range(1, 41) if sequence not in left)
    assert [(each.offset, each.kind) for each in found.problems] == [
        (forty.offset(first_lost), "unreadable-block")
    ]


def test_a_reader_searches_a_cycle_whose_header_cannot_be_read(
    outbox: str, forty: Builder, breaks: Callable[[int], None]
) -> None:
    breaks(0)
    found = scanner.scan(outbox)
    assert _sequences(found) == list(range(1, 41))
    assert [(each.offset, each.kind) for each in found.problems] == [(0, "unreadable-header")]


@pytest.mark.parametrize("what", ["header", "last record"])
def test_a_writer_goes_on_in_the_next_cycle(
    what: str, outbox: str, forty: Builder, breaks: Callable[[int], None]
) -> None:
    breaks(0 if what == "header" else forty.offset(40) // BLOCK * BLOCK)
    with reference.Writer(outbox, clock=lambda: forty.image.clock) as writer:
        (appended,) = writer.append(NEXT)
    assert appended.cycle == forty.image.newest.cycle + 1
    assert appended.record.sequence == 41


def test_a_block_in_the_middle_is_nothing_to_a_writer(
    outbox: str, forty: Builder, breaks: Callable[[int], None]
) -> None:
    breaks(0x12000)
    with reference.Writer(outbox, clock=lambda: forty.image.clock) as writer:
        (appended,) = writer.append(NEXT)
    assert appended.cycle == forty.image.newest.cycle
