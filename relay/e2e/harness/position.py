"""`relay.position`, read and forged from FORMAT.md alone: a second opinion on the code."""

from __future__ import annotations

import struct
import uuid
import zlib
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pathlib import Path

FILE = "relay.position"
SLOT = 4096
MAGIC = b"OBXPOSIT"
HEAD = struct.Struct("<8sII")
BODY = struct.Struct("<QQB7xQ16sQQQQq16sQ")


@dataclass(frozen=True)
class Position:
    """Settled up to here; the fields are those of FORMAT.md."""

    count: int
    generation: int
    mode: int
    sequence: int
    event_id: uuid.UUID
    cycle: int
    offset: int
    index: int
    settled_bytes: int
    time: int
    outbox_id: uuid.UUID
    held_bytes: int

    @classmethod
    def read(cls, outbox: Path) -> Position | None:
        """The slot that holds; None when there is none."""
        try:
            content = (outbox / FILE).read_bytes()
        except FileNotFoundError:
            return None
        slots = [_parse(content[start : start + SLOT]) for start in (0, SLOT)]
        return max((slot for slot in slots if slot), key=lambda slot: slot.count, default=None)

    def forge(self, outbox: Path, **changes: object) -> Position:
        """Write both slots with `changes`, valid and newer than what is there."""
        forged = replace(self, count=self.count + 2, **changes)  # type: ignore[arg-type]
        with (outbox / FILE).open("r+b") as file:
            file.write(_format(forged) + _format(replace(forged, count=forged.count - 1)))
        return forged


def _parse(slot: bytes) -> Position | None:
    if len(slot) < SLOT:
        return None
    magic, version, crc = HEAD.unpack_from(slot)
    body = slot[HEAD.size : HEAD.size + BODY.size]
    if magic != MAGIC or version != 1 or zlib.crc32(body) != crc:
        return None
    count, generation, mode, sequence, event, cycle, offset, index, settled, time, outbox, held = (
        BODY.unpack(body)
    )
    return Position(
        count,
        generation,
        mode,
        sequence,
        uuid.UUID(bytes=event),
        cycle,
        offset,
        index,
        settled,
        time,
        uuid.UUID(bytes=outbox),
        held,
    )


def _format(position: Position) -> bytes:
    body = BODY.pack(
        position.count,
        position.generation,
        position.mode,
        position.sequence,
        position.event_id.bytes,
        position.cycle,
        position.offset,
        position.index,
        position.settled_bytes,
        position.time,
        position.outbox_id.bytes,
        position.held_bytes,
    )
    return (HEAD.pack(MAGIC, 1, zlib.crc32(body)) + body).ljust(SLOT, b"\0")
