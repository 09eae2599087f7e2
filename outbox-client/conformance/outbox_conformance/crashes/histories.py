"""What is done to outboxes before a crash."""

from __future__ import annotations

import uuid
from dataclasses import replace
from typing import TYPE_CHECKING

from ..clock import HOUR
from ..cyclefile import Layout
from ..outbox import OutboxImage, materialise
from ..records import Event
from ..writers import JAVA, PYTHON
from .author import NOON, Author
from .java_writer import BATCH, SIZE
from .oplog import Attempt, Log
from .recovery import value

if TYPE_CHECKING:
    from collections.abc import Callable

    from .java_writer import JavaWriter
    from .judge import Known
    from .states import State

#: Crossed after a few records.
SMALL_ROLL = 67_500
#: An index page for each four records, and room for two of them.
TINY = Layout(2, 2)


# --- that begin with nothing ---


def _in_power_mode(author: Author) -> None:
    author.open("power")
    author.append(100, 300, 700, 60)
    author.now += HOUR
    author.append(100, 500, 100)


def _in_process_mode(author: Author) -> None:
    author.open("process")
    author.append(100, 300, 700, 60, 900)
    author.now += HOUR
    author.append(100, 500, 100, 200)


def _mixed(author: Author) -> None:
    for _ in range(3):
        author.open("process")
        author.append(300, 100, 200)
        author.open("power")
        author.append(100)
        author.open("process")
        author.append(400, 60)


def _with_batches(author: Author) -> None:
    author.open("process")
    author.append(100)
    author.append_batch(200, 300, 400)
    author.open("power")
    author.append_batch(100, 60)
    author.now += HOUR
    author.append_batch(300, 300, 300, 300)
    author.append(100)
    author.open("process")
    author.append_batch(700, 60)


def _over_index_pages(author: Author) -> None:
    author.open("power")
    author.append(100, 60, 100)
    author.open("process")
    author.append(60, 60, 60)
    author.append_batch(60, 60, 60)
    author.open("power")
    author.append(60, 60)


def _in_java(author: Author) -> None:
    for durability in ("process", "power"):
        author.open(durability, JAVA)
        author.append(SIZE, SIZE)
    author.now += HOUR
    author.append(SIZE, SIZE)
    author.open("process", JAVA)
    author.now += HOUR
    author.append(SIZE, SIZE)


def _batches_in_turn(author: Author) -> None:
    for durability in ("process", "power"):
        author.open(durability, JAVA, batches=True)
        author.append_batch(*[SIZE] * BATCH)
        author.append_batch(*[SIZE] * BATCH)
        author.open(durability, PYTHON)
        author.append_batch(700, 60, 100)
        author.append(100)
        author.now += HOUR
        author.append_batch(300, 60)


def _in_turn(author: Author) -> None:
    for _ in range(3):
        author.open("process", JAVA)
        author.append(SIZE, SIZE)
        author.open("power", PYTHON)
        author.append(60, 500)
        author.open("power", JAVA)
        author.append(SIZE)
        author.open("process", PYTHON)
        author.append(200, 60)


def _settled(author: Author) -> None:
    for _ in range(2):
        author.open("process")
        author.append(100, 300, 700)
        author.settle()
        author.append(60, 60)
        author.now += HOUR


#: What is done, and whether cycles are small, by size or by their layout.
FIRST: dict[str, Callable[[Author], None]] = {
    "power": _in_power_mode,
    "process": _in_process_mode,
    "mixed": _mixed,
    "batches": _with_batches,
    "pages": _over_index_pages,
    "settled": _settled,
}
#: The same where a JVM takes part.
WITH_JAVA: dict[str, Callable[[Author], None]] = {
    "java": _in_java,
    "turns": _in_turn,
    "batches-in-turn": _batches_in_turn,
}


def first(name: str, parent: str, java: dict[str, JavaWriter] | None = None) -> Log:
    """Record one of the histories that begin with nothing.

    Args:
        name: of the history.
        parent: an empty directory on a file system that outlives a power cut.
        java: writers in JVMs that roll at `SMALL_ROLL`, by their durability.
    """
    before = [_begin_with_small_pages(parent)] if name == "pages" else []
    small = name in ("mixed", *WITH_JAVA)
    author = Author(parent, roll_bytes=SMALL_ROLL if small else 1 << 30, java=java)
    author.log.name = name
    author.log.attempts += before
    (FIRST | WITH_JAVA)[name](author)
    author.close()
    author.log.now = author.now
    return author.log


def _begin_with_small_pages(parent: str) -> Attempt:
    image = OutboxImage(uuid.uuid4(), NOON)
    image.layout = TINY
    data = value("before", 0)
    image.append(Event(uuid.uuid4(), "crash", b"before", data))
    materialise(image.files, f"{parent}/outbox")
    return Attempt("before", 0, data, power=True, began=0, acked=0, sequence=1)


# --- histories that go on after a crash ---


def after_a_kill(
    log: Log,
    state: State,
    parent: str,
    name: str,
    language: str = PYTHON,
    java: dict[str, JavaWriter] | None = None,
) -> Log:
    """Record how a writer in power mode goes on after a kill, whose log it is up to there."""
    state.materialise(parent)
    operations = log.operations[: state.point]
    attempts = [
        each if each.acked is not None and each.acked <= state.point else replace(each, acked=None)
        for each in log.attempts
        if each.began <= state.point
    ]
    continued = replace(log, operations=operations, attempts=attempts, start=state.point, name=name)
    return _go_on(Author(parent, continued, roll_bytes=SMALL_ROLL, java=java), language)


def after_a_cut(
    log: Log,
    state: State,
    known: Known,
    parent: str,
    name: str,
    language: str = PYTHON,
    java: dict[str, JavaWriter] | None = None,
) -> Log:
    """Record how a writer in power mode goes on after a cut: what that left is there for good."""
    state.materialise(parent)
    author = Author(parent, roll_bytes=SMALL_ROLL, java=java)
    author.log.name = name
    author.log.cut = True
    author.now = log.now
    author.log.attempts = [
        replace(each, began=0, acked=0 if key in known.kept else None)
        for key, each in known.attempts.items()
    ]
    return _go_on(author, language)


def _go_on(author: Author, language: str) -> Log:
    author.open("power", language)
    author.append(100, 100)
    author.open("process")
    author.append(60)
    author.close()
    author.log.now = author.now
    return author.log
