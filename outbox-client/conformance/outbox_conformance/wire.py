"""The part of Chronicle's BINARY_LIGHT that stands in headers, from FORMAT.md alone."""

from __future__ import annotations

import struct

_U32, _U64 = struct.Struct("<I"), struct.Struct("<Q")
_INTEGERS = {0xA1: 1, 0xA5: 2, 0xA2: 2, 0xA6: 4}


class UnparsableError(Exception):
    """The bytes are no header."""


def read_integer(data: bytes, at: int) -> tuple[int, int]:
    """Return a count, of whatever width, and where its bytes end.

    Raises:
        UnparsableError: none stands there.
    """
    width = _INTEGERS.get(data[at])
    if width is None:
        raise UnparsableError(f"code 0x{data[at]:02x} in place of an integer at 0x{at:x}")
    end = at + 1 + width
    return int.from_bytes(data[at + 1 : end], "little"), end


def aligned(data: bytes, marker: bytes) -> bytes:
    """Pad so that what follows the one-byte marker is 8-aligned: a long padding where it fits."""
    gap = -(len(data) + 1) % 8
    padding = b"\x8f" * gap if gap < 5 else b"\x8e" + _U32.pack(gap - 5) + bytes(gap - 5)
    return data + padding + marker


def integer(value: int) -> bytes:
    """Return a count, in the shortest form."""
    bounds = ((1 << 8, 0xA1), (1 << 15, 0xA5), (1 << 16, 0xA2), (1 << 31, 0xA6))
    code = next(code for bound, code in bounds if value < bound)
    return bytes([code]) + value.to_bytes(_INTEGERS[code], "little")


def named(code: int, text: str) -> bytes:
    """Return a short text behind a code that holds its length."""
    return bytes([code + len(text)]) + text.encode()


def array_head(at: int, key: str, count: int, used: int) -> bytes:
    """Return the bytes of an entry that stands at this offset, up to its array's first slot."""
    head = bytes(at % 8 + 4) + b"\xb9" + bytes([len(key)]) + key.encode()
    head = aligned(head, b"\x8d")[at % 8 + 4 :]
    return head + _U64.pack(count) + _U64.pack(used)
