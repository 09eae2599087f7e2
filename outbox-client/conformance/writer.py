"""Appends events with the Python client; README.md has the arguments and the lines it prints."""

from __future__ import annotations

import argparse
import os
import sys
import threading
import time

from outbox_conformance.faults import Fault, FaultyDisk, InjectedError

from outbox_client import OutboxError
from outbox_client._directory import Directory
from outbox_client._draft import draft
from outbox_client._writer import QueueWriter

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable

GIB = 1 << 30


class Program:
    """One writer of one name."""

    def __init__(self, arguments: argparse.Namespace) -> None:
        self.name: str = arguments.writer
        self.size: int = arguments.size
        self.next = arguments.first
        self.failed = False
        self._turn = threading.Lock()
        disk = FaultyDisk(Fault(arguments.fault)) if arguments.fault else None
        self.outbox = QueueWriter(
            Directory(arguments.dir, power=arguments.durability == "power"),
            durability=arguments.durability,
            max_bytes=None,
            lock_timeout=arguments.lock_timeout,
            disk=disk,
            clock=_clock(arguments.clock_offset_file),
            roll_bytes=arguments.roll_bytes,
        )

    def append(self, count: int) -> None:
        """Append so many events, until one fails."""
        for _ in range(count):
            with self._turn:
                number = self.next
                self.next += 1
            try:
                receipt = self.outbox.append(
                    draft(self._value(number), "conformance", self.name, None, None, None)
                )
            except (OutboxError, InjectedError) as problem:
                maybe = "maybe-appended " if getattr(problem, "maybe_appended", False) else ""
                say(f"error {number} {type(problem).__name__} {maybe}{problem}")
                self.failed = True
                return
            say(f"ack {number} {receipt.sequence} {receipt.event_id}")

    def _value(self, number: int) -> bytes:
        head = b'{"writer":"%s","n":%d,"pad":"' % (self.name.encode(), number)
        return head.ljust(self.size - 2, b"x") + b'"}'


def _clock(offset_file: str | None) -> Callable[[], int]:
    if offset_file is None:
        return time.time_ns
    descriptor = os.open(offset_file, os.O_RDONLY)
    return lambda: time.time_ns() + int(os.pread(descriptor, 32, 0)) * 1_000_000


def say(line: str) -> None:
    """Print a line with one system call, so that it survives a SIGKILL whole."""
    os.write(1, line.encode() + b"\n")


def main() -> int:
    """Append as told by the arguments, or by commands on standard input."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--dir", required=True)
    parser.add_argument("--writer", required=True)
    parser.add_argument("--first", type=int, default=0)
    parser.add_argument("--count", type=int)
    parser.add_argument("--size", type=int, default=100)
    parser.add_argument("--threads", type=int, default=1)
    parser.add_argument("--durability", choices=("process", "power"), default="process")
    parser.add_argument("--lock-timeout", type=float, default=5.0)
    parser.add_argument("--roll-bytes", type=int, default=GIB)
    parser.add_argument("--clock-offset-file")
    parser.add_argument("--fault")
    arguments = parser.parse_args()
    program = Program(arguments)
    say("ready")
    if arguments.count is None:
        for line in sys.stdin:
            program.append(int(line))
            say("done")
        return 0
    threads = [
        threading.Thread(target=program.append, args=(arguments.count,))
        for _ in range(arguments.threads)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return int(program.failed)


if __name__ == "__main__":
    sys.exit(main())
