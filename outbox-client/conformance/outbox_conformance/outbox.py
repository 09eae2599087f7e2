"""A whole outbox as bytes in memory, from FORMAT.md alone.

It appends as a writer does, and knows where it stands whatever a test does to the bytes: so it can
say what a writer must make of a damaged outbox.
"""

from __future__ import annotations

import os
import struct
import zlib
from dataclasses import dataclass
from typing import TYPE_CHECKING

from . import cyclefile, identity, records, sparsefiles
from .cyclefile import FAST_HOURLY, HOUR, CycleImage, Layout
from .listing import NO_CYCLES, metadata
from .sparsefiles import SparseFile

if TYPE_CHECKING:
    import uuid

    from .records import Event

GIB = 1 << 30
FAILED_SLOTS = 16
METADATA = "queue/metadata.cq4t"
STATE = "outbox.state"
POSITION = "relay.position"
_U64 = struct.Struct("<Q")
_CHECK = int.from_bytes(b"OBXCHECK", "little")
_MASK = (1 << 64) - 1


def position(
    count: int,
    sequence: int,
    event_id: uuid.UUID,
    cycle: int,
    offset: int,
    entry: int,
    settled_bytes: int,
    clock: int,
    outbox_id: uuid.UUID,
    held_bytes: int = 0,
) -> SparseFile:
    """Return relay.position with one valid slot."""
    covered = struct.pack(
        "<QQB7xQ16sQQQQq16sQ",
        count,
        1,
        0,
        sequence,
        event_id.bytes,
        cycle,
        offset,
        cycle << 32 | entry,
        settled_bytes,
        clock,
        outbox_id.bytes,
        held_bytes,
    )
    slot = b"OBXPOSIT" + struct.pack("<II", 1, zlib.crc32(covered)) + covered
    file = SparseFile(size=8192)
    file.write((count - 1) % 2 * 4096, slot)
    return file


@dataclass(frozen=True)
class Published:
    """A record and where it stands."""

    cycle: int
    offset: int
    record: records.Record

    @property
    def index(self) -> int:
        """The Chronicle index."""
        return self.cycle << 32 | self.record.entry


class OutboxImage:
    """An outbox's files and the writer's view of them."""

    def __init__(self, outbox_id: uuid.UUID, clock: int) -> None:
        self.outbox_id = outbox_id
        self.generation = 1
        self.created = clock
        self.clock = clock
        self.next_sequence = 1
        self.base = 0
        self.cycle_hour = 0
        self.failed: list[int] = []
        self.cycles: list[CycleImage] = []
        self.mod_count = clock
        self.layout: Layout = FAST_HOURLY
        self.published: list[Published] = []
        self.files: dict[str, SparseFile] = {"outbox.lock": SparseFile()}
        self.write_metadata()
        self.write_state()

    @property
    def newest(self) -> CycleImage:
        """The cycle that is appended to."""
        return self.cycles[-1]

    def append(self, *events: Event, roll_bytes: int = GIB) -> int:
        """Append as a writer does, several as a batch; return the first record's offset."""
        hour = self.clock // HOUR
        if not self.cycles:
            self.begin_cycle(hour, 0)
        elif not self._stays(events, hour, roll_bytes):
            self.roll()
        published = self.publish(*events)
        self.book(*published)
        return published[0].offset

    def _stays(self, events: tuple[Event, ...], hour: int, roll_bytes: int) -> bool:
        newest = self.newest
        end = newest.tail + sum(4 + len(each) for each in self.encoded(*events))
        fits = newest.entries == 0 or end < roll_bytes
        return fits and self.cycle_hour - 24 <= hour <= self.cycle_hour

    def record(self, event: Event, number: int = 0, count: int = 1) -> records.Record:
        """Return the record that would be written now.

        Args:
            event: that it holds.
            number: its place in a batch, from 0.
            count: of the records in the batch.
        """
        entry = self.newest.entries + number
        return records.Record(
            entry=entry,
            sequence=self.next_sequence + number,
            append_time=self.clock,
            timestamp=self.clock if event.timestamp is None else event.timestamp,
            event_id=event.event_id,
            topic=event.topic,
            key=event.key,
            value=event.value,
            headers=event.headers,
            partition=event.partition,
            batch=number < count - 1,
            continued=number > 0,
            prologue=None if entry else self.prologue(),
        )

    def prologue(self) -> records.Prologue:
        """Return what the newest cycle's first record carries."""
        return records.Prologue(self.outbox_id, self.generation, self.base, self.cycle_hour)

    def place(self, offset: int) -> records.Place:
        """Return a place in the newest cycle."""
        return records.Place(self.outbox_id, self.newest.cycle, offset)

    def encoded(self, *events: Event) -> list[bytes]:
        """Return the records, one or a batch, that would be written now."""
        offset = self.newest.tail
        encoded = []
        for number, event in enumerate(events):
            record = self.record(event, number, len(events))
            encoded.append(records.encode(record, self.place(offset)))
            offset += 4 + len(encoded[-1])
        return encoded

    def publish(self, *events: Event) -> list[Published]:
        """Write and publish a record or a batch without booking it."""
        made = [self.record(event, each, len(events)) for each, event in enumerate(events)]
        offsets = self.newest.write(*self.encoded(*events))
        published = [
            Published(self.newest.cycle, offset, record)
            for offset, record in zip(offsets, made, strict=True)
        ]
        self.published += published
        self.next_sequence += len(events)
        return published

    def book(self, *published: Published) -> None:
        """Write what follows the publishing of records."""
        self.write_state()
        for each in published:
            self.newest.book(each.offset, each.record.entry)

    def roll(self, *, end: bool = True, newest_end: int | None = None) -> None:
        """End the newest cycle and begin the next; a failed one is not ended.

        Args:
            end: whether EOF is written.
            newest_end: what counts as the newest cycle's end if that is not its tail.
        """
        if end:
            self.newest.end()
        hour = self.clock // HOUR
        newest = self.newest.cycle
        counted = self.newest.tail if newest_end is None else newest_end
        base = self.base + counted - self.newest.first_data
        self.begin_cycle(hour if newest < hour <= newest + 24 else newest + 1, base)

    def begin_cycle(self, cycle: int, base: int) -> None:
        """Create a cycle file, list it and note it in the state."""
        self.create_file(cycle)
        self.base = base
        self.cycle_hour = self.clock // HOUR
        self.mod_count += 1
        self.write_metadata()
        self.write_state()

    def create_file(self, cycle: int) -> None:
        """Create a cycle file, and no more."""
        file = cyclefile.new_file(self.layout)
        self.files[cycle_path(cycle)] = file
        self.cycles.append(CycleImage(cycle, file))

    def fail_newest(self) -> None:
        """Note in the state that the newest cycle can't be continued."""
        if len(self.failed) < FAILED_SLOTS:
            self.failed.append(self.newest.cycle)
        else:
            self.failed[self.failed.index(min(self.failed))] = self.newest.cycle
        self.write_state()

    def write_metadata(self) -> None:
        """Write the listing afresh."""
        numbers = [cycle.cycle for cycle in self.cycles]
        highest, lowest = (numbers[-1], numbers[0]) if numbers else NO_CYCLES
        self.files[METADATA] = metadata(highest, lowest, self.mod_count)

    def write_state(self) -> None:
        """Write outbox.state afresh."""
        known = identity.Identity(self.outbox_id, self.generation, self.created)
        state = SparseFile(known.encode(), 4096)
        state.write(64, _U64.pack(self.next_sequence))
        state.write(72, _U64.pack(self.next_sequence ^ _MASK))
        if self.cycles:
            cycle = self.newest.cycle
            check = cycle ^ self.base ^ self.cycle_hour ^ _CHECK
            state.write(80, struct.pack("<QQqQ", cycle, self.base, self.cycle_hour, check))
        for slot, cycle in enumerate(self.failed):
            state.write(128 + 8 * slot, _U64.pack(cycle + 1))
        self.files[STATE] = state


def cycle_path(cycle: int) -> str:
    """Return a cycle file's path within the outbox."""
    return f"queue/{cyclefile.name(cycle)}"


def materialise(
    files: dict[str, SparseFile], directory: str, links: dict[str, str] | None = None
) -> None:
    """Write an outbox to disk, with the modes that FORMAT.md asks for.

    Args:
        files: by their paths within the outbox.
        directory: the outbox.
        links: second names of files, by their paths.
    """
    for folder in (directory, os.path.join(directory, "queue")):
        os.makedirs(folder, exist_ok=True)
        os.chmod(folder, 0o2770)
    for path, file in files.items():
        with open(os.path.join(directory, path), "wb") as out:
            sparsefiles.store(file, out.fileno())
            os.fchmod(out.fileno(), 0o660)
    for path, target in (links or {}).items():
        os.link(os.path.join(directory, target), os.path.join(directory, path))
