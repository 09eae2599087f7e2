"""Guesses about records, the search and the walk of a reader; the writer shares some of them."""

from __future__ import annotations

import dataclasses
import struct
import uuid
import zlib
from typing import TYPE_CHECKING, Any

from .. import cyclefile, entries, identity, records, scanner
from ..cyclefile import FIRST_DATA
from ..entries import Entries, Entry, Kind
from ..reference import files
from ..scanner import _Walk
from ..sparsefiles import SparseFile
from .mutant import mutant

if TYPE_CHECKING:
    from ..cyclefile import Header
    from ..records import Place, Record

_SEARCH = Entries.search
_END = _Walk._end
_STEP = _Walk._step


def _any_padding(file: SparseFile, beginning: bytes, header: Header) -> bool:
    return _with_bytes_as_made(file, beginning, header, header.index2index - 3, header.index2index)


def _any_width(file: SparseFile, beginning: bytes, header: Header) -> bool:
    return _with_bytes_as_made(file, beginning, header, 0x77, 0x78)


def _any_first_page(file: SparseFile, beginning: bytes, header: Header) -> bool:
    length = len(cyclefile.page_head(header.first_page, "index", header.layout.count))
    start = header.first_page
    return _with_bytes_as_made(file, beginning, header, start, start + length)


def _with_bytes_as_made(
    file: SparseFile, beginning: bytes, header: Header, start: int, end: int
) -> bool:
    made = SparseFile(file.read(0, header.first_data))
    made.write(start, cyclefile.new_file(header.layout).read(start, end - start))
    return _IS_AS_MADE(made, beginning, header)


_IS_AS_MADE = cyclefile.is_as_made


def _data_behind_slot_0(file: SparseFile) -> Header:
    slot_0, page = 0xF0, file.u64(0xF0)
    made = SparseFile(file.read(0, FIRST_DATA + 8))
    made.write(slot_0, struct.pack("<Q", 0x80F0))
    header = _PARSE_HEADER(made)
    return dataclasses.replace(header, first_data=page + header.first_data - header.first_page)


_PARSE_HEADER = cyclefile.parse_header


def _search_without_header_words(self: Entries, start: int, last: Record | None) -> Entry | None:
    for offset in self._magics(start):
        head = self.file.read(offset + 4, records.MIN_LENGTH)
        topic, key = struct.unpack_from("<HI", head, 10)
        headers, value = struct.unpack_from("<II", head, 56)
        length = cyclefile.align4(72 + 40 * (head[9] >> 2 & 1) + topic + key + headers + value)
        data = self.file.read(offset + 4, min(length, records.MAX_LENGTH))
        try:
            record = records.decode(data, self._place(offset))
        except records.RefusedError:
            continue
        if entries._is_plausible(record, last):
            return Entry(Kind.RECORD, offset, offset + 4 + length, record)
    return None


def _search_past_other_versions(self: Entries, start: int, last: Record | None) -> Entry | None:
    found = _SEARCH(self, start, last)
    while found is not None and found.kind is Kind.LATER_VERSION:
        found = _SEARCH(self, found.offset + 4, last)
    return found


def _search_to_the_end(self: _Walk, start: int) -> int | None:
    found = self.entries.search(start, self.last)
    while found is not None:
        self._deliver([found])
        found = self.entries.search(found.behind, self.last)
    return None


def _eof_is_the_end(self: _Walk, entry: Entry) -> int | None:
    return None if entry.kind is Kind.EOF else _END(self, entry)


def _missing_eof_is_the_end(self: _Walk, entry: Entry) -> int | None:
    found = _END(self, entry)
    behind_word1 = self.word1 is not None and entry.offset > self.word1
    return None if behind_word1 else found


def _no_missing_eof(self: _Walk, entry: Entry) -> int | None:
    self.newest = True
    return _END(self, entry)


def _zeros_end_a_cycle_without_a_header(self: _Walk, entry: Entry) -> int | None:
    return None if self.word1 is None else _END(self, entry)


def _nothing_without_a_header(self: _Walk, start: int) -> int | None:
    if start == 0:
        return None
    found = self.entries.search(start, self.last)
    self.damaged = True
    return None if found is None else found.offset


def _behind_no_record(self: _Walk, entry: Entry) -> int | None:
    if entry.kind is Kind.NOT_A_RECORD:
        self._problem(entry.offset, "not-a-record")
        return entry.behind
    return _STEP(self, entry)


def _batches_are_single_records(self: _Walk, entry: Entry, record: Record) -> int | None:
    if not self._follows(record):
        self._problem(entry.offset, "order")
    else:
        self._deliver([entry])
    return entry.behind


def _headless_batches_are_delivered(self: _Walk, entry: Entry, record: Record) -> int | None:
    if record.continued and self._follows(record):
        self._deliver([entry])
        return entry.behind
    return _RECORD(self, entry, record)


_RECORD = _Walk._record


def _goes_on_at_the_rest_of_a_batch(self: _Walk, start: int) -> int | None:
    self.damaged = True
    found = self.entries.search(start, self.last)
    return None if found is None else found.offset


def _only_the_next_after_damage(self: _Walk, record: Record) -> bool:
    last = self.last
    return last is None or scanner._is_next(record, last)


def _any_record_follows(self: _Walk, record: Record) -> bool:
    return True


def _plausible(record: Record, last: Record | None) -> bool:
    return True


def _state_of_any_format(data: bytes) -> identity.Identity | None:
    whole = len(data) >= 44 and data[:8] == b"OBXSTATE"
    if not whole or zlib.crc32(data[:40]) != struct.unpack_from("<I", data, 40)[0]:
        return None
    return _OF_STATE(identity.Identity(*_identity_fields(data)).encode())


_OF_STATE = identity.of_state


def _identity_fields(data: bytes) -> tuple[uuid.UUID, int, int]:
    generation, outbox_id, created = struct.unpack_from("<I16sq", data, 12)
    return uuid.UUID(bytes=outbox_id), generation, created


def _without_kind(kind: str) -> dict[str, Kind]:
    return {name: found for name, found in entries._REFUSALS.items() if name != kind}


def _place_without_offset(self: Place) -> bytes:
    return self.outbox_id.bytes + struct.pack("<Q", self.cycle)


def _place_without_cycle(self: Place) -> bytes:
    return self.outbox_id.bytes + struct.pack("<Q", self.offset)


def _place_without_outbox(self: Place) -> bytes:
    return struct.pack("<QQ", self.cycle, self.offset)


def _oldest_prologue(outbox: str) -> Any:
    numbers = cyclefile.numbers
    try:
        cyclefile.numbers = lambda names: numbers(names)[::-1]
        return _NEWEST_PROLOGUE(outbox)
    finally:
        cyclefile.numbers = numbers


_NEWEST_PROLOGUE = identity.newest_prologue

MUTANTS = [
    # --- the record ---
    mutant(
        "the offset is not in the CRC",
        "read record-inside-a-value",
        (records.Place, "encode", _place_without_offset),
    ),
    mutant(
        "the cycle is not in the CRC",
        "read one-record",
        (records.Place, "encode", _place_without_cycle),
    ),
    mutant(
        "the outbox id is not in the CRC",
        "read foreign-cycle",
        (records.Place, "encode", _place_without_outbox),
    ),
    mutant(
        "a length may be odd",
        "read odd-length-in-the-middle",
        (records, "is_length", lambda length: 72 <= length <= records.MAX_LENGTH),
    ),
    mutant(
        "fields that the CRC covers are right",
        "read wrong-fields",
        (records, "_are_sound", lambda *fields: True),
    ),
    mutant(
        "the former format is damage",
        "append former-format-without-state",
        (entries, "_REFUSALS", _without_kind(records.FORMER_FORMAT)),
    ),
    mutant(
        "a later version is damage",
        "read later-version-in-the-middle",
        (entries, "_REFUSALS", _without_kind(records.LATER_VERSION)),
    ),
    mutant(
        "a state of any format is ours",
        "append later-revision",
        (identity, "of_state", _state_of_any_format),
        (files, "of_state", _state_of_any_format),
    ),
    # --- the header ---
    mutant(
        "what is needed of a header is all that is looked at",
        "append header-with-another-data-format",
        (cyclefile, "is_as_made", lambda *what: True),
    ),
    mutant(
        "a count may have any width",
        "read header-with-a-wider-count",
        (cyclefile, "is_as_made", _any_width),
    ),
    mutant(
        "padding may be anything",
        "append header-with-padding-of-its-own",
        (cyclefile, "is_as_made", _any_padding),
    ),
    mutant(
        "the first index page is none of the header",
        "read header-with-a-damaged-first-page",
        (cyclefile, "is_as_made", _any_first_page),
    ),
    mutant(
        "the data begin behind the page that slot 0 names",
        "read header-with-another-first-page",
        (cyclefile, "parse_header", _data_behind_slot_0),
    ),
    # --- the search ---
    mutant(
        "a search needs no header word",
        "append unpublished-record-in-a-searched-cycle",
        (Entries, "search", _search_without_header_words),
    ),
    mutant(
        "a search passes over later versions",
        "read later-version-behind-damage",
        (Entries, "search", _search_past_other_versions),
    ),
    mutant(
        "a search takes any valid record",
        "read order-behind-damage",
        (entries, "_is_plausible", _plausible),
    ),
    mutant(
        "behind damage is no chain",
        "read two-damages-in-an-older-cycle",
        (_Walk, "_search", _search_to_the_end),
    ),
    # --- the walk ---
    mutant(
        "any META entry is stepped over",
        "read alien-meta-in-the-middle",
        (cyclefile, "is_page", lambda *what: True),
    ),
    mutant(
        "EOF is the end wherever it stands",
        "read eof-before-word1",
        (_Walk, "_end", _eof_is_the_end),
    ),
    mutant(
        "a missing EOF is the end",
        "read-after survivors-behind-an-empty-beginning",
        (_Walk, "_end", _missing_eof_is_the_end),
    ),
    mutant("a missing EOF is no problem", "read missing-eof", (_Walk, "_end", _no_missing_eof)),
    mutant(
        "zeros end a cycle whose header is lost",
        "read unreadable-header-and-a-hole",
        (_Walk, "_end", _zeros_end_a_cycle_without_a_header),
    ),
    mutant(
        "a cycle whose header is lost is lost",
        "read page-0-zeroed",
        (_Walk, "_search", _nothing_without_a_header),
    ),
    mutant(
        "the length of what is no record holds",
        "read entries-that-are-no-records",
        (_Walk, "_step", _behind_no_record),
    ),
    mutant("a whole record follows", "read order", (_Walk, "_follows", _any_record_follows)),
    mutant(
        "only the next record follows damage",
        "read flipped-byte",
        (_Walk, "_follows", _only_the_next_after_damage),
    ),
    mutant(
        "a batch is so many records",
        "read batch-torn-in-the-middle",
        (_Walk, "_record", _batches_are_single_records),
    ),
    mutant(
        "the rest of a batch is delivered",
        "read batch-torn-in-the-middle",
        (_Walk, "_record", _headless_batches_are_delivered),
    ),
    mutant(
        "a search goes on at the rest of a batch",
        "read batch-without-its-first",
        (_Walk, "_search", _goes_on_at_the_rest_of_a_batch),
    ),
    # --- identity ---
    mutant(
        "the oldest prologue tells whose it is",
        "append state-missing-another-generation",
        (identity, "newest_prologue", _oldest_prologue),
    ),
    mutant(
        "a prologue is not searched for",
        "append state-missing-page-0-zeroed",
        (Entries, "any_prologue", lambda self: None),
    ),
]
