"""``outbox run -- COMMAND``: runs a command, and publishes that it started and how it ended."""

from __future__ import annotations

import argparse
import contextlib
import logging
import os
import re
import select
import socket
from _thread import allocate_lock, start_new_thread
from datetime import datetime, timezone
from functools import partial
from signal import Signals
from time import monotonic
from typing import TYPE_CHECKING, Any

from airflow_provider_outbox.events._boundary import Boundary, logger
from airflow_provider_outbox.events._child_process import (
    ChildProcess,
    End,
    NotStartedError,
    end_like,
)
from airflow_provider_outbox.events._event import (
    EventSource,
    EventType,
    WorkflowEvent,
    environment_name,
)
from airflow_provider_outbox.events._fact_id import fact_id
from airflow_provider_outbox.events._producer import WorkflowEventProducer
from airflow_provider_outbox.events._settings import from_environment
from outbox_client import Outbox

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

# That the start is told first is worth so much of the command's time, and no more.
START_SECONDS = 1.0
END_SECONDS = 10.0
LOCK_SECONDS = 1.0
COMPLAINT_SECONDS = 1

_STDERR = 2
_VARIABLE = re.compile(r"[A-Za-z_][A-Za-z0-9_]*=")

_DESCRIPTION = """\
Run a command and publish workflow events: WORKFLOW_STARTED, then WORKFLOW_COMPLETED if it exits
with 0, else WORKFLOW_FAILED with its exit code or signal. Its input, output, terminal, environment
and exit code are its own, and signals reach it. It runs also where nothing can be published;
standard error says then what was not.
"""
_EPILOG = """\
exit codes:
  the command's; ended by a signal, by that signal (128 + its number in a shell)
    2  the command line of outbox run is wrong: nothing was run
  126  the command cannot be executed      127  the command was not found

A repeated start of the same run, as of a job that is tried again, is told apart by --try-number:
run, type and try make the event's id. Killed by SIGKILL itself, outbox run can tell nothing: the
command goes on, and no end of it is published.

environment:
  OUTBOX_DIR, OUTBOX_TOPIC, ENVIRONMENT as of the other commands; TRACEPARENT is handed on
  AIRFLOW__OUTBOX__INSTANCE  tells installations apart that share a topic (default: ENVIRONMENT)
"""


def main(arguments: Sequence[str]) -> int:
    """The command ``outbox run``; the process's exit code.

    Args:
        arguments: behind ``run``.
    """
    options = _parsed(list(arguments))
    child = ChildProcess(options.command)  # before the first thread
    telling = _Telling(options)
    begun = monotonic()
    telling.tell(EventType.WORKFLOW_STARTED, {}, START_SECONDS)
    facts: dict[str, Any]
    try:
        child.start()
    except NotStartedError as problem:
        _complain(str(problem))
        end = End(problem.exit_code, 0)
        facts = {"exit_code": problem.exit_code, "error": problem.reason}
    else:
        end = child.wait()
        facts = {"exit_code": end.code} if end.signal == 0 else {"signal": _name(end.signal)}
    facts["duration_seconds"] = round(monotonic() - begun, 3)
    kind = EventType.WORKFLOW_COMPLETED if end.code == 0 else EventType.WORKFLOW_FAILED
    telling.tell(kind, facts, END_SECONDS)
    return end_like(end)


def _parsed(arguments: list[str]) -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        prog="outbox run",
        usage="outbox run [OPTIONS] -- COMMAND [ARGUMENT ...]",
        description=_DESCRIPTION,
        epilog=_EPILOG,
        formatter_class=argparse.RawDescriptionHelpFormatter,
        allow_abbrev=False,
    )
    parser.add_argument("--dir", metavar="PATH", help="the outbox's directory (OUTBOX_DIR)")
    parser.add_argument("--topic", help="default: OUTBOX_TOPIC, else workflow-events")
    parser.add_argument("--workflow-id", metavar="ID", help="default: the command's name")
    parser.add_argument("--run-id", metavar="ID", help="default: time, host and process")
    parser.add_argument("--try-number", type=_try_number, default=1, metavar="N", help="default: 1")
    end = arguments.index("--") if "--" in arguments else len(arguments)
    options = parser.parse_args(arguments[:end])
    options.command = arguments[end + 1 :]
    if not options.command or not options.command[0]:
        parser.error("name a command behind --, as in: outbox run -- backup.sh --all")
    if _VARIABLE.match(options.command[0]):
        # Not shown: it may be a secret.
        parser.error(
            "a variable stands in place of the command: outbox run -- env NAME=VALUE COMMAND"
        )
    return options


def _try_number(text: str) -> int:
    if not (text.isascii() and text.isdigit() and 0 < len(text) < 10 and int(text) > 0):
        raise argparse.ArgumentTypeError(f"{text!r} is no whole number of 1 or more")
    return int(text)


class _Aside:
    """A call on a thread of its own, which is waited for only so long.

    `threading.Thread` waits without an end for a thread that has no memory to begin.
    """

    def __init__(self, call: Callable[[], None]) -> None:
        """Begin.

        Raises:
            RuntimeError: there are no more threads.
        """
        self._call = call
        self._going_on = allocate_lock()
        self._going_on.acquire()
        start_new_thread(self._run, ())

    def _run(self) -> None:
        try:
            self._call()
        finally:
            self._going_on.release()

    def has_ended(self, seconds: float) -> bool:
        if not self._going_on.acquire(timeout=seconds):
            return False
        self._going_on.release()
        return True


class _Telling:
    """Publishes what happens to one command, and waits for the outbox only so long."""

    def __init__(self, options: argparse.Namespace) -> None:
        host = socket.gethostname()
        # Its arguments may hold secrets, also where all stand in one word by mistake.
        words = options.command[0].split(maxsplit=1)
        self._command = os.path.basename(words[0]) if words else ""
        self._workflow_id = options.workflow_id or self._command or options.command[0]
        now = datetime.now(timezone.utc).isoformat(timespec="microseconds")
        self._run_id = options.run_id or f"{now}_{host}_{os.getpid()}"
        self._details = {"try_number": options.try_number}
        self._host = host
        self._topic = options.topic
        self._directory = options.dir
        self._producer: WorkflowEventProducer | None = None
        self._before: _Aside | None = None
        logger.addHandler(_Complaints())
        logger.propagate = False

    def tell(self, kind: EventType, facts: Mapping[str, Any], seconds: float) -> None:
        """Publish that *kind* happened, within *seconds* or not for sure."""
        what = f"publish {kind} of {self._workflow_id} {self._run_id}"
        until = monotonic() + seconds
        with Boundary(what):
            # Its order: what waits for a lock or a disk comes first, if it comes.
            if self._before is not None and not self._before.has_ended(seconds):
                _complain(f"cannot {what}: the outbox has not taken the event before it")
                return
            publish = partial(self._publish, what, kind, facts)
            try:
                self._before = _Aside(publish)
            except RuntimeError:  # a limit of processes: here, then
                publish()
                return
            in_time = self._before.has_ended(max(0.0, until - monotonic()))
            if not in_time and kind is not EventType.WORKFLOW_STARTED:
                _complain(f"it may be in vain to {what}: the outbox took {seconds:.0f} s")

    def _publish(self, what: str, kind: EventType, facts: Mapping[str, Any]) -> None:
        with Boundary(what):
            if self._producer is None:
                outbox = Outbox(self._directory, lock_timeout=LOCK_SECONDS)
                self._producer = WorkflowEventProducer(outbox=outbox)
            instance = from_environment("instance") or environment_name()
            event = WorkflowEvent(
                event_type=kind,
                source=EventSource.CUSTOM,
                workflow_id=self._workflow_id,
                workflow_run_id=self._run_id,
                payload={"command": self._command, "host": self._host, **facts},
                metadata={"publisher": "run", **self._details},
                event_id=fact_id(instance, self._workflow_id, self._run_id, kind, self._details),
            )
            self._producer.try_publish_event(
                event,
                self._topic,
                traceparent=os.environ.get("TRACEPARENT"),
                identity=("publisher", *self._details),
            )


def _name(number: int) -> str:
    try:
        return Signals(number).name
    except ValueError:  # a real-time signal
        return f"SIG{number}"


class _Complaints(logging.Handler):
    def emit(self, record: logging.LogRecord) -> None:
        _complain(record.getMessage())


def _complain(message: str) -> None:
    """Say it on standard error, if somebody reads that."""
    data = f"outbox run: {message}\n".encode("utf-8", "backslashreplace")
    with contextlib.suppress(OSError):
        room = select.poll()
        room.register(_STDERR, select.POLLOUT)
        if room.poll(COMPLAINT_SECONDS * 1000):
            os.write(_STDERR, data[: select.PIPE_BUF])
