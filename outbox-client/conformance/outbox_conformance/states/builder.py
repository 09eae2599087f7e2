"""Builds a state: appends events, damages bytes, appends the next event to what is recovered."""

from __future__ import annotations

import struct
import uuid
from collections.abc import Callable
from dataclasses import dataclass, field

from .. import records
from ..outbox import GIB, POSITION, STATE, OutboxImage, Published, position
from ..records import Event
from ..scanner import Problem, Stop
from ..sparsefiles import SparseFile

MIDNIGHT = 1_767_225_600_000  # 2026-01-01T00:00:00Z
OUTBOX_ID = uuid.UUID("0b0c5b1e-5a3d-4c6f-9e2a-7d1f00c0ffee")
PAGE = 4096
Files = dict[str, SparseFile]
Recovery = Callable[[OutboxImage], None]


def event_id(number: int) -> uuid.UUID:
    """Return a UUID of version 7 made of a number."""
    return uuid.UUID(f"019b76da-a800-7000-8000-{number:012x}")


def plain(number: int, size: int = 0) -> Event:
    """Return an event with a key and a JSON value, padded to a size."""
    return Event(event_id(number), key=b"k", value=(b'{"n":%d}' % number).ljust(size))


def several(first: int, count: int, size: int = 0) -> list[Event]:
    """Return plain events."""
    return [plain(number, size) for number in range(first, first + count)]


NEXT = Event(event_id(0xFFFF), key=b"next", value=b'{"next":true}')


@dataclass
class State:
    """An outbox before and after the next append.

    Attributes:
        clock: when the next event is appended, and when a client opens the outbox for it.
        records: what a reader finds before.
        appended: what the next append must yield, several for a batch; none where it is refused.
        refused: why it is, if it is.
        survivors: what a reader finds after besides these, ahead of what was appended.
        stopped: where a reader must stop, if it must.
        max_bytes: the cap, if there is one.
        writable: playing the records against an empty outbox yields these very bytes.
        chronicle: Chronicle reads all of the records.
        links: second names of files before; none is left after.
    """

    name: str
    about: str
    before: Files
    after: Files
    clock: int
    records: list[Published]
    survivors: list[Published]
    appended: list[Published]
    roll_bytes: int
    max_bytes: int | None
    refused: str | None
    stopped: Stop | None
    links: dict[str, str]
    problems: list[Problem]
    problems_after: list[Problem]
    writable: bool
    chronicle: bool


@dataclass
class Builder:
    """An outbox in the making."""

    image: OutboxImage = field(default_factory=lambda: OutboxImage(OUTBOX_ID, MIDNIGHT + 600_000))
    roll_bytes: int = GIB
    max_bytes: int | None = None
    lost: set[int] = field(default_factory=set)
    links: dict[str, str] = field(default_factory=dict)

    def three(self) -> Builder:
        """Append three plain events."""
        return self.several(3)

    def several(self, count: int, size: int = 0) -> Builder:
        """Append plain events."""
        for event in several(len(self.image.published) + 1, count, size):
            self.append(event)
        return self

    def append(self, *events: Event, after: int = 1) -> None:
        """Append an event, or a batch, when so many milliseconds have gone by."""
        self.image.clock += after
        self.image.append(*events, roll_bytes=self.roll_bytes)

    def publish_unbooked(self, *events: Event) -> list[Published]:
        """Leave what a writer leaves that dies right after it published."""
        state = self.image.files[STATE].copy()
        self.image.clock += 1
        published = self.image.publish(*events)
        self.image.files[STATE] = state
        return published

    def problem(self, kind: str, offset: int) -> list[Problem]:
        """Return the problem that a reader must report in the newest cycle."""
        return [Problem(self.image.newest.cycle, offset, kind)]

    def offset(self, sequence: int) -> int:
        """Return where a record stands."""
        return self._published(sequence).offset

    def end(self, sequence: int) -> int:
        """Return where the next header word is behind a record."""
        return self.offset(sequence) + 4 + self._length(sequence)

    def _published(self, sequence: int) -> Published:
        return next(each for each in self.image.published if each.record.sequence == sequence)

    def _length(self, sequence: int) -> int:
        found = self._published(sequence)
        place = records.Place(OUTBOX_ID, found.cycle, found.offset)
        return len(records.encode(found.record, place))

    def flip(self, offset: int) -> None:
        """Flip a bit of the newest cycle file."""
        file = self.image.newest.file
        file.write(offset, bytes([file.data[offset] ^ 0x20]))

    def damage(self, sequence: int) -> None:
        """Flip a bit behind the fixed part of a record of the newest cycle."""
        self.flip(self.offset(sequence) + 4 + 76)
        self.lost.add(sequence)

    def reseal(self, sequence: int, *changes: tuple[int, bytes]) -> None:
        """Change bytes of a record of the newest cycle, and its CRC with them."""
        offset = self.offset(sequence)
        file = self.image.newest.file
        record = bytearray(file.read(offset + 4, self._length(sequence)))
        for at, data in changes:
            record[at : at + len(data)] = data
        file.write(offset + 4, records.seal(bytes(record), self.image.place(offset)))
        self.lost.add(sequence)

    def header_word(self, sequence: int, word: int) -> None:
        """Change the header word of a record of the newest cycle."""
        self.image.newest.file.write(self.offset(sequence), struct.pack("<I", word))
        self.lost.add(sequence)

    def settle(
        self,
        sequence: int,
        offset: int,
        *,
        settled: int,
        held: int = 0,
        outbox_id: uuid.UUID = OUTBOX_ID,
    ) -> None:
        """Let the relay save a position in the newest cycle."""
        self.image.files[POSITION] = position(
            count=5,
            sequence=sequence,
            event_id=event_id(sequence),
            cycle=self.image.newest.cycle,
            offset=offset,
            entry=self.image.newest.entries - 1,
            settled_bytes=settled,
            clock=self.image.clock,
            outbox_id=outbox_id,
            held_bytes=held,
        )

    def finish(
        self,
        name: str,
        about: str,
        *,
        recover: Recovery = lambda _image: None,
        events: tuple[Event, ...] = (NEXT,),
        later: int = 1000,
        problems: list[Problem] | None = None,
        problems_after: list[Problem] | None = None,
        survivors: list[Published] | None = None,
        refused: str | None = None,
        stopped: Stop | None = None,
        writable: bool = False,
        chronicle: bool = True,
    ) -> State:
        """Take the state as it stands, recover as a writer must, append what comes next."""
        image = self.image
        before = self._snapshot()
        found = [each for each in image.published if each.record.sequence not in self.lost]
        image.clock += later
        appended: list[Published] = []
        if refused is None:
            recover(image)
            image.append(*events, roll_bytes=self.roll_bytes)
            appended = image.published[-len(events) :]
        return State(
            name=name,
            about=about,
            before=before,
            after=before if refused else self._snapshot(),
            clock=image.clock,
            records=found,
            survivors=survivors or [],
            appended=appended,
            roll_bytes=self.roll_bytes,
            max_bytes=self.max_bytes,
            refused=refused,
            stopped=stopped,
            links=self.links,
            problems=problems or [],
            problems_after=(problems_after or []) if refused is None else (problems or []),
            writable=writable,
            chronicle=chronicle,
        )

    def _snapshot(self) -> Files:
        return {path: file.copy() for path, file in sorted(self.image.files.items())}


def fail_and_roll(newest_end: int | None = None) -> Recovery:
    """Return the recovery of a newest cycle that can't be continued.

    Args:
        newest_end: where its last valid record ends, if that is not where its writer ended.
    """

    def recover(image: OutboxImage) -> None:
        image.fail_newest()
        image.roll(end=False, newest_end=newest_end)

    return recover
