"""Append events durably to a local outbox."""

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

__all__ = [
    "EventTooLarge",
    "InvalidEvent",
    "Outbox",
    "OutboxBusy",
    "OutboxCorrupt",
    "OutboxError",
    "OutboxFull",
    "OutboxUnavailable",
    "Receipt",
]
