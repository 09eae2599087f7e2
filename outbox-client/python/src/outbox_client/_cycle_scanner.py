"""Reading an outbox from its first record to its last, with every check."""

from __future__ import annotations

import os

from outbox_client._cycle_facts import find_prologue, search
from outbox_client._cycle_file import CycleFile, is_free, is_meta
from outbox_client._cycle_layout import cycle_name
from outbox_client._errors import OutboxCorrupt, OutboxUnavailable, system_error
from outbox_client._outbox_directory import OutboxDirectory
from outbox_client._record_codec import BATCH, CONTINUED, OutboxRecord
from outbox_client._safe_files import File, NotRegularError
from outbox_client._state_file import STATE_BYTES, decode_identity
from outbox_client._wire_fields import END_OF_FILE, UnparsableError

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator


def scan(path: str) -> Iterator[OutboxRecord]:
    """The records of an outbox, in order. Takes no lock and changes nothing.

    Args:
        path: of the outbox.

    Raises:
        OutboxCorrupt: an entry or a header fails a check; the message says where.
        OutboxUnavailable: there is no outbox, it cannot be read, or another version wrote it.
    """
    directory = OutboxDirectory(path)
    numbers = directory.cycles()
    outbox = None
    for number in numbers:
        name = f"{directory.queue}/{cycle_name(number)}"
        try:
            file = File(name, "r")
        except FileNotFoundError:
            continue  # deleted meanwhile
        except NotRegularError:
            raise OutboxUnavailable(f"{name} is not a regular file: remove it") from None
        except OSError as problem:
            raise system_error(f"open {name}", problem) from None
        with file:
            try:
                outbox = outbox or _outbox_id(directory, number, file)
                cycle = CycleFile(number, file, outbox)
                yield from _records(cycle, newest=number == numbers[-1])
            except UnparsableError as problem:
                raise OutboxCorrupt(f"{name}: {problem}") from None
            except OSError as problem:
                raise OutboxUnavailable(f"cannot read {name}: {problem.strerror}") from None


def _outbox_id(directory: OutboxDirectory, number: int, file: File) -> bytes:
    path = directory.file("outbox.state")
    try:
        with File(path, "r") as state:
            identity = decode_identity(os.pread(state.fd, STATE_BYTES, 0), path)
    except (OSError, NotRegularError):
        identity = None
    if identity is not None:
        return identity.outbox
    prologue = find_prologue(number, file)
    if prologue is None:
        raise UnparsableError("neither the state nor the first record names the outbox")
    return prologue.outbox


def _refuse_survivors(cycle: CycleFile, offset: int, last: OutboxRecord | None) -> None:
    """Without EOF, as in a failed cycle, records may stand behind the end of the chain."""
    known = None if last is None else (last.sequence, last.entry)
    found = search(cycle.fd, offset + 4, cycle.outbox, cycle.number, known)
    for record, _ in found:
        if not record.flags & CONTINUED:  # of a batch that may never have been published
            raise UnparsableError(
                f"the chain ends at 0x{offset:x} without EOF, and sequence {record.sequence} "
                "stands behind that"
            )


def _records(cycle: CycleFile, *, newest: bool) -> Iterator[OutboxRecord]:
    """Walk a cycle from its first record; a batch is yielded when all of it is there."""
    offset = cycle.layout.first
    before: OutboxRecord | None = None
    batch: list[OutboxRecord] = []
    booked = cycle.words64[cycle.word1]  # whatever it names by now is published
    while True:
        word = cycle.word_at(offset)
        if word == END_OF_FILE or is_free(word):
            if batch:
                raise UnparsableError(f"the batch that ends at 0x{offset:x} is not whole")
            if offset <= booked:
                raise UnparsableError(f"the chain ends at 0x{offset:x}, before 0x{booked:x}")
            if word != END_OF_FILE and not newest:
                _refuse_survivors(cycle, offset, before)
            return
        if is_meta(word):
            offset = cycle.behind_page(offset)
            continue
        record, behind = cycle.record_at(offset)
        follows = record.follows(before.sequence, before.entry) if before else record.entry == 0
        if not follows or bool(record.flags & CONTINUED) != bool(batch):
            raise UnparsableError(f"entry {record.entry} at 0x{offset:x} does not follow")
        before = record
        offset = behind
        batch.append(record)
        if not record.flags & BATCH:
            yield from batch
            batch = []
