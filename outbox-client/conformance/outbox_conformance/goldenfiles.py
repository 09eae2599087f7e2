"""The golden files on disk: for each state expected.json, and the outbox's files before and after.

A file is kept gzipped without the zeros at its end; its size is in expected.json. after/ holds only
what the next append changes; a file with a null size is gone.
"""

from __future__ import annotations

import gzip
import json
import os
from typing import TYPE_CHECKING, Any

from . import records
from .outbox import Published
from .sparsefiles import SparseFile
from .states.builder import NEXT

if TYPE_CHECKING:
    from collections.abc import Sequence

    from .scanner import Problem
    from .states import State

VECTORS = os.path.join(os.path.dirname(__file__), "..", "..", "vectors")


def describe(found: Published) -> dict[str, Any]:
    """Return a record as JSON; bytes are hexadecimal."""
    record = found.record
    prologue = record.prologue
    return {
        "cycle": found.cycle,
        "entry": record.entry,
        "offset": found.offset,
        "sequence": record.sequence,
        "event_id": str(record.event_id),
        "append_time": record.append_time,
        "timestamp": record.timestamp,
        "topic": record.topic,
        "key": _hex(record.key),
        "value": _hex(record.value),
        "headers": [[name, _hex(value)] for name, value in record.headers],
        "partition": record.partition,
        "batch": record.batch,
        "continued": record.continued,
        "prologue": prologue
        and {
            "outbox_id": str(prologue.outbox_id),
            "generation": prologue.generation,
            "base": prologue.base,
            "cycle_hour": prologue.cycle_hour,
        },
    }


def _describe_appended(state: State) -> dict[str, Any] | list[dict[str, Any]]:
    described = [describe(found) for found in state.appended]
    if not described:
        # What is tried and refused.
        event = records.Record(
            entry=0,
            sequence=0,
            append_time=state.clock,
            timestamp=state.clock,
            event_id=NEXT.event_id,
            topic=NEXT.topic,
            key=NEXT.key,
            value=NEXT.value,
        )
        nowhere: dict[str, Any] = dict.fromkeys(("cycle", "entry", "offset", "sequence"))
        return describe(Published(0, 0, event)) | nowhere
    return described if len(described) > 1 else described[0]


def _hex(value: bytes | None) -> str | None:
    return None if value is None else value.hex()


def expected(state: State) -> str:
    """Return the text of expected.json."""
    changed = {
        path: state.after[path].size if path in state.after else None
        for path in sorted(state.before | state.after)
        if not _same(state.before.get(path), state.after.get(path))
    }
    head: dict[str, Any] = {
        "about": state.about,
        "writable": state.writable,
        "chronicle": state.chronicle,
        "roll_bytes": state.roll_bytes,
        "max_bytes": state.max_bytes,
        "clock": state.clock,
        "refused": state.refused,
        "stopped": state.stopped and vars(state.stopped),
        "links": state.links,
        "before": {path: file.size for path, file in state.before.items()},
        "after": changed,
        "problems": _problems(state.problems),
        "problems_after": _problems(state.problems_after),
        "appended": _describe_appended(state),
    }
    if state.survivors:
        after = [*state.records, *state.survivors, *state.appended]
        head["records_after"] = [describe(found) for found in after]
    elif state.stopped:
        head["records_after"] = [describe(found) for found in state.records]
    described = ",\n".join("  " + json.dumps(describe(found)) for found in state.records)
    text = json.dumps(head, indent=1, ensure_ascii=True)
    return text.removesuffix("\n}") + ',\n "records": [\n' + described + "\n ]\n}\n"


def _problems(problems: Sequence[Problem]) -> list[dict[str, Any]]:
    return [vars(problem) for problem in problems]


def _same(one: SparseFile | None, other: SparseFile | None) -> bool:
    return (
        one is not None
        and other is not None
        and (one.size, one.trimmed()) == (other.size, other.trimmed())
    )


def save(state: State) -> None:
    """Write a state; a file that holds it already stays, as builds of zlib compress differently."""
    folder = os.path.join(VECTORS, state.name)
    os.makedirs(folder, exist_ok=True)
    text = expected(state)
    with open(os.path.join(folder, "expected.json"), "w", encoding="utf-8") as out:
        out.write(text)
    manifest = json.loads(text)
    wanted = {"expected.json"}
    for part, files in (("before", state.before), ("after", state.after)):
        for path, size in manifest[part].items():
            if size is None:
                continue
            stored = f"{part}/{path}.gz"
            wanted.add(stored)
            _store(os.path.join(folder, stored), files[path].trimmed())
    for path in set(stored_files(folder)) - wanted:
        os.remove(os.path.join(folder, path))


def _store(path: str, data: bytes) -> None:
    if os.path.exists(path):
        with gzip.open(path) as stored:
            if stored.read() == data:
                return
    os.makedirs(os.path.dirname(path), exist_ok=True)
    with open(path, "wb") as out:
        out.write(gzip.compress(data, 9, mtime=0))


def stored_files(folder: str) -> list[str]:
    """Return the files of a state, as paths within its folder."""
    return sorted(
        os.path.relpath(os.path.join(parent, file), folder)
        for parent, _, files in os.walk(folder)
        for file in files
    )


class Golden:
    """One stored state."""

    def __init__(self, name: str) -> None:
        self.name = name
        self.folder = os.path.join(VECTORS, name)
        with open(os.path.join(self.folder, "expected.json"), encoding="utf-8") as text:
            self.expected: dict[str, Any] = json.load(text)
        self.links: dict[str, str] = self.expected["links"]

    def before(self) -> dict[str, SparseFile]:
        """Return the outbox's files."""
        return {path: self._load("before", path) for path in self.expected["before"]}

    def after(self) -> dict[str, SparseFile]:
        """Return the outbox's files after the next append, those left untouched included."""
        files = self.before()
        for path, size in self.expected["after"].items():
            if size is None:
                del files[path]
            else:
                files[path] = self._load("after", path)
        return files

    def appended(self) -> list[dict[str, Any]]:
        """Return what the next append must yield; several records are a batch."""
        return [] if self.expected["refused"] is not None else self.events()

    def events(self) -> list[dict[str, Any]]:
        """Return what is appended next, also where it is refused; several are a batch."""
        appended = self.expected["appended"]
        return appended if isinstance(appended, list) else [appended]

    def records_after(self) -> list[dict[str, Any]]:
        """Return what a reader must find after the next append."""
        usual = [*self.expected["records"], *self.appended()]
        after: list[dict[str, Any]] = self.expected.get("records_after", usual)
        return after

    def _load(self, part: str, path: str) -> SparseFile:
        with gzip.open(os.path.join(self.folder, part, f"{path}.gz")) as stored:
            return SparseFile(stored.read(), self.expected[part][path])


def names() -> list[str]:
    """Return the names of the stored states."""
    return sorted(entry.name for entry in os.scandir(VECTORS) if entry.is_dir())
