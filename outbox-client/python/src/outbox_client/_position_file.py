"""``relay.position``: up to where the relay has settled the records. Only read here."""

from __future__ import annotations

from errno import EIO
from struct import Struct
from zlib import crc32

from outbox_client._errors import OutboxUnavailable
from outbox_client._safe_files import NotRegularError, read

MAGIC = b"OBXPOSIT"
VERSION = 1
SLOT_BYTES = 4096
MODES = ("at-least-once", "exactly-once")

_HEAD = Struct("<8sII")
_FIELDS = Struct("<QQB7xQ16sQQQQq16sQ")


class Position:
    """One valid slot."""

    __slots__ = (
        "count",
        "cycle",
        "event_id",
        "generation",
        "held_bytes",
        "index",
        "mode",
        "offset",
        "outbox",
        "sequence",
        "settled_bytes",
        "time",
    )

    def __init__(self, fields: bytes) -> None:
        """Decode the bytes 16 to 127 of a slot."""
        (
            self.count,
            self.generation,
            self.mode,
            self.sequence,
            self.event_id,
            self.cycle,
            self.offset,
            self.index,
            self.settled_bytes,
            self.time,
            self.outbox,
            self.held_bytes,
        ) = _FIELDS.unpack(fields)


def read_position(path: str, folder: int | None = None) -> Position | None:
    """The position, None while there is none (or nothing valid in the file).

    Args:
        path: of the file, or its name within *folder*.
        folder: descriptor of the directory that the path begins at.

    Raises:
        OSError: the file exists and cannot be read.
    """
    try:
        slots = read(path, 128, 0, SLOT_BYTES, folder=folder)
    except FileNotFoundError:
        return None
    found: Position | None = None
    for slot in slots:
        position = decode_slot(slot)
        if position is not None and (found is None or position.count > found.count):
            found = position
    return found


def settled_position(path: str, folder: int | None = None) -> Position | None:
    """The same for a writer, which goes on where the disk does not give it: as if none was valid.

    Raises:
        OSError: it cannot be read for another reason.
        OutboxUnavailable: it is no regular file.
    """
    try:
        return read_position(path, folder)
    except NotRegularError:
        raise OutboxUnavailable(f"{path} is not a regular file: remove it") from None
    except OSError as problem:
        if problem.errno != EIO:
            raise
        return None


def decode_slot(slot: bytes) -> Position | None:
    """The position in the first 128 bytes of a slot, None if it is not valid."""
    if len(slot) < 128:
        return None
    magic, version, crc = _HEAD.unpack_from(slot)
    if magic != MAGIC or version != VERSION or crc != crc32(slot[16:128]):
        return None
    return Position(slot[16:128])
