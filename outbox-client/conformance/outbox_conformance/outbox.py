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

from . import cyclefile, records
from .cyclefile import FAST_HOURLY, HOUR, CycleImage, Layout
from .sparsefiles import SparseFile

if TYPE_CHECKING:
    import uuid

    from .records import Event

GIB = 1 << 30
METADATA = "queue/metadata.cq4t"
STATE = "outbox.state"
POSITION = "relay.position"
_U64 = struct.Struct("<Q")
_I64 = struct.Struct("<q")
_CHECK = int.from_bytes(b"OBXCHECK", "little")
_MASK = (1 << 64) - 1

_METADATA_HEADER = (
    b"\xb9\x06header\xb6\x07STStore\x82"
    + struct.pack("<I", 0x82)
    + b"\xc8wireType\xb6\x08WireType\xecBINARY_LIGHT\xc8metadata\xb6\x07SCQMeta\x82"
    + struct.pack("<I", 0x49)
    + b"\xc4roll\xb6\x08SCQSRoll\x82"
    + struct.pack("<I", 0x2A)
    + b"\xc6length\xa6"
    + struct.pack("<I", HOUR)
    + b"\xc6format\xeeyyyyMMdd-HH'F'\xc5epoch\xa1\x00\xc8sourceId\xa1\x00\x8f\x8f"
)
_UNLOCKED = -(1 << 63)
NO_CYCLES = (-(1 << 31), (1 << 31) - 1)


def metadata(highest: int, lowest: int, mod_count: int) -> SparseFile:
    """Return metadata.cq4t."""
    table = {
        "listing.highestCycle": highest,
        "listing.lowestCycle": lowest,
        "listing.modCount": mod_count,
        "chronicle.write.lock": _UNLOCKED,
        "chronicle.append.lock": _UNLOCKED,
        "chronicle.lastIndexReplicated": -1,
        "chronicle.lastAcknowledgedIndexReplicated": -1,
        "chronicle.lastIndexMSynced": -1,
    }
    data = struct.pack("<I", cyclefile.META | len(_METADATA_HEADER)) + _METADATA_HEADER
    for key, value in table.items():
        entry = bytes(len(data) % 8 + 4) + b"\xb9" + bytes([len(key)]) + key.encode()
        entry = cyclefile.aligned(entry, b"\xa7")[len(data) % 8 + 4 :] + _I64.pack(value)
        data += struct.pack("<I", len(entry)) + entry
    return SparseFile(data, 131072)


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
        0,
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

    def append(self, event: Event, *, roll_bytes: int = GIB) -> int:
        """Append as a writer does; return the record's offset."""
        hour = self.clock // HOUR
        if not self.cycles:
            self.begin_cycle(hour, 0)
        elif not self._stays(event, hour, roll_bytes):
            self.roll()
        offset, entry = self.publish(event)
        self.book(offset, entry)
        return offset

    def _stays(self, event: Event, hour: int, roll_bytes: int) -> bool:
        length = len(records.encode(self.record(event)))
        return (
            self.newest.tail + 4 + length < roll_bytes
            and self.cycle_hour - 24 <= hour <= self.cycle_hour
        )

    def record(self, event: Event) -> records.Record:
        """Return the record that would be written now."""
        first = self.newest.entries == 0
        return records.Record(
            entry=self.newest.entries,
            sequence=self.next_sequence,
            append_time=self.clock,
            timestamp=self.clock if event.timestamp is None else event.timestamp,
            event_id=event.event_id,
            topic=event.topic,
            key=event.key,
            value=event.value,
            headers=event.headers,
            prologue=records.Prologue(self.outbox_id, self.generation, self.base, self.cycle_hour)
            if first
            else None,
        )

    def publish(self, event: Event) -> tuple[int, int]:
        """Write and publish a record without booking it; return its offset and entry."""
        record = self.record(event)
        offset = self.newest.write(records.encode(record))
        self.published.append(Published(self.newest.cycle, offset, record))
        self.next_sequence += 1
        return offset, record.entry

    def book(self, offset: int, entry: int) -> None:
        """Write what follows the publishing of a record."""
        self.write_state()
        self.newest.book(offset, entry)

    def roll(self, *, end: bool = True, tail_known: bool = True) -> None:
        """End the newest cycle and begin the next; a failed one is not ended."""
        if end:
            self.newest.end()
        hour = self.clock // HOUR
        newest = self.newest.cycle
        base = self.base
        if tail_known:
            base += self.newest.tail - self.newest.first_data
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
        self.failed.append(self.newest.cycle)
        self.write_state()

    def write_metadata(self) -> None:
        """Write the listing afresh."""
        numbers = [cycle.cycle for cycle in self.cycles]
        highest, lowest = (numbers[-1], numbers[0]) if numbers else NO_CYCLES
        self.files[METADATA] = metadata(highest, lowest, self.mod_count)

    def write_state(self) -> None:
        """Write outbox.state afresh."""
        identity = b"OBXSTATE" + struct.pack(
            "<II16sq", 1, self.generation, self.outbox_id.bytes, self.created
        )
        state = SparseFile(identity + struct.pack("<I", zlib.crc32(identity)), 4096)
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


def materialise(files: dict[str, SparseFile], directory: str) -> None:
    """Write an outbox to disk, with the modes that FORMAT.md asks for."""
    for folder in (directory, os.path.join(directory, "queue")):
        os.makedirs(folder, exist_ok=True)
        os.chmod(folder, 0o2770)
    for path, file in files.items():
        with open(os.path.join(directory, path), "wb") as out:
            out.write(file.data)
            out.truncate(file.size)
            os.fchmod(out.fileno(), 0o660)
