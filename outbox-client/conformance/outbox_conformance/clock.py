"""One clock for all writers of a test."""

from __future__ import annotations

import os
import time

HOUR = 3_600_000


class Clock:
    """A file with the milliseconds by which the writers' clocks are ahead."""

    def __init__(self, path: str) -> None:
        self.path = path
        self.milliseconds = 0
        with open(path, "xb"):
            pass
        self.set(0)

    def set(self, milliseconds: int) -> None:
        """Set how far the clocks are ahead; writers that run see it with their next append."""
        self.milliseconds = milliseconds
        descriptor = os.open(self.path, os.O_WRONLY)
        try:
            # One call and always as long: a reader sees the old or the new.
            os.pwrite(descriptor, b"%+031d\n" % milliseconds, 0)
        finally:
            os.close(descriptor)

    def advance(self, milliseconds: int) -> None:
        """Set the clocks ahead by more."""
        self.set(self.milliseconds + milliseconds)

    def begin_hour(self) -> None:
        """Set the clocks ahead to the begin of an hour, so that none ends by itself."""
        self.set(HOUR - time.time_ns() // 1_000_000 % HOUR)
