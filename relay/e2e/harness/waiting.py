"""Waiting for something to become true, with a deadline that only a hang can miss."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, TypeVar

if TYPE_CHECKING:
    from collections.abc import Callable

T = TypeVar("T")

POLL_SECONDS = 0.02


def eventually(
    what: str, condition: Callable[[], T], *, within: float = 60.0, every: float = POLL_SECONDS
) -> T:
    """Return the first truthy value of `condition`; `AssertionError` after `within` seconds.

    An `OSError` of the condition (a file or a port that is not there yet) counts as "not yet".
    """
    deadline = time.monotonic() + within
    last: object = None
    while True:
        try:
            value = condition()
            if value:
                return value
            last = value
        except OSError as error:
            last = error
        if time.monotonic() > deadline:
            raise AssertionError(f"not within {within:g} s: {what} (last seen: {last!r})")
        time.sleep(every)


def let_traffic_flow(seconds: float) -> None:
    """How long something goes on; nothing is expected to have happened when it returns."""
    time.sleep(seconds)
