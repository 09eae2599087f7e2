"""The part of Chronicle's BINARY_LIGHT that stands in headers, from FORMAT.md alone."""

from __future__ import annotations

import struct
from dataclasses import dataclass

_U32, _U64 = struct.Struct("<I"), struct.Struct("<Q")
_INTEGERS = {
    0xA1: "<B",
    0xA2: "<H",
    0xA3: "<I",
    0xA4: "<b",
    0xA5: "<h",
    0xA6: "<i",
    0xA7: "<q",
}


class UnparsableError(Exception):
    """The bytes are no header."""


@dataclass(frozen=True)
class Value:
    """A field: an integer, or the number of an array's longs in use; and where it stands."""

    number: int
    offset: int


def fields(data: bytes, at: int) -> dict[str, Value]:
    """Return the integers and arrays of a header by their dotted names.

    Args:
        data: a file from its beginning to the header's end, as padding goes by a file's offsets.
        at: where the header's bytes begin, behind its header word.

    Raises:
        UnparsableError: this is none of the codes that we know, or not within the header.
    """
    found: dict[str, Value] = {}
    try:
        if data[at] != 0xB9:
            raise UnparsableError("no key")
        at += 2 + data[at + 1]
        _value(data, at, "", found)
    except (struct.error, IndexError, UnicodeDecodeError):
        raise UnparsableError("the header ends within a field") from None
    return found


def _value(data: bytes, at: int, name: str, found: dict[str, Value]) -> int:
    """Take a value; return where it ends."""
    at = _padding(data, at)
    code = data[at]
    if code == 0xB6:
        return _value(data, at + 2 + data[at + 1], name, found)
    if code == 0x82:
        return _object(data, at, name, found)
    if code == 0x8D:
        capacity, used = struct.unpack_from("<QQ", data, at + 1)
        found[name] = Value(used, at + 17)
        return at + 17 + 8 * int(capacity)
    if code in _INTEGERS:
        layout = _INTEGERS[code]
        found[name] = Value(struct.unpack_from(layout, data, at + 1)[0], at + 1)
        return at + 1 + struct.calcsize(layout)
    if code >= 0xE0:
        return at + 1 + code - 0xE0
    raise UnparsableError(f"code 0x{code:02x}")


def _object(data: bytes, at: int, name: str, found: dict[str, Value]) -> int:
    end = at + 5 + int(_U32.unpack_from(data, at + 1)[0])
    if end > len(data):
        raise UnparsableError("an object ends behind the header")
    at = _padding(data, at + 5)
    while at < end:
        code = data[at]
        if not 0xC0 <= code < 0xE0:
            raise UnparsableError(f"code 0x{code:02x} in place of a name")
        value_at = at + 1 + code - 0xC0
        field = data[at + 1 : value_at].decode("ascii")
        at = _value(data, value_at, f"{name}.{field}" if name else field, found)
        at = _padding(data, at) if at < end else at
    return end


def _padding(data: bytes, at: int) -> int:
    while data[at] in (0x8F, 0x8E):
        at += 1 if data[at] == 0x8F else 5 + int(_U32.unpack_from(data, at + 1)[0])
    return at


# --- writing ---


def aligned(data: bytes, marker: bytes) -> bytes:
    """Pad so that what follows the one-byte marker is 8-aligned: a long padding where it fits."""
    gap = -(len(data) + 1) % 8
    padding = b"\x8f" * gap if gap < 5 else b"\x8e" + _U32.pack(gap - 5) + bytes(gap - 5)
    return data + padding + marker


def integer(value: int) -> bytes:
    """Return a count, in the shortest form."""
    return b"\xa1" + bytes([value]) if value < 256 else b"\xa5" + struct.pack("<H", value)


def named(code: int, text: str) -> bytes:
    """Return a short text behind a code that holds its length."""
    return bytes([code + len(text)]) + text.encode()


def array(at: int, key: str, count: int, slots: list[int]) -> bytes:
    """Return the bytes of an entry that stands at this offset: a key and an array of longs."""
    head = bytes(at % 8 + 4) + b"\xb9" + bytes([len(key)]) + key.encode()
    head = aligned(head, b"\x8d")[at % 8 + 4 :]
    body = _U64.pack(count) + _U64.pack(len(slots)) + b"".join(map(_U64.pack, slots))
    return head + body + bytes(8 * (count - len(slots)))
