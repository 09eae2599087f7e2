"""Polling for a lock."""

from __future__ import annotations

import os
from time import monotonic, sleep

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable

_IMMEDIATE_TRIES = 3
_SHORTEST_SLEEP = 50e-6
_LONGEST_SLEEP = 2e-3


class LockDeadline:
    """Polling with growing, jittered pauses up to a deadline."""

    __slots__ = ("_deadline", "_pause", "_random", "_tries")

    def __init__(self, deadline: float, random: Callable[[int], bytes] = os.urandom) -> None:
        self._deadline = deadline
        self._random = random
        self._tries = 0
        self._pause = _SHORTEST_SLEEP

    def wait(self) -> bool:
        """Pause before the next try; False when the deadline has passed."""
        self._tries += 1
        if self._tries <= _IMMEDIATE_TRIES:
            sleep(0)
            return True
        left = self._deadline - monotonic()
        if left <= 0:
            return False
        jitter = 0.5 + self._random(1)[0] / 255
        sleep(min(self._pause * jitter, left))
        self._pause = min(self._pause * 2, _LONGEST_SLEEP)
        return True
