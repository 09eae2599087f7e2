"""A Python process that appends events until it is told to stop: `python -m harness.writer --help`.

It keeps a ledger of what it tried and what was acked.
"""

from __future__ import annotations

import argparse
import signal
import time
from pathlib import Path

from outbox_client import Outbox

from .ledger import Append, LedgerWriter


def main() -> None:
    arguments = _arguments()
    stopping = False

    def stop(_signal: int, _frame: object) -> None:
        nonlocal stopping
        stopping = True

    signal.signal(signal.SIGTERM, stop)
    ledger = LedgerWriter(arguments.ledgers, arguments.name)
    with Outbox(arguments.outbox) as outbox:
        number = 0
        start = time.perf_counter()
        while not stopping and number != arguments.count:
            value = Append(arguments.name, number).value(arguments.size)
            ledger.trying(number)
            before = time.perf_counter_ns()
            receipt = outbox.append(value, topic=arguments.topic, key=arguments.name)
            took = time.perf_counter_ns() - before
            ledger.acked(number, receipt.sequence, receipt.event_id, took)
            number += 1
            if arguments.rate:
                # A pace, not a wait for anything.
                time.sleep(max(0.0, start + number / arguments.rate - time.perf_counter()))


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description="Append events until SIGTERM.")
    parser.add_argument("--name", required=True, help="names the ledger file; also the events' key")
    parser.add_argument("--outbox", type=Path, required=True)
    parser.add_argument("--topic", required=True)
    parser.add_argument("--ledgers", type=Path, required=True, help="directory of the ledger files")
    parser.add_argument("--rate", type=float, default=0.0, help="events per second; 0: no limit")
    parser.add_argument("--size", type=int, default=1024, help="bytes of a value")
    parser.add_argument("--count", type=int, help="end after so many events")
    return parser.parse_args()


if __name__ == "__main__":
    main()
