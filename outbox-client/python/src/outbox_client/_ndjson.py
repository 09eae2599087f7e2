"""Events as lines of JSON, for ``outbox append --ndjson``."""

from __future__ import annotations

import base64
import binascii
import json
from typing import TYPE_CHECKING, Any

from outbox_client._errors import InvalidEvent

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

NDJSON_HELP = """\
With --ndjson, each line of standard input is one event, a JSON object with the fields
  value         a string is taken as text; any other JSON is stored as compact JSON;
                null or missing: a tombstone
  value_base64  the value's bytes, instead of value
  topic         default: --topic
  key           a string
  headers       an object, or a list of [name, value] pairs; values are strings or null
  event_id      a UUID
  timestamp     milliseconds since the epoch
  partition     of the topic, 0 or more; null or missing: Kafka's partitioner chooses
Empty lines are skipped. The first line that cannot be appended ends the command; the lines before
it are appended, and standard error says which line it was.
"""

_FIELDS = {"topic", "key", "value", "value_base64", "headers", "event_id", "timestamp", "partition"}


def events(lines: Iterable[bytes]) -> Iterator[tuple[int, dict[str, Any]]]:
    """For each line that is not empty its number and the keyword arguments of `Outbox.append`.

    Raises:
        InvalidEvent: a line is no event; the message names it.
    """
    for number, line in enumerate(lines, 1):
        if line.strip():
            try:
                event = _arguments(_parse(line))
            except InvalidEvent as problem:
                raise InvalidEvent(f"line {number}: {problem}") from None
            yield number, event


def _parse(line: bytes) -> dict[str, Any]:
    try:
        event = json.loads(line)
    except (ValueError, RecursionError) as problem:
        raise InvalidEvent(f"no JSON: {problem}") from None
    if not isinstance(event, dict):
        raise InvalidEvent("no JSON object")
    unknown = sorted(event.keys() - _FIELDS)
    if unknown:
        raise InvalidEvent(f"unknown fields {', '.join(unknown)}")
    return event


def _arguments(fields: dict[str, Any]) -> dict[str, Any]:
    event: dict[str, Any] = {
        name: fields[name]
        for name in ("topic", "event_id", "timestamp", "partition")
        if fields.get(name) is not None
    }
    if "value_base64" in fields:
        if "value" in fields:
            raise InvalidEvent("both value and value_base64: give one")
        try:
            event["value"] = base64.b64decode(fields["value_base64"], validate=True)
        except (binascii.Error, TypeError, ValueError):
            raise InvalidEvent("value_base64 is no base64") from None
    else:
        value = fields.get("value")
        if value is None or isinstance(value, str):
            event["value"] = value
        else:
            event["value"] = json.dumps(value, separators=(",", ":"), ensure_ascii=False)
    event["key"] = _text("key", fields.get("key"))
    headers = fields.get("headers") or {}
    pairs = headers.items() if isinstance(headers, dict) else headers
    if not isinstance(headers, (dict, list)) or not all(len(pair) == 2 for pair in pairs):
        raise InvalidEvent("headers must be an object or a list of [name, value] pairs")
    event["headers"] = [(name, _text(f"header {name}", value)) for name, value in pairs]
    return event


def _text(what: str, value: object) -> str | None:
    if value is not None and not isinstance(value, str):
        raise InvalidEvent(f"{what} must be a string or null")
    return value
