"""Builds a state: appends events, damages bytes, appends the next event to what is recovered."""

from __future__ import annotations

import uuid
from collections.abc import Callable
from dataclasses import dataclass, field

from ..outbox import GIB, STATE, OutboxImage, Published
from ..records import Event
from ..scanner import Problem
from ..sparsefiles import SparseFile

MIDNIGHT = 1_767_225_600_000  # 2026-01-01T00:00:00Z
OUTBOX_ID = uuid.UUID("0b0c5b1e-5a3d-4c6f-9e2a-7d1f00c0ffee")
Files = dict[str, SparseFile]
Recovery = Callable[[OutboxImage], None]


def event_id(number: int) -> uuid.UUID:
    """Return a UUID of version 7 made of a number."""
    return uuid.UUID(f"019b76da-a800-7000-8000-{number:012x}")


def plain(number: int, size: int = 0) -> Event:
    """Return an event with a key and a JSON value, padded to a size."""
    return Event(event_id(number), key=b"k", value=(b'{"n":%d}' % number).ljust(size))


NEXT = Event(event_id(0xFFFF), key=b"next", value=b'{"next":true}')


@dataclass
class State:
    """An outbox before and after the next append.

    Attributes:
        clock: when the next event is appended, and when a client opens the outbox for it.
        records: what a reader finds before.
        appended: what the next append must yield.
        writable: playing the records against an empty outbox yields these very bytes.
        chronicle: Chronicle reads all of the records.
    """

    name: str
    about: str
    before: Files
    after: Files
    clock: int
    records: list[Published]
    appended: Published
    roll_bytes: int
    problems: list[Problem]
    problems_after: list[Problem]
    writable: bool
    chronicle: bool


@dataclass
class Builder:
    """An outbox in the making."""

    image: OutboxImage = field(default_factory=lambda: OutboxImage(OUTBOX_ID, MIDNIGHT + 600_000))
    roll_bytes: int = GIB
    lost: set[int] = field(default_factory=set)

    def three(self) -> Builder:
        """Append three plain events."""
        return self.several(3)

    def several(self, count: int, size: int = 0) -> Builder:
        """Append plain events."""
        for number in range(1, count + 1):
            self.append(plain(number, size))
        return self

    def append(self, event: Event, *, after: int = 1) -> None:
        """Append an event when so many milliseconds have gone by."""
        self.image.clock += after
        self.image.append(event, roll_bytes=self.roll_bytes)

    def publish_unbooked(self, event: Event) -> tuple[int, int]:
        """Leave what a writer leaves that dies right after it published."""
        state = self.image.files[STATE].copy()
        self.image.clock += 1
        place = self.image.publish(event)
        self.image.files[STATE] = state
        return place

    def problem(self, kind: str, offset: int) -> list[Problem]:
        """Return the problem that a reader must report in the newest cycle."""
        return [Problem(self.image.newest.cycle, offset, kind)]

    def offset(self, sequence: int) -> int:
        """Return where a record stands."""
        return self.image.published[sequence - 1].offset

    def flip(self, offset: int) -> None:
        """Flip a bit of the newest cycle file."""
        file = self.image.newest.file
        file.write(offset, bytes([file.data[offset] ^ 0x20]))

    def finish(
        self,
        name: str,
        about: str,
        *,
        recover: Recovery = lambda _image: None,
        problems: list[Problem] | None = None,
        problems_after: list[Problem] | None = None,
        writable: bool = False,
        chronicle: bool = True,
    ) -> State:
        """Take the state as it stands, recover as a writer must, append the next event."""
        image = self.image
        before = self._snapshot()
        records = [found for found in image.published if found.record.sequence not in self.lost]
        image.clock += 1000
        recover(image)
        image.append(NEXT, roll_bytes=self.roll_bytes)
        return State(
            name=name,
            about=about,
            before=before,
            after=self._snapshot(),
            clock=image.clock,
            records=records,
            appended=image.published[-1],
            roll_bytes=self.roll_bytes,
            problems=problems or [],
            problems_after=problems_after or [],
            writable=writable,
            chronicle=chronicle,
        )

    def _snapshot(self) -> Files:
        return {path: file.copy() for path, file in sorted(self.image.files.items())}
