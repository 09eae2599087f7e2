"""Finding the tail of a cycle, and booking what writers that died had published."""

from __future__ import annotations

from outbox_client._cycle_file import is_free, is_meta
from outbox_client._record_codec import BATCH, CONTINUED
from outbox_client._wire_fields import END_OF_FILE, UnparsableError

TYPE_CHECKING = False
if TYPE_CHECKING:
    from outbox_client._cycle_file import CycleFile
    from outbox_client._disk import Disk
    from outbox_client._record_codec import OutboxRecord
    from outbox_client._state_file import StateFile


class Tail:
    """Where a cycle ends, or how far it could be followed.

    Attributes:
        last: offset of the last record's header word, 0 if there is none.
        entry: number of that record, -1 if there is none.
        sequence: of that record, 0 if there is none.
        offset: of the header word behind the last entry.
        ended: whether EOF stands there.
        batch: whether the last record's batch goes on.
    """

    __slots__ = ("batch", "ended", "entry", "last", "offset", "sequence")

    def __init__(self, first: int) -> None:
        self.last = 0
        self.entry = -1
        self.sequence = 0
        self.offset = first
        self.ended = False
        self.batch = False

    def add(self, record: OutboxRecord, behind: int) -> None:
        """Move behind the record that stands here."""
        self.last = self.offset
        self.entry = record.entry
        self.sequence = record.sequence
        self.batch = bool(record.flags & BATCH)
        self.offset = behind


class BrokenChainError(UnparsableError):
    """The walk met what no writer of ours leaves at the end of a cycle.

    Attributes:
        tail: how far it came.
    """

    def __init__(self, message: str, tail: Tail) -> None:
        super().__init__(message)
        self.tail = tail


def find_tail(cycle: CycleFile, state: StateFile | None, disk: Disk) -> Tail:
    """Walk from word1 to the end of a cycle.

    Args:
        cycle: to be walked.
        state: books each record found behind word1 there and in the cycle; None to book nothing.
        disk: makes the changes.

    Raises:
        BrokenChainError: nobody may append here.
        OutboxUnavailable: it met a record of another version.
    """
    tail = Tail(cycle.layout.first)
    try:
        _walk(cycle, state, disk, tail)
    except UnparsableError as problem:
        raise BrokenChainError(str(problem), tail) from None
    return tail


def _walk(cycle: CycleFile, state: StateFile | None, disk: Disk, tail: Tail) -> None:
    noted = cycle.words64[cycle.word1]
    if noted:
        record, behind = cycle.record_at(noted)
        if (record.entry == 0) != (noted == cycle.layout.first):
            raise UnparsableError(f"entry {record.entry} at 0x{noted:x}")
        tail.offset = noted
        tail.add(record, behind)
    while True:
        word = cycle.word_at(tail.offset)
        tail.ended = word == END_OF_FILE
        if tail.ended or is_free(word):
            if tail.batch:
                raise UnparsableError(f"the batch of entry {tail.entry} is not whole")
            return
        if is_meta(word):
            if tail.batch:
                raise UnparsableError(f"an index page within the batch of entry {tail.entry}")
            tail.offset = cycle.behind_page(tail.offset)
            continue
        record, behind = cycle.record_at(tail.offset)
        known = tail.entry >= 0
        follows = record.follows(tail.sequence, tail.entry) if known else record.entry == 0
        if not follows or bool(record.flags & CONTINUED) != tail.batch:
            raise UnparsableError(
                f"entry {record.entry}, sequence {record.sequence} at 0x{tail.offset:x} behind "
                f"{tail.entry}, {tail.sequence} (FORMAT I4, I10)"
            )
        tail.add(record, behind)
        if state is not None:
            if record.sequence >= (state.next_sequence() or 1):
                state.set_next_sequence(record.sequence + 1, disk)
            disk.store(cycle.words64, cycle.word1 + 1, tail.last << 32 | tail.entry, "word2")
            disk.store(cycle.words64, cycle.word1, tail.last, "word1")
            newest = not tail.batch
            tail.offset = cycle.index(tail.last, tail.entry, behind, disk, newest=newest)
