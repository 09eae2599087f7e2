"""The bytes of a record."""

from __future__ import annotations

import struct
import zlib
from typing import TYPE_CHECKING

import pytest
from hypothesis import given
from hypothesis import strategies as st

from outbox_client._record_codec import (
    BATCH,
    InvalidRecordError,
    OutboxRecord,
    Prologue,
    UnknownFormatError,
    cycle_place,
    decode_headers,
    encode_header,
    peek,
)
from outbox_client._record_draft import RecordDraft

if TYPE_CHECKING:
    from collections.abc import Callable


def _is_encodable(text: str) -> bool:
    try:
        text.encode()
    except UnicodeEncodeError:
        return False
    return True


HEADERS = st.lists(
    st.tuples(
        st.text(min_size=1, max_size=20).filter(_is_encodable),
        st.none() | st.binary(max_size=40),
    ),
    max_size=6,
)


OUTBOX = bytes(range(100, 116))
CYCLE = 490_896
OFFSET = 0x10110


def encode(draft: RecordDraft, prologue: Prologue | None = None) -> bytes:
    """The record alone: without the header word before it and the zeros behind."""
    entry = 7 if prologue is None else 0
    place = cycle_place(OUTBOX, CYCLE)
    written = b"".join(draft.parts(5, 1000, entry, prologue, place, OFFSET))
    assert written[:4] == bytes(4)
    assert written[-8:] == bytes(8)
    return bytes(written[4:-8])


def read(data: bytes) -> OutboxRecord:
    return OutboxRecord(data, OUTBOX, CYCLE, OFFSET)


def example() -> RecordDraft:
    return RecordDraft(b"topic", b"key", encode_header(b"h", b"v"), b"value", bytes(range(16)), 3)


@given(
    key=st.none() | st.binary(max_size=50),
    value=st.none() | st.binary(max_size=200),
    headers=HEADERS,
    timestamp=st.none() | st.integers(0, 2**63 - 1),
    partition=st.none() | st.integers(0, 2**31 - 1),
    first=st.booleans(),
)
def test_what_is_encoded_decodes_to_the_same(
    key: bytes | None,
    value: bytes | None,
    headers: list[tuple[str, bytes | None]],
    timestamp: int | None,
    partition: int | None,
    first: bool,
) -> None:
    section = b"".join(encode_header(name.encode(), content) for name, content in headers)
    draft = RecordDraft(b"a.topic", key, section, value, bytes(range(16)), timestamp, partition)
    prologue = Prologue(b"o" * 16, 2, 1 << 40, 490_000) if first else None
    data = encode(draft, prologue=prologue)
    assert len(data) % 4 == 0
    assert len(data) == draft.length + (40 if first else 0)
    record = read(data)
    assert (record.topic, record.key, record.value) == ("a.topic", key, value)
    assert record.headers() == headers
    assert record.timestamp == (1000 if timestamp is None else timestamp)
    assert record.partition == partition
    assert (record.sequence, record.append_time) == (5, 1000)
    assert record.entry == (0 if first else 7)
    assert record.event_id == bytes(range(16))
    if record.prologue is None:
        assert not first
    else:
        assert record.prologue.encode() == prologue.encode()  # type: ignore[union-attr]


@pytest.mark.parametrize(
    ("outbox", "cycle", "offset"),
    [
        (bytes(16), CYCLE, OFFSET),
        (OUTBOX, CYCLE + 1, OFFSET),
        (OUTBOX, CYCLE, OFFSET + 4),
        (OUTBOX, CYCLE, OFFSET + (1 << 32)),
    ],
)
def test_a_record_is_one_at_its_place_only(outbox: bytes, cycle: int, offset: int) -> None:
    data = encode(example())
    assert read(data).topic == "topic"
    with pytest.raises(InvalidRecordError, match="CRC"):
        OutboxRecord(data, outbox, cycle, offset)


def test_a_prologue_vouches_for_the_outbox_that_it_names() -> None:
    first = encode(example(), Prologue(OUTBOX, 1, 0, 0))
    record = OutboxRecord(first, None, CYCLE, OFFSET)
    assert record.prologue is not None
    assert record.prologue.outbox == OUTBOX
    with pytest.raises(InvalidRecordError, match="CRC"):
        OutboxRecord(encode(example(), Prologue(bytes(16), 1, 0, 0)), None, CYCLE, OFFSET)
    with pytest.raises(InvalidRecordError, match="names no outbox"):
        OutboxRecord(encode(example()), None, CYCLE, OFFSET)


@given(st.data())
def test_no_changed_byte_passes(data: st.DataObject) -> None:
    good = encode(example(), Prologue(OUTBOX, 1, 0, 0))
    place = data.draw(st.integers(0, len(good) - 1))
    change = data.draw(st.integers(1, 255))
    bad = bytearray(good)
    bad[place] ^= change
    with pytest.raises(InvalidRecordError):
        read(bytes(bad))


@given(st.binary(max_size=300))
def test_arbitrary_bytes_are_refused_not_crashed_on(data: bytes) -> None:
    with pytest.raises(InvalidRecordError):
        read(data)
    with pytest.raises(InvalidRecordError):
        read(b"OBX1" + data)


def _with_valid_crc(change: Callable[[bytearray], None]) -> bytes:
    data = bytearray(encode(example()))
    change(data)
    place = cycle_place(OUTBOX, CYCLE) + OFFSET.to_bytes(8, "little")
    struct.pack_into(
        "<I", data, 4, zlib.crc32(place, zlib.crc32(data[8:72], zlib.crc32(data[72:])))
    )
    return bytes(data)


@pytest.mark.parametrize(
    ("offset", "value", "complaint"),
    [
        (68, 1, "fields"),
        (10, 9, "lengths"),
        (9, 2, "fields"),
        (60, 200, "lengths"),
        (64, 0, "fields"),
        (23, 0x80, "fields"),
    ],
)
def test_a_field_without_meaning_is_refused_though_the_crc_is_right(
    offset: int, value: int, complaint: str
) -> None:
    def change(data: bytearray) -> None:
        data[offset] = value

    assert read(_with_valid_crc(lambda data: None)).topic == "topic"
    with pytest.raises(InvalidRecordError, match=complaint):
        read(_with_valid_crc(change))


@pytest.mark.parametrize(("offset", "value"), [(8, 2), (9, 0x43), (9, 0x83)])
def test_a_later_version_is_told_from_damage(offset: int, value: int) -> None:
    def change(data: bytearray) -> None:
        data[offset] = value

    with pytest.raises(UnknownFormatError, match="version"):
        read(_with_valid_crc(change))
    damaged = bytearray(encode(example()))
    change(damaged)
    with pytest.raises(InvalidRecordError, match="CRC"):
        read(bytes(damaged))


def test_the_former_format_is_told_from_damage() -> None:
    with pytest.raises(UnknownFormatError, match="before the first release"):
        read(b"OBXR" + bytes(100))


@given(st.binary(min_size=1, max_size=60))
def test_a_headers_section_decodes_or_is_refused(section: bytes) -> None:
    try:
        decoded = decode_headers(section)
    except InvalidRecordError:
        return
    assert b"".join(encode_header(name.encode(), value) for name, value in decoded) == section


def test_a_null_length_below_minus_one_is_refused() -> None:
    with pytest.raises(InvalidRecordError):
        decode_headers(struct.pack("<H1si", 1, b"a", -2))


def test_a_peek_sees_sequence_and_entry() -> None:
    data = bytearray(encode(example())[:72])
    assert peek(bytes(data)) == (5, 7)
    assert peek(bytes(72)) is None
    for offset, value in ((8, 2), (9, BATCH), (9, 0x40)):
        other = bytearray(data)
        other[offset] |= value
        assert peek(bytes(other)) is None
