"""Appends through copies of one Outbox: by the workers of a spawned pool, or by greenlets.

``crowd_writer.py pool|greenlets OUTBOX NAME FIRST COUNT EACH``: COUNT writers, named NAME-0 …,
append EACH events numbered from FIRST. Prints ``WRITER ack NUMBER SEQUENCE EVENT-ID`` for each
append that returned, and ``WRITER error NUMBER CLASS MESSAGE`` for one that did not.
"""

from __future__ import annotations

import multiprocessing
import os
import sys
from concurrent.futures import ProcessPoolExecutor

GREENLETS = "greenlets"

if __name__ == "__main__" and sys.argv[1] == GREENLETS:
    from gevent import monkey

    monkey.patch_all()

from outbox_client import Outbox, OutboxError  # noqa: E402


def append_all(outbox: Outbox, name: str, first: int, each: int) -> None:
    """Append so many events, and say what became of each with one system call."""
    for number in range(first, first + each):
        value = b'{"writer":"%s","n":%d,"pad":"xxxxxxxxxxxxxxxxxxxxxxxx"}' % (name.encode(), number)
        try:
            receipt = outbox.append(value, topic="conformance", key=name)
        except OutboxError as problem:
            _say(f"{name} error {number} {type(problem).__name__} {problem}")
        else:
            _say(f"{name} ack {number} {receipt.sequence} {receipt.event_id}")


def _say(line: str) -> None:
    os.write(1, line.encode() + b"\n")


def main() -> None:
    """Let the crowd append."""
    kind, path, name, first, count, each = sys.argv[1:]
    outbox = Outbox(path, lock_timeout=60)
    writers = [(f"{name}-{number}", int(first), int(each)) for number in range(int(count))]
    if kind == GREENLETS:
        import gevent

        gevent.joinall([gevent.spawn(append_all, outbox, *writer) for writer in writers])
        return
    context = multiprocessing.get_context("spawn")
    with ProcessPoolExecutor(len(writers), mp_context=context) as pool:
        for future in [pool.submit(append_all, outbox, *writer) for writer in writers]:
            future.result()


if __name__ == "__main__":
    main()
