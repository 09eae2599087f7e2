"""`Outbox`: the public way in."""

from __future__ import annotations

import os

from outbox_client._directory import POWER, Directory
from outbox_client._draft import draft
from outbox_client._errors import OutboxUnavailable
from outbox_client._writer import QueueWriter

TYPE_CHECKING = False
if TYPE_CHECKING:
    from uuid import UUID

    from outbox_client._draft import Headers, Text
    from outbox_client._receipt import Receipt

PROCESS = "process"
DEFAULT_LOCK_TIMEOUT = 5.0


class Outbox:
    """A durable local queue, from which the relay delivers to Kafka."""

    def __init__(
        self,
        path: str | os.PathLike[str] | None = None,
        *,
        durability: str | None = None,
        max_bytes: int | None = None,
        lock_timeout: float = DEFAULT_LOCK_TIMEOUT,
    ) -> None:
        environ = os.environ
        if path is None:
            path = environ.get("OUTBOX_DIR") or None
            if path is None:
                raise OutboxUnavailable("OUTBOX_DIR is not set")
        path = os.fspath(path)
        if not os.path.isabs(path):
            raise OutboxUnavailable(f"outbox path {path!r} is not absolute")
        durability = durability or environ.get("OUTBOX_DURABILITY") or PROCESS
        directory = Directory(
            os.path.normpath(path),
            power=durability == POWER,
            trust_parent=environ.get("OUTBOX_TRUST_PARENT") == "1",
        )
        self._writer = QueueWriter(
            directory, durability=durability, max_bytes=max_bytes, lock_timeout=lock_timeout
        )

    def append(
        self,
        value: Text | None,
        *,
        topic: str,
        key: Text | None = None,
        headers: Headers | None = None,
        event_id: UUID | str | bytes | None = None,
        timestamp: int | None = None,
    ) -> Receipt:
        """Append."""
        return self._writer.append(draft(value, topic, key, headers, event_id, timestamp))
