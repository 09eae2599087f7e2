"""Reads an outbox as it lies on disk, damaged or not. Slow and plain: a judge, not a relay."""

from __future__ import annotations

import mmap
import os
import struct
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from . import cyclefile, records, sparsefiles
from .cyclefile import EOF_WORD, LENGTH_MASK, META, NOT_COMPLETE, align4
from .outbox import Published
from .sparsefiles import SparseFile

if TYPE_CHECKING:
    from collections.abc import Iterator

MIN_LENGTH = 72


@dataclass(frozen=True)
class Problem:
    """What a reader must report: where, and which kind."""

    cycle: int
    offset: int
    kind: str


@dataclass
class Scan:
    """All that an outbox holds, in order."""

    records: list[Published] = field(default_factory=list)
    problems: list[Problem] = field(default_factory=list)


class _View(SparseFile):
    """A cycle file on disk, mapped."""

    def __init__(self, path: str) -> None:
        descriptor = os.open(path, os.O_RDONLY)
        try:
            self.size = os.fstat(descriptor).st_size
            self.mapping = mmap.mmap(descriptor, self.size, prot=mmap.PROT_READ)
        finally:
            os.close(descriptor)

    def read(self, offset: int, length: int) -> bytes:
        return self.mapping[offset : offset + length]

    def u32(self, offset: int) -> int:
        return int(struct.unpack_from("<I", self.mapping, offset)[0])


def scan(outbox: str) -> Scan:
    """Read every record of an outbox, and name every problem."""
    result = Scan()
    queue = os.path.join(outbox, "queue")
    cycles = sorted(
        cyclefile.cycle_of(file)
        for file in os.listdir(queue)
        if file.endswith(".cq4") and not file.startswith(".")
    )
    for cycle in cycles:
        path = os.path.join(queue, cyclefile.name(cycle))
        _CycleScan(result, cycle, path, newest=cycle == cycles[-1]).run()
    return result


class _CycleScan:
    def __init__(self, result: Scan, cycle: int, path: str, *, newest: bool) -> None:
        self.result = result
        self.cycle = cycle
        self.file = _View(path)
        self.data_end = sparsefiles.data_end(path)
        self.newest = newest

    def run(self) -> None:
        try:
            header = cyclefile.parse_header(self.file)
        except (cyclefile.UnreadableError, struct.error):
            self._problem(0, "unreadable-header")
            self._salvage(0)
            return
        at = header.first_data
        while True:
            at = self._chain(at)
            word = self.file.u32(at)
            if word == EOF_WORD:
                return
            if word == 0 or word & NOT_COMPLETE:
                break
            self._problem(at, "hostile-length")
            found = next(self._search(at + 4), None)
            if found is None:
                return
            at = found.offset
        word1 = self.file.u64(header.word1)
        if word1 >= at:
            self._problem(at, "chain-ends-before-word1")
            self._salvage(at + 4)
        elif not self.newest:
            self._problem(at, "missing-eof")

    def _chain(self, at: int) -> int:
        """Follow the entries; return the offset of the word that ends the walk."""
        while True:
            word = self.file.u32(at)
            length = word & LENGTH_MASK
            end = at + 4 + length
            if word == 0 or word & NOT_COMPLETE or end > self.file.size:
                return at
            if not word & META:
                if not MIN_LENGTH <= length <= records.MAX_RECORD:
                    return at
                self._record(at, length)
            at = align4(end)

    def _record(self, at: int, length: int) -> None:
        try:
            record = records.decode(self.file.read(at + 4, length))
        except records.NotARecordError as why:
            self._problem(at, "crc" if str(why) == "crc" else "not-a-record")
        else:
            self.result.records.append(Published(self.cycle, at, record))

    def _salvage(self, start: int) -> None:
        self.result.records += self._search(start)

    def _search(self, start: int) -> Iterator[Published]:
        """Yield the published records that stand behind damage, in order of offset."""
        at = start
        while (magic := self.file.mapping.find(records.MAGIC, at + 4, self.data_end)) >= 0:
            at = magic - 4
            length = self.file.u32(at)
            if at % 4 == 0 and MIN_LENGTH <= length <= records.MAX_RECORD:
                try:
                    record = records.decode(self.file.read(at + 4, length))
                except records.NotARecordError:
                    pass
                else:
                    yield Published(self.cycle, at, record)
                    at += length
            at += 4

    def _problem(self, offset: int, kind: str) -> None:
        self.result.problems.append(Problem(self.cycle, offset, kind))
