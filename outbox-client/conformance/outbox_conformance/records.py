"""A record's bytes, from FORMAT.md alone."""

from __future__ import annotations

import struct
import uuid
import zlib
from dataclasses import dataclass, field

MAGIC = b"OBX1"
FORMER_MAGIC = b"OBXR"
MIN_LENGTH, MAX_LENGTH = 72, 2 * 1024 * 1024 + 64 * 1024
KEY, VALUE, HAS_PROLOGUE, PARTITION, BATCH, CONTINUED = 1, 2, 4, 8, 16, 32
_ALL_FLAGS = 63
_FIXED = struct.Struct("<4sIBBHIQqq16sIIII")
_PROLOGUE = struct.Struct("<16sIIQq")

# Why bytes are no record.
NO_MAGIC, FORMER_FORMAT, LATER_VERSION = "magic", "former-format", "later-version"
CRC, LENGTHS, FIELDS = "crc", "lengths", "fields"


class RefusedError(Exception):
    """The bytes are no valid record.

    Attributes:
        kind: the check that failed; `CRC` only where the lengths add up, else `LENGTHS`.
    """

    def __init__(self, kind: str) -> None:
        super().__init__(kind)
        self.kind = kind


@dataclass(frozen=True)
class Place:
    """Where a record stands: a record is one there and nowhere else."""

    outbox_id: uuid.UUID
    cycle: int
    offset: int

    def encode(self) -> bytes:
        """Return what enters the CRC."""
        return self.outbox_id.bytes + struct.pack("<QQ", self.cycle, self.offset)


@dataclass(frozen=True)
class Event:
    """What a caller appends."""

    event_id: uuid.UUID
    topic: str = "orders"
    key: bytes | None = None
    value: bytes | None = None
    headers: tuple[tuple[str, bytes | None], ...] = ()
    timestamp: int | None = None
    partition: int | None = None


@dataclass(frozen=True)
class Prologue:
    """What the first record of a cycle carries."""

    outbox_id: uuid.UUID
    generation: int
    base: int
    cycle_hour: int


@dataclass(frozen=True)
class Record:
    """An event as it stands in the queue.

    Attributes:
        batch: its batch goes on in the next record.
        continued: its batch began in a record before.
    """

    entry: int
    sequence: int
    append_time: int
    timestamp: int
    event_id: uuid.UUID
    topic: str
    key: bytes | None
    value: bytes | None
    headers: tuple[tuple[str, bytes | None], ...] = field(default=())
    partition: int | None = None
    batch: bool = False
    continued: bool = False
    prologue: Prologue | None = None


def encode(record: Record, place: Place) -> bytes:
    """Return the record's bytes, CRC and padding included."""
    flags = (
        (KEY if record.key is not None else 0)
        | (VALUE if record.value is not None else 0)
        | (HAS_PROLOGUE if record.prologue is not None else 0)
        | (PARTITION if record.partition is not None else 0)
        | (BATCH if record.batch else 0)
        | (CONTINUED if record.continued else 0)
    )
    topic = record.topic.encode("ascii")
    headers = _encode_headers(record.headers)
    key, value = record.key or b"", record.value or b""
    fixed = _FIXED.pack(
        MAGIC,
        0,
        1,
        flags,
        len(topic),
        len(key),
        record.sequence,
        record.append_time,
        record.timestamp,
        record.event_id.bytes,
        len(headers),
        len(value),
        record.entry,
        record.partition or 0,
    )
    data = b"".join((fixed, _encode_prologue(record.prologue), topic, key, headers, value))
    return seal(data + bytes(-len(data) % 4), place)


def seal(data: bytes, place: Place) -> bytes:
    """Return the bytes with the CRC that makes them a record at a place."""
    return data[:4] + struct.pack("<I", _crc(data, place)) + data[8:]


def _crc(data: bytes, place: Place) -> int:
    return zlib.crc32(place.encode(), zlib.crc32(data[8:72], zlib.crc32(data[72:])))


def is_length(length: int) -> bool:
    """Whether a header word may say so of a record."""
    return length % 4 == 0 and MIN_LENGTH <= length <= MAX_LENGTH


def decode(data: bytes, place: Place) -> Record:
    """Return the record that these bytes are at a place. The header word has been checked.

    Raises:
        RefusedError: they fail a check.
    """
    (
        magic,
        crc,
        version,
        flags,
        topic_length,
        key_length,
        sequence,
        append_time,
        timestamp,
        event_id,
        headers_length,
        value_length,
        entry,
        partition,
    ) = _FIXED.unpack_from(data)
    if magic != MAGIC:
        raise RefusedError(FORMER_FORMAT if magic == FORMER_MAGIC else NO_MAGIC)
    topic_at = _FIXED.size + (_PROLOGUE.size if flags & HAS_PROLOGUE else 0)
    key_at = topic_at + topic_length
    headers_at = key_at + key_length
    value_at = headers_at + headers_length
    end = value_at + value_length
    add_up = 0 <= len(data) - end < 4
    if _crc(data, place) != crc:
        raise RefusedError(CRC if add_up else LENGTHS)
    if version != 1 or flags > _ALL_FLAGS:
        raise RefusedError(LATER_VERSION)
    if not add_up or not _are_sound(
        flags, topic_length, key_length, value_length, sequence, entry, partition
    ):
        raise RefusedError(FIELDS)
    return Record(
        entry=entry,
        sequence=sequence,
        append_time=append_time,
        timestamp=timestamp,
        event_id=uuid.UUID(bytes=event_id),
        topic=data[topic_at:key_at].decode("latin-1"),
        key=data[key_at:headers_at] if flags & KEY else None,
        value=data[value_at:end] if flags & VALUE else None,
        headers=_decode_headers(data[headers_at:value_at]),
        partition=partition if flags & PARTITION else None,
        batch=bool(flags & BATCH),
        continued=bool(flags & CONTINUED),
        prologue=_decode_prologue(data) if flags & HAS_PROLOGUE else None,
    )


def _are_sound(
    flags: int,
    topic_length: int,
    key_length: int,
    value_length: int,
    sequence: int,
    entry: int,
    partition: int,
) -> bool:
    return (
        1 <= topic_length <= 249
        and bool(flags & KEY or not key_length)
        and bool(flags & VALUE or not value_length)
        and (partition < 1 << 31 if flags & PARTITION else not partition)
        and bool(flags & HAS_PROLOGUE) == (entry == 0)
        and 1 <= sequence < 1 << 63
    )


def claimed_outbox(data: bytes) -> uuid.UUID | None:
    """Return the outbox id of a prologue in bytes that need not be a record."""
    if len(data) < _FIXED.size + _PROLOGUE.size or not data[9] & HAS_PROLOGUE:
        return None
    return _decode_prologue(data).outbox_id


def _decode_prologue(data: bytes) -> Prologue:
    outbox_id, generation, _, base, hour = _PROLOGUE.unpack_from(data, _FIXED.size)
    return Prologue(uuid.UUID(bytes=outbox_id), generation, base, hour)


def _encode_prologue(prologue: Prologue | None) -> bytes:
    if prologue is None:
        return b""
    return _PROLOGUE.pack(
        prologue.outbox_id.bytes, prologue.generation, 0, prologue.base, prologue.cycle_hour
    )


def _encode_headers(headers: tuple[tuple[str, bytes | None], ...]) -> bytes:
    section = bytearray()
    for name, value in headers:
        encoded = name.encode()
        section += struct.pack("<H", len(encoded)) + encoded
        section += struct.pack("<i", -1 if value is None else len(value)) + (value or b"")
    return bytes(section)


def _decode_headers(section: bytes) -> tuple[tuple[str, bytes | None], ...]:
    headers = []
    at = 0
    try:
        while at < len(section):
            (name_length,) = struct.unpack_from("<H", section, at)
            name_end = at + 2 + name_length
            (value_length,) = struct.unpack_from("<i", section, name_end)
            value_at = name_end + 4
            at = value_at + max(value_length, 0)
            if value_length < -1:
                raise RefusedError(FIELDS)
            value = None if value_length < 0 else section[value_at:at]
            name = section[name_end - name_length : name_end].decode(errors="surrogateescape")
            headers.append((name, value))
    except struct.error:
        raise RefusedError(FIELDS) from None
    if at != len(section):
        raise RefusedError(FIELDS)
    return tuple(headers)
