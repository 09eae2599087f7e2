"""The line behind which nothing of ours may disturb the caller."""

from __future__ import annotations

import dis
import logging
import sys
from inspect import CO_VARARGS
from itertools import pairwise
from typing import TYPE_CHECKING

from airflow_provider_outbox.events._settings import InvalidSettingError
from outbox_client import InvalidEvent, Outbox, OutboxError, OutboxUnavailable

if TYPE_CHECKING:
    from collections.abc import Callable
    from types import FrameType, TracebackType

logger = logging.getLogger("airflow_provider_outbox")

_HUBS = frozenset({"gevent", "eventlet"})


class Boundary:
    """Logs and swallows the errors of what is done inside, and counts a lost event.

    What came from outside passes (`from_outside`): a task's timeout, a stop of the scheduler or
    Ctrl-C would have struck the caller's code one moment later, and must still strike.

    ::

        with Boundary("publish the event", lost=count):
            ...
    """

    def __init__(self, action: str, *, lost: Callable[[BaseException], None] | None = None) -> None:
        """Say what is done inside.

        Args:
            action: for the log: "cannot …".
            lost: counts the event that is lost when something is raised; None: none is.
        """
        self._action = action
        self._lost = lost

    def __enter__(self) -> None:
        pass

    def __exit__(
        self,
        kind: type[BaseException] | None,
        problem: BaseException | None,
        traceback: TracebackType | None,
    ) -> bool:
        if problem is None:
            return False
        if from_outside(problem):
            return False
        log_failure(self._action, problem)
        if self._lost is not None:
            try:
                self._lost(problem)
            except BaseException as another:
                if from_outside(another):
                    raise
        return True


def count_lost(directory: str, problem: BaseException) -> None:
    """Count an event for the relay that was lost before the outbox was asked to take it.

    Args:
        directory: of the outbox.
        problem: why it was lost. An `OutboxError` is one that `Outbox.append` has counted.
    """
    if isinstance(problem, OutboxError):
        return
    reason = OutboxUnavailable if isinstance(problem, InvalidSettingError) else InvalidEvent
    # Told all, so that a wrong setting in the environment does not matter: it may be the problem.
    Outbox(directory, durability="process", max_bytes=1).count_refusal(reason)


def from_outside(problem: BaseException) -> bool:
    """Whether *problem* is no error of what was done, but struck while it was done.

    So does what a signal's handler raises, what a greenlet's timeout or end throws into it, and
    what another thread sets (``PyThreadState_SetAsyncExc``, by which time limits strike that work
    without signals). What our code or a user's value raises is an error, of whatever class it is.
    """
    traceback = problem.__traceback__
    if isinstance(problem, KeyboardInterrupt) or traceback is None:
        # Python's own handler of SIGINT is written in C and leaves no frame.
        return isinstance(problem, KeyboardInterrupt)
    while traceback.tb_next is not None:
        if _is_told_of(traceback.tb_next.tb_frame, traceback.tb_frame):
            return True
        traceback = traceback.tb_next
    return _was_set(problem, traceback)


def _is_told_of(handler: FrameType, interrupted: FrameType) -> bool:
    """Whether the first is a signal handler's: it is given a number and what it interrupts."""
    code = handler.f_code
    count = code.co_argcount + code.co_kwonlyargcount + bool(code.co_flags & CO_VARARGS)
    given: list[object] = []
    for name in code.co_varnames[:count]:
        value = handler.f_locals.get(name)
        given.extend(value if type(value) is tuple else (value,))
    return any(
        isinstance(number, int) and frame is interrupted for number, frame in pairwise(given)
    )


def _was_set(problem: BaseException, innermost: TracebackType) -> bool:
    """Whether nobody raised it where it appeared, or C code did that for somebody else."""
    code = innermost.tb_frame.f_code.co_code
    at = innermost.tb_lasti
    if _is_switch(innermost.tb_frame):
        return True
    known = 0 <= at < len(code)  # not in frames of Cython's
    if known and dis.opname[code[at]] in ("RAISE_VARARGS", "RERAISE"):
        return False
    if isinstance(problem, Exception):
        # What is set is a class, so it has nothing to say.
        return known and not (problem.args or problem.__cause__ or _is_of_c(type(problem)))
    return not (isinstance(problem, SystemExit) and problem.args)  # else sys.exit


def _is_switch(frame: FrameType) -> bool:
    """Whether a greenlet waits there, and another one throws errors into it."""
    package = str(frame.f_globals.get("__name__")).partition(".")[0]
    return package in _HUBS and frame.f_code.co_name.endswith("switch")


def _is_of_c(kind: type[BaseException]) -> bool:
    """Whether C code may raise it with nothing to say, as it does `StopIteration`."""
    if kind is TimeoutError:
        return False
    module = sys.modules.get(kind.__module__)
    return not str(getattr(module, "__file__", None) or "").endswith((".py", ".pyc"))


def log_failure(action: str, problem: BaseException) -> None:
    """One line that tells what was lost and why; the traceback at DEBUG."""
    try:
        logger.error("cannot %s: %s: %s", action, type(problem).__name__, problem)
        logger.debug("where it came from", exc_info=problem)
    except Exception as another:
        # A log handler, or the problem's own __str__.
        if from_outside(another):
            raise
