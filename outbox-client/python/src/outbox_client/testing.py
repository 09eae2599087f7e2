"""For tests of code that appends: read back what was appended.

::

    import pytest
    from outbox_client.testing import TemporaryOutbox, temporary_outbox


    @pytest.fixture
    def outbox():
        with temporary_outbox() as outbox:
            yield outbox


    def test_an_order_is_announced(outbox: TemporaryOutbox) -> None:
        place_order(1)  # appends through Outbox(), which reads OUTBOX_DIR
        (event,) = outbox.events()
        assert event.topic == "orders"
        assert event.json() == {"id": 1}

The files are real: what is read has passed the checks of length, CRC and order that the relay
makes.
"""

from __future__ import annotations

import contextlib
import json
import os
import tempfile
import warnings
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any
from uuid import UUID

from outbox_client._cycle_scanner import scan
from outbox_client._outbox import Outbox

if TYPE_CHECKING:
    from collections.abc import Generator

    from outbox_client._record_codec import OutboxRecord

__all__ = ["Event", "TemporaryOutbox", "read_events", "temporary_outbox"]


@dataclass(frozen=True)
class Event:
    """An event as it was recorded.

    Attributes:
        topic: its Kafka topic.
        key: None for none.
        value: None for a tombstone.
        headers: in order, with repetitions.
        event_id: its id.
        timestamp: milliseconds since the epoch: the caller's, else the time of the append.
        sequence: within the outbox, from 1.
        append_time: milliseconds since the epoch.
        partition: the caller's; None if Kafka's partitioner is to choose.
    """

    topic: str
    key: bytes | None
    value: bytes | None
    headers: tuple[tuple[str, bytes | None], ...]
    event_id: UUID
    timestamp: int
    sequence: int
    append_time: int
    partition: int | None = None

    def json(self) -> Any:
        """The value, parsed as JSON; None for a tombstone."""
        return None if self.value is None else json.loads(self.value)

    def header(self, name: str) -> bytes | None:
        """The value of the last header of this name.

        Raises:
            KeyError: there is none.
        """
        return dict(self.headers)[name]


def read_events(path: str | os.PathLike[str]) -> list[Event]:
    """All events of an outbox that are on disk, delivered or not.

    Args:
        path: of the outbox; not of its ``queue/``.

    Raises:
        OutboxCorrupt: a check failed; the message says where.
        OutboxUnavailable: there is no outbox, or it cannot be read.
    """
    name = os.fspath(path)
    return [_event(record) for record in scan(name)]


def _event(record: OutboxRecord) -> Event:
    return Event(
        topic=record.topic,
        key=record.key,
        value=record.value,
        headers=tuple(record.headers()),
        event_id=UUID(bytes=record.event_id),
        timestamp=record.timestamp,
        sequence=record.sequence,
        append_time=record.append_time,
        partition=record.partition,
    )


class TemporaryOutbox:
    """What `temporary_outbox` yields.

    Attributes:
        path: of the outbox.
        outbox: an `Outbox` on it.
    """

    def __init__(self, path: str) -> None:
        self.path = path
        self.outbox = Outbox(path)

    def events(self) -> list[Event]:
        """What has been appended so far, by any process."""
        return read_events(self.path) if os.path.isdir(self.path) else []


@contextlib.contextmanager
def temporary_outbox(*, set_environment: bool = True) -> Generator[TemporaryOutbox, None, None]:
    """An outbox in a directory of its own, removed at the end.

    Args:
        set_environment: also let ``OUTBOX_DIR`` name it meanwhile.
    """
    with contextlib.ExitStack() as stack:
        parent = stack.enter_context(tempfile.TemporaryDirectory(prefix="outbox-"))
        stack.enter_context(warnings.catch_warnings())
        # A container's own file system is good enough for a test.
        warnings.filterwarnings("ignore", message="outbox .* is on overlayfs")
        temporary = TemporaryOutbox(os.path.join(parent, "outbox"))
        stack.callback(temporary.outbox.close)
        if set_environment:
            stack.callback(_restore, "OUTBOX_DIR", os.environ.get("OUTBOX_DIR"))
            os.environ["OUTBOX_DIR"] = temporary.path
        yield temporary


def _restore(name: str, value: str | None) -> None:
    if value is None:
        os.environ.pop(name, None)
    else:
        os.environ[name] = value
