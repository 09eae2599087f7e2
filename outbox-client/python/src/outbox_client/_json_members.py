"""The members of a JSON object (RFC 8259), with the text of each as it stands.

Python's parser makes other numbers of numbers, keeps one of two members of the same name, and takes
``NaN``. Here it tells only where a value ends and that it is JSON; who carries it on carries its
text.
"""

from __future__ import annotations

import re
from json import JSONDecodeError, JSONDecoder
from typing import TYPE_CHECKING, Any, NamedTuple

from outbox_client._errors import EventTooLarge, InvalidEvent
from outbox_client._record_codec import MAX_RECORD_BYTES

if TYPE_CHECKING:
    from typing import NoReturn

_skip_space = re.compile(r"[ \t\r\n]*").match
# As almost all are; in one step instead of five.
_plain_name = re.compile(r'[ \t\r\n]*"([a-z0-9_]*)"[ \t\r\n]*:[ \t\r\n]*').match
_separator = re.compile(r"[ \t\r\n]*([,}])").match
_BOM = "\ufeff"


class Member(NamedTuple):
    """One member: its value as Python has it, and that value's text."""

    value: Any
    text: str


class Pairs(list[tuple[str, Any]]):
    """An object as its members in order, repeated ones too."""


class NumberText:
    """A number that is no integer of an ordinary size, as it stands."""

    def __init__(self, text: str) -> None:
        self._text = text

    def __repr__(self) -> str:
        return self._text


def _integer(text: str) -> object:
    return int(text) if len(text) <= 20 else NumberText(text)


def _refuse_constant(name: str) -> NoReturn:
    raise InvalidEvent(f"no JSON: {name} is no number that JSON has (RFC 8259); null may serve")


_decode_field = JSONDecoder(
    object_pairs_hook=Pairs,
    parse_int=_integer,
    parse_float=NumberText,
    parse_constant=_refuse_constant,
).raw_decode
# What is carried as text is only looked at: no number is made, of however many digits.
_look_at = JSONDecoder(parse_int=str, parse_float=str, parse_constant=_refuse_constant).raw_decode


def members(text: str, carried: str) -> dict[str, Member]:
    """The members of the object that *text* is.

    Args:
        text: all of it, with the white space around.
        carried: the member of which only strings and null are wanted as a value; of others the
            text is, whatever it is like inside.

    Raises:
        InvalidEvent: it is no JSON, no object, or has two members of one name.
        EventTooLarge: the text of the carried member is longer than a record.
    """
    try:
        return _members(text, carried)
    except JSONDecodeError as problem:
        hint = ""
        if text.startswith(_BOM):
            hint = " (a byte order mark)"
        elif problem.pos >= len(text.rstrip()):
            hint = ", where the line ends: one event is one line, as jq -c prints it"
        raise InvalidEvent(f"no JSON: {problem.msg} at character {problem.pos + 1}{hint}") from None
    except RecursionError:
        raise InvalidEvent("no JSON that can be read: it is nested too deeply") from None


def _members(text: str, carried: str) -> dict[str, Member]:
    found: dict[str, Member] = {}
    at = _after_space(text, 0)
    if text[at : at + 1] != "{":
        _decode_field(text, at)
        raise InvalidEvent("no JSON object")
    at = _after_space(text, at + 1)
    end = at
    while text[end : end + 1] != "}":
        plain = _plain_name(text, at)
        if plain is None:
            name, start = _name(text, at)
        else:
            name = plain[1]
            start = plain.end()
        if name in found:
            raise InvalidEvent(f"the field {name!r} is there twice: which one counts?")
        value, at = _carried(text, start) if name == carried else _decode_field(text, start)
        found[name] = Member(value, text[start:at])
        separator = _separator(text, at)
        if separator is None:
            raise JSONDecodeError("Expecting ',' or '}'", text, _after_space(text, at))
        at = separator.end()
        end = at - 1
    if _after_space(text, end + 1) != len(text):
        raise JSONDecodeError("More behind the object", text, _after_space(text, end + 1))
    return found


def _name(text: str, at: int) -> tuple[str, int]:
    at = _after_space(text, at)
    if text[at : at + 1] != '"':
        raise JSONDecodeError("Expecting a field's name in double quotes", text, at)
    name, at = _decode_field(text, at)
    at = _after_space(text, at)
    if text[at : at + 1] != ":":
        raise JSONDecodeError("Expecting ':'", text, at)
    return name, _after_space(text, at + 1)


def _carried(text: str, start: int) -> tuple[Any, int]:
    if text[start : start + 1] not in ("[", "{") or len(text) - start <= MAX_RECORD_BYTES:
        return _look_at(text, start)
    # Looking at many small parts takes memory; at no more of them than may be carried.
    try:
        return _look_at(text[: start + MAX_RECORD_BYTES], start)
    except JSONDecodeError:
        raise EventTooLarge(
            f"the value is no JSON, or longer than fits into a record ({MAX_RECORD_BYTES} bytes): "
            "keep the payload elsewhere and send a reference to it"
        ) from None


def _after_space(text: str, at: int) -> int:
    found = _skip_space(text, at)
    return at if found is None else found.end()
