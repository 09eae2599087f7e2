"""The record: what one event is on disk, and the checks that a reader makes."""

from __future__ import annotations

from struct import Struct, error
from zlib import crc32

MAGIC = 0x5258424F  # the bytes "OBXR"
VERSION = 1

HAS_KEY = 1
HAS_VALUE = 2
HAS_PROLOGUE = 4
_KNOWN_FLAGS = HAS_KEY | HAS_VALUE | HAS_PROLOGUE

FIXED_BYTES = 72
PROLOGUE_BYTES = 40
MAX_RECORD_BYTES = 1 << 20
MAX_ENTRY_BYTES = (2 << 20) + (64 << 10)

_HEAD = Struct("<II")
_FIXED = Struct("<BBHIQqq16sIIII")
_PROLOGUE = Struct("<16sIIQq")
_NAME_LENGTH = Struct("<H")
_VALUE_LENGTH = Struct("<i")
_SEQUENCE_AND_ENTRY = Struct("<I12xQ40xI")
_ZEROS = tuple(map(bytes, range(12)))

_pack_start = Struct("<III").pack
_pack_fixed = _FIXED.pack


class InvalidRecordError(Exception):
    """These bytes are no record; the message says why."""


class Prologue:
    """What the first record of a cycle repeats of the outbox's state."""

    __slots__ = ("base", "cycle_hour", "generation", "outbox")

    def __init__(self, outbox: bytes, generation: int, base: int, cycle_hour: int) -> None:
        self.outbox = outbox
        self.generation = generation
        self.base = base
        self.cycle_hour = cycle_hour

    def encode(self) -> bytes:
        """The 40 bytes behind the fixed part."""
        return _PROLOGUE.pack(self.outbox, self.generation, 0, self.base, self.cycle_hour)


class RecordDraft:
    """A checked event; only the lock can tell the rest of its record."""

    __slots__ = (
        "_flags",
        "_front",
        "_lengths",
        "_padding",
        "_timestamp",
        "_value",
        "event_id",
        "length",
    )

    def __init__(
        self,
        topic: bytes,
        key: bytes | None,
        headers: bytes,
        value: bytes | None,
        event_id: bytes,
        timestamp: int | None,
    ) -> None:
        flags = 0
        if key is None:
            key = b""
        else:
            flags = HAS_KEY
        if value is None:
            value = b""
        else:
            flags |= HAS_VALUE
        self._flags = flags
        self._front = front = topic + key + headers
        self._value = value
        self._lengths = len(topic), len(key), len(headers), len(value)
        length = len(front) + len(value)
        self._padding = padding = -length & 3
        self.length = FIXED_BYTES + length + padding
        self.event_id = event_id
        self._timestamp = timestamp

    def encode(self, sequence: int, now: int, entry: int, prologue: Prologue | None) -> bytes:
        """What is written at the tail: a zero header word, the record, 8 zero bytes."""
        timestamp = self._timestamp
        topic_length, key_length, headers_length, value_length = self._lengths
        head = _pack_fixed(
            VERSION,
            self._flags if prologue is None else self._flags | HAS_PROLOGUE,
            topic_length,
            key_length,
            sequence,
            now,
            now if timestamp is None else timestamp,
            self.event_id,
            headers_length,
            value_length,
            entry,
            0,
        )
        if prologue is not None:
            head += prologue.encode()
        head += self._front
        value = self._value
        padding = self._padding
        crc = crc32(value, crc32(head))
        if padding:
            crc = crc32(_ZEROS[padding], crc)
        return b"".join((_pack_start(0, MAGIC, crc), head, value, _ZEROS[padding + 8]))


class OutboxRecord:
    """A record that has passed all checks."""

    __slots__ = (
        "append_time",
        "entry",
        "event_id",
        "headers_section",
        "key",
        "prologue",
        "sequence",
        "timestamp",
        "topic",
        "value",
    )

    def __init__(self, data: bytes) -> None:
        """Check and decode the bytes of one entry.

        Raises:
            InvalidRecordError: they are no record.
        """
        try:
            magic, crc = _HEAD.unpack_from(data)
            (
                version,
                flags,
                topic_length,
                key_length,
                self.sequence,
                self.append_time,
                self.timestamp,
                self.event_id,
                headers_length,
                value_length,
                self.entry,
                reserved,
            ) = _FIXED.unpack_from(data, 8)
        except error:
            raise InvalidRecordError(f"{len(data)} bytes are too short for a record") from None
        if magic != MAGIC:
            raise InvalidRecordError(f"magic 0x{magic:08x}")
        if version != VERSION:
            raise InvalidRecordError(f"version {version}, this client reads {VERSION}")
        if flags & ~_KNOWN_FLAGS or reserved:
            raise InvalidRecordError(f"unknown flags 0x{flags:02x} or reserved field {reserved}")
        offset = FIXED_BYTES + (PROLOGUE_BYTES if flags & HAS_PROLOGUE else 0)
        length = offset + topic_length + key_length + headers_length + value_length
        if length + (-length & 3) != len(data):
            raise InvalidRecordError(f"its lengths add up to {length} bytes of {len(data)}")
        if (key_length and not flags & HAS_KEY) or (value_length and not flags & HAS_VALUE):
            raise InvalidRecordError(f"a length without its flag (0x{flags:02x})")
        if crc32(memoryview(data)[8:]) != crc:
            raise InvalidRecordError(f"CRC differs from the recorded 0x{crc:08x}")
        self.prologue: Prologue | None = None
        if flags & HAS_PROLOGUE:
            outbox, generation, _, base, cycle_hour = _PROLOGUE.unpack_from(data, FIXED_BYTES)
            self.prologue = Prologue(outbox, generation, base, cycle_hour)
        self.topic = data[offset : offset + topic_length].decode("latin-1")
        offset += topic_length
        self.key = data[offset : offset + key_length] if flags & HAS_KEY else None
        offset += key_length
        self.headers_section = data[offset : offset + headers_length]
        offset += headers_length
        self.value = data[offset : offset + value_length] if flags & HAS_VALUE else None

    def headers(self) -> list[tuple[str, bytes | None]]:
        """The headers, in order.

        Raises:
            InvalidRecordError: the section does not parse.
        """
        return decode_headers(self.headers_section)


def peek(data: bytes) -> tuple[int, int] | None:
    """Sequence and entry of a record's first 72 bytes, or None if these start no record."""
    magic, sequence, entry = _SEQUENCE_AND_ENTRY.unpack(data[:68])
    return (sequence, entry) if magic == MAGIC else None


def encode_header(name: bytes, value: bytes | None) -> bytes:
    """One header of the section."""
    if value is None:
        return _NAME_LENGTH.pack(len(name)) + name + _VALUE_LENGTH.pack(-1)
    return _NAME_LENGTH.pack(len(name)) + name + _VALUE_LENGTH.pack(len(value)) + value


def decode_headers(section: bytes) -> list[tuple[str, bytes | None]]:
    """Read a headers section.

    Raises:
        InvalidRecordError: it does not parse.
    """
    headers: list[tuple[str, bytes | None]] = []
    offset = 0
    try:
        while offset < len(section):
            (name_length,) = _NAME_LENGTH.unpack_from(section, offset)
            offset += 2
            name = section[offset : offset + name_length].decode()
            offset += name_length
            (value_length,) = _VALUE_LENGTH.unpack_from(section, offset)
            offset += 4
            value = section[offset : offset + value_length] if value_length >= 0 else None
            offset += max(value_length, 0)
            if value_length < -1 or offset > len(section):
                raise InvalidRecordError(f"headers section: a value of {value_length} bytes")
            headers.append((name, value))
    except (error, UnicodeDecodeError) as problem:
        raise InvalidRecordError(f"headers section: {problem}") from None
    return headers
