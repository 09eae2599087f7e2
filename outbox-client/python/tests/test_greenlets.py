"""Greenlets share a thread: one that is suspended is on no stack, and is alive nevertheless.

A program of its own for each test, as what gevent and eventlet patch stays patched.
"""

from __future__ import annotations

import importlib.util

import pytest
from support import run_python

PATCHES = {
    "gevent": """
from gevent import monkey; monkey.patch_all()
import gevent
spawn, later, wait = gevent.spawn, gevent.spawn_later, lambda greenlet: greenlet.get()
kill, sleep = gevent.Greenlet.kill, gevent.sleep
def in_the_hub(call):
    done = gevent.event.AsyncResult()
    def run():
        try: done.set(call())
        except BaseException as problem: done.set(problem)
    gevent.get_hub().loop.run_callback(run)
    return done.get()
""",
    "eventlet": """
import eventlet; eventlet.monkey_patch()
spawn, later, wait = eventlet.spawn, eventlet.spawn_after, lambda greenlet: greenlet.wait()
kill, sleep = eventlet.kill, eventlet.sleep
def in_the_hub(call):
    from eventlet import hubs
    done = eventlet.event.Event()
    def run():
        try: done.send(call())
        except BaseException as problem: done.send(problem)
    hubs.get_hub().schedule_call_global(0, run)
    return done.wait()
""",
}

IMPORTS = """
import fcntl, os, struct, sys
from outbox_client import Outbox, OutboxBusy, OutboxUnavailable
from outbox_client import _outbox_reader, _queue_writer
"""

PROGRAM = """
from support import Clock, Reached, event, eventually, new_writer, numbers, records
from test_lock import _is_free, _struct_flock
from pathlib import Path
path = Path(sys.argv[1])
outbox = Outbox(path)
outbox.create()

def locked_by_another():
    other = os.open(path / "outbox.lock", os.O_RDWR)
    fcntl.fcntl(other, fcntl.F_OFD_SETLK, _struct_flock(fcntl.F_WRLCK))
    return other

def try_to_append(outbox=outbox):
    try:
        return outbox.append("", topic="t").sequence
    except OutboxBusy as problem:
        return problem

"""


@pytest.fixture(params=["patched before", "patched after"])
def order(request: pytest.FixtureRequest) -> str:
    return str(request.param)


@pytest.fixture(params=sorted(PATCHES))
def beginning(request: pytest.FixtureRequest, order: str) -> str:
    name = str(request.param)
    if importlib.util.find_spec(name) is None:
        pytest.skip(f"{name} is not installed")
    patch = PATCHES[name]
    return (patch + IMPORTS if order == "patched before" else IMPORTS + patch) + PROGRAM


def run(beginning: str, program: str, path: object) -> None:
    assert run_python(beginning + program, str(path)).splitlines()[-1:] == ["done"]


def test_greenlets_that_wait_for_another_process_append_one_after_the_other(
    beginning: str, outbox_path: object
) -> None:
    run(
        beginning,
        """
later(0.3, os.close, locked_by_another())
sequences = [wait(each) for each in [spawn(try_to_append) for _ in range(6)]]
assert sorted(sequences) == [1, 2, 3, 4, 5, 6], sequences
assert _is_free(path)
print("done")
""",
        outbox_path,
    )


def test_a_greenlet_that_is_suspended_under_the_lock_keeps_it(
    beginning: str, outbox_path: object
) -> None:
    """As a finalizer or a signal handler can suspend it."""
    run(
        beginning,
        """
inside = 0
def suspend():
    global inside
    inside += 1
    assert inside == 1
    sleep(0.2)
    assert inside == 1
    inside -= 1

writers = [
    new_writer(path, lock_timeout=60, disk=Reached("payload", 1, suspend)) for _ in range(4)
]
for greenlet in [spawn(writer.append, event(n)) for n, writer in enumerate(writers)]:
    wait(greenlet)
assert sorted(numbers(path)) == [0, 1, 2, 3]
assert _is_free(path)
print("done")
""",
        outbox_path,
    )


def test_a_greenlet_that_is_killed_gives_the_lock_back(beginning: str, outbox_path: object) -> None:
    run(
        beginning,
        """
waiting = spawn(outbox.append, "", topic="t")
other = locked_by_another()
sleep(0.01)
kill(waiting)
os.close(other)
assert try_to_append() == 1
holding = spawn(
    new_writer(path, disk=Reached("payload", 1, lambda: sleep(60))).append, event(0)
)
sleep(0.01)
assert not _is_free(path)
kill(holding)
assert _is_free(path)
assert try_to_append() == 2
print("done")
""",
        outbox_path,
    )


def test_an_append_within_one_of_the_same_greenlet_is_refused_at_once(
    beginning: str, outbox_path: object
) -> None:
    run(
        beginning,
        """
patient = Outbox(path, lock_timeout=1000)
found = []
writer = new_writer(path, disk=Reached("payload", 1, lambda: found.append(try_to_append(patient))))
wait(spawn(writer.append, event(0)))
assert "interrupted" in str(found), found
assert try_to_append() == 2
print("done")
""",
        outbox_path,
    )


def test_the_event_loop_itself_appends_or_is_told_that_it_cannot_wait(
    beginning: str, outbox_path: object
) -> None:
    run(
        beginning,
        """
assert in_the_hub(try_to_append) == 1
other = locked_by_another()
busy = in_the_hub(try_to_append)
assert "from a greenlet" in str(busy), busy
os.close(other)
assert in_the_hub(try_to_append) == 2
assert _is_free(path)
print("done")
""",
        outbox_path,
    )


def test_a_fork_while_greenlets_wait_leaves_a_child_in_which_they_append(
    beginning: str, outbox_path: object
) -> None:
    """The child has all greenlets of its parent, with the frames in which they wait."""
    run(
        beginning,
        """
other = locked_by_another()
waiting = [spawn(outbox.append, "", topic="t") for _ in range(3)]
sleep(0.01)
pid = os.fork()
os.close(other)
for greenlet in waiting:
    wait(greenlet)
if not pid:
    eventually(lambda: _is_free(path))
    os._exit(0)
while not (found := os.waitpid(pid, os.WNOHANG))[0]:
    sleep(0.01)
assert found[1] == 0, found
assert _is_free(path)
assert [record.sequence for record in records(path)] == [1, 2, 3, 4, 5, 6]
print("done")
""",
        outbox_path,
    )


def test_a_fork_while_a_greenlet_is_suspended_under_the_lock_leaves_it_to_the_parent(
    beginning: str, outbox_path: object
) -> None:
    run(
        beginning,
        """
class Suspending(Clock):
    def __call__(self):
        sleep(0.05)
        return super().__call__()

writer = new_writer(path, lock_timeout=60, clock=Suspending())
def append(number):
    try:
        return writer.append(event(number)).sequence
    except OutboxUnavailable as problem:
        return problem
holder = spawn(append, 0)
sleep(0.01)
assert not _is_free(path)
pid = os.fork()
found = wait(holder)
if not pid:
    assert "forked" in str(found), found
    append(1)
    os._exit(0)
assert found == 1, found
while not (ended := os.waitpid(pid, os.WNOHANG))[0]:
    sleep(0.01)
assert ended[1] == 0, ended
append(2)
assert numbers(path) == [0, 1, 2]
assert _is_free(path)
print("done")
""",
        outbox_path,
    )


def test_who_waits_for_delivery_lets_others_run(beginning: str, outbox_path: object) -> None:
    run(
        beginning,
        """
receipt = outbox.append("", topic="t")
waiting = spawn(outbox.wait_delivered, receipt, 0.2)
sleep(0)
sleep(0)
assert not waiting.dead
assert wait(waiting) == "PENDING"
print("done")
""",
        outbox_path,
    )


def test_a_claim_of_a_greenlet_whose_thread_is_gone_is_taken_over(outbox_path: object) -> None:
    """Somebody may keep the greenlet, and with it the frame; nobody can resume it."""
    if importlib.util.find_spec("greenlet") is None:
        pytest.skip("greenlet is not installed")
    run(
        IMPORTS + PROGRAM,
        """
import threading
from greenlet import getcurrent, greenlet
kept = []
def begin():
    main = getcurrent()
    suspend = Reached("payload", 1, lambda: main.switch())
    kept.append(greenlet(new_writer(path, disk=suspend).append))
    kept[0].switch(event(0))
thread = threading.Thread(target=begin)
thread.start()
thread.join()
assert not _is_free(path)
assert try_to_append() == 1
assert _is_free(path)
print("done")
""",
        outbox_path,
    )


def test_a_greenlet_whose_holder_cannot_be_resumed_is_refused_at_once(outbox_path: object) -> None:
    """Plain greenlets: sleeping would stop the holder, too."""
    if importlib.util.find_spec("greenlet") is None:
        pytest.skip("greenlet is not installed")
    run(
        IMPORTS + PROGRAM,
        """
from greenlet import getcurrent, greenlet
main = getcurrent()
holder = greenlet(new_writer(path, disk=Reached("payload", 1, lambda: main.switch())).append)
holder.switch(event(0))
busy = try_to_append(Outbox(path, lock_timeout=1000))
assert "another greenlet" in str(busy), busy
holder.switch()
assert holder.dead
assert _is_free(path)
assert try_to_append() == 2
print("done")
""",
        outbox_path,
    )
