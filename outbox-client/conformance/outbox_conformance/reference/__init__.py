"""A client for tests: FORMAT.md put into the plainest code, slow, and like no other client.

It writes what those can't yet, stands in for a second writer beside each of them, and its rules are
turned around one by one to see whether vectors and cases notice. What it leaves out: threads, the
refusals at open, `power`, and what a full or failing disk asks of a writer. Reading is `scanner`.
"""

from __future__ import annotations

from .files import BusyError
from .writer import FullError, KilledError, Writer

__all__ = ["BusyError", "FullError", "KilledError", "Writer"]
