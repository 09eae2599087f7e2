"""From what the caller gave to a draft of the record, or a refusal that names the value."""

from __future__ import annotations

import os
from struct import Struct
from time import time_ns

from outbox_client._errors import EventTooLarge, InvalidEvent
from outbox_client._record_codec import (
    FIXED_BYTES,
    MAX_RECORD_BYTES,
    PROLOGUE_BYTES,
    RecordDraft,
    encode_header,
)

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping
    from typing import TypeAlias
    from uuid import UUID

    Text: TypeAlias = bytes | bytearray | memoryview | str
    Headers: TypeAlias = Mapping[str, Text | None] | Iterable[tuple[str, Text | None]]

MAX_TOPIC = 249
MAX_HEADERS = 128
MAX_HEADER_NAME = 255
RESERVED_PREFIX = b"outbox-"
_ROOM = MAX_RECORD_BYTES - FIXED_BYTES - PROLOGUE_BYTES
_MAX_TIMESTAMP = (1 << 63) - 1
_TOPIC_CHARACTERS = frozenset("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789._-")

# Topics that were found valid. Bounded, as a caller may make up topics without end.
_known_topics: dict[str, bytes] = {}
_KNOWN_TOPICS_LIMIT = 1024


def draft(
    value: Text | None,
    topic: str,
    key: Text | None,
    headers: Headers | None,
    event_id: UUID | str | bytes | None,
    timestamp: int | None,
) -> RecordDraft:
    """Check an event.

    Raises:
        InvalidEvent: a part of it is not allowed.
        EventTooLarge: the record would be longer than 1 MiB.
    """
    topic_bytes = _known_topics.get(topic) if type(topic) is str else None
    if topic_bytes is None:
        topic_bytes = _check_topic(topic)
    value_bytes = value if type(value) is bytes else _bytes("value", value)
    key_bytes = None if key is None else _bytes("key", key)
    headers_bytes = b"" if headers is None else _headers(headers)
    if timestamp is not None:
        _check_timestamp(timestamp)
    size = len(topic_bytes) + len(headers_bytes)
    if value_bytes is not None:
        size += len(value_bytes)
    if key_bytes is not None:
        size += len(key_bytes)
    if size > _ROOM:
        raise EventTooLarge(
            f"topic, key, headers and value are {size} bytes together, at most {_ROOM} fit into a "
            "record: keep the payload elsewhere and send a reference to it"
        )
    return RecordDraft(
        topic_bytes,
        key_bytes,
        headers_bytes,
        value_bytes,
        new_event_id() if event_id is None else _event_id(event_id),
        timestamp,
    )


def _check_topic(topic: object) -> bytes:
    if not isinstance(topic, str):
        raise InvalidEvent(f"topic must be a str, not {type(topic).__name__}")
    if (
        not 0 < len(topic) <= MAX_TOPIC
        or topic in (".", "..")
        or not _TOPIC_CHARACTERS.issuperset(topic)
    ):
        raise InvalidEvent(
            f"topic {_shown(topic)} is no Kafka topic name: 1 to {MAX_TOPIC} of the characters "
            "a-z A-Z 0-9 . _ - and neither '.' nor '..'"
        )
    if len(_known_topics) >= _KNOWN_TOPICS_LIMIT:
        _known_topics.clear()
    encoded = topic.encode("ascii")
    _known_topics[topic] = encoded
    return encoded


def _bytes(what: str, value: Text | None) -> bytes | None:
    if value is None or type(value) is bytes:
        return value
    if isinstance(value, str):
        try:
            return value.encode()
        except UnicodeEncodeError as problem:
            raise InvalidEvent(
                f"{what} is a str that has no UTF-8 form ({problem.reason} at {problem.start}): "
                "pass bytes"
            ) from None
    try:
        return bytes(memoryview(value))
    except TypeError:
        raise InvalidEvent(
            f"{what} must be bytes-like, str or None, not {type(value).__name__}: "
            "serialize it first, for example with json.dumps"
        ) from None


def _headers(headers: Headers) -> bytes:
    items = getattr(headers, "items", None)
    section = bytearray()
    try:
        pairs = iter(headers if items is None else items())
    except TypeError:
        raise InvalidEvent(
            f"headers must be a mapping or an iterable of pairs, not {type(headers).__name__}"
        ) from None
    for count, pair in enumerate(pairs, 1):
        if not isinstance(pair, (tuple, list)) or len(pair) != 2:
            raise InvalidEvent("headers must be pairs of a name and a value")
        name, value = pair
        if count > MAX_HEADERS:
            raise InvalidEvent(f"more than {MAX_HEADERS} headers: put them into the value")
        encoded = _bytes("a header name", name) if isinstance(name, str) else None
        if not encoded or len(encoded) > MAX_HEADER_NAME:
            raise InvalidEvent(
                f"header name {_shown(name)} must be a str of 1 to {MAX_HEADER_NAME} bytes of UTF-8"
            )
        if encoded.startswith(RESERVED_PREFIX):
            raise InvalidEvent(
                f"header name {_shown(name)}: names that begin with 'outbox-' are the relay's own"
            )
        section += encode_header(encoded, _bytes(f"the value of header {_shown(name)}", value))
        if len(section) > MAX_RECORD_BYTES:
            raise EventTooLarge(
                f"the headers alone are longer than a record may be ({MAX_RECORD_BYTES} bytes)"
            )
    return bytes(section)


def _event_id(event_id: UUID | str | bytes) -> bytes:
    if isinstance(event_id, bytes):
        if len(event_id) == 16:
            return event_id
    elif isinstance(event_id, str):
        from uuid import UUID

        try:
            return UUID(event_id).bytes
        except ValueError:
            pass
    else:
        encoded = getattr(event_id, "bytes", None)
        if isinstance(encoded, bytes) and len(encoded) == 16:
            return encoded
    raise InvalidEvent(
        f"event_id {_shown(event_id)} is no UUID: pass a uuid.UUID, its text, or its 16 bytes"
    )


def _check_timestamp(timestamp: object) -> None:
    if type(timestamp) is not int or not 0 <= timestamp <= _MAX_TIMESTAMP:
        raise InvalidEvent(
            f"timestamp {_shown(timestamp)} must be an int of milliseconds since the epoch, "
            "0 or more"
        )


def _shown(value: object) -> str:
    text = repr(value)
    return text if len(text) <= 80 else text[:77] + "..."


# --- event ids ---

# One call of the system for many ids costs a fraction of one for each.
_BLOCK = 64
_RANDOM_BYTES = 10
_RANDOM_BITS = int.from_bytes(b"\x0f\xff\x3f\xff\xff\xff\xff\xff\xff\xff" * _BLOCK, "big")
_VERSION_AND_VARIANT = int.from_bytes(b"\x70\0\x80\0\0\0\0\0\0\0" * _BLOCK, "big")
_split: Callable[[bytes], tuple[bytes, ...]] = Struct(f"{_RANDOM_BYTES}s" * _BLOCK).unpack

# What follows the time in ids that are still to be given. Taking one from a list is one step, for
# other threads and for signal handlers that raise: what is lost then was not used.
_endings: list[bytes] = []


def new_event_id() -> bytes:
    """A UUID of version 7 (RFC 9562): 48 bits of milliseconds, 74 random bits."""
    endings = _endings
    try:
        ending = endings.pop()
    except IndexError:
        ending = _refill(endings)
    return (time_ns() // 1_000_000).to_bytes(6, "big") + ending


def _refill(endings: list[bytes]) -> bytes:
    random = int.from_bytes(os.urandom(_BLOCK * _RANDOM_BYTES), "big")
    shaped = random & _RANDOM_BITS | _VERSION_AND_VARIANT
    ending, *others = _split(shaped.to_bytes(_BLOCK * _RANDOM_BYTES, "big"))
    endings += others
    return ending


def _begin_anew() -> None:
    """In a forked child: its parent gives out what is in the list.

    A new list, as a signal handler may fork while what it interrupts fills the old one.
    """
    global _endings
    _endings = []


os.register_at_fork(after_in_child=_begin_anew)
