"""Whose outbox it is: from outbox.state, a prologue or the relay's position."""

from __future__ import annotations

import os
import struct
import uuid
import zlib
from dataclasses import dataclass
from typing import TYPE_CHECKING

from . import cyclefile
from .entries import CycleView, Entries, UnreadableError
from .wire import UnparsableError

if TYPE_CHECKING:
    from .records import Prologue

NOBODY = uuid.UUID(int=0)


class OtherFormatError(Exception):
    """The outbox is of a former or later format.

    Attributes:
        kind: ``"former-format"`` or ``"later-version"``.
    """

    def __init__(self, kind: str) -> None:
        super().__init__(kind)
        self.kind = kind


@dataclass(frozen=True)
class Identity:
    """What the first 44 bytes of outbox.state say."""

    outbox_id: uuid.UUID
    generation: int
    created: int

    def encode(self) -> bytes:
        """Return the bytes, CRC included."""
        data = b"OBXSTATE" + struct.pack(
            "<HHI16sq", 1, 1, self.generation, self.outbox_id.bytes, self.created
        )
        return data + struct.pack("<I", zlib.crc32(data))


def of_state(data: bytes) -> Identity | None:
    """Return the identity in the bytes of outbox.state, if it is valid.

    Raises:
        OtherFormatError: it is valid, and not of this format.
    """
    if len(data) < 44 or data[:8] != b"OBXSTATE":
        return None
    if zlib.crc32(data[:40]) != struct.unpack_from("<I", data, 40)[0]:
        return None
    version, revision, generation, outbox_id, created = struct.unpack_from("<HHI16sq", data, 8)
    if (version, revision) != (1, 1):
        former = (version, revision) == (1, 0)
        raise OtherFormatError("former-format" if former else "later-version")
    return Identity(uuid.UUID(bytes=outbox_id), generation, created)


@dataclass(frozen=True)
class Position:
    """How far the relay has settled an outbox."""

    sequence: int
    settled_bytes: int
    outbox_id: uuid.UUID
    held_bytes: int


def read_position(outbox: str) -> Position | None:
    """Return the valid position with the higher count."""
    data = read_file(os.path.join(outbox, "relay.position"))
    slots = [slot for slot in (data[:4096], data[4096:]) if _is_position(slot)]
    if not slots:
        return None
    slot = max(slots, key=lambda each: int(struct.unpack_from("<Q", each, 16)[0]))
    (sequence,) = struct.unpack_from("<Q", slot, 40)
    (settled,) = struct.unpack_from("<Q", slot, 88)
    outbox_id, held = struct.unpack_from("<16sQ", slot, 104)
    return Position(sequence, settled, uuid.UUID(bytes=outbox_id), held)


def _is_position(slot: bytes) -> bool:
    return (
        len(slot) >= 128
        and slot[:8] == b"OBXPOSIT"
        and struct.unpack_from("<II", slot, 8) == (1, zlib.crc32(slot[16:128]))
    )


def newest_prologue(outbox: str) -> Prologue | None:
    """Return the prologue of the newest cycle that has a valid one."""
    queue = os.path.join(outbox, "queue")
    for cycle in reversed(cyclefile.numbers(os.listdir(queue))):
        with open(os.path.join(queue, cyclefile.name(cycle)), "rb", buffering=0) as file:
            record = _first_record(CycleView(file.fileno()), cycle)
        if record is not None:
            return record
    return None


def _first_record(file: CycleView, cycle: int) -> Prologue | None:
    entries = Entries(file, NOBODY, cycle)
    try:
        header = cyclefile.parse_header(file)
    except (UnparsableError, UnreadableError):
        record = entries.any_prologue()
    else:
        record = entries.prologue(header.first_data)
    return None if record is None else record.prologue


def of_reader(outbox: str) -> uuid.UUID:
    """Return the outbox id that the records' CRCs are reckoned with.

    Raises:
        OtherFormatError: outbox.state is of another format.
    """
    known = of_state(read_file(os.path.join(outbox, "outbox.state")))
    if known is not None:
        return known.outbox_id
    prologue = newest_prologue(outbox)
    if prologue is not None:
        return prologue.outbox_id
    position = read_position(outbox)
    return NOBODY if position is None else position.outbox_id


def read_file(path: str) -> bytes:
    """Return a file's bytes, none if it is missing."""
    if not os.path.exists(path):
        return b""
    with open(path, "rb") as file:
        return file.read()
