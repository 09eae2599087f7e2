"""Reading a cycle whose chain of entries is broken."""

from __future__ import annotations

import os
from errno import ENXIO
from struct import Struct

from outbox_client._record_codec import (
    FIXED_BYTES,
    MAGIC,
    MAX_ENTRY_BYTES,
    InvalidRecordError,
    OutboxRecord,
)

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator

_PIECE_BYTES = 1 << 20
_WORD = Struct("<I")
_MAGIC = _WORD.pack(MAGIC)


def highest_sequence(fd: int) -> int:
    """The highest sequence of all records that a cycle file still holds, 0 if there is none.

    Reads the whole file, holes excepted: seconds for a full one. That is the price of a power cut,
    where neither the state nor word1 tells how far the records went.

    Raises:
        OSError: it cannot be read to its end.
    """
    highest = 0
    at = 4
    for start, end in _extents(fd):
        at = max(at, start)
        while at < end:
            piece = os.pread(fd, min(_PIECE_BYTES, end - at), at)
            found = piece.find(_MAGIC)
            if found < 0:
                at += len(piece)
                continue
            at += found
            sequence, length = _record_at(fd, at)
            highest = max(highest, sequence)
            # Goes on behind it: what looks like a record in there is a part of its value.
            at = (at & ~3) + max(length, 4)
    return highest


def _record_at(fd: int, offset: int) -> tuple[int, int]:
    """Sequence and length of the published record at an offset, zeros if there is none."""
    if offset & 3:
        return 0, 0
    (length,) = _WORD.unpack(os.pread(fd, 4, offset - 4))
    if not FIXED_BYTES <= length <= MAX_ENTRY_BYTES:
        return 0, 0
    try:
        return OutboxRecord(os.pread(fd, length, offset)).sequence, length
    except InvalidRecordError:
        return 0, 0


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
