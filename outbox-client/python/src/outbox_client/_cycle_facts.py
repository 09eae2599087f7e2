"""What the records of one cycle tell of the outbox, however damaged it is."""

from __future__ import annotations

import os
from errno import EIO, ENXIO
from struct import Struct

from outbox_client._chain_walk import BrokenChainError, find_tail
from outbox_client._cycle_file import CycleFile
from outbox_client._cycle_layout import USUAL_FIRST, cycle_name
from outbox_client._disk import Disk
from outbox_client._errors import OutboxUnavailable
from outbox_client._record_codec import (
    FIXED_BYTES,
    MAGIC,
    MAX_ENTRY_BYTES,
    InvalidRecordError,
    OutboxRecord,
    UnknownFormatError,
)
from outbox_client._wire_fields import UnparsableError

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator

    from outbox_client._record_codec import Prologue
    from outbox_client._safe_files import File

_PIECE_BYTES = 1 << 20
_BLOCK_BYTES = 4096
_WORD = Struct("<I")
_MAGIC = _WORD.pack(MAGIC)
_DISK = Disk()


class CycleFacts:
    """What is known of a cycle.

    Attributes:
        prologue: of its first record; None if that is not there.
        sequence: the highest, 0 if it holds no record.
        length: of its data: up to its tail, or behind the last record that was found.
    """

    __slots__ = ("length", "prologue", "sequence")

    def __init__(self, prologue: Prologue | None, sequence: int, length: int) -> None:
        self.prologue = prologue
        self.sequence = sequence
        self.length = length


def read_facts(number: int, file: File, outbox: bytes, *, failed: bool) -> CycleFacts:
    """Look at a cycle; changes nothing.

    Costs the same with any length, unless its chain is damaged: then what follows is read, all of
    it if the chain holds no record. That takes seconds for a full one.

    Args:
        number: of the cycle.
        file: open.
        outbox: its id.
        failed: records may stand behind the end of its chain all the same.

    Raises:
        OSError: the system reports an error other than unreadable blocks.
        OutboxUnavailable: another version wrote some of it.
    """
    prologue = known = None
    sequence = at = 0
    first = end = USUAL_FIRST
    try:
        cycle = CycleFile(number, file, outbox)
        first = end = at = cycle.layout.first
        prologue = prologue_of(cycle)
        tail = find_tail(cycle, None, _DISK)
        # Where EOF was lost, records may have outlived others that stood before them.
        failed = failed or not tail.ended
    except BrokenChainError as broken:
        tail = broken.tail
        failed = True
    except UnparsableError:
        tail = None
        failed = True
    if tail is not None and tail.entry >= 0:
        known = (tail.sequence, tail.entry)
        sequence = tail.sequence
        at = end = tail.offset
    if failed:
        for record, behind in search(file.fd, at, outbox, number, known):
            sequence = record.sequence
            end = behind
            prologue = prologue or record.prologue
    return CycleFacts(prologue, sequence, end - first)


def prologue_of(cycle: CycleFile) -> Prologue | None:
    """The prologue of a cycle's first record; None if that is not valid."""
    try:
        return cycle.record_at(cycle.layout.first)[0].prologue
    except UnparsableError:
        return None


def find_prologue(number: int, file: File) -> Prologue | None:
    """The prologue of a cycle of which not even the outbox is known: it vouches for itself.

    Raises:
        OSError: the system reports an error other than unreadable blocks.
        OutboxUnavailable: another version wrote some of it.
    """
    try:
        return prologue_of(CycleFile(number, file, None))
    except UnparsableError:
        found = next(search(file.fd, 0, None, number, None), None)
        return None if found is None else found[0].prologue


def search(
    fd: int, start: int, outbox: bytes | None, cycle: int, known: tuple[int, int] | None
) -> Iterator[tuple[OutboxRecord, int]]:
    """The published records that stand behind damage, in order, and the offsets behind them.

    Args:
        fd: of a cycle file.
        start: where to begin.
        outbox: its id; None for records with a prologue, of whatever outbox.
        cycle: its number.
        known: sequence and entry of the last record before; None if there is none.

    Raises:
        OSError: the system reports an error other than unreadable blocks.
        OutboxUnavailable: another version wrote some of it.
    """
    at = start + 4
    for begin, end in _extents(fd):
        at = max(at, begin)
        while at < end:
            piece = _read(fd, min(_PIECE_BYTES, end - at), at)
            found = piece.find(_MAGIC)
            if found < 0:
                at += len(piece)
                continue
            at += found
            record, length = (None, 0) if at & 3 else _record_at(fd, at - 4, outbox, cycle)
            if record is None or not _is_behind(record, known):
                at += 4 - (at & 3)
                continue
            known = record.sequence, record.entry
            # Goes on behind it: what looks like a record in there is a part of its value.
            at += length
            yield record, at


def _is_behind(record: OutboxRecord, known: tuple[int, int] | None) -> bool:
    """FORMAT I4: within a cycle, sequence and entry grow alike."""
    if known is None:
        return True
    sequence, entry = known
    return bool(record.entry > entry and record.sequence - record.entry == sequence - entry)


def _record_at(
    fd: int, offset: int, outbox: bytes | None, cycle: int
) -> tuple[OutboxRecord | None, int]:
    length = int.from_bytes(_read(fd, 4, offset), "little")
    if not FIXED_BYTES <= length <= MAX_ENTRY_BYTES or length & 3:
        return None, 0
    try:
        return OutboxRecord(_read(fd, length, offset + 4), outbox, cycle, offset), length
    except InvalidRecordError:
        return None, 0
    except UnknownFormatError as problem:
        raise OutboxUnavailable(
            f"what stands in {cycle_name(cycle)} at 0x{offset:x} {problem}: use the version that "
            "wrote it. Nothing was changed"
        ) from None


def _read(fd: int, length: int, offset: int) -> bytes:
    """Some bytes; zeros for blocks that the disk does not give."""
    try:
        return os.pread(fd, length, offset)
    except OSError as problem:
        if problem.errno != EIO:
            raise
    if length <= _BLOCK_BYTES - offset % _BLOCK_BYTES:
        return bytes(length)
    first = _BLOCK_BYTES - offset % _BLOCK_BYTES
    sizes = [first] + [_BLOCK_BYTES] * ((length - first) // _BLOCK_BYTES)
    sizes.append(length - sum(sizes))
    pieces = []
    for size in sizes:
        pieces.append(_read(fd, size, offset) if size else b"")
        offset += size
    return b"".join(pieces)


def _extents(fd: int) -> Iterator[tuple[int, int]]:
    end = 0
    while True:
        try:
            start = os.lseek(fd, end, os.SEEK_DATA)
        except OSError as problem:
            if problem.errno != ENXIO:
                raise
            return  # only a hole is left
        end = os.lseek(fd, start, os.SEEK_HOLE)
        yield start, end
