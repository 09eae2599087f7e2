"""``OUTBOX_MAX_BYTES``: how much may wait for delivery."""

from __future__ import annotations

from outbox_client._errors import OutboxFull
from outbox_client._position_file import read_position

# Others may have begun to hold bytes meanwhile, in parked topics and dead letters.
_LOOK_AGAIN_MS = 1000


class Cap:
    """Compares what is appended with what is settled, as the relay has noted it."""

    __slots__ = ("_looked_at", "_max_bytes", "_path", "_settled")

    def __init__(self, max_bytes: int, path: str) -> None:
        """Read nothing yet.

        Args:
            max_bytes: that may wait.
            path: of the position.
        """
        self._max_bytes = max_bytes
        self._path = path
        self._settled = 0
        self._looked_at: int | None = None

    def check(self, appended: int, outbox: bytes, now: int) -> None:
        """Refuse an append that would leave more undelivered bytes.

        Args:
            appended: bytes in all cycles, with the one to be appended.
            outbox: its id; what another one's relay has settled counts nothing.
            now: milliseconds since the epoch.

        Raises:
            OutboxFull: it would.
        """
        looked_at = self._looked_at
        recent = looked_at is not None and 0 <= now - looked_at < _LOOK_AGAIN_MS
        if recent and appended - self._settled <= self._max_bytes:
            return
        self._looked_at = now
        position = read_position(self._path)
        if position is not None and position.outbox == outbox:
            self._settled = position.settled_bytes - position.held_bytes
        else:
            self._settled = 0
        backlog = appended - self._settled
        if backlog > self._max_bytes:
            raise OutboxFull(
                f"{backlog} bytes would wait for delivery, OUTBOX_MAX_BYTES allows "
                f"{self._max_bytes}: nothing was appended. Is the relay running, and Kafka "
                "reachable? See 'outbox status'"
            )
