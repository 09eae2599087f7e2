"""Appends events with the Python client; README.md has the arguments and the lines it prints."""

from __future__ import annotations

import argparse
import os
import sys
import threading
import time

from outbox_conformance.faults import Fault, FaultyDisk, InjectedError

from outbox_client import Outbox, OutboxError
from outbox_client._queue_writer import QueueWriter

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable

    from outbox_client import Receipt

GIB = 1 << 30


class Appender:
    """One writer of one name to one outbox."""

    def __init__(
        self,
        arguments: argparse.Namespace,
        directory: str,
        name: str,
        disk: FaultyDisk | None = None,
    ) -> None:
        self.name = name
        self.size: int = arguments.size
        self.batch: int = arguments.batch
        self.next: int = arguments.first
        self.failed = False
        self._turn = threading.Lock()
        if arguments.fault and disk is None:
            disk = FaultyDisk(Fault(arguments.fault))
        self.outbox = Outbox(directory, durability=arguments.durability)
        # As it makes one itself, but for what tests want otherwise.
        self.outbox._writer = QueueWriter(
            self.outbox._directory,
            durability=arguments.durability,
            max_bytes=None,
            lock_timeout=arguments.lock_timeout,
            disk=disk,
            clock=_clock(arguments.clock_offset_file),
            roll_bytes=arguments.roll_bytes,
        )

    def append(self, count: int) -> None:
        """Append so many events, until an append fails."""
        for left in range(count, 0, -self.batch):
            with self._turn:
                numbers = range(self.next, self.next + min(self.batch, left))
                self.next = numbers.stop
            try:
                receipts = self._receipts(numbers)
            except (OutboxError, InjectedError) as problem:
                maybe = "maybe-appended " if getattr(problem, "maybe_appended", False) else ""
                say(f"error {numbers.start} {type(problem).__name__} {maybe}{problem}")
                self.failed = True
                return
            for number, receipt in zip(numbers, receipts, strict=True):
                say(f"ack {number} {receipt.sequence} {receipt.event_id}")

    def _receipts(self, numbers: range) -> list[Receipt]:
        if self.batch > 1:
            return self.outbox.append_all(
                {"value": self.value(number), "topic": "conformance", "key": self.name}
                for number in numbers
            )
        value = self.value(numbers.start)
        return [self.outbox.append(value, topic="conformance", key=self.name)]

    def value(self, number: int) -> bytes:
        """Return an event's value, which says who made it."""
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


def append_by_threads(appender: Appender, count: int, threads: int) -> None:
    """Let each thread append so many events."""
    started = [threading.Thread(target=appender.append, args=(count,)) for _ in range(threads)]
    for thread in started:
        thread.start()
    for thread in started:
        thread.join()


def obey(arguments: argparse.Namespace) -> None:
    """Append what standard input orders, to as many outboxes as it names."""
    appenders: dict[tuple[str, str], Appender] = {}
    for line in sys.stdin:
        count, *place = line.rstrip("\n").split("\t")
        directory, name = place or (arguments.dir, arguments.writer)
        if count == "forget":
            del appenders[directory, name]
        else:
            if (directory, name) not in appenders:
                appenders[directory, name] = Appender(arguments, directory, name)
            if count == "open":
                appenders[directory, name].outbox._writer.open()
            else:
                appenders[directory, name].append(int(count))
        say("done")


def arguments_of(command_line: list[str]) -> argparse.Namespace:
    """Return the arguments of any writer program."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--dir", required=True)
    parser.add_argument("--writer", required=True)
    parser.add_argument("--first", type=int, default=0)
    parser.add_argument("--count", type=int)
    parser.add_argument("--size", type=int, default=100)
    parser.add_argument("--batch", type=int, default=1)
    parser.add_argument("--threads", type=int, default=1)
    parser.add_argument("--durability", choices=("process", "power"), default="process")
    parser.add_argument("--lock-timeout", type=float, default=5.0)
    parser.add_argument("--roll-bytes", type=int, default=GIB)
    parser.add_argument("--clock-offset-file")
    parser.add_argument("--fault")
    return parser.parse_args(command_line)


def main() -> int:
    """Append as told by the arguments, or by standard input."""
    arguments = arguments_of(sys.argv[1:])
    say("ready")
    if arguments.count is None:
        obey(arguments)
        return 0
    appender = Appender(arguments, arguments.dir, arguments.writer)
    append_by_threads(appender, arguments.count, arguments.threads)
    return int(appender.failed)


if __name__ == "__main__":
    sys.exit(main())
