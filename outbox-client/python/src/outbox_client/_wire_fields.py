"""The few elements of Chronicle's binary wire that its headers are made of."""

from __future__ import annotations

from struct import Struct

_U32 = Struct("<I")
_U64 = Struct("<Q")

META = 1 << 30
NOT_COMPLETE = 1 << 31
LENGTH_MASK = META - 1
END_OF_FILE = META | NOT_COMPLETE

_NESTED = 0x82
_ARRAY = 0x8D
_PADDING_LONG = 0x8E
_PADDING = 0x8F
_INT64 = 0xA7
_TYPE = 0xB6
_EVENT = 0xB9
_FIELD = 0xC0
# u8, i16, u16 and i32: their widths in bytes, and below what they are used.
_INTEGERS = {0xA1: 1, 0xA5: 2, 0xA2: 2, 0xA6: 4}
_BOUNDS = {0xA1: 1 << 8, 0xA5: 1 << 15, 0xA2: 1 << 16, 0xA6: 1 << 31}


class UnparsableError(Exception):
    """These bytes are not what Chronicle or we write; the message says where."""


# --- writing ---


def event(name: str) -> bytes:
    """A key at the top of an entry."""
    return bytes((_EVENT, len(name))) + name.encode()


def field(name: str) -> bytes:
    """A key within a nested object."""
    return bytes((_FIELD + len(name),)) + name.encode()


def type_prefix(name: str) -> bytes:
    """The type of the object that follows."""
    return bytes((_TYPE, len(name))) + name.encode()


def nested(content: bytes) -> bytes:
    """An object with its length."""
    return bytes((_NESTED,)) + _U32.pack(len(content)) + content


def integer(value: int) -> bytes:
    """An integer in the shortest form that Chronicle uses."""
    code = next(code for code, bound in _BOUNDS.items() if value < bound)
    return bytes((code,)) + value.to_bytes(_INTEGERS[code], "little")


def aligned_int64(offset: int, value: int) -> bytes:
    """An i64 on a multiple of 8, if the result begins at *offset*."""
    return _pad(offset + 1) + bytes((_INT64,)) + _U64.pack(value & 0xFFFFFFFFFFFFFFFF)


def aligned_array(offset: int, capacity: int) -> bytes:
    """What stands before the use of an array of u64: its capacity is on a multiple of 8.

    Args:
        offset: at which the result begins.
        capacity: how many u64 follow the use.
    """
    return _pad(offset + 1) + bytes((_ARRAY,)) + _U64.pack(capacity)


def _pad(offset: int) -> bytes:
    missing = -offset % 8
    if missing < 5:
        return bytes((_PADDING,)) * missing
    return bytes((_PADDING_LONG,)) + _U32.pack(missing - 5) + bytes(missing - 5)


# --- reading ---


def integer_at(data: bytes, offset: int) -> tuple[int, int]:
    """An integer as `integer` writes it, in whatever form, and the offset behind it.

    Raises:
        UnparsableError: there is none.
    """
    width = _INTEGERS.get(int.from_bytes(data[offset : offset + 1], "little"), 0)
    end = offset + 1 + width
    if not width or end > len(data):
        raise UnparsableError(f"no integer at 0x{offset:x}")
    return int.from_bytes(data[offset + 1 : end], "little"), end
