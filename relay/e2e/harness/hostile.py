"""The owner of one outbox, who bends whatever is theirs. For a process of its own."""

from __future__ import annotations

import contextlib
import functools
import json
import os
import pathlib
import random
import shutil
import signal
import time
from collections import Counter
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

NOBODY = 65534
HUGE_BYTES = 1 << 40
DONE = "hostile.json"
DIRECTORIES = ("queue", "dead-letters", "quarantine", "control", "dead-letters/queue", "")
FILES = (
    "relay.position",
    "relay.outcomes",
    "relay.lock",
    "outbox.lock",
    "outbox.state",
    "append.failures",
    "queue/metadata.cq4t",
    "CYCLE",
    "CYCLE",
)


class Hostile:
    """Bends `outbox` below the current directory, by seed.

    All paths are relative, so that it can do so with no right to anything but its own directory.

    Args:
        victims: outboxes of others.
        many: how many names it fills directories with.
        seed: of what it does when.
    """

    def __init__(self, victims: list[Path], many: int, seed: int) -> None:
        self.victims = victims
        self.many = many
        self.random = random.Random(seed)
        self.outbox = "outbox"
        self.done: Counter[str] = Counter()
        self.moves: list[Callable[[], None]] = [
            self.link_directory,
            self.link_directory,
            self.replace_file,
            self.replace_file,
            self.replace_file,
            self.flicker,
            self.flicker_directory,
            self.flicker_directory,
            self.damage,
            self.move_away,
            self.swap_names,
            self.hard_link,
            self.begin_anew,
        ]

    def run(self, seconds: float) -> None:
        """Until the time is over and enough is done, however busy the host is."""
        end = time.monotonic() + seconds
        latest = end + 9 * seconds
        fill = [".", self.outbox, self.outbox + "/quarantine", self.outbox + "/queue"]
        filled = 0
        while time.monotonic() < (end if self.moved() >= seconds else latest):
            move = self.random.choice(self.moves)
            try:
                move()
                self.done[move.__name__] += 1
            except OSError as error:
                self.done[f"{move.__name__} {error.strerror}"] += 1
            due = self.many * (1 - (end - time.monotonic()) / seconds)
            for _ in range(self.many // 25_000):
                if filled < min(due, self.many):
                    filled += self.fill(fill[filled * len(fill) // self.many], 500)
            time.sleep(self.random.random() / 50)
        pathlib.Path(DONE).write_text(json.dumps(self.done))

    def moved(self) -> int:
        return sum(count for move, count in self.done.items() if " " not in move)

    def fill(self, directory: str, count: int) -> int:
        """Names by the hundred, some of them those of cycles."""
        for _ in range(count):
            name = f"{self.random.randrange(1 << 60):x}"
            if self.random.random() < 0.3:
                year = self.random.randrange(2000, 9999)
                name = f"{year}0101-{self.random.randrange(24):02}F.cq4"
            with contextlib.suppress(OSError):
                os.symlink("nowhere", f"{directory}/{name}")
        return count

    def name(self, what: str) -> str:
        if what == "CYCLE":
            cycles = [n for n in self.listed("queue") if n.endswith(".cq4")]
            what = "queue/" + self.random.choice(cycles or ["20260101-00F.cq4"])
        return f"{self.outbox}/{what}".rstrip("/")

    def listed(self, directory: str, most: int = 200) -> list[str]:
        with os.scandir(f"{self.outbox}/{directory}") as entries:
            return sorted(entry.name for entry, _ in zip(entries, range(most), strict=False))

    def for_a_moment(self, name: str, put: Callable[[], None]) -> None:
        """Something else in its place; as a rule what was there comes back."""
        aside = f"aside-{self.random.randrange(1 << 40):x}"
        if os.path.lexists(name):
            os.rename(name, aside)
        elif name == self.outbox:
            return
        try:
            put()
            time.sleep(self.random.choice((0, 0, 0.001, 0.01, 0.1, 0.7)))
        finally:
            self.remove(name)
            keep = name == self.outbox or self.random.random() < 0.95
            if keep and os.path.lexists(aside):
                os.rename(aside, name)
            elif name != self.outbox:
                self.remove(aside)

    def remove(self, name: str) -> None:
        with contextlib.suppress(OSError):
            if os.path.isdir(name) and not os.path.islink(name):
                shutil.rmtree(name)
            elif os.path.basename(name) == "device":
                os.rename(name, "device")
            else:
                os.unlink(name)

    def link_directory(self) -> None:
        """To the same of a victim's, or to what makes the most of it: its outbox, say."""
        what = self.random.choice(DIRECTORIES)
        where = self.random.choice((what, self.random.choice(DIRECTORIES)))
        target = f"{self.random.choice(self.victims)}/{where}".rstrip("/")
        name = self.name(what)
        self.for_a_moment(name, lambda: os.symlink(target, name))

    def flicker_directory(self) -> None:
        """A link to a victim's and the directory in turn, as fast as can be."""
        what = self.random.choice(DIRECTORIES)
        where = self.random.choice((what, ""))
        name = self.name(what)
        kept, link = f"kept-{self.random.randrange(1 << 40):x}", "link"
        os.stat(name)
        self.remove(link)
        os.symlink(f"{self.random.choice(self.victims)}/{where}".rstrip("/"), link)
        end = time.monotonic() + 0.3
        while time.monotonic() < end:
            os.rename(name, kept)
            os.rename(link, name)
            os.rename(name, link)
            os.rename(kept, name)

    def replace_file(self) -> None:
        what = self.random.choice(FILES)
        name = self.name(what)
        victim = self.random.choice(self.victims)
        target = f"{victim}/{name.removeprefix(self.outbox + '/')}"
        put = {
            "link": lambda: os.symlink(target, name),
            "pipe": lambda: os.mkfifo(name),
            "directory": lambda: os.mkdir(name),
            "huge": lambda: self.write(name, b"OBX1", HUGE_BYTES),
            "huge with data": lambda: self.copy(name, HUGE_BYTES),
            "noise": lambda: self.write(name, self.random.randbytes(9000), 0),
            "device": lambda: os.link("device", name),
        }[
            self.random.choice(
                ("link", "link", "pipe", "directory", "huge", "huge with data", "noise", "device")
            )
        ]
        self.for_a_moment(name, put)

    def flicker(self) -> None:
        """A pipe and the file in turn, as fast as can be: between a look and an opening, too."""
        name = self.name(self.random.choice(FILES))
        pipe = f"pipe-{self.random.randrange(1 << 40):x}"
        kept = f"kept-{pipe}"
        os.stat(name)
        os.mkfifo(pipe, 0o660)
        end = time.monotonic() + 0.3
        try:
            while time.monotonic() < end:
                os.rename(name, kept)
                os.link(pipe, name)
                os.rename(kept, name)
        finally:
            os.unlink(pipe)
            if os.path.lexists(kept):
                os.replace(kept, name)

    def damage(self) -> None:
        name = self.name("CYCLE")
        if os.path.islink(name):
            return
        with open(name, "r+b") as file:
            file.seek(self.random.choice((0, 0x40, 0x10110, self.random.randrange(0x12000))))
            file.write(self.random.randbytes(self.random.choice((1, 4, 4096))))

    def move_away(self) -> None:
        self.remove("elsewhere")
        os.rename(self.outbox, "elsewhere")
        time.sleep(self.random.choice((0, 0.01, 0.7)))
        self.remove(self.outbox)  # its tasks may have begun another
        os.rename("elsewhere", self.outbox)

    def swap_names(self) -> None:
        """Its own files, each in the other's place."""
        one, other = self.name(self.random.choice(FILES)), self.name(self.random.choice(FILES))
        os.stat(one), os.stat(other)
        kept = f"kept-{self.random.randrange(1 << 40):x}"
        os.rename(one, kept)
        os.rename(other, one)
        os.rename(kept, other)

    def hard_link(self) -> None:
        """Of a victim's file where the system lets it, else of its own."""
        victim = self.random.choice(self.victims)
        name = self.name("CYCLE")
        own = self.name(self.random.choice(FILES))
        for target in (f"{victim}/queue/{os.path.basename(name)}", own):
            with contextlib.suppress(OSError):
                if os.getuid() == NOBODY or target == own:
                    self.for_a_moment(name, functools.partial(os.link, target, name))
                    return

    def begin_anew(self) -> None:
        if self.random.random() < 0.1:
            for what in ("queue", "outbox.state", "relay.position"):
                self.remove(f"{self.outbox}/{what}")

    def write(self, name: str, data: bytes, size: int) -> None:
        with open(name, "wb") as file:
            file.write(data)
            file.truncate(max(size, len(data)))

    def copy(self, name: str, size: int) -> None:
        cycles = [n for n in self.listed("queue") if n.endswith(".cq4")]
        data = b""
        if cycles:
            with open(f"{self.outbox}/queue/{cycles[0]}", "rb") as file:
                data = file.read(200_000)
        self.write(name, data, size)


def be_hostile(pod: Path, victims: list[Path], many: int, seed: int, seconds: float) -> None:
    """In a child: gives up all rights but those to `pod`."""
    signal.signal(signal.SIGTERM, signal.SIG_DFL)
    os.chdir(pod)
    if os.getuid() == 0:
        os.setgroups([])
        os.setgid(NOBODY)
        os.setuid(NOBODY)
    Hostile(victims, many, seed).run(seconds)
