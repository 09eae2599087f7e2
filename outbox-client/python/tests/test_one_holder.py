"""Whatever there is twice in a process or ends in the middle: one holder, and no lock left."""

from __future__ import annotations

import asyncio
import ctypes
import importlib.util
import os
import shutil
import threading
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from support import (
    Reached,
    event,
    exit_code,
    in_child,
    new_writer,
    numbers,
    read_all,
    run_python,
)
from test_lock import _is_free

import outbox_client
from outbox_client import Outbox, OutboxBusy
from outbox_client._writers_lock import WritersLock, lock_of

if TYPE_CHECKING:
    from typing import Any

PACKAGE = Path(outbox_client.__file__).parent

# --- twice in one process ---

TWICE = """
import sys
from pathlib import Path
from outbox_client import Outbox
from support import Reached, event, new_writer, numbers
from test_lock import _is_free
path = Path(sys.argv[1])
found = []
def inside():
    assert not _is_free(path)
    found.append(append_with_the_other())
    assert not _is_free(path)
"""

WITH_TWO = """
writer = new_writer(path, disk=Reached("payload", 2, inside))
writer.append(event(0))
writer.append(event(1))
assert "OutboxBusy" in found[0], found
assert "appended" in append_with_the_other()
assert _is_free(path)
writer.append(event(2))
assert "appended" in append_with_the_other()
assert [n for n in numbers(path) if n < 3] == [0, 1, 2]
assert len(numbers(path)) == 5
print("done")
"""

APPEND = """
from outbox_client import Outbox
def append(path):
    outbox = Outbox(path, lock_timeout=0.2)
    try:
        outbox.append("", topic="t")
        return "appended"
    except Exception as problem:
        return repr(problem)
    finally:
        try: outbox.close()
        except Exception: pass
"""


def test_two_installs_in_one_process_exclude_each_other(outbox_path: Path, tmp_path: Path) -> None:
    """As with a vendored copy, or a plug-in with a path of its own."""
    shutil.copytree(PACKAGE, tmp_path / "vendored" / "outbox_client")
    program = f"""
ours = [name for name in sys.modules if name.startswith("outbox_client")]
first = {{name: sys.modules.pop(name) for name in ours}}
sys.path.insert(0, {str(tmp_path / "vendored")!r})
space = {{}}
exec({APPEND!r}, space)
space["append"](str(path.with_name("another")))  # imports all of it before the first comes back
assert sys.modules["outbox_client"].__file__ != first["outbox_client"].__file__
sys.modules.update(first)
append_with_the_other = lambda: space["append"](str(path))
"""
    assert run_python(TWICE + program + WITH_TWO, str(outbox_path)).split() == ["done"]


def test_interpreters_in_one_process_exclude_each_other(outbox_path: Path) -> None:
    name = next(
        (
            name
            for name in ("_interpreters", "_xxsubinterpreters")
            if importlib.util.find_spec(name) is not None
        ),
        None,
    )
    if name is None:
        pytest.skip("this Python has no module for interpreters")
    program = f"""
import {name} as interpreters
from tempfile import NamedTemporaryFile
other = interpreters.create()
def append_with_the_other():
    with NamedTemporaryFile("r") as answer:
        interpreters.run_string(other, f'''
import sys
sys.path[:] = {{sys.path!r}}
{APPEND}
with open({{answer.name!r}}, "w") as answer:
    answer.write(append({{str(path)!r}}))
''')
        return answer.read()
"""
    assert run_python(TWICE + program + WITH_TWO, str(outbox_path)).split() == ["done"]


def test_who_opens_and_closes_the_lock_file_takes_no_lock_away(outbox_path: Path) -> None:
    """A backup or a virus scanner within the process; POSIX locks would be gone by that."""
    found: list[bool] = []

    def inside() -> None:
        os.close(os.open(outbox_path / "outbox.lock", os.O_RDWR))
        found.append(_is_free(outbox_path))
        pid, pipe = in_child(lambda pipe: _say(pipe, str(_is_free(outbox_path))))
        found.append(read_all(pipe) == b"True")
        assert exit_code(pid) == 0

    writer = new_writer(outbox_path, disk=Reached("payload", 2, inside))
    writer.append(event(0))
    writer.append(event(1))
    assert found == [False, False]
    assert _is_free(outbox_path)


def _say(pipe: int, text: str) -> None:
    os.write(pipe, text.encode())


# --- ends in the middle ---


@pytest.mark.filterwarnings("ignore::pytest.PytestUnhandledThreadExceptionWarning")
def test_a_thread_that_exits_inside_an_append_gives_the_lock_back(outbox_path: Path) -> None:
    def leave() -> None:
        raise SystemExit

    writer = new_writer(outbox_path, lock_timeout=60, disk=Reached("payload", 2, leave))
    writer.append(event(0))
    thread = threading.Thread(target=writer.append, args=(event(1),))
    thread.start()
    thread.join()
    assert _is_free(outbox_path)
    writer.append(event(2))
    assert numbers(outbox_path) == [0, 2]


def test_a_thread_that_is_told_to_stop_while_it_waits_gives_its_claim_back(
    outbox_path: Path,
) -> None:
    """As time limits of some task queues do."""
    caught: list[BaseException] = []
    holder = Reached("payload", 2, lambda: _stop_and_wait(thread))
    writer = new_writer(outbox_path, disk=holder)
    other = new_writer(outbox_path, lock_timeout=60)
    started = threading.Event()

    def run() -> None:
        started.set()
        try:
            other.append(event(9))
        except KeyboardInterrupt as problem:
            caught.append(problem)

    thread = threading.Thread(target=run)
    writer.append(event(0))
    writer.append(event(1))
    assert len(caught) == 1
    writer.append(event(2))
    assert _is_free(outbox_path)
    assert numbers(outbox_path) == [0, 1, 2]


def _stop_and_wait(thread: threading.Thread) -> None:
    thread.start()
    assert thread.ident is not None
    ctypes.pythonapi.PyThreadState_SetAsyncExc(
        ctypes.c_ulong(thread.ident), ctypes.py_object(KeyboardInterrupt)
    )
    thread.join()


def test_a_claim_that_was_left_behind_is_taken_over_though_an_error_keeps_the_frame(
    outbox_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What signal handlers that raise one right after the other can do."""
    writer = new_writer(outbox_path, lock_timeout=60)
    writer.append(event(0))
    lock = lock_of(str(outbox_path / "outbox.lock"))

    def ring(*arguments: Any) -> None:
        if arguments[-1] is not lock._lock_argument:
            raise TimeoutError("the task's time is over")

    with monkeypatch.context() as patched:
        patched.setattr(lock, "kernel_call", ring)
        patched.setattr(WritersLock, "release", ring)
        with pytest.raises(TimeoutError) as kept:
            writer.append(event(1))
    assert lock.owner is not None
    other = threading.Thread(target=writer.append, args=(event(2),))
    other.start()
    other.join()
    assert _is_free(outbox_path)
    writer.append(event(3))
    assert kept.value.__traceback__ is not None
    assert numbers(outbox_path) == [0, 1, 2, 3]


def test_an_heir_that_is_gone_keeps_no_other_from_a_claim(outbox_path: Path) -> None:
    from outbox_client._claim import Claim, Token

    writer = new_writer(outbox_path, lock_timeout=60)
    writer.append(event(0))
    token, heirs = Token(), Token()
    abandoned, interrupted = Claim(token), Claim(heirs)
    writer._lock.owner = abandoned
    del token
    assert abandoned.inherited_by(interrupted)
    living = Token()
    assert not abandoned.inherited_by(Claim(living))
    del heirs, living
    writer.append(event(1))
    assert _is_free(outbox_path)
    assert numbers(outbox_path) == [0, 1]


# --- asyncio ---


def test_tasks_and_executors_of_asyncio_append(outbox_path: Path) -> None:
    outbox = Outbox(outbox_path, lock_timeout=60)

    async def run() -> list[int]:
        loop = asyncio.get_running_loop()

        async def append(number: int) -> int:
            if number % 2:
                return outbox.append("", topic="t").sequence
            receipt = await loop.run_in_executor(None, lambda: outbox.append("", topic="t"))
            return receipt.sequence

        return await asyncio.gather(*(append(number) for number in range(40)))

    assert sorted(asyncio.run(run())) == list(range(1, 41))
    assert _is_free(outbox_path)


def test_an_append_from_a_finalizer_within_an_append_is_refused_at_once(outbox_path: Path) -> None:
    found: list[BaseException] = []
    inner = Outbox(outbox_path, lock_timeout=1000)

    class Finalized:
        def __del__(self) -> None:
            try:
                inner.append("", topic="t")
            except OutboxBusy as problem:
                found.append(problem)

    kept: list[Finalized | None] = [Finalized()]

    def drop() -> None:
        kept[0] = None

    writer = new_writer(outbox_path, disk=Reached("payload", 1, drop))
    writer.append(event(0))
    assert "interrupted" in str(found)
    assert numbers(outbox_path) == [0]


def test_a_waiter_in_a_thread_is_not_refused_for_another_threads_append(outbox_path: Path) -> None:
    inside, go = threading.Event(), threading.Event()

    def stay() -> None:
        inside.set()
        assert go.wait(60)

    writer = new_writer(outbox_path, disk=Reached("payload", 1, stay))
    thread = threading.Thread(target=writer.append, args=(event(0),))
    thread.start()
    assert inside.wait(60)
    waiter = new_writer(outbox_path, lock_timeout=60)
    second = threading.Thread(target=waiter.append, args=(event(1),))
    second.start()
    go.set()
    thread.join()
    second.join()
    assert numbers(outbox_path) == [0, 1]
