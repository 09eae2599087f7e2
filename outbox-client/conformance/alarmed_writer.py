"""Appends while an alarm's handler raises, again and again, somewhere inside of the append."""

from __future__ import annotations

import random
import signal
import sys
from typing import TYPE_CHECKING

from outbox_conformance.faults import InjectedError
from writer import Appender, arguments_of, say

from outbox_client._record_draft import draft

if TYPE_CHECKING:
    from types import FrameType

# What handlers raise in the field: a BaseException (Airflow's), and one that is an OSError.
KINDS = (InjectedError, TimeoutError)


class Alarm:
    """Raises within an append at most once."""

    def __init__(self, seed: int) -> None:
        self._chance = random.Random(seed)
        self._armed = False
        self.raised = 0
        signal.signal(signal.SIGALRM, self._handle)

    def arm(self) -> None:
        self._armed = True
        signal.setitimer(signal.ITIMER_REAL, self._chance.random() * 200e-6 + 1e-6)

    def disarm(self) -> None:
        self._armed = False

    def _handle(self, number: int, frame: FrameType | None) -> None:
        if self._armed:
            self._armed = False
            self.raised += 1
            raise KINDS[self.raised % 2]("alarm")


def main() -> None:
    """Append until so many appends were interrupted."""
    arguments = arguments_of(sys.argv[1:])
    appender = Appender(arguments, arguments.dir, arguments.writer)
    appender.append(1)
    say("ready")
    alarm = Alarm(arguments.first)
    number = arguments.first + 1
    interrupted = 0
    while interrupted < arguments.count:
        event = draft(appender.value(number), "conformance", arguments.writer, None, None, None)
        try:
            alarm.arm()
            receipt = appender.outbox._writer.append(event)
            alarm.disarm()
        except KINDS:
            say(f"error {number} Alarm maybe-appended by the alarm")
            interrupted += 1
        else:
            say(f"ack {number} {receipt.sequence} {receipt.event_id}")
        number += 1
    signal.setitimer(signal.ITIMER_REAL, 0)
    say(f"raised {alarm.raised}")


if __name__ == "__main__":
    main()
