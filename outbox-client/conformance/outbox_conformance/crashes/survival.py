"""What a crash leaves of what writers did.

After a kill: everything up to some operation, of a pwrite perhaps its first bytes.

After a power cut, of each file that which its last sync found, and of what came later: of each
block any of its versions, whatever the others have, as a file system writes blocks in any order,
and again while they change; any of its lengths; and of each directory, since its last sync, any
version of each entry by itself. So data may be there without the length and the length without the
data, a link without the unlink that followed, a younger file without an older one. A page that
could not be written back is one that no later sync writes, until it is changed again.
"""

from __future__ import annotations

import itertools
import math
from typing import TYPE_CHECKING

from ..sparsefiles import SparseFile
from .oplog import ROOT, Enter, Fail, Leave, Log, Operation, Resize, Sync, Write
from .states import Image, State

if TYPE_CHECKING:
    import random
    from collections.abc import Iterator

SECTOR, PAGE = 512, 4096
#: Of at least so many states, those are of which one file has all versions.
THOROUGH = 16


class _FileHistory:
    """The versions of one file since its last sync."""

    def __init__(self, block: int, found: SparseFile) -> None:
        self.block = block
        self.now = found
        self.blocks: dict[int, list[bytes]] = {
            at: [data] for at in range(0, len(found.data), block) if (data := self._block(at))
        }
        self.sizes = [found.size]
        self.unwritten: set[int] = set()

    def _block(self, at: int) -> bytes:
        """Return a block; empty if it is all zero."""
        data = bytes(self.now.data[at : at + self.block])
        return data.ljust(self.block, b"\0") if any(data) else b""

    def write(self, offset: int, data: bytes) -> None:
        self.now.write(offset, data)
        first = offset - offset % self.block
        for at in range(first, offset + len(data), self.block):
            versions = self.blocks.setdefault(at, [b""])
            found = self._block(at)
            if versions[-1] != found:
                versions.append(found)
        if self.unwritten:
            self._dirty(offset, len(data))
        self._resized()

    def _dirty(self, offset: int, length: int) -> None:
        pages = range(offset // PAGE, (offset + length - 1) // PAGE + 1)
        self.unwritten -= {at for at in self.unwritten if at // PAGE in pages}

    def resize(self, size: int) -> None:
        before = len(self.now.data)
        del self.now.data[size:]
        self.now.size = size
        if size < before:
            self.write(size - size % self.block, bytes(self.now.data[size - size % self.block :]))
            for at in self.blocks:
                if at >= size and self.blocks[at][-1]:
                    self.blocks[at].append(b"")
        self._resized()

    def _resized(self) -> None:
        if self.sizes[-1] != self.now.size:
            self.sizes.append(self.now.size)

    def fail(self) -> None:
        self.unwritten |= {at for at, versions in self.blocks.items() if len(versions) > 1}

    def sync(self) -> None:
        self.blocks = {
            at: versions if at in self.unwritten else [versions[-1]]
            for at, versions in self.blocks.items()
            if versions[-1] or at in self.unwritten
        }
        self.sizes = [self.sizes[-1]]


Place = tuple[int, "int | str"]


class Survival:
    """Goes through a log; at any operation, tells what a power cut there may leave."""

    def __init__(self, log: Log, block: int) -> None:
        """Begin before the first operation.

        Args:
            log: of an outbox.
            block: bytes that are written as a whole.
        """
        self._log = log
        self._block = block
        tree = log.base.copy()
        self._files = {node: _FileHistory(block, file) for node, file in tree.files.items()}
        self._entries: dict[int, dict[str, list[int | None]]] = {
            node: {name: [target] for name, target in entries.items()}
            for node, entries in tree.entries.items()
        }
        self.point = 0

    def advance(self) -> Operation:
        """Do the next operation."""
        operation = self._log.operations[self.point]
        self.point += 1
        node = operation.node
        if isinstance(operation, Write):
            self._files[node].write(operation.offset, operation.data)
        elif isinstance(operation, Resize):
            self._files[node].resize(operation.size)
        elif isinstance(operation, Enter):
            self._enter(operation)
        elif isinstance(operation, Leave):
            self._entries[node][operation.name].append(None)
        elif isinstance(operation, Fail):
            self._files[node].fail()
        elif isinstance(operation, Sync):
            if node in self._files:
                self._files[node].sync()
            else:
                self._entries[node] = {
                    name: versions[-1:] for name, versions in self._entries[node].items()
                }
        return operation

    def _enter(self, operation: Enter) -> None:
        names = self._entries[operation.node]
        names.setdefault(operation.name, [None]).append(operation.target)
        if operation.is_directory:
            self._entries.setdefault(operation.target, {})
        elif operation.target not in self._files:
            self._files[operation.target] = _FileHistory(self._block, SparseFile())

    # --- what may be left here ---

    def dimensions(self) -> dict[Place, int]:
        """Return all that may have one version or another, and how many it has."""
        found: dict[Place, int] = {}
        for directory, names in self._entries.items():
            for name, entry in names.items():
                found[directory, name] = len(entry)
        for node, file in self._files.items():
            found[node, -1] = len(file.sizes)
            for at, versions in file.blocks.items():
                found[node, at] = len(versions)
        return {place: count for place, count in found.items() if count > 1}

    def state(self, choice: dict[Place, int]) -> State:
        """Return the state in which these have these versions, and all others their newest."""
        directories: list[str] = []
        files: dict[str, Image] = {}
        images: dict[int, Image] = {}
        waiting = [(ROOT, "")]
        while waiting:
            directory, prefix = waiting.pop()
            for name, versions in self._entries[directory].items():
                node = versions[choice.get((directory, name), -1)]
                if node is None:
                    continue
                path = prefix + name
                if node in self._entries:
                    directories.append(path)
                    waiting.append((node, path + "/"))
                    continue
                if node not in images:
                    images[node] = self._image(node, choice)
                files[path] = images[node]
        how = " ".join(f"{self._place(place)}={version}" for place, version in choice.items())
        return State(tuple(directories), files, self.point, how)

    def copy_of(self, node: int) -> SparseFile:
        """Return a file as all see it."""
        return self._files[node].now.copy()

    def _image(self, node: int, choice: dict[Place, int]) -> Image:
        file = self._files[node]
        size = file.sizes[choice.get((node, -1), -1)]
        pieces = []
        for at, versions in file.blocks.items():
            data = versions[choice.get((node, at), -1)]
            if data and at < size:
                pieces.append((at, data[: size - at]))
        return Image(node, size, tuple(sorted(pieces)))

    def _place(self, place: Place) -> str:
        node, what = place
        if isinstance(what, str):
            return f"entry {what}"
        names = [name for each in self._entries.values() for name, v in each.items() if node in v]
        return f"{names[0] if names else node}:" + ("size" if what < 0 else f"0x{what:x}")

    def states(self, chance: random.Random, limit: int) -> Iterator[State]:
        """Yield what a cut may leave.

        All of it if that is not too much. Else all that each file or directory may have become
        where that is not too much, with the newest of all others and with the oldest, unless the
        limit is low; and a sample.

        Args:
            chance: chooses the sample.
            limit: of states of one kind.
        """
        dimensions = self.dimensions()
        reduced = {place: _reduced(count, chance) for place, count in dimensions.items()}
        if _product(reduced) <= limit:
            yield from self._all(reduced, {})
            return
        yield self.state({})
        yield self.state(oldest := dict.fromkeys(dimensions, 0))
        for node in {node for node, _ in dimensions} if limit >= THOROUGH else ():
            its_own = {place: versions for place, versions in reduced.items() if place[0] == node}
            if _product(its_own) <= limit:
                yield from self._all(its_own, {})
                yield from self._all(its_own, oldest)
        for _ in range(limit - 2):
            yield self.state(_sample(dimensions, chance))

    def _all(self, versions: dict[Place, list[int]], others: dict[Place, int]) -> Iterator[State]:
        for chosen in itertools.product(*versions.values()):
            yield self.state(others | dict(zip(versions, chosen, strict=True)))


def _reduced(count: int, chance: random.Random) -> list[int]:
    """Return all versions, or of many the first, the last two and another one."""
    if count < 4:
        return list(range(count))
    return sorted({0, chance.randrange(count), count - 2, count - 1})


def _product(versions: dict[Place, list[int]]) -> int:
    return math.prod(map(len, versions.values()))


def _sample(dimensions: dict[Place, int], chance: random.Random) -> dict[Place, int]:
    """Choose versions: of all, or of most, the newest or the oldest; or anything."""
    newest, oldest = chance.choice(((0.9, 0.05), (0.5, 0.4), (0.1, 0.8), (0.1, 0.1)))
    choice = {}
    for place, count in dimensions.items():
        drawn = chance.random()
        if drawn < newest:
            continue
        choice[place] = 0 if drawn < newest + oldest else chance.randrange(count)
    return choice


def killed(log: Log) -> Iterator[State]:
    """Yield what a SIGKILL may leave, before each operation and within each pwrite."""
    survival = Survival(log, PAGE)
    while True:
        if survival.point >= log.start:
            yield survival.state({})
        if survival.point == len(log.operations):
            return
        following = log.operations[survival.point]
        if survival.point >= log.start and isinstance(following, Write) and not following.store:
            yield from _half_written(survival, following)
        survival.advance()


def _half_written(survival: Survival, write: Write) -> Iterator[State]:
    whole = survival.state({})
    for length in sorted({4, len(write.data) // 2, len(write.data) - 8}):
        if not 0 < length < len(write.data):
            continue
        file = survival.copy_of(write.node)
        file.write(write.offset, write.data[:length])
        half = _FileHistory(PAGE, file)
        pieces = tuple(sorted((at, versions[-1]) for at, versions in half.blocks.items()))
        image = Image(write.node, file.size, pieces)
        files = {
            path: image if each.node == write.node else each for path, each in whole.files.items()
        }
        how = f"the first {length} bytes of {write.label} at 0x{write.offset:x}"
        yield State(whole.directories, files, survival.point, how)
