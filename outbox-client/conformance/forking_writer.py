"""Forks while one of its threads is inside an append and holds the lock.

Both processes then append with the outbox that was open before the fork: the child as "child", as
soon as standard input says so, and lives on until it is killed.
"""

from __future__ import annotations

import os
import sys
import threading
from typing import TYPE_CHECKING, Any

from outbox_conformance.faults import Fault, FaultyDisk
from writer import Appender, arguments_of, say

if TYPE_CHECKING:
    from collections.abc import Callable


class WaitingDisk(FaultyDisk):
    """Waits at the step where the fault is due."""

    __slots__ = ("go_on", "is_there")

    def __init__(self, fault: Fault) -> None:
        super().__init__(fault)
        self.is_there = threading.Event()
        self.go_on = threading.Event()

    def _run(self, operation: str, what: str, do: Callable[[], Any], half: object = None) -> None:
        if self._fault.is_due(operation, what):
            self.is_there.set()
            self.go_on.wait()
        do()


def main() -> None:
    """Append twice, fork within the second append, let both processes go on as they are told."""
    arguments = arguments_of(sys.argv[1:])
    disk = WaitingDisk(Fault(arguments.fault))
    parent = Appender(arguments, arguments.dir, arguments.writer, disk)
    say("ready")
    parent.append(1)
    inside = threading.Thread(target=parent.append, args=(1,))
    inside.start()
    disk.is_there.wait()
    child_log = os.open(f"{arguments.dir}.child", os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    if os.fork() == 0:
        os.dup2(child_log, 1)
        os.write(1, b"pid %d\n" % os.getpid())
        # The same outbox: it was open before the fork.
        parent.name, parent.next = "child", 0
        for line in sys.stdin:
            parent.append(int(line))
            say("done")
        return
    say("forked")
    if arguments.count == 0:
        threading.Event().wait()  # to be killed, the lock still held
    disk.go_on.set()
    inside.join()
    parent.append(arguments.count)
    say("done")


if __name__ == "__main__":
    main()
