"""Append events durably to a local outbox, from which a relay delivers them to Kafka.

Start at `Outbox`. Errors are shown as a tree in `outbox_client._errors`; `outbox_client.testing`
helps to test code that appends.
"""

from __future__ import annotations

from outbox_client._errors import (
    EventTooLarge,
    InvalidEvent,
    OutboxBusy,
    OutboxCorrupt,
    OutboxError,
    OutboxFull,
    OutboxUnavailable,
)
from outbox_client._outbox import Outbox
from outbox_client._receipt import Receipt

TYPE_CHECKING = False
if TYPE_CHECKING:
    from outbox_client._outbox_reader import Status
    from outbox_client._outcomes_file import DeliveryOutcome

__all__ = [
    "DeliveryOutcome",
    "EventTooLarge",
    "InvalidEvent",
    "Outbox",
    "OutboxBusy",
    "OutboxCorrupt",
    "OutboxError",
    "OutboxFull",
    "OutboxUnavailable",
    "Receipt",
    "Status",
]


def __getattr__(name: str) -> object:
    # What appending does not need is imported when it is asked for.
    if name == "DeliveryOutcome":
        from outbox_client._outcomes_file import DeliveryOutcome

        return DeliveryOutcome
    if name == "Status":
        from outbox_client._outbox_reader import Status

        return Status
    if name == "__version__":
        from importlib.metadata import version

        return version("outbox-client")
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
