"""Making new cycle files, and what is left of those whose writers were killed."""

from __future__ import annotations

from outbox_client._cycle_file import CycleFile
from outbox_client._cycle_layout import FILE_BYTES, CycleLayout, cycle_name, cycle_number
from outbox_client._errors import OutboxCorrupt, system_error
from outbox_client._metadata_table import update_listing
from outbox_client._wire_fields import UnparsableError

TYPE_CHECKING = False
if TYPE_CHECKING:
    from outbox_client._disk import Disk
    from outbox_client._outbox_directory import HeldDirectories
    from outbox_client._safe_files import Folder
    from outbox_client._state_file import NewestCycle, StateFile


def begin_cycle(
    held: HeldDirectories, begun: NewestCycle, state: StateFile, outbox: bytes, disk: Disk
) -> CycleFile | None:
    """Make a cycle, list and book it; None if another has begun it (FORMAT I5).

    Args:
        held: the outbox's directories.
        begun: which one.
        state: of the outbox.
        outbox: its id.
        disk: makes the changes.

    Raises:
        OSError: no space, or an error of the disk.
        OutboxError: the file cannot be created, or is not what was written.
    """
    name = cycle_name(begun.number)
    try:
        create_cycle_file(held.queue, name, disk)
    except FileExistsError:
        return None
    with held.queue.open("metadata.cq4t") as metadata:
        update_listing(metadata.fd, held.cycles(), disk)
    state.set_newest_cycle(begun, disk)
    try:
        return CycleFile(begun.number, held.queue.open(name), outbox)
    except UnparsableError as problem:
        raise OutboxCorrupt(f"{name} is not what was just written: {problem}") from None


def create_cycle_file(queue: Folder, name: str, disk: Disk) -> None:
    """Make an empty cycle file; whole and on stable storage before it has its name.

    Raises:
        FileExistsError: there is one of that name (FORMAT I5).
        OSError: no space, or an error of the disk.
        OutboxError: the file cannot be created.
    """
    temporary = leftover(name)
    with disk.create(queue, temporary) as file:
        fd = file.fd
        disk.pwrite(fd, CycleLayout().new_file(), 0, "create")
        disk.truncate(fd, FILE_BYTES, "create")
        disk.fsync(fd, "create")
    disk.link(queue, temporary, name, "link")
    disk.sync_directory(queue, "link")
    disk.unlink(queue, temporary, "unlink")


def leftover(name: str) -> str:
    """The name of a cycle's file while it is made; a writer that is killed leaves it behind."""
    return f".{name}.tmp"


def leftovers_of(names: list[str]) -> list[str]:
    """Those of these names that writers have left which were killed while they began a cycle."""
    return [
        name
        for name in names
        if cycle_number(name[1:-4]) is not None and name == leftover(name[1:-4])
    ]


def remove_leftovers(queue: Folder, names: list[str], disk: Disk) -> None:
    """Remove what writers left that were killed while they began a cycle.

    Such a file may be a second name of a live cycle: it is not to be written to.

    Args:
        queue: the directory.
        names: of `leftovers_of`.
        disk: by which it is changed.

    Raises:
        OutboxUnavailable: that is not possible.
    """
    for name in names:
        try:
            disk.unlink(queue, name, "unlink")
        except OSError as problem:  # noqa: PERF203 - cold
            raise system_error(f"remove {queue.where(name)}, remove it by hand", problem) from None
