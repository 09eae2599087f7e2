"""``outbox.state``: identity, next sequence, newest cycle, failed cycles."""

from __future__ import annotations

import os
from mmap import mmap
from struct import Struct
from zlib import crc32

from outbox_client._errors import OutboxUnavailable

TYPE_CHECKING = False
if TYPE_CHECKING:
    from outbox_client._disk import Disk
    from outbox_client._safe_files import File

STATE_BYTES = 4096
MAGIC = b"OBXSTATE"
VERSION = 1
# 0 is what was written before the first release.
REVISION = 1
FAILED_SLOTS = 16
LAST_SEQUENCE = (1 << 63) - 1

_IDENTITY = Struct("<8sHHI16sq")
_CRC = Struct("<I")
_CHECK = int.from_bytes(b"OBXCHECK", "little")
ALL_ONES = 0xFFFFFFFFFFFFFFFF

# In words of 8 bytes.
NEXT_SEQUENCE = 8
COMPLEMENT = 9
CYCLE = 10
FAILED = 16
FAILED_BYTES = slice(128, 256)
_SHARED_BYTES = 272  # with the synced range
# All that changes.
SHARED = slice(64, 256)


class NewestCycle:
    """What the state says of the newest cycle."""

    __slots__ = ("base", "hour", "number")

    def __init__(self, number: int, base: int, hour: int) -> None:
        self.number = number
        self.base = base
        self.hour = hour


class Identity:
    """Which outbox this is."""

    __slots__ = ("created", "generation", "outbox")

    def __init__(self, outbox: bytes, generation: int, created: int) -> None:
        self.outbox = outbox
        self.generation = generation
        self.created = created

    def encode(self) -> bytes:
        """The first 44 bytes of the file."""
        data = _IDENTITY.pack(MAGIC, VERSION, REVISION, self.generation, self.outbox, self.created)
        return data + _CRC.pack(crc32(data))


def decode_identity(data: bytes, path: str) -> Identity | None:
    """The identity in a state file's first bytes, None if these are damaged.

    Args:
        data: at least the first 44 bytes.
        path: of the file, for the message.

    Raises:
        OutboxUnavailable: another version wrote it (FORMAT I11).
    """
    if len(data) < 44 or _CRC.unpack_from(data, 40)[0] != crc32(data[:40]):
        return None
    magic, version, revision, generation, outbox, created = _IDENTITY.unpack_from(data)
    if magic != MAGIC:
        return None
    if version == VERSION and revision < REVISION:
        raise OutboxUnavailable(
            f"{path} is of the former format ({version}.{revision}, before the first release): let "
            "the relay that belongs to it deliver what waits, then move the outbox away. Nothing "
            "was changed"
        )
    if (version, revision) != (VERSION, REVISION):
        raise OutboxUnavailable(
            f"{path} has format {version}.{revision}, this client knows {VERSION}.{REVISION}: "
            "upgrade the client. Nothing was changed"
        )
    return Identity(outbox, generation, created)


def new_identity(created: int) -> Identity:
    """Generation 1 of an outbox that did not exist before."""
    random = int.from_bytes(os.urandom(16), "big")
    outbox = random & ~(0xF << 76 | 0b11 << 62) | 4 << 76 | 0b10 << 62
    return Identity(outbox.to_bytes(16, "big"), 1, created)


class OutboxState:
    """The file's contents."""

    def __init__(self, data: bytes | mmap) -> None:
        """View a buffer of full length; shorter bytes are padded with zeros."""
        if len(data) < STATE_BYTES:
            data = bytes(data).ljust(STATE_BYTES, b"\0")
        self.words = memoryview(data).cast("Q")
        self._data = data

    def identity(self, path: str) -> Identity | None:
        """Which outbox this is; None if that is damaged.

        Raises:
            OutboxUnavailable: as `decode_identity`.
        """
        return decode_identity(self._data[:44], path)

    def next_sequence(self) -> int | None:
        """The sequence of the next record; None if that is damaged."""
        sequence = self.words[NEXT_SEQUENCE]
        matches = self.words[COMPLEMENT] == sequence ^ ALL_ONES
        return sequence if matches and 0 < sequence <= LAST_SEQUENCE else None

    def newest_cycle(self) -> NewestCycle | None:
        """The newest cycle; None if that is damaged or there has been none."""
        number, base, hour, check = self.words[CYCLE : CYCLE + 4]
        if number ^ base ^ hour ^ _CHECK != check:
            return None
        return NewestCycle(number, base, hour)

    def failed_cycles(self) -> set[int]:
        """The cycles to which nothing is appended again."""
        return {word - 1 for word in self.words[FAILED : FAILED + FAILED_SLOTS] if word}


class StateFile(OutboxState):
    """The mapped file. Changed only by the holder of the writers' lock."""

    def __init__(self, file: File) -> None:
        """Map a file of full length."""
        self.file = file
        self.fd = file.fd
        self.map = mmap(file.fd, STATE_BYTES)
        super().__init__(self.map)

    def read(self) -> memoryview | None:
        """The words up to the synced range, by a read; None if the file was cut or cannot be read.

        For those who have no lock: nothing is known of it that was looked at before.
        """
        try:
            data = os.pread(self.fd, _SHARED_BYTES, 0)
        except OSError as problem:
            if problem.errno is None:
                raise  # a signal handler's TimeoutError
            return None
        return memoryview(data).cast("Q") if len(data) == _SHARED_BYTES else None

    def is_whole(self) -> bool:
        """Whether the file has its length, so that the mapping can be touched."""
        return os.lseek(self.fd, 0, os.SEEK_END) == STATE_BYTES

    def set_next_sequence(self, sequence: int, disk: Disk) -> None:
        """Book the sequences below."""
        disk.store(self.words, NEXT_SEQUENCE, sequence, "state")
        disk.store(self.words, COMPLEMENT, sequence ^ ALL_ONES, "state")

    def set_newest_cycle(self, newest: NewestCycle, disk: Disk) -> None:
        """Book a new cycle."""
        check = newest.number ^ newest.base ^ newest.hour ^ _CHECK
        for index, word in enumerate((newest.number, newest.base, newest.hour, check)):
            disk.store(self.words, CYCLE + index, word, "state")

    def mark_failed(self, number: int, disk: Disk) -> None:
        """Never append to this cycle again."""
        slots = list(self.words[FAILED : FAILED + FAILED_SLOTS])
        if number + 1 not in slots:
            slot = slots.index(min(slots))  # a free one, else that of the oldest
            disk.store(self.words, FAILED + slot, number + 1, "state")
