"""The files of an outbox as the reference client changes them, and the lock it does so under."""

from __future__ import annotations

import contextlib
import mmap
import os
import struct
from typing import TYPE_CHECKING

from .. import cyclefile, listing
from ..identity import Identity, of_state
from ..listing import NO_CYCLES

if TYPE_CHECKING:
    import uuid

STATE_LENGTH = 4096
_CHECK = int.from_bytes(b"OBXCHECK", "little")
_MASK = (1 << 64) - 1


def store(descriptor: int, offset: int, value: int, *, width: int = 8) -> None:
    """Make one aligned mapped store."""
    page = offset - offset % mmap.PAGESIZE
    with mmap.mmap(descriptor, mmap.PAGESIZE, offset=page) as mapped:
        words = memoryview(mapped).cast("Q" if width == 8 else "I")
        words[(offset - page) // width] = value & (1 << 8 * width) - 1
        words.release()


def create(path: str) -> int:
    """Open a file for reading and writing; make it, with the outbox's mode, if it is missing."""
    descriptor = os.open(path, os.O_RDWR | os.O_CREAT | os.O_NOFOLLOW, 0o660)
    if os.fstat(descriptor).st_mode & 0o777 != 0o660:
        os.fchmod(descriptor, 0o660)
    return descriptor


def sync_directories(outbox: str) -> None:
    """Bring the names of cycle files and directories to stable storage, whoever made them."""
    for folder in (os.path.join(outbox, "queue"), outbox, os.path.dirname(outbox)):
        sync_directory(folder)


def sync_directory(folder: str) -> None:
    """Bring a directory's entries to stable storage."""
    descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def make_directories(outbox: str) -> None:
    """Make what is missing of `<outbox>` and its queue."""
    for folder in (outbox, os.path.join(outbox, "queue")):
        with contextlib.suppress(FileExistsError):
            os.mkdir(folder)
            os.chmod(folder, 0o2770)


def refuse_links(outbox: str) -> None:
    """Raise OSError if `<outbox>` or its queue is a link.

    This client looks, and goes by paths then: nobody bends them in between here.
    """
    for folder in (outbox, os.path.join(outbox, "queue")):
        os.close(os.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW))


def is_file_of(descriptor: int, path: str) -> bool:
    """Whether a path still names the open file."""
    try:
        there = os.stat(path, follow_symlinks=False)
    except FileNotFoundError:
        return False
    held = os.fstat(descriptor)
    return (there.st_dev, there.st_ino) == (held.st_dev, held.st_ino)


class State:
    """outbox.state, changed by mapped stores."""

    def __init__(self, path: str, identity: Identity) -> None:
        self.path = path
        self.identity = identity
        self.descriptor = create(path)
        data = os.pread(self.descriptor, STATE_LENGTH, 0)
        if of_state(data) != identity or os.fstat(self.descriptor).st_size != STATE_LENGTH:
            os.pwrite(self.descriptor, mended(identity, data), 0)
            os.ftruncate(self.descriptor, STATE_LENGTH)

    @property
    def outbox_id(self) -> uuid.UUID:
        """Whose outbox it is."""
        return self.identity.outbox_id

    def is_current(self) -> bool:
        """Whether this is the file, and has its length."""
        whole = os.fstat(self.descriptor).st_size == STATE_LENGTH
        return whole and is_file_of(self.descriptor, self.path)

    def next_sequence(self) -> int | None:
        """The sequence to be given next, None if it is damaged."""
        return next_sequence(os.pread(self.descriptor, STATE_LENGTH, 0))

    def set_next_sequence(self, sequence: int) -> None:
        """Store the next sequence, and its complement."""
        store(self.descriptor, 64, sequence)
        store(self.descriptor, 72, sequence ^ _MASK)

    def newest(self) -> tuple[int, int, int] | None:
        """Cycle, base and cycle hour of the newest cycle, None if they do not check."""
        return newest_cycle(os.pread(self.descriptor, STATE_LENGTH, 0))

    def set_newest(self, cycle: int, base: int, hour: int) -> None:
        """Store cycle, base and cycle hour where they differ."""
        if self.newest() != (cycle, base, hour):
            for at, value in enumerate((cycle, base, hour, cycle ^ base ^ hour ^ _CHECK)):
                store(self.descriptor, 80 + 8 * at, value)

    def is_failed(self, cycle: int | None) -> bool:
        """Whether no writer appends to a cycle again."""
        return cycle is not None and cycle + 1 in self._failed()

    def mark_failed(self, cycle: int) -> None:
        """Let no writer append to a cycle again."""
        marks = self._failed()
        if cycle + 1 not in marks:
            store(self.descriptor, 128 + 8 * slot_for(marks), cycle + 1)

    def _failed(self) -> list[int]:
        return failed_marks(os.pread(self.descriptor, STATE_LENGTH, 0))


def mended(identity: Identity, data: bytes) -> bytes:
    """The bytes of a state whose identity or length is not right: the rest has its own checks."""
    return identity.encode() + data.ljust(STATE_LENGTH, b"\0")[44:]


def slot_for(marks: list[int]) -> int:
    """The slot for another failed cycle: that of the lowest value."""
    return marks.index(min(marks))


def next_sequence(state: bytes) -> int | None:
    """Return the next sequence in the bytes of outbox.state, None if it is damaged."""
    sequence, complement = struct.unpack_from("<QQ", state.ljust(STATE_LENGTH, b"\0"), 64)
    return int(sequence) if sequence == complement ^ _MASK and sequence else None


def newest_cycle(state: bytes) -> tuple[int, int, int] | None:
    """Return cycle, base and hour in the bytes of outbox.state, None if they do not check."""
    cycle, base, hour, check = struct.unpack_from("<QQQQ", state.ljust(STATE_LENGTH, b"\0"), 80)
    return (cycle, base, hour) if cycle ^ base ^ hour ^ _CHECK == check else None


def failed_marks(state: bytes) -> list[int]:
    """Return the slots of failed cycles in the bytes of outbox.state."""
    return list(struct.unpack_from("<16Q", state.ljust(STATE_LENGTH, b"\0"), 128))


def count_refusal(outbox: str, reason: int) -> None:
    """Count an append that was refused."""
    descriptor = create(os.path.join(outbox, "append.failures"))
    (count,) = struct.unpack("<Q", os.pread(descriptor, 8, 8 * reason))
    os.pwrite(descriptor, struct.pack("<Q", count + 1), 8 * reason)
    os.close(descriptor)


# --- metadata.cq4t ---

_HIGHEST, _LOWEST, _MOD_COUNT = 184, 224, 256


def mend_listing(path: str, now: int) -> None:
    """Make or rewrite metadata.cq4t if it is not what it should be, else bring it up to date."""
    descriptor = create(path)
    try:
        data = os.pread(descriptor, 2 * listing.LENGTH, 0)
        values = [struct.unpack_from("<q", data.ljust(264, b"\0"), at)[0] for at in _VALUES]
        usual = bytes(listing.metadata(*values).data)
        if len(data) != listing.LENGTH or data[:264] != usual[:264]:
            fresh = listing.metadata(*bounds(path), now)
            os.pwrite(descriptor, bytes(fresh.data).ljust(listing.LENGTH, b"\0"), 0)
            os.ftruncate(descriptor, listing.LENGTH)
        elif is_stale(values[:2], bounds(path)):
            write_listing(descriptor, bounds(path))
    finally:
        os.close(descriptor)


_VALUES = (_HIGHEST, _LOWEST, _MOD_COUNT)


def bounds(path: str) -> tuple[int, int]:
    """The highest and lowest cycle beside metadata.cq4t, as it has them."""
    cycles = cyclefile.numbers(os.listdir(os.path.dirname(path)))
    return (cycles[-1], cycles[0]) if cycles else NO_CYCLES


def is_stale(listed: list[int], found: tuple[int, int]) -> bool:
    """Whether the listing does not have the names on disk."""
    return tuple(listed) != found


def write_listing(descriptor: int, found: tuple[int, int]) -> None:
    """Store what is on disk, and that something has changed."""
    mod_count = struct.unpack("<q", os.pread(descriptor, 8, _MOD_COUNT))[0]
    store(descriptor, _HIGHEST, found[0])
    store(descriptor, _LOWEST, found[1])
    store(descriptor, _MOD_COUNT, mod_count + 1)


def new_cycle(queue: str, cycle: int) -> bool:
    """Create a cycle file, unless there is one."""
    path = os.path.join(queue, cyclefile.name(cycle))
    temporary = os.path.join(queue, f".{cyclefile.name(cycle)}.tmp")
    with contextlib.suppress(FileNotFoundError):
        os.unlink(temporary)
    file = cyclefile.new_file(cyclefile.FAST_HOURLY)
    descriptor = os.open(temporary, os.O_RDWR | os.O_CREAT | os.O_EXCL, 0o660)
    try:
        os.fchmod(descriptor, 0o660)
        os.pwrite(descriptor, bytes(file.data), 0)
        os.ftruncate(descriptor, file.size)
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
    try:
        os.link(temporary, path)
    except FileExistsError:
        return False
    else:
        sync_directory(queue)
    finally:
        os.unlink(temporary)
    return True
