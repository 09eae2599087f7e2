"""Event ids of the client's own: UUIDs of version 7."""

from __future__ import annotations

import os
from struct import Struct
from time import time_ns

from outbox_client._forks import forget_the_parent, here, in_each_child

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable

# One call of the system for many ids costs a fraction of one for each.
_BLOCK = 64
_RANDOM_BYTES = 10
_RANDOM_BITS = int.from_bytes(b"\x0f\xff\x3f\xff\xff\xff\xff\xff\xff\xff" * _BLOCK, "big")
_VERSION_AND_VARIANT = int.from_bytes(b"\x70\0\x80\0\0\0\0\0\0\0" * _BLOCK, "big")
_split: Callable[[bytes], tuple[bytes, ...]] = Struct(f"{_RANDOM_BYTES}s" * _BLOCK).unpack

# What follows the time in ids that are still to be given. Taking one from a list is one step, for
# other threads and for signal handlers that raise: what is lost then was not used.
_endings: list[bytes] = []


def new_event_id() -> bytes:
    """A UUID of version 7 (RFC 9562): 48 bits of milliseconds, 74 random bits."""
    if not here[0]:
        forget_the_parent()
    endings = _endings
    try:
        ending = endings.pop()
    except IndexError:
        ending = _refill(endings)
    return (time_ns() // 1_000_000).to_bytes(6, "big") + ending


def _refill(endings: list[bytes]) -> bytes:
    random = int.from_bytes(os.urandom(_BLOCK * _RANDOM_BYTES), "big")
    shaped = random & _RANDOM_BITS | _VERSION_AND_VARIANT
    ending, *others = _split(shaped.to_bytes(_BLOCK * _RANDOM_BYTES, "big"))
    endings += others
    return ending


def _begin_anew() -> None:
    """In a forked child: its parent gives out what is in the list.

    A new list, as a signal handler may fork while what it interrupts fills the old one.
    """
    global _endings
    _endings = []


in_each_child(_begin_anew)
