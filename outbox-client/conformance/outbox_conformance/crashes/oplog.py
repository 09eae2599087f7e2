"""What writers did to an outbox, operation by operation, and the directory that it adds up to."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from ..sparsefiles import SparseFile

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

#: The node of the directory that holds the outbox.
ROOT = 0


@dataclass(frozen=True)
class Operation:
    """One step. A *node* is a file or directory, whatever its names.

    Attributes:
        label: what the writer said that it is for; empty for what it did outside of its `Disk`.
        node: that is changed or synced.
    """

    label: str
    node: int


@dataclass(frozen=True)
class Write(Operation):
    """A pwrite, or a store into a mapping, which is never torn."""

    offset: int
    data: bytes
    store: bool = False


@dataclass(frozen=True)
class Resize(Operation):
    """A file gets another length."""

    size: int


@dataclass(frozen=True)
class Sync(Operation):
    """Data and length of a file, or the entries of a directory, are on stable storage."""


@dataclass(frozen=True)
class Fail(Operation):
    """The kernel could not write back what was dirty of a file: these pages count as clean now."""


@dataclass(frozen=True)
class Enter(Operation):
    """A directory gets an entry: by creating, linking or making a directory."""

    name: str
    target: int
    is_directory: bool = False


@dataclass(frozen=True)
class Leave(Operation):
    """A directory loses an entry."""

    name: str


@dataclass
class Tree:
    """Files and directories as all processes see them.

    Attributes:
        files: by node.
        entries: of each directory, by its node.
    """

    files: dict[int, SparseFile] = field(default_factory=dict)
    entries: dict[int, dict[str, int]] = field(default_factory=lambda: {ROOT: {}})

    def apply(self, operation: Operation) -> None:
        """Do what was done."""
        if isinstance(operation, Write):
            self.files[operation.node].write(operation.offset, operation.data)
        elif isinstance(operation, Resize):
            resize(self.files[operation.node], operation.size)
        elif isinstance(operation, Enter):
            self.entries[operation.node][operation.name] = operation.target
            if operation.is_directory:
                self.entries.setdefault(operation.target, {})
            else:
                self.files.setdefault(operation.target, SparseFile())
        elif isinstance(operation, Leave):
            del self.entries[operation.node][operation.name]

    def walk(self, directory: int = ROOT, path: str = "") -> Iterator[tuple[str, int]]:
        """Yield the paths and nodes of all that has a name, directories first."""
        for name, node in self.entries[directory].items():
            yield path + name, node
            if node in self.entries:
                yield from self.walk(node, f"{path}{name}/")

    def copy(self) -> Tree:
        """Return an independent copy."""
        return Tree(
            {node: file.copy() for node, file in self.files.items()},
            {node: dict(entries) for node, entries in self.entries.items()},
        )


def resize(file: SparseFile, size: int) -> None:
    """Set a file's length as ftruncate does."""
    del file.data[size:]
    file.size = size


def replay(base: Tree, operations: Iterable[Operation]) -> Tree:
    """Return what a tree becomes."""
    tree = base.copy()
    for operation in operations:
        tree.apply(operation)
    return tree


@dataclass(frozen=True)
class Attempt:
    """An event that a writer was told to append.

    Attributes:
        writer: its key.
        number: of the writer's events.
        value: its bytes.
        power: whether its ack means that it survives a power cut.
        began: how many operations there were when the append began.
        acked: how many there were when it returned; None if it never did.
        sequence: that it was given, 0 without an ack.
        batch: which batch it belongs to; None for an event by itself.
    """

    writer: str
    number: int
    value: bytes
    power: bool
    began: int
    acked: int | None
    sequence: int = 0
    batch: int | None = None


@dataclass
class Log:
    """What was done to an outbox, and what its writers were told.

    Attributes:
        base: all of it is on stable storage when the log begins.
        operations: in their order.
        attempts: in theirs.
        start: the operations before are known from another log: crashes are of interest from here.
        cut: whether the base is what a power cut left: then it may be damaged.
        name: of the history.
        now: the clock of its end, in milliseconds.
    """

    base: Tree = field(default_factory=Tree)
    operations: list[Operation] = field(default_factory=list)
    attempts: list[Attempt] = field(default_factory=list)
    start: int = 0
    cut: bool = False
    name: str = ""
    now: int = 0
