"""The bytes of a record."""

from __future__ import annotations

import struct
import zlib
from typing import TYPE_CHECKING

import pytest
from hypothesis import given
from hypothesis import strategies as st

from outbox_client._record_codec import (
    InvalidRecordError,
    OutboxRecord,
    Prologue,
    RecordDraft,
    decode_headers,
    encode_header,
    peek,
)

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


def encode(draft: RecordDraft, *, prologue: Prologue | None = None, entry: int = 7) -> bytes:
    """The record alone: without the header word before it and the zeros behind."""
    written = draft.encode(5, 1000, entry, prologue)
    assert written[:4] == bytes(4)
    assert written[-8:] == bytes(8)
    return bytes(written[4:-8])


def example() -> RecordDraft:
    return RecordDraft(b"topic", b"key", encode_header(b"h", b"v"), b"value", bytes(range(16)), 3)


@given(
    key=st.none() | st.binary(max_size=50),
    value=st.none() | st.binary(max_size=200),
    headers=HEADERS,
    timestamp=st.none() | st.integers(0, 2**63 - 1),
    first=st.booleans(),
)
def test_what_is_encoded_decodes_to_the_same(
    key: bytes | None,
    value: bytes | None,
    headers: list[tuple[str, bytes | None]],
    timestamp: int | None,
    first: bool,
) -> None:
    section = b"".join(encode_header(name.encode(), content) for name, content in headers)
    draft = RecordDraft(b"a.topic", key, section, value, bytes(range(16)), timestamp)
    prologue = Prologue(b"o" * 16, 2, 1 << 40, 490_000) if first else None
    data = encode(draft, prologue=prologue)
    assert len(data) % 4 == 0
    assert len(data) == draft.length + (40 if first else 0)
    record = OutboxRecord(data)
    assert (record.topic, record.key, record.value) == ("a.topic", key, value)
    assert record.headers() == headers
    assert record.timestamp == (1000 if timestamp is None else timestamp)
    assert (record.sequence, record.append_time, record.entry) == (5, 1000, 7)
    assert record.event_id == bytes(range(16))
    if record.prologue is None:
        assert not first
    else:
        assert record.prologue.encode() == prologue.encode()  # type: ignore[union-attr]


@given(st.data())
def test_no_changed_byte_passes(data: st.DataObject) -> None:
    good = encode(example(), prologue=Prologue(bytes(16), 1, 0, 0))
    place = data.draw(st.integers(0, len(good) - 1))
    change = data.draw(st.integers(1, 255))
    bad = bytearray(good)
    bad[place] ^= change
    with pytest.raises(InvalidRecordError):
        OutboxRecord(bytes(bad))


@given(st.binary(max_size=300))
def test_arbitrary_bytes_are_refused_not_crashed_on(data: bytes) -> None:
    with pytest.raises(InvalidRecordError):
        OutboxRecord(data)
    with pytest.raises(InvalidRecordError):
        OutboxRecord(b"OBXR" + data)


def _with_valid_crc(change: Callable[[bytearray], None]) -> bytes:
    data = bytearray(encode(example()))
    change(data)
    struct.pack_into("<I", data, 4, zlib.crc32(data[8:]))
    return bytes(data)


@pytest.mark.parametrize(
    ("offset", "value", "complaint"),
    [
        (8, 2, "version 2"),
        (9, 0x0B, "unknown flags"),
        (68, 1, "reserved"),
        (10, 9, "lengths"),
        (9, 2, "without its flag"),
        (60, 200, "lengths"),
    ],
)
def test_a_field_without_meaning_is_refused_though_the_crc_is_right(
    offset: int, value: int, complaint: str
) -> None:
    def change(data: bytearray) -> None:
        data[offset] = value

    assert OutboxRecord(_with_valid_crc(lambda data: None)).topic == "topic"
    with pytest.raises(InvalidRecordError, match=complaint):
        OutboxRecord(_with_valid_crc(change))


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
    assert peek(encode(example())[:72]) == (5, 7)
    assert peek(bytes(72)) is None
