"""Reading an outbox from its first record to its last, with every check."""

from __future__ import annotations

import os

from outbox_client._cycle_file import is_free, is_meta
from outbox_client._cycle_layout import CycleLayout, align4, cycle_name
from outbox_client._errors import OutboxCorrupt, OutboxUnavailable, system_error
from outbox_client._outbox_directory import OutboxDirectory
from outbox_client._record_codec import (
    FIXED_BYTES,
    MAX_ENTRY_BYTES,
    InvalidRecordError,
    OutboxRecord,
)
from outbox_client._safe_files import File, NotRegularError
from outbox_client._wire_fields import END_OF_FILE, LENGTH_MASK, UnparsableError

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator

_HEADER_BYTES = 128 << 10


def scan(path: str) -> Iterator[OutboxRecord]:
    """The records of an outbox, in order. Takes no lock and changes nothing.

    Args:
        path: of the outbox.

    Raises:
        OutboxCorrupt: an entry or a header fails a check; the message says where.
        OutboxUnavailable: there is no outbox, or it cannot be read.
    """
    directory = OutboxDirectory(path)
    for number in directory.cycles():
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
            yield from _scan_cycle(file.fd, name)


def _scan_cycle(fd: int, name: str) -> Iterator[OutboxRecord]:
    offset = 0
    entry = 0
    try:
        size = os.fstat(fd).st_size
        offset = CycleLayout(os.pread(fd, _HEADER_BYTES, 0)).first
        while True:
            word = int.from_bytes(os.pread(fd, 4, offset), "little")
            if is_free(word) or word == END_OF_FILE:
                return
            length = word & LENGTH_MASK
            if offset + 4 + length > size or not (
                is_meta(word) or FIXED_BYTES <= length <= MAX_ENTRY_BYTES
            ):
                raise OutboxCorrupt(f"{name}: hostile length {length} at 0x{offset:x}")
            if not is_meta(word):
                record = OutboxRecord(os.pread(fd, length, offset + 4))
                if record.entry != entry:
                    raise OutboxCorrupt(
                        f"{name}: entry {record.entry} at 0x{offset:x}, where {entry} is due"
                    )
                entry += 1
                yield record
            offset = align4(offset + 4 + length)
    except UnparsableError as problem:
        raise OutboxCorrupt(f"{name}: {problem}") from None
    except InvalidRecordError as problem:
        raise OutboxCorrupt(f"{name}: no record at 0x{offset:x}: {problem}") from None
    except OSError as problem:
        raise OutboxUnavailable(f"cannot read {name}: {problem.strerror}") from None
