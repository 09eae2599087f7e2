"""Somebody closes what the client has open, as daemons do, and uses the numbers again."""

from __future__ import annotations

import os
import subprocess
import sys
from typing import TYPE_CHECKING

import pytest
from support import Reached, event, new_writer

from outbox_client._outbox_reader import OutboxReader
from outbox_client.testing import read_events

if TYPE_CHECKING:
    from pathlib import Path

# In a process of its own: the numbers of this one's descriptors are the test runner's.
_PROGRAM = '''
import gc, os, subprocess, sys
from outbox_client import Outbox, OutboxBusy
HOLDER = """
import fcntl, os, struct, sys
held = os.open(sys.argv[1] + "/outbox.lock", os.O_RDWR)
fcntl.fcntl(held, fcntl.F_OFD_SETLK, struct.pack("hhqqi4x", fcntl.F_WRLCK, 0, 0, 1, 0))
print("held", flush=True)
sys.stdin.read()
"""
path, again = sys.argv[1], sys.argv[2] == "again"
outbox = Outbox(path, lock_timeout=0.2)
outbox.append("before", topic="t")
os.closerange(3, 64)
own = []
if again:
    own = [os.open(f"{path}.own{n}", os.O_RDWR | os.O_CREAT) for n in range(16)]
holder = subprocess.Popen([sys.executable, "-c", HOLDER, path], stdout=-1, stdin=-1)
assert holder.stdout.readline() == b"held\\n"
try:
    outbox.append("while another holds the lock", topic="t")
    print("appended")
except OutboxBusy:
    print("busy")
holder.kill()
holder.wait()
child = os.fork()  # closes what it inherited, and nothing else
if child == 0:
    for fd in own:
        os.fstat(fd)
    os._exit(0)
print(os.waitpid(child, 0)[1])
print(outbox.append("after", topic="t").sequence)
del outbox
gc.collect()
for fd in own:
    os.fstat(fd)
    assert os.read(fd, 100) == b"", "written to by the client"
print(Outbox(path).append("another object", topic="t").sequence)
'''


@pytest.mark.parametrize("again", ["again", "closed"])
def test_numbers_that_were_closed_and_used_again(again: str, outbox_path: Path) -> None:
    done = subprocess.run(
        [sys.executable, "-c", _PROGRAM, str(outbox_path), again],
        stdin=subprocess.PIPE,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert done.stdout.split() == ["busy", "0", "2", "3"], done.stderr
    assert [each.value for each in read_events(outbox_path)] == [
        b"before",
        b"after",
        b"another object",
    ]


@pytest.mark.parametrize("name", ["queue", "queue/CYCLE"])
def test_what_was_moved_away_is_not_appended_to(name: str, outbox_path: Path) -> None:
    writer = new_writer(outbox_path)
    writer.append(event(1))
    (cycle,) = (outbox_path / "queue").glob("*.cq4")
    moved = outbox_path / name.replace("CYCLE", cycle.name)
    moved.rename(outbox_path / "moved")
    receipt = writer.append(event(2))
    assert receipt.sequence == 2
    assert OutboxReader(str(outbox_path)).status().next_sequence == 3
    assert [each.sequence for each in read_events(outbox_path)][-1] == 2


def test_a_state_that_was_moved_away_and_made_anew_gives_no_sequence_twice(
    outbox_path: Path,
) -> None:
    writer = new_writer(outbox_path)
    writer.append(event(1))
    (outbox_path / "outbox.state").rename(outbox_path / "moved")
    writer.append(event(2))
    another = new_writer(outbox_path)
    for number in range(3, 9, 2):
        another.append(event(number))
        writer.append(event(number + 1))
    assert [each.sequence for each in read_events(outbox_path)] == list(range(1, 9))


def test_a_lock_that_is_closed_inside_an_append_is_no_error_of_it(outbox_path: Path) -> None:
    disk = Reached("word1", 1, lambda: os.close(writer._lock.fd))
    writer = new_writer(outbox_path, disk=disk)
    assert writer.append(event(1)).sequence == 1
    assert writer.append(event(2)).sequence == 2
    writer.close()
