"""A client for tests: FORMAT.md put into the plainest code, slow, and like no other client.

It writes what those can't yet, stands in for a second writer beside each of them, and its rules are
turned around one by one to see whether vectors and cases notice. What it leaves out: threads, the
refusals at open, and what a full disk asks of a writer, or one that fails elsewhere than in a sync.
Reading is `scanner`.
"""

from __future__ import annotations

from .errors import BusyError, FullError, KilledError, UnsyncedError
from .writer import Writer

__all__ = ["BusyError", "FullError", "KilledError", "UnsyncedError", "Writer"]
