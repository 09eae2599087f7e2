"""``append.failures``: refused appends, counted by reason for the relay to export."""

from __future__ import annotations

import fcntl
import os
from struct import Struct

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
    from outbox_client._directory import Directory

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


def count_failure(directory: Directory, problem: OutboxError) -> None:
    """Count a refused append if that is possible at once; else the count is lost."""
    try:
        reason = REASONS.index(type(problem))
        if directory.gid < 0:
            directory.prepare()
        fd = directory.create(directory.file("append.failures"))
    except (OSError, OutboxError, ValueError):
        return
    try:
        # Closing the descriptor gives the lock back.
        fcntl.lockf(fd, fcntl.LOCK_EX | fcntl.LOCK_NB, 1, reason)
        if os.fstat(fd).st_size < FILE_BYTES:
            os.ftruncate(fd, FILE_BYTES)
        (count,) = _COUNTER.unpack(os.pread(fd, 8, 8 * reason))
        os.pwrite(fd, _COUNTER.pack(count + 1), 8 * reason)
    except OSError:
        pass
    finally:
        os.close(fd)
