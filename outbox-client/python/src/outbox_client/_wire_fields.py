"""The few elements of Chronicle's binary wire that its headers are made of."""

from __future__ import annotations

from struct import Struct, error

TYPE_CHECKING = False
if TYPE_CHECKING:
    from mmap import mmap

_U16 = Struct("<H")
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
_INTEGERS = {0xA1: 1, 0xA2: 2, 0xA3: 4, 0xA4: 1, 0xA5: 2, 0xA6: 4}


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
    if value < 256:
        return bytes((0xA1, value))
    if value < 65536:
        return b"\xa5" + _U16.pack(value)
    return b"\xa6" + _U32.pack(value)


def aligned_int64(offset: int, value: int) -> bytes:
    """An i64 on a multiple of 8, if the result begins at *offset*."""
    return _pad(offset + 1) + bytes((_INT64,)) + _U64.pack(value & 0xFFFFFFFFFFFFFFFF)


def aligned_array(offset: int, capacity: int, used: int, slots: bytes) -> bytes:
    """An array of u64 on a multiple of 8, if the result begins at *offset*."""
    return _pad(offset + 1) + bytes((_ARRAY,)) + _U64.pack(capacity) + _U64.pack(used) + slots


def _pad(offset: int) -> bytes:
    missing = -offset % 8
    if missing < 5:
        return bytes((_PADDING,)) * missing
    return bytes((_PADDING_LONG,)) + _U32.pack(missing - 5) + bytes(missing - 5)


# --- reading ---


def read_entry(data: bytes | mmap, offset: int) -> dict[str, int]:
    """Where the values of a META entry stand.

    The keys are joined with dots. An integer or i64 gives its offset; an array gives the offset of
    its capacity. Values that are no numbers are left out.

    Args:
        data: the file from its start, at least up to the end of the keys of the entry.
        offset: of the entry's header word.

    Raises:
        UnparsableError: this is no such entry.
    """
    try:
        (word,) = _U32.unpack_from(data, offset)
        if word & END_OF_FILE != META:
            raise UnparsableError(f"no META entry at 0x{offset:x} but 0x{word:08x}")
        if data[offset + 4] != _EVENT:
            raise UnparsableError(f"no key at 0x{offset + 4:x}")
        found: dict[str, int] = {}
        start = offset + 6 + data[offset + 5]
        name = data[offset + 6 : start].decode("ascii")
        _value(data, start, name, found)
    except (error, ArithmeticError, LookupError, RecursionError, ValueError) as problem:
        raise UnparsableError(f"the entry at 0x{offset:x} does not parse: {problem}") from None
    return found


def _value(data: bytes | mmap, offset: int, name: str, found: dict[str, int]) -> int:
    """Read one value; the offset behind it."""
    offset = _skip_padding(data, offset)
    code = data[offset]
    if code == _TYPE:
        return _value(data, offset + 2 + data[offset + 1], name, found)
    if code == _NESTED:
        (length,) = _U32.unpack_from(data, offset + 1)
        offset += 5
        end = offset + length
        while (offset := _skip_padding(data, offset)) < end:
            size = data[offset] - _FIELD
            if not 0 <= size < 32:
                raise UnparsableError(f"no field at 0x{offset:x}")
            key = data[offset + 1 : offset + 1 + size].decode("ascii")
            offset = _value(data, offset + 1 + size, f"{name}.{key}", found)
        return int(end)
    offset += 1
    if code == _INT64:
        found[name] = offset
        return offset + 8
    if code == _ARRAY:
        found[name] = offset
        (capacity,) = _U64.unpack_from(data, offset)
        return offset + 16 + 8 * int(capacity)
    width = _INTEGERS.get(code)
    if width:
        found[name] = int.from_bytes(data[offset : offset + width], "little")
        return offset + width
    if code >= 0xE0:  # a short text
        return offset + code - 0xE0
    raise UnparsableError(f"unknown code 0x{code:02x} at 0x{offset - 1:x}")


def _skip_padding(data: bytes | mmap, offset: int) -> int:
    while offset < len(data):
        if data[offset] == _PADDING:
            offset += 1
        elif data[offset] == _PADDING_LONG:
            offset += 5 + _U32.unpack_from(data, offset + 1)[0]
        else:
            break
    return offset
