"""The line behind which nothing of ours may disturb the caller."""

from __future__ import annotations

import logging
import signal
from typing import TYPE_CHECKING

from airflow_provider_outbox.events._settings import InvalidSettingError
from outbox_client import InvalidEvent, Outbox, OutboxError, OutboxUnavailable

if TYPE_CHECKING:
    from collections.abc import Callable
    from types import TracebackType

logger = logging.getLogger("airflow_provider_outbox")


class Boundary:
    """Logs and swallows what is raised inside, of whatever kind, and counts a lost event.

    Except what a signal handler raised: a task's timeout, a stop of the scheduler or Ctrl-C would
    have struck the caller's code one moment later, and must still strike.

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
        if raised_by_signal(problem):
            return False
        log_failure(self._action, problem)
        if self._lost is not None:
            try:
                self._lost(problem)
            except BaseException as another:
                if raised_by_signal(another):
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


def raised_by_signal(problem: BaseException) -> bool:
    """Whether a signal's handler raised it: one of the frames that it passed is the handler's."""
    if isinstance(problem, KeyboardInterrupt):
        # Python's own handler of SIGINT is written in C and leaves no frame.
        return True
    handlers = [signal.getsignal(number) for number in signal.valid_signals()]
    codes = {getattr(handler, "__code__", None) for handler in handlers} - {None}
    traceback = problem.__traceback__
    while traceback is not None:
        if traceback.tb_frame.f_code in codes:
            return True
        traceback = traceback.tb_next
    return False


def log_failure(action: str, problem: BaseException) -> None:
    """One line that tells what was lost and why; the traceback at DEBUG."""
    try:
        logger.error("cannot %s: %s: %s", action, type(problem).__name__, problem)
        logger.debug("where it came from", exc_info=problem)
    except Exception as another:
        # A log handler, or the problem's own __str__.
        if raised_by_signal(another):
            raise
