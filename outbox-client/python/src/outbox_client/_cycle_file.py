"""An open cycle file: reading entries, booking them, ending and growing it."""

from __future__ import annotations

import fcntl
import os
from errno import EIO
from mmap import ACCESS_READ, ACCESS_WRITE, PAGESIZE, mmap
from struct import Struct
from time import monotonic

from outbox_client._cycle_layout import (
    GROWTH_BYTES,
    HEADROOM_BYTES,
    CycleLayout,
    behind_index_page,
    cycle_name,
    index_page,
    index_page_head,
)
from outbox_client._errors import OutboxBusy, OutboxUnavailable, broken_invariant
from outbox_client._lock_deadline import LockDeadline
from outbox_client._record_codec import (
    FIXED_BYTES,
    MAX_ENTRY_BYTES,
    SEQUENCE_AT,
    InvalidRecordError,
    OutboxRecord,
    UnknownFormatError,
    cycle_place,
    peek,
)
from outbox_client._wire_fields import END_OF_FILE, META, NOT_COMPLETE, UnparsableError

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Sequence

    from outbox_client._disk import Disk
    from outbox_client._safe_files import File

_WORD = Struct("<I")
_END_TEXT = b"\xc3EOF"
_MAXIMUM_BYTES = (1 << 31) - 1
_PAGE = PAGESIZE
_SHORTEST_AHEAD = 16 << 10
_LONGEST_AHEAD = 32 << 10
_ZEROS = memoryview(bytes(_LONGEST_AHEAD))
_TRAILER = bytes(8)


class CycleFile:
    """A cycle file, mapped as a whole.

    Closed when the last reference goes, so that a thread may sync it while another has moved on.

    Attributes:
        number: of the cycle.
        size: of the file, as mapped.
        path: of the file.
        inode: of the file.
        words32: the mapping as header words.
        words64: the mapping as u64.
        layout: where its fields stand.
        place: what binds records to this cycle, see `cycle_place`.
        word1: index of word1 in `words64`; word2 is the next.
        spacing: each so many-th record is indexed.
        ready: up to where pages are known to be allocated.
    """

    def __init__(self, number: int, file: File, outbox: bytes | None) -> None:
        """Map a cycle's file.

        Args:
            number: of the cycle.
            file: open.
            outbox: the id to which its records are bound; None while that is being looked for.

        Raises:
            UnparsableError: it is no cycle file, or cannot be read.
        """
        self.file = file
        self.fd = file.fd
        self.path = file.where
        self.inode = file.opened.st_ino
        self.number = number
        self.outbox = outbox
        self.place = cycle_place(outbox or b"", number)
        self.size = 0
        self.ready = 0
        self._ahead = _SHORTEST_AHEAD
        size = file.opened.st_size
        if size > _MAXIMUM_BYTES:
            raise UnparsableError(f"{size} bytes long")
        # Read, not mapped: a page that the disk does not give is an error here and a SIGBUS there.
        self.layout = CycleLayout.parse(self._read, size)
        self.remap(size)
        self.word1 = self.layout.word1 >> 3
        self.spacing = self.layout.spacing

    def remap(self, size: int) -> None:
        """Map the file at its present length."""
        access = ACCESS_WRITE if self.file.writable() else ACCESS_READ
        self._map = mmap(self.fd, size, access=access)
        view = memoryview(self._map)[: size & -8]
        self.words32 = view.cast("I")
        self.words64 = view.cast("Q")
        self.size = size

    # --- reading; by pread, because a mapped read beyond what is written may be a SIGBUS ---

    def _read(self, length: int, offset: int) -> bytes:
        try:
            return os.pread(self.fd, length, offset)
        except OSError as problem:
            if problem.errno != EIO:
                raise
            raise UnparsableError(f"the disk does not give what stands at 0x{offset:x}") from None

    def word_at(self, offset: int) -> int:
        """The header word at an offset; free if nothing was ever written there.

        Raises:
            UnparsableError: it cannot be read.
        """
        data = self._read(4, offset)
        return int(_WORD.unpack(data)[0]) if len(data) == 4 else 0

    def record_at(self, offset: int) -> tuple[OutboxRecord, int]:
        """The record whose header word stands at an offset, and the offset behind it.

        Raises:
            UnparsableError: there is none.
            OutboxUnavailable: it is of another version.
        """
        if offset & 3 or not self.layout.first <= offset < self.size:
            raise UnparsableError(f"0x{offset:x} is no place for an entry")
        word = self.word_at(offset)
        if word & END_OF_FILE:
            raise UnparsableError(f"no data entry at 0x{offset:x} but 0x{word:08x}")
        if not FIXED_BYTES <= word <= MAX_ENTRY_BYTES or word & 3 or offset + 4 + word > self.size:
            raise UnparsableError(f"hostile length {word} at 0x{offset:x}")
        try:
            record = OutboxRecord(self._read(word, offset + 4), self.outbox, self.number, offset)
        except InvalidRecordError as problem:
            raise UnparsableError(f"no record at 0x{offset:x}: {problem}") from None
        except UnknownFormatError as problem:
            raise OutboxUnavailable(
                f"what stands in {cycle_name(self.number)} at 0x{offset:x} {problem}: use the "
                "version that wrote it. Nothing was changed"
            ) from None
        return record, offset + 4 + word

    def peek(self, offset: int) -> tuple[int, int, int] | None:
        """Sequence, entry and end of a record that a writer of this boot has booked."""
        data = os.pread(self.fd, 4 + FIXED_BYTES, offset)
        if len(data) < 4 + FIXED_BYTES:
            return None
        (word,) = _WORD.unpack_from(data)
        found = peek(data[4:])
        if found is None or not FIXED_BYTES <= word <= MAX_ENTRY_BYTES or word & 3:
            return None
        return found[0], found[1], offset + 4 + word

    def sequence_at(self, offset: int) -> int:
        """What should be the sequence of the record whose header word stands at an offset."""
        return int.from_bytes(os.pread(self.fd, 8, offset + 4 + SEQUENCE_AT), "little")

    def booked(self) -> int:
        """Offset of the last record that is noted, 0 if the file was cut; without the lock."""
        return int.from_bytes(os.pread(self.fd, 8, self.layout.word1), "little")

    def behind_page(self, offset: int) -> int:
        """The offset behind an index page.

        Raises:
            UnparsableError: it is none of this file's shape.
        """
        head = index_page_head(offset, self.layout.capacity)
        end = behind_index_page(offset, self.layout.capacity)
        if end > self.size or self._read(len(head), offset) != head:
            raise UnparsableError(f"no index page at 0x{offset:x}")
        return end

    # --- writing; only under the writers' lock ---

    def index(self, offset: int, entry: int, tail: int, disk: Disk, *, newest: bool) -> int:
        """Note a booked record in the index, if it belongs there; the tail afterwards.

        Args:
            offset: of its header word.
            entry: its number.
            tail: behind the last entry.
            disk: makes the changes.
            newest: whether the record may be the last entry, behind which a page can stand.
        """
        layout = self.layout
        if entry % layout.spacing:
            return tail
        number, slot = divmod(entry // layout.spacing, layout.capacity)
        if number >= layout.capacity:
            return tail
        index2index = layout.index2index >> 3
        words = self.words64
        page = words[index2index + 2 + number]
        if not page:
            if not newest or self.word_at(tail):
                return tail  # not the newest record: there is no room for a page behind it
            page = tail
            data = index_page(page, layout.capacity)
            # Published like a record: all of it, and a free header word behind, comes first.
            disk.pwrite(self.fd, b"\0\0\0\0" + data[4:] + _TRAILER, page, "index-page")
            disk.store(self.words32, page >> 2, _WORD.unpack_from(data)[0], "index-page")
            tail = page + len(data)
            disk.store(words, index2index + 2 + number, page, "index")
            self._raise(index2index + 1, number + 1, disk)
        try:
            slots = (self.behind_page(page) >> 3) - layout.capacity
        except UnparsableError:
            return tail  # readers scan
        disk.store(words, slots + slot, offset, "index")
        self._raise(slots - 1, slot + 1, disk)
        self._raise(layout.last_index >> 3, entry + layout.spacing, disk)
        return tail

    def index_batch(
        self, offset: int, offsets: Sequence[int], last: int, tail: int, disk: Disk
    ) -> int:
        """Note all records of a batch that belong into the index; the tail afterwards.

        Args:
            offset: of the batch.
            offsets: of its records within it.
            last: number of its last entry.
            tail: behind it.
            disk: makes the changes.
        """
        for entry, at in enumerate(offsets, last + 1 - len(offsets)):
            tail = self.index(offset + at, entry, tail, disk, newest=entry == last)
        return tail

    def _raise(self, index: int, value: int, disk: Disk) -> None:
        if self.words64[index] < value:
            disk.store(self.words64, index, value, "index")

    def write_ahead(self, tail: int, end: int, disk: Disk) -> None:
        """Write zeros behind the tail, so that the next appends find their pages allocated.

        One large write costs a fraction of a slow write and a page fault for each page. Begins
        small, for the sake of those that append once.
        """
        start = (tail + _PAGE - 1) & -_PAGE
        try:
            start = os.lseek(self.fd, start, os.SEEK_HOLE)
            if start <= end < start + self._ahead:
                disk.pwrite(self.fd, _ZEROS[: self._ahead], start, "ahead")
                start += self._ahead
                self._ahead = min(self._ahead * 2, _LONGEST_AHEAD)
        except OSError as problem:
            if problem.errno is None:
                raise  # a signal handler's TimeoutError
            # No space is the next record's to report.
        self.ready = max(start, end)

    def end(self, tail: int, timeout: float, disk: Disk) -> bool:
        """Write EOF at the tail; False if the disk fails there: then the cycle is a failed one.

        Raises:
            OSError: another error.
            OutboxBusy: as `make_room`.
        """
        try:
            self._end(tail, timeout, disk)
        except OSError as problem:
            if problem.errno != EIO:
                raise
            return False
        return True

    def _end(self, tail: int, timeout: float, disk: Disk) -> None:
        if tail + 8 > self.size:
            self.make_room(tail + 8, timeout, disk)  # it was cut
        word = self.words32[tail >> 2]
        if not is_free(word):
            raise broken_invariant(2, f"0x{word:08x} stands where {cycle_name(self.number)} ends")
        disk.pwrite(self.fd, b"\0\0\0\0" + _END_TEXT, tail, "eof-tail")
        disk.store(self.words32, tail >> 2, END_OF_FILE, "eof")

    def make_room(self, end: int, timeout: float, disk: Disk) -> None:
        """Grow the file so that an append that ends at *end* stays clear of its end.

        Raises:
            OSError: no space.
            OutboxBusy: another process kept its lock on the file.
        """
        if self.size - end >= HEADROOM_BYTES:
            return
        # As Chronicle does. Held briefly: closing any other descriptor of the file drops it.
        backoff = LockDeadline(monotonic() + timeout)
        while not self._lock_file():
            if not backoff.wait():
                raise OutboxBusy(
                    f"another process has locked {cycle_name(self.number)} for {timeout} s, and it "
                    "must grow: append again, and look for a stopped process that has it open"
                )
        try:
            size = os.fstat(self.fd).st_size
            if size - end < HEADROOM_BYTES:
                size += GROWTH_BYTES
                disk.truncate(self.fd, size, "payload")
        finally:
            fcntl.lockf(self.fd, fcntl.LOCK_UN)
        self.remap(size)

    def _lock_file(self) -> bool:
        try:
            fcntl.lockf(self.fd, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except (BlockingIOError, PermissionError):
            return False
        return True


def is_free(word: int) -> bool:
    """Whether an entry may begin at this header word."""
    return word == 0 or (bool(word & NOT_COMPLETE) and word != END_OF_FILE)


def is_meta(word: int) -> bool:
    """Whether the header word is that of an index page."""
    return word & END_OF_FILE == META
