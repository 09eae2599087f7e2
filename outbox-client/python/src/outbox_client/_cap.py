"""``OUTBOX_MAX_BYTES``: how much may wait for delivery."""

from __future__ import annotations

from outbox_client._errors import OutboxFull
from outbox_client._position_file import settled_position

# After so much the position is read again although what is known of it leaves room: the relay may
# have begun to hold bytes meanwhile, in parked topics and dead letters.
_TRUST_BYTES = 1 << 20
_TRUST_PART = 64


class Cap:
    """Compares what is appended with what is settled, as the relay has noted it."""

    __slots__ = ("_max_bytes", "_path", "_settled", "_trusted_to")

    def __init__(self, max_bytes: int, path: str) -> None:
        """Read nothing yet.

        Args:
            max_bytes: that may wait.
            path: of the position.
        """
        self._max_bytes = max_bytes
        self._path = path
        self._settled = 0
        self._trusted_to = 0

    def check(self, appended: int, outbox: bytes) -> None:
        """Refuse an append that would leave more undelivered bytes.

        Args:
            appended: bytes in all cycles, with the one to be appended.
            outbox: its id; what another one's relay has settled counts nothing.

        Raises:
            OutboxFull: it would.
        """
        if appended <= self._trusted_to and appended - self._settled <= self._max_bytes:
            return
        self._trusted_to = appended + min(_TRUST_BYTES, self._max_bytes // _TRUST_PART)
        position = settled_position(self._path)
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
