"""The demo's live line, and the record of when Kafka was up and when it was down."""

from __future__ import annotations

import enum
import sys
import time
from typing import TYPE_CHECKING

from harness.check import percentile

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from harness.ledger import LedgerTail
    from harness.relay import Relay

TERMINAL_SECONDS = 0.25
PLAIN_SECONDS = 2.0
NANOSECONDS_PER_MICROSECOND = 1_000


class Kafka(enum.Enum):
    """What the broker does during a phase."""

    WARM_UP = "up (warm-up)"
    UP = "up"
    DOWN = "DOWN"
    STARTING = "starting"


class Live:
    """One line that updates on a terminal, a line now and then anywhere else.

    `timeline` holds the start of each phase in milliseconds since the epoch.
    """

    def __init__(self, relay: Relay, tail: LedgerTail) -> None:
        self.timeline: list[tuple[int, Kafka]] = []
        self._relay = relay
        self._tail = tail
        self._terminal = sys.stdout.isatty()
        self._began = time.monotonic()

    def say(self, text: str) -> None:
        """A line that stays."""
        clear = "\r\x1b[K" if self._terminal else ""
        print(f"{clear}{self._clock()} {text}", flush=True)

    def phase(
        self, kafka: Kafka, seconds: float, until: Callable[[], bool] | None
    ) -> Iterator[None]:
        """Show progress for `seconds`, or until it is so; `AssertionError` when it never is."""
        self.timeline.append((time.time_ns() // 1_000_000, kafka))
        every = TERMINAL_SECONDS if self._terminal else PLAIN_SECONDS
        end = time.monotonic() + seconds
        shown = float("-inf")
        while time.monotonic() < end:
            if until is not None and until():
                return
            if time.monotonic() - shown >= every:
                shown = time.monotonic()
                self._show(kafka)
            yield
            time.sleep(min(TERMINAL_SECONDS, max(0.0, end - time.monotonic())))
        if until is not None:
            raise AssertionError(f"not within {seconds:g} s: {until.__name__}")

    def _show(self, kafka: Kafka) -> None:
        recent = self._tail.read()
        p50, p99 = (
            percentile(recent, percent) / NANOSECONDS_PER_MICROSECOND for percent in (50, 99)
        )
        latency = f"append p50 {p50:4.0f} µs  p99 {p99:6.0f} µs" if recent else "append -"
        try:
            progress = self._relay.progress()
            relay = f"delivered {progress.delivered:7,}   lag {progress.lag:6,}"
        except OSError:
            relay = "relay is busy"
        line = (
            f"{self._clock()} Kafka {kafka.value:<12}  {latency}   "
            f"appended {self._tail.acked:7,}   {relay}"
        )
        print(f"\r\x1b[K{line}" if self._terminal else line, end="" if self._terminal else "\n")
        sys.stdout.flush()

    def _clock(self) -> str:
        return f"[{time.monotonic() - self._began:5.1f} s]"
