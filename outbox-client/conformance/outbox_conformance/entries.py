"""What stands at a header word of a cycle file, and the search behind damage.

Readers and the reference writer look at entries in this one way.
"""

from __future__ import annotations

import enum
import errno
import os
from dataclasses import dataclass
from typing import TYPE_CHECKING

from . import cyclefile, records, sparsefiles
from .cyclefile import EOF_WORD, FAST_HOURLY, LENGTH_MASK, META, NOT_COMPLETE, align4
from .sparsefiles import SparseFile

if TYPE_CHECKING:
    import uuid
    from collections.abc import Iterator

    from .records import Record

BLOCK = 4096
_STEP = 1 << 20


class UnreadableError(Exception):
    """The disk does not give these bytes."""


class CycleView(SparseFile):
    """A cycle file on disk, as it is at each look. `read` beyond the end gives zeros."""

    def __init__(self, descriptor: int) -> None:
        self.descriptor = descriptor

    @property
    def size(self) -> int:  # type: ignore[override]
        """The file's length by now."""
        return os.fstat(self.descriptor).st_size

    def read(self, offset: int, length: int) -> bytes:
        """Read what is there.

        Raises:
            UnreadableError: a block of it can't be read.
        """
        try:
            return os.pread(self.descriptor, length, offset).ljust(length, b"\0")
        except OSError as problem:
            if problem.errno != errno.EIO:
                raise
            raise UnreadableError(f"{length} bytes at {offset}") from None

    def extents(self, start: int) -> Iterator[tuple[int, int]]:
        """Yield what is no hole, from an offset on."""
        return sparsefiles.extents(self.descriptor, start)


class Kind(enum.Enum):
    """Kinds of entries, and of what stands in the place of one."""

    FREE = enum.auto()
    EOF = enum.auto()
    PAGE = enum.auto()
    RECORD = enum.auto()
    DAMAGED_RECORD = enum.auto()
    NOT_A_RECORD = enum.auto()
    HOSTILE = enum.auto()
    UNREADABLE = enum.auto()
    FORMER_FORMAT = enum.auto()
    LATER_VERSION = enum.auto()


_REFUSALS = {
    records.CRC: Kind.DAMAGED_RECORD,
    records.FORMER_FORMAT: Kind.FORMER_FORMAT,
    records.LATER_VERSION: Kind.LATER_VERSION,
}


@dataclass(frozen=True)
class Entry:
    """What stands at an offset, and where the next header word is."""

    kind: Kind
    offset: int
    behind: int
    record: Record | None = None


class Entries:
    """The entries of one cycle file of one outbox."""

    def __init__(
        self,
        file: CycleView,
        outbox_id: uuid.UUID,
        cycle: int,
        count: int = FAST_HOURLY.count,
    ) -> None:
        self.file = file
        self.outbox_id = outbox_id
        self.cycle = cycle
        self.count = count

    def at(self, offset: int) -> Entry:
        """Return what stands at a header word."""
        try:
            return self._at(offset)
        except UnreadableError:
            return Entry(Kind.UNREADABLE, offset, _next_block(offset))

    def _at(self, offset: int) -> Entry:
        size = self.file.size
        word = self.file.u32(offset) if offset + 4 <= size else 0
        behind = align4(offset + 4 + (word & LENGTH_MASK))
        if word == EOF_WORD:
            return Entry(Kind.EOF, offset, behind)
        if word == 0 or word & NOT_COMPLETE:
            return Entry(Kind.FREE, offset, offset)
        if word & META:
            known = behind <= size and cyclefile.is_page(self.file, offset, self.count)
            return Entry(Kind.PAGE if known else Kind.HOSTILE, offset, behind)
        if not records.is_length(word) or behind > size:
            return Entry(Kind.HOSTILE, offset, behind)
        data = self.file.read(offset + 4, word)
        try:
            record = records.decode(data, self._place(offset))
        except records.RefusedError as why:
            return Entry(_REFUSALS.get(why.kind, Kind.NOT_A_RECORD), offset, behind)
        return Entry(Kind.RECORD, offset, behind, record)

    def _place(self, offset: int) -> records.Place:
        return records.Place(self.outbox_id, self.cycle, offset)

    def search(self, start: int, last: Record | None) -> Entry | None:
        """Find the next valid record that can follow, or one of a later version.

        Args:
            start: where to begin, a multiple of 4.
            last: the last record that is known.
        """
        for offset in self._magics(start):
            entry = self.at(offset)
            if entry.kind is Kind.LATER_VERSION:
                return entry
            if entry.record is not None and _is_plausible(entry.record, last):
                return entry
        return None

    def prologue(self, offset: int) -> Record | None:
        """Return the first record of a cycle that stands here, whichever outbox it names."""
        try:
            data = self.file.read(offset + 4, records.MIN_LENGTH + 40)
        except UnreadableError:
            return None
        outbox_id = records.claimed_outbox(data)
        if outbox_id is None:
            return None
        claimed = Entries(self.file, outbox_id, self.cycle, self.count)
        record = claimed.at(offset).record
        return record if record is not None and record.prologue is not None else None

    def any_prologue(self) -> Record | None:
        """Search for the first record of a cycle whose header does not parse."""
        found = (self.prologue(offset) for offset in self._magics(0))
        return next((record for record in found if record is not None), None)

    def _magics(self, start: int) -> Iterator[int]:
        """Yield the places of header words, from an offset on, that a record's magic follows."""
        for begin, end in self.file.extents(start):
            # A magic is 4-aligned: it never stands across two blocks.
            for at in range(begin - begin % _STEP, end, _STEP):
                for offset, data in self._readable(at, min(at + _STEP, end)):
                    yield from (place for place in _places(data, offset) if place >= start)

    def _readable(self, begin: int, end: int) -> Iterator[tuple[int, bytes]]:
        """Yield the bytes of a range without the blocks that can't be read."""
        try:
            yield begin, self.file.read(begin, end - begin)
        except UnreadableError:
            if end - begin > BLOCK:
                for at in range(begin, end, BLOCK):
                    yield from self._readable(at, min(at + BLOCK, end))


def _places(data: bytes, offset: int) -> Iterator[int]:
    at = data.find(records.MAGIC)
    while at >= 0:
        if at % 4 == 0:
            yield offset + at - 4
        at = data.find(records.MAGIC, at + 1)


def _next_block(offset: int) -> int:
    return (offset // BLOCK + 1) * BLOCK


def _is_plausible(record: Record, last: Record | None) -> bool:
    return last is None or (
        record.entry > last.entry and record.sequence - record.entry == last.sequence - last.entry
    )
