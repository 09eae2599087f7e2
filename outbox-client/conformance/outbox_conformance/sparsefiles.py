"""Large files that are mostly zero: cycle files are 80 MiB long and hold a few KiB."""

from __future__ import annotations

import errno
import os
import struct
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator

_U32, _U64 = struct.Struct("<I"), struct.Struct("<Q")
_BLOCK = 4096


class SparseFile:
    """A file's contents; what lies between the data and the size is zero."""

    def __init__(self, data: bytes = b"", size: int | None = None) -> None:
        self.data = bytearray(data)
        self.size = len(data) if size is None else size

    def write(self, offset: int, data: bytes) -> None:
        """Write like pwrite does."""
        end = offset + len(data)
        if end > len(self.data):
            self.data += bytes(end - len(self.data))
        self.data[offset:end] = data
        self.size = max(self.size, end)

    def u32(self, offset: int) -> int:
        """Return the integer at an offset."""
        return int(_U32.unpack(self.read(offset, 4))[0])

    def u64(self, offset: int) -> int:
        """Return the integer at an offset."""
        return int(_U64.unpack(self.read(offset, 8))[0])

    def read(self, offset: int, length: int) -> bytes:
        """Read like pread does, zeros where nothing was written."""
        data = bytes(self.data[offset : offset + length])
        return data + bytes(length - len(data))

    def trimmed(self) -> bytes:
        """Return the data without the zeros at its end."""
        return bytes(self.data).rstrip(b"\0")

    def copy(self) -> SparseFile:
        """Return an independent copy."""
        return SparseFile(bytes(self.data), self.size)


def load(path: str) -> SparseFile:
    """Return a file of the disk; its holes are not read."""
    with open(path, "rb", buffering=0) as source:
        size = os.fstat(source.fileno()).st_size
        file = SparseFile(size=size)
        for start, end in extents(source.fileno()):
            data = os.pread(source.fileno(), end - start, start).rstrip(b"\0")
            if data:
                file.write(start, data)
        file.size = size
        return file


def tree(folder: str) -> dict[str, tuple[int, bytes]]:
    """Return the size and the data of each file below a folder."""
    found = {}
    for parent, _, names in os.walk(folder):
        for name in names:
            path = os.path.join(parent, name)
            file = load(path)
            found[os.path.relpath(path, folder)] = file.size, file.trimmed()
    return found


def store(file: SparseFile, descriptor: int) -> None:
    """Make a file of the disk the same; what is zero becomes a hole."""
    os.ftruncate(descriptor, 0)
    os.ftruncate(descriptor, file.size)
    for start in range(0, len(file.data), _BLOCK):
        block = file.data[start : start + _BLOCK]
        if block.strip(b"\0"):
            os.pwrite(descriptor, block, start)


def extents(descriptor: int, start: int = 0) -> Iterator[tuple[int, int]]:
    """Yield what is no hole of a file, from an offset on."""
    end = start
    while True:
        try:
            start = os.lseek(descriptor, end, os.SEEK_DATA)
        except OSError as problem:
            if problem.errno == errno.ENXIO:  # nothing but a hole is left
                return
            raise
        end = os.lseek(descriptor, start, os.SEEK_HOLE)
        yield start, end


def difference(one: SparseFile, other: SparseFile) -> str | None:
    """Say where two files differ first; None if they are equal."""
    if one.size != other.size:
        return f"sizes {one.size} and {other.size}"
    left, right = one.trimmed(), other.trimmed()
    if left == right:
        return None
    end = max(len(left), len(right))
    left, right = left.ljust(end, b"\0"), right.ljust(end, b"\0")
    at = next(i for i in range(end) if left[i] != right[i])
    start = max(at - 8, 0)
    count = sum(a != b for a, b in zip(left, right, strict=True))
    return (
        f"{count} bytes, the first at 0x{at:x}; from 0x{start:x} on "
        f"{left[start : at + 24].hex(' ')} and {right[start : at + 24].hex(' ')}"
    )
