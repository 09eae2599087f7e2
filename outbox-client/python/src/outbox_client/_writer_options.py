"""With what an outbox is opened for appending."""

from __future__ import annotations

from outbox_client._roll_rule import ROLL_BYTES

TYPE_CHECKING = False
if TYPE_CHECKING:
    from outbox_client._disk import Disk
    from outbox_client._outbox_directory import OutboxDirectory


class WriterOptions:
    """Settings of a writer.

    Attributes:
        directory: of the outbox.
        disk: how files are changed.
        max_bytes: cap on appended but not settled bytes; None for none.
        lock_timeout: seconds to wait for locks.
        roll_bytes: a record that would end there begins a new cycle.
    """

    __slots__ = ("directory", "disk", "lock_timeout", "max_bytes", "roll_bytes")

    def __init__(
        self,
        directory: OutboxDirectory,
        disk: Disk,
        max_bytes: int | None = None,
        lock_timeout: float = 5.0,
        roll_bytes: int = ROLL_BYTES,
    ) -> None:
        self.directory = directory
        self.disk = disk
        self.max_bytes = max_bytes
        self.lock_timeout = lock_timeout
        self.roll_bytes = roll_bytes
