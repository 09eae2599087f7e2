"""A step of an outbox's creation fails: the user who comes next finds one that works.

Each system call by which a client makes directories and files is made to fail, one at a time, in a
process of one user; another user of the group appends next, then the first one again.
"""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from outbox_conformance import checker, scanner
from outbox_conformance.waiting import eventually
from outbox_conformance.writers import LANGUAGES, Server

if TYPE_CHECKING:
    from collections.abc import Iterator

GROUP = 61002
FIRST = "setpriv --reuid=61001 --regid=61003 --groups=61002"
NEXT = "setpriv --reuid=61004 --regid=61005 --groups=61002"
# What can go wrong with each: a quota or a full disk, a file system without owners, a bad one.
ERRORS = {
    "mkdir": "ENOSPC",
    "mkdirat": "ENOSPC",
    "open": "ENOSPC",
    "openat": "ENOSPC",
    "chmod": "EPERM",
    "fchmod": "EPERM",
    "fchmodat": "EPERM",
    "chown": "EPERM",
    "fchown": "EPERM",
    "fchownat": "EPERM",
    "ftruncate": "ENOSPC",
    "pwrite64": "ENOSPC",
    "link": "EPERM",
    "linkat": "EPERM",
    "unlink": "EIO",
    "unlinkat": "EIO",
    "rename": "EIO",
    "renameat": "EIO",
    "renameat2": "EIO",
}
MOST_STEPS = 100

pytestmark = [
    pytest.mark.skipif(os.geteuid() != 0, reason="two users need root"),
    pytest.mark.skipif(shutil.which("strace") is None, reason="strace is not installed"),
]


@pytest.fixture
def place() -> Iterator[Path]:
    """Where both users may make outboxes: of their group, as a host's set-up has it."""
    with tempfile.TemporaryDirectory(dir="/var/tmp") as found:
        path = Path(found)
        path.chmod(0o755)
        outboxes = path / "outboxes"
        outboxes.mkdir()
        os.chown(outboxes, 0, GROUP)
        outboxes.chmod(0o2770)
        yield path


class Failing:
    """strace on a process: the n-th call of one kind fails in its next append."""

    def __init__(self, pid: int, call: str, number: int, log: Path) -> None:
        self.log = log
        self._attached = log.with_suffix(".err")
        with self._attached.open("wb") as told:
            self._strace = subprocess.Popen(
                [
                    "strace",
                    "-f",
                    f"--output={log}",
                    f"--attach={pid}",
                    f"--trace={call}",
                    f"--inject={call}:error={ERRORS[call]}:when={number}",
                ],
                stderr=told,
            )
        eventually("strace is attached", lambda: b"attached" in self._attached.read_bytes())

    def end(self) -> str:
        """Let the process go; the call that failed, '' if there were not so many."""
        self._strace.terminate()
        self._strace.wait()
        found = re.search(r"^\d+ +(.*\(INJECTED\))$", self.log.read_text(), re.MULTILINE)
        return found[1] if found else ""


@pytest.mark.parametrize("umask", ["0022", "0077"])
@pytest.mark.parametrize("language", LANGUAGES)
def test_whatever_step_of_the_creation_fails_the_next_user_appends(
    language: str, umask: str, place: Path
) -> None:
    def server(who: str, name: str) -> Server:
        shell = f"sh -c 'umask {umask}; exec {who} \"$@\"' sh"
        return Server(language, str(place / f"{name}.log"), prefix=shell)

    first, following = server(FIRST, "first"), server(NEXT, "next")
    failed = []
    try:
        for warm_up in (first, following):  # what it loads late is none of the outbox's
            warm_up.append(f"{place}/outboxes/{id(warm_up)}", "warm")
        for call in ERRORS:
            for number in range(1, MOST_STEPS):
                outbox = f"{place}/outboxes/{call}-{number}"
                failing = Failing(first.pid, call, number, place / f"{call}-{number}.strace")
                first.append(outbox, "first")
                what = failing.end()
                if not what:
                    break
                failed.append(what)
                told = following.append(outbox, "next").failures
                assert not told, f"{what}: {told}"
                told = first.append(outbox, "first").failures
                assert not told, f"{what}: {told}"
                histories = [*first.histories(outbox), *following.histories(outbox)]
                found = checker.from_scan(scanner.scan(outbox).records)
                assert checker.violations(found, histories) == [], what
    finally:
        first.end()
        following.end()
    names = {what.partition("(")[0] for what in failed}
    assert names & {"mkdir", "mkdirat"}
    assert names & {"chmod", "fchmod", "fchmodat"}
    assert {"openat", "ftruncate"} <= names
    print(f"{language}, umask {umask}: {len(failed)} steps of {', '.join(sorted(names))}")
