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


def count_failure(directory: Directory, kind: type[OutboxError]) -> None:
    """Count a refused append if that is possible at once; else the count is lost."""
    try:
        reason = REASONS.index(kind)
        if directory.gid < 0:
            directory.prepare()
        file = directory.create(directory.file("append.failures"))
    except (OSError, OutboxError, ValueError, Warning) as another:
        _pass_on(another)
        return
    try:
        with file:  # closing it gives the lock back
            fcntl.lockf(file.fd, fcntl.LOCK_EX | fcntl.LOCK_NB, 1, reason)
            if file.opened.st_size < FILE_BYTES:
                os.ftruncate(file.fd, FILE_BYTES)
            (count,) = _COUNTER.unpack(os.pread(file.fd, 8, 8 * reason))
            os.pwrite(file.fd, _COUNTER.pack(count + 1), 8 * reason)
    except OSError as another:
        _pass_on(another)


def _pass_on(problem: Exception) -> None:
    if isinstance(problem, OSError) and problem.errno is None:
        raise problem  # a signal handler's TimeoutError
