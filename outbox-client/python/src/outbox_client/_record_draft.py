"""From what the caller gave to a draft of the record, or a refusal that names the value."""

from __future__ import annotations

from struct import Struct
from zlib import crc32

from outbox_client._errors import EventTooLarge, InvalidEvent
from outbox_client._event_ids import new_event_id
from outbox_client._record_codec import (
    FIXED_BYTES,
    HAS_KEY,
    HAS_PARTITION,
    HAS_PROLOGUE,
    HAS_VALUE,
    MAGIC,
    MAX_PARTITION,
    MAX_RECORD_BYTES,
    MAX_TOPIC,
    PROLOGUE_BYTES,
    VERSION,
    encode_header,
)

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence
    from typing import TypeAlias
    from uuid import UUID

    from outbox_client._record_codec import Prologue

    Text: TypeAlias = bytes | bytearray | memoryview | str
    Headers: TypeAlias = Mapping[str, Text | None] | Iterable[tuple[str, Text | None]]

MAX_HEADERS = 128
MAX_HEADER_NAME = 255
RESERVED_PREFIX = b"outbox-"
# Kafka's own: brokers refuse what others send there.
INTERNAL_TOPICS = frozenset(
    ("__consumer_offsets", "__transaction_state", "__share_group_state", "__cluster_metadata")
)
ZEROS_BEHIND = 8
_ZEROS = tuple(map(bytes, range(4 + ZEROS_BEHIND)))
# The fixed part behind the CRC, and the place that enters the CRC behind it.
_FIXED_PART = 64
_pack_start = Struct("<III").pack
_pack_fixed_and_place = Struct("<BBHIQqq16sIIII24sQ").pack
_ROOM = MAX_RECORD_BYTES - FIXED_BYTES - PROLOGUE_BYTES
_MAX_TIMESTAMP = (1 << 63) - 1
_TOPIC_CHARACTERS = frozenset("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789._-")

# Topics that were found valid. Bounded, as a caller may make up topics without end.
_known_topics: dict[str, bytes] = {}
_KNOWN_TOPICS_LIMIT = 1024


class RecordDraft:
    """A checked event; only the lock can tell the rest of its record."""

    __slots__ = (
        "_body_crc",
        "_flags",
        "_front",
        "_lengths",
        "_padding",
        "_partition",
        "_timestamp",
        "_value",
        "event_id",
        "length",
    )
    #: As a batch has them, see `BatchDraft`.
    count = 1
    offsets: Sequence[int] = (0,)
    first = 0

    def __init__(
        self,
        topic: bytes,
        key: bytes | None,
        headers: bytes,
        value: bytes | None,
        event_id: bytes,
        timestamp: int | None,
        partition: int | None = None,
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
        if partition is None:
            partition = 0
        else:
            flags |= HAS_PARTITION
        self._flags = flags
        self._partition = partition
        self._front = front = topic + key + headers
        self._value = value
        value_length = len(value)
        self._lengths = len(topic), len(key), len(headers), value_length
        length = len(front) + value_length
        self._padding = padding = -length & 3
        self.length = FIXED_BYTES + length + padding
        self.event_id = event_id
        self._timestamp = timestamp
        crc = crc32(value, crc32(front))
        self._body_crc = crc32(_ZEROS[padding], crc) if padding else crc

    def flag(self, flag: int) -> None:
        """Give the record's place within its batch, as one more flag."""
        self._flags |= flag

    def _crc_of_body(self, crc: int) -> int:
        crc = crc32(self._value, crc32(self._front, crc))
        return crc32(_ZEROS[self._padding], crc) if self._padding else crc

    def parts(
        self,
        sequence: int,
        now: int,
        entry: int,
        prologue: Prologue | None,
        place: bytes,
        offset: int,
        word: int = 0,
        behind: int = ZEROS_BEHIND,
    ) -> Sequence[bytes]:
        """What is written at the tail: a free header word, the record, 8 zero bytes.

        Args:
            sequence: of the record.
            now: the append time.
            entry: the record's number within its cycle.
            prologue: of the cycle, exactly if that number is 0.
            place: see `_record_codec.cycle_place`.
            offset: of the header word.
            word: another header word, in a batch.
            behind: so many zero bytes behind the record.
        """
        timestamp = self._timestamp
        topic_length, key_length, headers_length, value_length = self._lengths
        crc = self._body_crc
        flags = self._flags
        front = self._front
        if prologue is not None:
            flags |= HAS_PROLOGUE
            encoded = prologue.encode()
            front = encoded + front
            crc = self._crc_of_body(crc32(encoded))
        head = _pack_fixed_and_place(
            VERSION,
            flags,
            topic_length,
            key_length,
            sequence,
            now,
            now if timestamp is None else timestamp,
            self.event_id,
            headers_length,
            value_length,
            entry,
            self._partition,
            place,
            offset,
        )
        crc = crc32(head, crc)
        return (
            _pack_start(word, MAGIC, crc),
            head[:_FIXED_PART],
            front,
            self._value,
            _ZEROS[self._padding + behind],
        )


def draft(
    value: Text | None,
    topic: str,
    key: Text | None = None,
    headers: Headers | None = None,
    event_id: UUID | str | bytes | None = None,
    timestamp: int | None = None,
    partition: int | None = None,
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
    key_bytes = key if key is None or type(key) is bytes else _bytes("key", key)
    headers_bytes = b"" if headers is None else _headers(headers)
    if timestamp is not None:
        _check_timestamp(timestamp)
    if partition is not None:
        _check_partition(partition)
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
        partition,
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
    if topic in INTERNAL_TOPICS:
        raise InvalidEvent(
            f"topic {_shown(topic)} is Kafka's own, brokers refuse what others send there: "
            "use another topic"
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
        try:
            from uuid import UUID

            found = UUID(event_id)
            # It takes what int() does: 0x…, blanks, underscores. To others that is another id.
            if found.hex in event_id.replace("-", "").lower():
                return found.bytes
        except ValueError:
            pass
        except ImportError:  # at the interpreter's exit
            raise InvalidEvent("event_id is a text, which is too late now: pass 16 bytes") from None
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


def _check_partition(partition: object) -> None:
    if type(partition) is not int or not 0 <= partition <= MAX_PARTITION:
        raise InvalidEvent(
            f"partition {_shown(partition)} must be an int from 0 to {MAX_PARTITION}, or None"
        )


def _shown(value: object) -> str:
    text = repr(value)
    return text if len(text) <= 80 else text[:77] + "..."
