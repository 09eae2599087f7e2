"""What a forked child must forget of its parent, however it was forked.

Python calls back behind a fork of its own. Of one in C it may not know: a server that loads an
application and then forks its workers can be such (uWSGI, unless told otherwise). A page that Linux
clears in a child shows that, too, for the price of reading a byte.
"""

from __future__ import annotations

import os
import sys
from _thread import RLock
from mmap import MAP_ANONYMOUS, MAP_PRIVATE, PAGESIZE, mmap

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable

_MADV_WIPEONFORK = 18  # of Linux; the module mmap has no name for it

#: The first byte is 0 in a child that has still to call `forget_the_parent`.
here = mmap(-1, PAGESIZE, MAP_PRIVATE | MAP_ANONYMOUS)
here[0] = 1

_forgetters: list[Callable[[], None]] = []
_forgetting = RLock()  # a signal handler may be in need of it, too


def in_each_child(forget: Callable[[], None]) -> None:
    """Have this called in each forked child, before anything that asks for it; in order."""
    _forgetters.append(forget)


def forget_the_parent() -> None:
    """Do once what a fork that Python knows of does at once."""
    with _forgetting:
        if not here[0]:
            _forget()


def _forget() -> None:
    for forget in _forgetters:
        forget()
    here[0] = 1


if sys.platform == "linux":
    try:  # noqa: SIM105 - contextlib takes longer to import than all of this package
        here.madvise(_MADV_WIPEONFORK)
    except OSError:
        pass  # before Linux 4.14
os.register_at_fork(after_in_child=_forget)
