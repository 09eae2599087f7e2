"""Checks events that are to be there all or not at all, and encodes what needs no lock."""

from __future__ import annotations

from outbox_client._errors import EventTooLarge, InvalidEvent, OutboxError
from outbox_client._record_codec import (
    BATCH,
    CONTINUED,
    MAX_BATCH_BYTES,
    MAX_BATCH_RECORDS,
    PROLOGUE_BYTES,
)
from outbox_client._record_draft import ZEROS_BEHIND, RecordDraft, draft

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence
    from typing import Any

    from outbox_client._record_codec import Prologue

_PARAMETERS = frozenset(("value", "topic", "key", "headers", "event_id", "timestamp", "partition"))


class BatchDraft:
    """Two or more records that one store publishes (FORMAT I10). For one append.

    Attributes:
        records: their drafts.
        count: how many these are.
        length: from behind the first header word to behind the last record, without a prologue.
        event_id: of the first.
        first: length of the first record, once encoded.
        offsets: where the records' header words stand, from the first one's, once encoded.
    """

    __slots__ = ("count", "event_id", "first", "length", "offsets", "records")

    def __init__(self, records: list[RecordDraft]) -> None:
        self.records = records
        self.count = len(records)
        self.length = sum(record.length + 4 for record in records) - 4
        self.event_id = records[0].event_id
        self.first = 0
        self.offsets: Sequence[int] = ()

    def parts(
        self,
        sequence: int,
        now: int,
        entry: int,
        prologue: Prologue | None,
        place: bytes,
        offset: int,
    ) -> Sequence[bytes]:
        """What is written at the tail, the first header word 0 and the others final.

        Args:
            sequence: of the first record.
            now: the append time.
            entry: the first record's number within its cycle.
            prologue: of the cycle, exactly if that number is 0.
            place: see `_record_codec.cycle_place`.
            offset: of the first header word.
        """
        offsets = []
        parts: list[bytes] = []
        at = 0
        word = 0  # the first one publishes all
        for number, record in enumerate(self.records):
            offsets.append(at)
            length = record.length
            if number:
                word = length
            else:
                self.first = length = length if prologue is None else length + PROLOGUE_BYTES
            parts += record.parts(
                sequence + number, now, entry + number, prologue, place, offset + at, word, 0
            )
            at += 4 + length
            prologue = None
        parts.append(bytes(ZEROS_BEHIND))
        self.offsets = offsets
        return parts


def batch_draft(events: Iterable[Mapping[str, Any]]) -> BatchDraft | RecordDraft | None:
    """Check events; the draft of one that is alone, None of none.

    Args:
        events: the arguments of `Outbox.append`, by name.

    Raises:
        InvalidEvent: one of them is not allowed; the message has its number, from 1.
        EventTooLarge: one of them is too large for a record, or all for a batch.
    """
    records: list[RecordDraft] = []
    size = PROLOGUE_BYTES
    for number, event in enumerate(events, 1):
        if number > MAX_BATCH_RECORDS:
            raise EventTooLarge(
                f"a batch has at most {MAX_BATCH_RECORDS} events: append them in parts"
            )
        try:
            record = _draft(event)
        except OutboxError as problem:
            problem.args = (f"event {number}: {problem}",)
            raise
        size += 4 + record.length
        if size > MAX_BATCH_BYTES:
            raise EventTooLarge(
                f"with event {number} the batch takes {size} bytes, at most {MAX_BATCH_BYTES} are "
                "allowed: append it in parts"
            )
        records.append(record)
    if len(records) < 2:
        return records[0] if records else None
    for record in records[1:]:
        record.flag(CONTINUED)
    for record in records[:-1]:
        record.flag(BATCH)
    return BatchDraft(records)


def _draft(event: Mapping[str, Any]) -> RecordDraft:
    try:
        return draft(**event)
    except TypeError as problem:
        raise _explained(event) or problem from None


def _explained(event: object) -> InvalidEvent | None:
    """Why these are no arguments of `append`; None if they are."""
    keys = getattr(event, "keys", None)
    if keys is None:
        return InvalidEvent(
            f"it is a {type(event).__name__}, not a mapping of append's arguments: pass "
            '{"value": …, "topic": …}'
        )
    names = set(keys())
    for name in names - _PARAMETERS:
        return InvalidEvent(f"append has no argument {name!r}")
    for name in ("value", "topic"):
        if name not in names:
            return InvalidEvent(f"it has no {name!r}")
    return None
