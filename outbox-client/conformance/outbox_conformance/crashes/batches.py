"""A batch, appended as FORMAT.md says, for as long as the clients cannot."""

from __future__ import annotations

import struct
import uuid
from typing import TYPE_CHECKING

from outbox_client._recovery import open_session
from outbox_client._writers_lock import Claim, Token, lock_of

from .. import records

if TYPE_CHECKING:
    from collections.abc import Sequence

    from outbox_client._writer_options import WriterOptions
    from outbox_client._writer_session import WriterSession

_WORD = struct.Struct("<I")


def append_batch(
    options: WriterOptions, now: int, key: str, values: Sequence[bytes], *, power: bool
) -> int:
    """Append events as a batch; return the sequence of the first."""
    lock = lock_of(options.directory.file("outbox.lock"))
    token = Token()
    claim = Claim(token)
    try:
        lock.acquire(claim, 0.0, options.directory, options.disk)
        session = open_session(options, now)
        # Longer than any of it, as a guess that is too large only rolls too early.
        session = session._with_room(sum(map(len, values)) + 200 * len(values), now)
        sequence = session.state.next_sequence()
        assert sequence is not None
        _publish(session, options, now, _records(session, now, key, values, sequence))
    finally:
        lock.release(claim)
        del token
    assert session.cycle is not None
    if power:
        options.disk.fdatasync(session.cycle.fd, "payload")
    return sequence


def _records(
    session: WriterSession, now: int, key: str, values: Sequence[bytes], sequence: int
) -> list[records.Record]:
    first = session.entry + 1
    made = []
    for number, value in enumerate(values):
        prologue = None
        if first + number == 0:
            outbox = uuid.UUID(bytes=session.identity.outbox)
            prologue = records.Prologue(
                outbox, session.identity.generation, session.base, session.hour
            )
        made.append(
            records.Record(
                entry=first + number,
                sequence=sequence + number,
                append_time=now,
                timestamp=now,
                event_id=uuid.uuid4(),
                topic="crash",
                key=key.encode(),
                value=value,
                batch=number < len(values) - 1,
                continued=number > 0,
                prologue=prologue,
            )
        )
    return made


def _publish(
    session: WriterSession, options: WriterOptions, now: int, batch: list[records.Record]
) -> None:
    cycle = session.cycle
    assert cycle is not None
    disk = options.disk
    outbox = uuid.UUID(bytes=session.identity.outbox)
    start = offset = session.tail
    offsets = []
    data = b""
    for record in batch:
        offsets.append(offset)
        encoded = records.encode(record, records.Place(outbox, cycle.number, offset))
        data += _WORD.pack(len(encoded)) + encoded
        offset += 4 + len(encoded)
    disk.pwrite(cycle.fd, bytes(4) + data[4:] + bytes(8), start, "payload")
    disk.store(cycle.words32, start >> 2, _WORD.unpack_from(data)[0], "publish")
    session.state.set_next_sequence(batch[-1].sequence + 1, disk)
    disk.store(cycle.words64, cycle.word1 + 1, offsets[-1] << 32 | batch[-1].entry, "word2")
    disk.store(cycle.words64, cycle.word1, offsets[-1], "word1")
    for record, place in zip(batch, offsets, strict=True):
        if record.entry % cycle.layout.spacing == 0:
            offset = cycle._index(place, record.entry, offset, disk)
