"""Events as lines of JSON, for ``outbox append --ndjson``."""

from __future__ import annotations

import base64
import binascii
from typing import TYPE_CHECKING, Any

from outbox_client._errors import EventTooLarge, InvalidEvent
from outbox_client._json_members import Pairs, members

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from outbox_client._json_members import Member

NDJSON_HELP = """\
With --ndjson, each line of standard input is one event, a JSON object with the fields
  value         a string is taken as text; null or missing: a tombstone; of any other JSON the
                text is stored as it stands in the line: digits, spaces, repeated names and all
  topic         default: --topic
  key           a string; null or missing: none
  headers       a list of [name, value] pairs, or an object; values are strings or null; names
                may be repeated
  event_id      a UUID; null or missing: a new one
  timestamp     milliseconds since the epoch; null or missing: the time of the append
  partition     of the topic, 0 or more; null or missing: Kafka's partitioner chooses
value_base64 and key_base64 hold bytes that are no text, instead of value and key. A header may also
be an object with name, and value or value_base64. So what the relay prints as JSON goes back in
unchanged, one event a line: inspect, dead-letters list and parked show with --json --values
--limit 0, and dead-letters show with --json --values. What they tell beside the event is left out;
any other field is refused, as is a field that is there twice, and what is no JSON (RFC 8259): NaN,
control characters in strings, invalid UTF-8, a byte order mark. Lines end with a newline, the last
one also without; empty ones are skipped; 8 MiB is the longest.
"""

# Longer than any event's: each byte of a record may be written as an escape of 6 characters.
MAX_LINE_BYTES = 8 << 20

_EVENT = {
    "topic",
    "key",
    "key_base64",
    "value",
    "value_base64",
    "headers",
    "event_id",
    "timestamp",
    "partition",
}
# What outbox-relay prints beside an event, which is not the event's own.
_TOLD_BY_INSPECT = {
    "sequence",
    "appended",
    "batch",
    "continued",
    "value_bytes",
    "index",
    "cycle",
    "offset",
}
_TOLD_OF_A_REPLAY = {"replay_of", "round", "original_topic"}
_TOLD_OF_A_DEAD_LETTER = {"number", "reason", "error", "at", "done", *_TOLD_OF_A_REPLAY}
_SPACE = b" \t\r\n"


def events(lines: Iterable[tuple[bytes, bool]]) -> Iterator[tuple[int, dict[str, Any]]]:
    """For each line that is not empty its number and the keyword arguments of `Outbox.append`.

    Args:
        lines: without their ends; each with whether it has one.

    Raises:
        InvalidEvent: a line is no event; the message names it.
        EventTooLarge: it is longer than any event; likewise.
    """
    for number, (line, has_end) in enumerate(lines, 1):
        if not line.strip(_SPACE):
            continue
        try:
            event = arguments(line)
        except (InvalidEvent, EventTooLarge) as problem:
            cut = "" if has_end else "; it has no newline: the input ends in it"
            raise type(problem)(f"line {number}: {problem}{cut}") from None
        yield number, event


def arguments(line: bytes) -> dict[str, Any]:
    """The keyword arguments of `Outbox.append` for one line.

    Raises:
        InvalidEvent: it is no event.
        EventTooLarge: no record can hold it.
    """
    if len(line) > MAX_LINE_BYTES:
        raise EventTooLarge(
            f"longer than {MAX_LINE_BYTES} bytes, which no event is: one event a line, keep the "
            "payload elsewhere and send a reference to it"
        )
    try:
        text = line.decode()
    except UnicodeDecodeError as problem:
        raise InvalidEvent(
            f"no JSON: no UTF-8 ({problem.reason} at byte {problem.start + 1}); bytes that are no "
            "text go into value_base64"
        ) from None
    fields = members(text, carried="value")
    if "event" in fields:
        _refuse_unknown(fields, _TOLD_OF_A_DEAD_LETTER | {"event"})
        if fields["event"].value is None:
            raise InvalidEvent("the event of this dead letter is damaged")
        fields = members(fields["event"].text, carried="value")
    _refuse_unknown(fields, _EVENT | _TOLD_BY_INSPECT | _TOLD_OF_A_REPLAY)
    return _arguments(fields)


def _refuse_unknown(fields: dict[str, Member], known: set[str]) -> None:
    if "corrupt" in fields:
        raise InvalidEvent("corrupt data that inspect found, no event")
    unknown = sorted(fields.keys() - known)
    if unknown:
        names = ", ".join(map(_shown, unknown))
        raise InvalidEvent(f"unknown field{'s' * (len(unknown) > 1)} {names}")


def _arguments(fields: dict[str, Member]) -> dict[str, Any]:
    found = {name: member.value for name, member in fields.items()}
    event: dict[str, Any] = {
        name: found[name]
        for name in ("event_id", "timestamp", "partition")
        if found.get(name) is not None
    }
    if "topic" in found:
        if not isinstance(found["topic"], str):
            raise InvalidEvent(
                f"topic {_shown(found['topic'])} must be a string; leave it out for --topic"
            )
        event["topic"] = found["topic"]
    if "key" in found or "key_base64" in found:
        event["key"] = _text_or_bytes("key", "key", found)
    if found.get("headers") is not None:
        event["headers"] = _headers(found["headers"])
    event["value"] = _value(fields, found)
    return event


def _value(fields: dict[str, Member], found: dict[str, Any]) -> str | bytes | None:
    member = fields.get("value")
    if member is None and "value_base64" not in fields:
        if found.get("value_bytes") is not None:
            raise InvalidEvent("the value was not printed with it: use inspect --json --values")
        return None
    if member is None or "value_base64" in fields:
        return _text_or_bytes("value", "value", found)
    value = member.value
    # A number is looked at as a str, too.
    if value is None or (isinstance(value, str) and member.text.startswith('"')):
        return value
    return member.text.encode()


def _headers(headers: object) -> list[tuple[str, str | bytes | None]]:
    if isinstance(headers, Pairs):
        for name, value in headers:
            _check_text(f"header {_shown(name)}", value)
        return headers
    if not isinstance(headers, list):
        raise InvalidEvent("headers must be an object or a list of [name, value] pairs")
    return [_header(number, header) for number, header in enumerate(headers, 1)]


def _header(number: int, header: object) -> tuple[str, str | bytes | None]:
    what = f"header {number}"
    if isinstance(header, Pairs):
        fields = dict(header)
        if len(fields) != len(header):
            raise InvalidEvent(f"{what} has a field twice: which one counts?")
        name = fields.pop("name", None)
        if isinstance(name, str) and fields.keys() <= {"value", "value_base64"}:
            what = f"header {_shown(name)}"
            if not fields:
                raise InvalidEvent(
                    f"{what} has no value: it was not printed with it, use inspect --json --values"
                )
            return name, _text_or_bytes(what, "value", fields)
    elif isinstance(header, list) and len(header) == 2 and isinstance(header[0], str):
        _check_text(f"header {_shown(header[0])}", header[1])
        return header[0], header[1]
    raise InvalidEvent(
        f"{what} must be a [name, value] pair, or an object of name and value or value_base64"
    )


def _text_or_bytes(what: str, name: str, fields: dict[str, Any]) -> str | bytes | None:
    encoded = f"{name}_base64"
    if encoded not in fields:
        _check_text(what, fields.get(name))
        value: str | None = fields.get(name)
        return value
    if name in fields:
        raise InvalidEvent(f"both {name} and {encoded}: give one")
    text = fields[encoded]
    try:
        value_bytes = base64.b64decode(text, validate=True)
        if base64.b64encode(value_bytes) == text.encode():  # no bits beside those of the bytes
            return value_bytes
    except (binascii.Error, TypeError, ValueError):
        pass
    raise InvalidEvent(
        f"{encoded} is no base64{'' if what == name else f' in {what}'}: "
        "A-Z a-z 0-9 + / with = at the end (RFC 4648)"
    )


def _check_text(what: str, value: object) -> None:
    if value is not None and not isinstance(value, str):
        raise InvalidEvent(f"{what} must be a string or null")


def _shown(value: object) -> str:
    text = repr(value)
    return text if len(text) <= 80 else text[:77] + "..."
