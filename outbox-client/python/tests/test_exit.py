"""Appends while the interpreter goes."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from support import event, new_writer, numbers, run_python
from test_lock import _is_free

if TYPE_CHECKING:
    from pathlib import Path

EXIT = """
import os, sys
from outbox_client import InvalidEvent, Outbox, OutboxError, OutboxUnavailable
path, keeper, warm, arguments, call = sys.argv[1:]
outbox = Outbox(path)
if warm == "warm":
    outbox.append("", topic="t")

class LastWords:
    def __init__(self):
        self.named, self.write = (OutboxError,), os.write
        if call == "append":
            self.append = outbox.append
        elif call == "append_all":
            all_of = outbox.append_all
            self.append = lambda value, **others: all_of([{"value": value, **others}] * 2)
        else:
            self.append = lambda *_, **others: outbox.count_refusal()
        self.arguments = eval(arguments)
    def __del__(self):
        try:
            self.append("last", **self.arguments)
            said = b"appended"
        except self.named as problem:
            said = type(problem).__name__.encode()
        except BaseException as problem:
            said = repr(problem).encode()
        self.write(1, said)

if keeper == "a global":
    last_words = LastWords()
elif keeper == "builtins":
    import builtins
    builtins.last_words = LastWords()
elif keeper == "a cycle":
    last_words = LastWords()
    last_words.itself = last_words
    del last_words
else:
    import atexit
    atexit.register(LastWords().__del__)
    LastWords.__del__ = lambda self: None
"""


@pytest.mark.parametrize("call", ["append", "append_all", "count_refusal"])
@pytest.mark.parametrize("keeper", ["a global", "builtins", "a cycle", "atexit"])
@pytest.mark.parametrize("warm", ["warm", "cold"])
@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        ({"topic": "t"}, {"appended"}),
        ({"topic": ""}, {"InvalidEvent"}),
        (
            {"topic": "t", "event_id": "6f9619ff-8b86-d011-b42d-00cf4fc964ff"},
            {"appended", "InvalidEvent"},
        ),
    ],
    ids=["valid", "invalid", "with an id"],
)
def test_an_append_at_the_interpreters_exit_succeeds_or_fails_by_name(
    call: str,
    keeper: str,
    warm: str,
    arguments: dict[str, str],
    said: set[str],
    outbox_path: Path,
) -> None:
    if call == "count_refusal":
        said = {"appended"}
    assert run_python(EXIT, str(outbox_path), keeper, warm, str(arguments), call) in said
    if (outbox_path / "outbox.lock").exists():
        assert _is_free(outbox_path)


def test_a_process_that_ends_while_a_daemon_thread_appends_leaves_no_lock(
    outbox_path: Path,
) -> None:
    program = """
import sys, threading
from support import Reached, event, new_writer
inside = threading.Event()
def stay():
    inside.set()
    threading.Event().wait()
writer = new_writer(sys.argv[1], disk=Reached("payload", 1, stay))
threading.Thread(target=writer.append, args=(event(0),), daemon=True).start()
inside.wait()
"""
    run_python(program, str(outbox_path))
    assert _is_free(outbox_path)
    new_writer(outbox_path).append(event(1))
    assert numbers(outbox_path) == [1]
