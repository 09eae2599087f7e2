"""A record's bytes, from FORMAT.md alone."""

from __future__ import annotations

import struct
import uuid
import zlib
from dataclasses import dataclass, field

MAGIC = b"OBXR"
MAX_RECORD = 2 * 1024 * 1024 + 64 * 1024
_FIXED = struct.Struct("<4sIBBHIQqq16sIIII")
_PROLOGUE = struct.Struct("<16sIIQq")
_KEY, _VALUE, _HAS_PROLOGUE = 1, 2, 4


class NotARecordError(Exception):
    """The bytes are no valid record; the message says which check failed."""


@dataclass(frozen=True)
class Event:
    """What a caller appends."""

    event_id: uuid.UUID
    topic: str = "orders"
    key: bytes | None = None
    value: bytes | None = None
    headers: tuple[tuple[str, bytes | None], ...] = ()
    timestamp: int | None = None


@dataclass(frozen=True)
class Prologue:
    """What the first record of a cycle carries."""

    outbox_id: uuid.UUID
    generation: int
    base: int
    cycle_hour: int


@dataclass(frozen=True)
class Record:
    """An event as it stands in the queue."""

    entry: int
    sequence: int
    append_time: int
    timestamp: int
    event_id: uuid.UUID
    topic: str
    key: bytes | None
    value: bytes | None
    headers: tuple[tuple[str, bytes | None], ...] = field(default=())
    prologue: Prologue | None = None


def encode(record: Record) -> bytes:
    """Return the record's bytes, CRC and padding included."""
    flags = (
        (_KEY if record.key is not None else 0)
        | (_VALUE if record.value is not None else 0)
        | (_HAS_PROLOGUE if record.prologue is not None else 0)
    )
    topic = record.topic.encode("ascii")
    headers = _encode_headers(record.headers)
    key, value = record.key or b"", record.value or b""
    body = b"".join((_encode_prologue(record.prologue), topic, key, headers, value))
    body += bytes(-len(body) % 4)

    def fixed(crc: int) -> bytes:
        return _FIXED.pack(
            MAGIC,
            crc,
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
            0,
        )

    return fixed(zlib.crc32(body, zlib.crc32(fixed(0)[8:]))) + body


def decode(data: bytes) -> Record:
    """Return the record that these bytes are.

    Raises:
        NotARecordError: they fail a check.
    """
    if len(data) < _FIXED.size:
        raise NotARecordError("length")
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
        _,
    ) = _FIXED.unpack_from(data)
    if magic != MAGIC:
        raise NotARecordError("magic")
    if version != 1:
        raise NotARecordError("version")
    at = _FIXED.size + (_PROLOGUE.size if flags & _HAS_PROLOGUE else 0)
    end = at + topic_length + key_length + headers_length + value_length
    if flags > _KEY | _VALUE | _HAS_PROLOGUE or not 0 <= len(data) - end < 4:
        raise NotARecordError("lengths")
    if zlib.crc32(data[8:]) != crc:
        raise NotARecordError("crc")
    prologue = None
    if flags & _HAS_PROLOGUE:
        outbox_id, generation, _, base, hour = _PROLOGUE.unpack_from(data, _FIXED.size)
        prologue = Prologue(uuid.UUID(bytes=outbox_id), generation, base, hour)
    key_at = at + topic_length
    headers_at = key_at + key_length
    value_at = headers_at + headers_length
    return Record(
        entry=entry,
        sequence=sequence,
        append_time=append_time,
        timestamp=timestamp,
        event_id=uuid.UUID(bytes=event_id),
        topic=data[at:key_at].decode("ascii"),
        key=data[key_at:headers_at] if flags & _KEY else None,
        value=data[value_at:end] if flags & _VALUE else None,
        headers=_decode_headers(data[headers_at:value_at]),
        prologue=prologue,
    )


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
    while at < len(section):
        (name_length,) = struct.unpack_from("<H", section, at)
        name_end = at + 2 + name_length
        (value_length,) = struct.unpack_from("<i", section, name_end)
        value_at = name_end + 4
        at = value_at + max(value_length, 0)
        value = None if value_length < 0 else section[value_at:at]
        headers.append((section[name_end - name_length : name_end].decode(), value))
    return tuple(headers)
