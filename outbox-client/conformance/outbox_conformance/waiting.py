"""Waiting for something to become true, with a deadline that only a hang can miss."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, TypeVar

if TYPE_CHECKING:
    from collections.abc import Callable

T = TypeVar("T")


def eventually(
    what: str, condition: Callable[[], T], *, within: float = 60.0, every: float = 0.01
) -> T:
    """Return the first truthy value of a condition.

    Raises:
        AssertionError: there was none within so many seconds.
    """
    deadline = time.monotonic() + within
    while not (value := condition()):
        if time.monotonic() > deadline:
            raise AssertionError(f"not within {within:g} s: {what} (last seen: {value!r})")
        time.sleep(every)
    return value
