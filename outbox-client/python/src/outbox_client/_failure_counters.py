"""``append.failures``: refused appends, counted by reason for the relay to export."""

from __future__ import annotations

import fcntl
import os
from struct import Struct

from outbox_client._disk import Disk
from outbox_client._errors import (
    EventTooLarge,
    InvalidEvent,
    OutboxBusy,
    OutboxCorrupt,
    OutboxError,
    OutboxFull,
    OutboxUnavailable,
)

TYPE_CHECKING = False
if TYPE_CHECKING:
    from outbox_client._outbox_directory import OutboxDirectory
    from outbox_client._safe_files import File, Folder

NAME = "append.failures"
FILE_BYTES = 512
REASONS: tuple[type[OutboxError], ...] = (
    EventTooLarge,
    InvalidEvent,
    OutboxFull,
    OutboxBusy,
    OutboxCorrupt,
    OutboxUnavailable,
)

_COUNTER = Struct("<Q")
_ALL_ONES = 0xFFFFFFFFFFFFFFFF
_DISK = Disk()


def make_counters(root: Folder, disk: Disk) -> None:
    """Make the file and its one block if that is possible, as a full disk has neither to give.

    Never fails for what the outbox or the disk is like: refusals are then counted when they can be.

    Args:
        root: of the outbox.
        disk: by which it is changed.
    """
    try:
        if root.look(NAME).st_size >= FILE_BYTES:
            return
    except OSError as missing:
        _pass_on(missing)
    try:
        with root.create(NAME) as file:
            _fill_up(file, disk)
    except (OSError, OutboxError) as another:
        _pass_on(another)


def count_failure(directory: OutboxDirectory, kind: type[OutboxError]) -> None:
    """Count a refused append if that is possible at once; else the count is lost."""
    try:
        reason = REASONS.index(kind)
        with directory.hold(sync=False) as held:
            file = held.root.create(NAME)
    except (OSError, OutboxError, ValueError, Warning) as another:
        _pass_on(another)
        return
    try:
        with file:  # closing it gives the lock back
            fcntl.lockf(file.fd, fcntl.LOCK_EX | fcntl.LOCK_NB, 1, reason)
            _fill_up(file, _DISK)
            (count,) = _COUNTER.unpack(os.pread(file.fd, 8, 8 * reason))
            os.pwrite(file.fd, _COUNTER.pack(count + 1 & _ALL_ONES), 8 * reason)
    except OSError as another:
        _pass_on(another)


def _fill_up(file: File, disk: Disk) -> None:
    """Write behind all counters: that allocates the block, and no count made meanwhile is lost."""
    if file.opened.st_size < FILE_BYTES:
        disk.pwrite(file.fd, b"\0", FILE_BYTES - 1, "failures")


def _pass_on(problem: Exception) -> None:
    if isinstance(problem, OSError) and problem.errno is None:
        raise problem  # a signal handler's TimeoutError
