"""Polling for a lock."""

from __future__ import annotations

import os
import time
from time import monotonic

from outbox_client._errors import OutboxBusy

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable

_IMMEDIATE_TRIES = 3
_SHORTEST_SLEEP = 50e-6
_LONGEST_SLEEP = 2e-3
_BUILTIN: type = type(monotonic)


class LockDeadline:
    """Polling with growing, jittered pauses up to a deadline.

    Attributes:
        deadline: of the monotonic clock.
    """

    __slots__ = ("_pause", "_random", "_tries", "deadline")

    def __init__(self, deadline: float, random: Callable[[int], bytes] = os.urandom) -> None:
        self.deadline = deadline
        self._random = random
        self._tries = 0
        self._pause = _SHORTEST_SLEEP

    def wait(self) -> bool:
        """Pause before the next try; False when the deadline has passed.

        Raises:
            OutboxBusy: whoever calls cannot pause, as others wait for it to return.
        """
        self._tries += 1
        if self._tries <= _IMMEDIATE_TRIES:
            sleep(0)
            return True
        left = self.deadline - monotonic()
        if left <= 0:
            return False
        jitter = 0.5 + self._random(1)[0] / 255
        sleep(min(self._pause * jitter, left))
        self._pause = min(self._pause * 2, _LONGEST_SLEEP)
        return True


def stops_the_thread() -> bool:
    """Whether who waits stops all greenlets of its thread."""
    return type(time.sleep) is _BUILTIN


def sleep(seconds: float) -> None:
    """Pause, letting other threads and greenlets run.

    Raises:
        OutboxBusy: whoever calls cannot pause, as others wait for it to return.
    """
    # Looked up each time: gevent and eventlet may come after this module.
    pause = time.sleep
    try:
        pause(seconds)
    except (AssertionError, RuntimeError) as problem:
        if type(pause) is _BUILTIN:
            raise  # a signal handler's
        raise OutboxBusy(
            "another writer holds the lock, and this was called by the event loop itself, which "
            f"cannot wait ({problem}): append from a greenlet"
        ) from problem
