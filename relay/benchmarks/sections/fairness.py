"""The longest that any append of a crowd in both languages had to wait, and for what."""

from __future__ import annotations

import os
import threading
import time
from typing import TYPE_CHECKING, NamedTuple

from figures import Row, duration
from lanes import Lane, java_client_program, python_program, together

if TYPE_CHECKING:
    from pathlib import Path

    from arena import Arena
    from figures import Round

WRITERS = 32
APPENDS = 200_000
LOOK_SECONDS = 0.002


class Event(NamedTuple):
    """Something that appends may wait for.

    Attributes:
        at: nanoseconds since the epoch when it was seen, at most a look later than it was.
        what: it is.
    """

    at: int
    what: str


class Lookout(threading.Thread):
    """Sees what happens to an outbox beside its writers, by looking at names and lengths."""

    def __init__(self, outbox: Path) -> None:
        super().__init__(daemon=True)
        self.events: list[Event] = []
        self._queue = outbox / "queue"
        self._done = threading.Event()

    def run(self) -> None:
        sizes = self._sizes()
        while not self._done.wait(LOOK_SECONDS):
            found = self._sizes()
            now = time.time_ns()
            for name, size in found.items():
                if name not in sizes:
                    self.events.append(Event(now, "a roll"))
                elif size != sizes[name]:
                    self.events.append(Event(now, "a cycle's growth"))
            if _is_written_back():
                self.events.append(Event(now, "the kernel's writing back"))
            sizes = found

    def _sizes(self) -> dict[str, int]:
        with os.scandir(self._queue) as entries:
            return {each.name: each.stat().st_size for each in entries}

    def end(self) -> None:
        self._done.set()
        self.join()

    def seen(self, begin: float, end: float) -> list[str]:
        """What there was between two moments, or shortly after as it is seen late."""
        late = 2 * LOOK_SECONDS * 1e9
        return sorted({each.what for each in self.events if begin <= each.at <= end + late})


def _is_written_back() -> bool:
    with open("/proc/meminfo", encoding="ascii") as lines:
        return any(line.startswith("Writeback:") and int(line.split()[1]) > 0 for line in lines)


def run(arena: Arena) -> list[Row]:
    outbox = arena.directory("fairness") / "outbox"
    half = WRITERS // 2
    each = APPENDS // WRITERS
    crowd: dict[str, Lane] = {
        f"Python process {number}": arena.lane(
            python_program("lane_append", "process", outbox), each
        )
        for number in range(half)
    }
    crowd["Java"] = arena.lane(
        java_client_program("CrowdLane", "process", outbox, half), each * half
    )
    try:
        for lane in crowd.values():
            lane.start()
        lookout = Lookout(outbox)
        lookout.start()
        begun = time.time_ns()
        _, rounds = together(list(crowd.values()))
        lookout.end()
    finally:
        for lane in crowd.values():
            lane.stop()
    by_name = dict(zip(crowd, rounds, strict=True))
    name, longest = max(by_name.items(), key=lambda item: item[1].longest)
    appends = sum(done.operations for done in rounds)
    return [
        Row(
            f"the longest of {appends:,} appends of {WRITERS} writers in both languages",
            f"{duration(longest.longest)}, after {duration(longest.longest_at - begun)}",
            f"{name} {longest.longest_by}".strip(),
            _cause(longest, lookout),
        )
    ]


def _cause(longest: Round, lookout: Lookout) -> str:
    """What there was meanwhile, and what the writer itself did."""
    seen = lookout.seen(longest.longest_at, longest.longest_at + longest.longest)
    if longest.pauses == 0:
        return " and ".join([*seen, "a core"])  # it never slept
    pauses = f", {longest.pauses} pauses" if longest.pauses > 0 else ""
    return " and ".join([*seen, f"the lock's poll{pauses}"])
