"""The record: what one event is on disk, and the checks that a reader makes."""

from __future__ import annotations

from struct import Struct, error
from zlib import crc32

MAGIC = 0x3158424F  # the bytes "OBX1"
VERSION = 1
_FORMER_MAGIC = 0x5258424F  # "OBXR": before the first release

HAS_KEY = 1
HAS_VALUE = 2
HAS_PROLOGUE = 4
HAS_PARTITION = 8
BATCH = 16
CONTINUED = 32
_KNOWN_FLAGS = HAS_KEY | HAS_VALUE | HAS_PROLOGUE | HAS_PARTITION | BATCH | CONTINUED

FIXED_BYTES = 72
PROLOGUE_BYTES = 40
SEQUENCE_AT = 16
MAX_RECORD_BYTES = 1 << 20
MAX_BATCH_BYTES = 8 << 20
MAX_BATCH_RECORDS = 10_000
MAX_ENTRY_BYTES = (2 << 20) + (64 << 10)
MAX_TOPIC = 249
MAX_PARTITION = (1 << 31) - 1
_MAX_SEQUENCE = (1 << 63) - 1

_HEAD = Struct("<II")
_FIXED = Struct("<BBHIQqq16sIIII")
_PROLOGUE = Struct("<16sIIQq")
_OFFSET = Struct("<Q")
_NAME_LENGTH = Struct("<H")
_VALUE_LENGTH = Struct("<i")
_PEEK = Struct("<I4xBB6xQ40xI4x")


class InvalidRecordError(Exception):
    """These bytes are no record of their place; the message says why."""


class UnknownFormatError(Exception):
    """A record of another version, before or after this one: not to be touched (FORMAT I11)."""


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


def cycle_place(outbox: bytes, cycle: int) -> bytes:
    """The first 24 bytes of a record's place, which are the same for all records of a cycle."""
    return outbox + cycle.to_bytes(8, "little")


class OutboxRecord:
    """A record that has passed all checks."""

    __slots__ = (
        "append_time",
        "entry",
        "event_id",
        "flags",
        "headers_section",
        "key",
        "partition",
        "prologue",
        "sequence",
        "timestamp",
        "topic",
        "value",
    )

    def __init__(self, data: bytes, outbox: bytes | None, cycle: int, offset: int) -> None:
        """Check and decode the bytes of one entry.

        Args:
            data: all of them, as many as the header word says.
            outbox: the id of the outbox; None for the one that the record's own prologue names.
            cycle: where it stands.
            offset: of its header word.

        Raises:
            InvalidRecordError: they are no record of this place (FORMAT I9).
            UnknownFormatError: another version wrote them.
        """
        try:
            magic, crc = _HEAD.unpack_from(data)
            (
                version,
                self.flags,
                topic_length,
                key_length,
                self.sequence,
                self.append_time,
                self.timestamp,
                self.event_id,
                headers_length,
                value_length,
                self.entry,
                partition,
            ) = _FIXED.unpack_from(data, 8)
        except error:
            raise InvalidRecordError(f"{len(data)} bytes are too short for a record") from None
        if magic == _FORMER_MAGIC:
            raise UnknownFormatError("is a record of before the first release (OBXR)")
        if magic != MAGIC:
            raise InvalidRecordError(f"magic 0x{magic:08x}")
        flags = self.flags
        start = FIXED_BYTES + (PROLOGUE_BYTES if flags & HAS_PROLOGUE else 0)
        length = start + topic_length + key_length + headers_length + value_length
        if outbox is None:
            if not flags & HAS_PROLOGUE:
                raise InvalidRecordError("it names no outbox")
            outbox = data[FIXED_BYTES : FIXED_BYTES + 16]
        place = cycle_place(outbox, cycle) + _OFFSET.pack(offset)
        if crc32(place, crc32(data[8:72], crc32(memoryview(data)[72:]))) != crc:
            raise InvalidRecordError(f"CRC differs from the recorded 0x{crc:08x}")
        if version != VERSION or flags & ~_KNOWN_FLAGS:
            raise UnknownFormatError(
                f"is a record of version {version} with flags 0x{flags:02x}; this client knows "
                f"version {VERSION} and flags 0x{_KNOWN_FLAGS:02x}"
            )
        if length + (-length & 3) != len(data):
            raise InvalidRecordError(f"its lengths add up to {length} bytes of {len(data)}")
        if (
            not 0 < topic_length <= MAX_TOPIC
            or (key_length and not flags & HAS_KEY)
            or (value_length and not flags & HAS_VALUE)
            or partition > (MAX_PARTITION if flags & HAS_PARTITION else 0)
            or (self.entry == 0) != bool(flags & HAS_PROLOGUE)
            or not 0 < self.sequence <= _MAX_SEQUENCE
        ):
            raise InvalidRecordError(f"its fields contradict each other (flags 0x{flags:02x})")
        self.prologue: Prologue | None = None
        if flags & HAS_PROLOGUE:
            named, generation, _, base, cycle_hour = _PROLOGUE.unpack_from(data, FIXED_BYTES)
            self.prologue = Prologue(named, generation, base, cycle_hour)
        self.partition = partition if flags & HAS_PARTITION else None
        self.topic = data[start : start + topic_length].decode("latin-1")
        start += topic_length
        self.key = data[start : start + key_length] if flags & HAS_KEY else None
        start += key_length
        self.headers_section = data[start : start + headers_length]
        start += headers_length
        self.value = data[start : start + value_length] if flags & HAS_VALUE else None
        self.headers()

    def headers(self) -> list[tuple[str, bytes | None]]:
        """The headers, in order."""
        return decode_headers(self.headers_section)

    def follows(self, sequence: int, entry: int) -> bool:
        """Whether it is the next one behind a record of the same cycle (FORMAT I4)."""
        return bool(self.sequence == sequence + 1 and self.entry == entry + 1)


def peek(data: bytes) -> tuple[int, int] | None:
    """Sequence and entry of a record's first 72 bytes; None if a closer look is needed.

    That is where they start no record, or one of another version, or where its batch goes on.
    """
    magic, version, flags, sequence, entry = _PEEK.unpack(data)
    if magic != MAGIC or version != VERSION or flags & ~(_KNOWN_FLAGS ^ BATCH):
        return None
    return sequence, entry


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
            name = section[offset : offset + name_length].decode(errors="replace")
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
