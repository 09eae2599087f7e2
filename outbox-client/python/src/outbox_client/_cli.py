"""The ``outbox`` command."""

from __future__ import annotations

import argparse
import dataclasses
import json
import os
import sys
from typing import TYPE_CHECKING, Any

from outbox_client._cycle_layout import cycle_name
from outbox_client._errors import (
    EventTooLarge,
    InvalidEvent,
    OutboxBusy,
    OutboxCorrupt,
    OutboxError,
    OutboxFull,
    OutboxUnavailable,
)
from outbox_client._ndjson import NDJSON_HELP, events
from outbox_client._outbox import Outbox
from outbox_client._outcomes_file import DeliveryOutcome
from outbox_client._receipt import Receipt

if TYPE_CHECKING:
    from collections.abc import Sequence

EXIT_CODES: dict[type[OutboxError], int] = {
    InvalidEvent: 3,
    EventTooLarge: 3,
    OutboxFull: 4,
    OutboxBusy: 5,
    OutboxUnavailable: 6,
    OutboxCorrupt: 7,
}
MAYBE_APPENDED = 8
OUTCOME_EXIT_CODES = {
    DeliveryOutcome.DELIVERED: 0,
    DeliveryOutcome.PARKED: 10,
    DeliveryOutcome.DEAD: 11,
    DeliveryOutcome.QUARANTINED: 12,
    DeliveryOutcome.PENDING: 13,
}

_EPILOG = """\
exit codes:
   0  done; for wait: delivered
   2  the command line is wrong
   3  the event is refused: topic, header, size, or a line of NDJSON
   4  full: disk, quota or OUTBOX_MAX_BYTES
   5  busy: other writers held the lock too long
   6  unavailable: not configured, refused as unsafe, or an error of the system
   7  corrupt: what is on disk cannot be continued
   8  maybe appended: published, but the fsync failed; retry with the same event id
  10  wait: parked        11  wait: dead letter
  12  wait: quarantined   13  wait: still pending when the time was over

environment:
  OUTBOX_DIR          the outbox's directory, absolute (or --dir)
  OUTBOX_DURABILITY   process (default) or power
  OUTBOX_MAX_BYTES    cap on undelivered bytes
  OUTBOX_TOPIC        default of append --topic: workflow-events; {environment} in it stands for
                      ENVIRONMENT (dev)
"""

_RECEIPTS = """\
For each event a receipt is printed: its sequence and event id, or with --json an object.
"""


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command; the process's exit code.

    Args:
        arguments: default: those of the process.
    """
    options = _parser().parse_args(arguments)
    try:
        return int(options.run(options))
    except OutboxError as problem:
        print(f"outbox: {problem}", file=sys.stderr)
        if problem.maybe_appended:
            print(f"outbox: event id {problem.event_id}", file=sys.stderr)
            return MAYBE_APPENDED
        return EXIT_CODES.get(type(problem), 1)
    except BrokenPipeError:
        # Whoever reads the receipts has gone; what was appended stays.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 0


def _parser() -> argparse.ArgumentParser:
    raw = argparse.RawDescriptionHelpFormatter
    parser = argparse.ArgumentParser(
        prog="outbox",
        description="Append events durably to a local outbox, and look at it.",
        epilog=_EPILOG,
        formatter_class=raw,
    )
    parser.add_argument("--version", action="version", version=f"outbox {_version()}")
    common = argparse.ArgumentParser(add_help=False)
    common.add_argument("--dir", metavar="PATH", help="the outbox's directory (OUTBOX_DIR)")
    common.add_argument("--json", action="store_true", help="print JSON, one object a line")
    commands = parser.add_subparsers(required=True, metavar="COMMAND")

    init = commands.add_parser("init", parents=[common], help="create the outbox, or mend it")
    init.set_defaults(run=_init)

    append = commands.add_parser(
        "append",
        parents=[common],
        help="append events",
        description="Append one event, or one per line of NDJSON.",
        epilog=f"{NDJSON_HELP}\n{_RECEIPTS}",
        formatter_class=raw,
    )
    what = append.add_mutually_exclusive_group()
    what.add_argument("value", nargs="?", help="the value; - or nothing: standard input as it is")
    what.add_argument("--tombstone", action="store_true", help="append an event without a value")
    what.add_argument("--ndjson", action="store_true", help="read events from standard input")
    append.add_argument("--topic", help="default: OUTBOX_TOPIC, else workflow-events")
    append.add_argument("--key")
    append.add_argument(
        "--header", action="append", default=[], metavar="NAME=VALUE", help="may be repeated"
    )
    append.add_argument("--event-id", metavar="UUID")
    append.add_argument("--timestamp", type=int, metavar="MS", help="since the epoch")
    append.add_argument("--partition", type=int, metavar="N", help="of the topic, 0 or more")
    append.add_argument("--durability", choices=("process", "power"))
    append.set_defaults(run=_append)

    status = commands.add_parser("status", parents=[common], help="show what waits for delivery")
    status.set_defaults(run=_status)

    wait = commands.add_parser("wait", parents=[common], help="wait until an event is settled")
    wait.add_argument("sequence", type=_sequence, help="as append printed it")
    wait.add_argument("--timeout", type=_seconds, default=30.0, metavar="S", help="default: 30")
    wait.set_defaults(run=_wait)
    return parser


def _version() -> str:
    from importlib.metadata import PackageNotFoundError, version

    try:
        return version("outbox-client")
    except PackageNotFoundError:
        return "unknown"


def _sequence(text: str) -> int:
    sequence = int(text)
    if sequence < 1:
        raise argparse.ArgumentTypeError("sequences begin at 1")
    return sequence


def _seconds(text: str) -> float:
    seconds = float(text)
    if not seconds >= 0:
        raise argparse.ArgumentTypeError("must be 0 or more")
    return seconds


# --- commands ---


def _init(options: argparse.Namespace) -> int:
    outbox = Outbox(options.dir)
    outbox.create()
    status = outbox.status()
    if options.json:
        _print_json({"path": status.path, "outbox": str(status.outbox)})
    else:
        print(f"{status.path}: outbox {status.outbox}, next sequence {status.next_sequence}")
    return 0


def _append(options: argparse.Namespace) -> int:
    outbox = Outbox(options.dir, durability=options.durability)
    topic = options.topic if options.topic is not None else _default_topic()
    if options.ndjson:
        for number, event in events(sys.stdin.buffer):
            try:
                receipt = outbox.append(**{"topic": topic, **event})
            except OutboxError as problem:
                problem.args = (f"line {number}: {problem}",)
                raise
            _print_receipt(receipt, options.json)
        return 0
    if options.tombstone:
        value = None
    elif options.value in (None, "-"):
        value = sys.stdin.buffer.read()
    else:
        value = os.fsencode(options.value)
    receipt = outbox.append(
        value,
        topic=topic,
        key=None if options.key is None else os.fsencode(options.key),
        headers=[_header(text) for text in options.header],
        event_id=options.event_id,
        timestamp=options.timestamp,
        partition=options.partition,
    )
    _print_receipt(receipt, options.json)
    return 0


def _status(options: argparse.Namespace) -> int:
    status = Outbox(options.dir).status()
    if options.json:
        _print_json({**dataclasses.asdict(status), "outbox": str(status.outbox)})
        return 0
    newest = "none" if status.newest_cycle is None else cycle_name(status.newest_cycle)
    for name, value in (
        ("path", status.path),
        ("outbox", f"{status.outbox}, generation {status.generation}"),
        ("next sequence", status.next_sequence),
        ("settled", status.settled_sequence),
        ("waiting", f"{status.lag_events} events, {status.lag_bytes} bytes"),
        ("cycles", f"{len(status.cycles)}, newest {newest}"),
        ("delivery", status.delivery or "the relay has not run yet"),
    ):
        print(f"{name:14} {value}")
    return 0


def _wait(options: argparse.Namespace) -> int:
    outbox = Outbox(options.dir)
    status = outbox.status()
    receipt = Receipt(status.outbox.bytes, status.generation, options.sequence, bytes(16), "")
    outcome = outbox.wait_delivered(receipt, options.timeout)
    if options.json:
        _print_json({"sequence": options.sequence, "outcome": outcome.value})
    else:
        print(outcome)
    return OUTCOME_EXIT_CODES[outcome]


# --- what append is given ---


def _default_topic() -> str:
    topic = os.environ.get("OUTBOX_TOPIC") or "workflow-events"
    return topic.replace("{environment}", os.environ.get("ENVIRONMENT") or "dev")


def _header(text: str) -> tuple[str, bytes]:
    name, separator, value = text.partition("=")
    if not separator:
        raise InvalidEvent(f"--header {text!r} has no '=': write NAME=VALUE")
    return name, os.fsencode(value)


# --- what is printed ---


def _print_receipt(receipt: Receipt, as_json: bool) -> None:
    if as_json:
        _print_json(
            {
                "outbox": str(receipt.outbox),
                "generation": receipt.generation,
                "sequence": receipt.sequence,
                "event_id": str(receipt.event_id),
                "durability": receipt.durability,
            }
        )
    else:
        print(receipt.sequence, receipt.event_id)


def _print_json(fields: dict[str, Any]) -> None:
    print(json.dumps(fields, separators=(",", ":")))


if __name__ == "__main__":
    sys.exit(main())
