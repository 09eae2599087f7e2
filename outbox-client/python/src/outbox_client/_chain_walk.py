"""Finding the tail of a cycle, and booking what writers that died had published."""

from __future__ import annotations

from outbox_client._cycle_file import is_free, is_meta
from outbox_client._wire_fields import END_OF_FILE, UnparsableError

TYPE_CHECKING = False
if TYPE_CHECKING:
    from outbox_client._cycle_file import CycleFile
    from outbox_client._disk import Disk
    from outbox_client._state_file import StateFile


class Tail:
    """Where a cycle ends.

    Attributes:
        last: offset of the last record's header word, 0 if there is none.
        entry: number of that record, -1 if there is none.
        sequence: of that record, 0 if there is none.
        offset: of the header word behind the last entry.
        ended: whether EOF stands there.
    """

    __slots__ = ("ended", "entry", "last", "offset", "sequence")

    def __init__(self, last: int, entry: int, sequence: int, offset: int) -> None:
        self.last = last
        self.entry = entry
        self.sequence = sequence
        self.offset = offset
        self.ended = False


def find_tail(cycle: CycleFile, state: StateFile | None, disk: Disk) -> Tail:
    """Walk from word1 to the end of a cycle.

    Args:
        cycle: to be walked.
        state: books each record found behind word1 there and in the cycle; None to book nothing.
        disk: makes the changes.

    Raises:
        UnparsableError: the walk met what our writers do not write.
    """
    last = cycle.words64[cycle.word1]
    if last:
        record, offset = cycle.record_at(last)
        tail = Tail(last, record.entry, record.sequence, offset)
        if (record.entry == 0) != (last == cycle.layout.first):
            raise UnparsableError(f"entry {record.entry} at 0x{last:x}")
    else:
        tail = Tail(0, -1, 0, cycle.layout.first)
    while True:
        word = cycle.word_at(tail.offset)
        if is_free(word):
            return tail
        if word == END_OF_FILE:
            tail.ended = True
            return tail
        if is_meta(word):
            tail.offset = cycle.behind_meta(tail.offset, word)
            continue
        record, behind = cycle.record_at(tail.offset)
        if record.entry != tail.entry + 1:
            raise UnparsableError(f"entry {record.entry} at 0x{tail.offset:x} behind {tail.entry}")
        tail.entry = record.entry
        tail.last = tail.offset
        tail.sequence = record.sequence
        tail.offset = behind
        if state is not None:
            if record.sequence >= (state.next_sequence() or 1):
                state.set_next_sequence(record.sequence + 1, disk)
            tail.offset = cycle.book(tail.last, tail.entry, behind, disk)
