"""The command line of ``outbox``, and its help."""

from __future__ import annotations

import argparse
import re
import sys
from typing import TYPE_CHECKING, Any

from outbox_client._ndjson import NDJSON_HELP
from outbox_client._standard_streams import Output, write_error
from outbox_client._stop_signals import StopSignals

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from typing import NoReturn

NOT_PRINTED = 9
_VERBS = ("init", "append", "status", "wait", "doctor")
_LAST_SEQUENCE = (1 << 63) - 1
_DECIMAL = re.compile(r"[0-9]+(\.[0-9]+)?", re.ASCII)

_EPILOG = """\
exit codes:
   0  done; for wait: delivered
   2  the command line is wrong
   3  the event is refused: topic, header, size, or a line of NDJSON; with --ndjson the lines before
      that one are appended, with --atomic none is
   4  full: disk, quota or OUTBOX_MAX_BYTES
   5  busy: other writers held the lock too long
   6  unavailable: not configured, refused as unsafe, standard input cannot be read, or another
      error of the system
   7  corrupt: what is on disk cannot be continued
   8  maybe appended: published, but the fsync failed; standard error has the event ids, of a
      batch all: append again with the same ones
   9  done, all events are appended, but not all could be printed: a closed pipe, a full disk
  10  wait: parked        11  wait: dead letter
  12  wait: quarantined   13  wait: still pending when the time was over
  14  doctor: it found problems
SIGINT, SIGTERM and SIGHUP end append between two events, and it by that signal (130, 143, 129 in a
shell); a second one ends it at once.

Other packages add commands: airflow-provider-outbox adds run, which runs a command and publishes
that it started and how it ended.

environment:
  OUTBOX_DIR          the outbox's directory, absolute (or --dir)
  OUTBOX_DURABILITY   process (default) or power
  OUTBOX_MAX_BYTES    cap on undelivered bytes
  OUTBOX_TOPIC        default of append --topic: workflow-events; {environment} in it stands for
                      ENVIRONMENT (dev)
"""

_RECEIPTS = """\
With --ndjson, the first line that cannot be appended ends the command with code 3, 4, 5, 6, 7 or 8;
standard error says which line it was and how many events were appended before it. With --atomic,
all lines are read and checked first, then all are appended, with nothing between them, or none: at
most 10,000 events and 8 MiB. A signal before the end of the input means none.
With code 8, standard error has the ids of all events that may be appended, one a line, in order.

In a shell's loop: append --topic orders -- "$line" < /dev/null, or rather one append --ndjson for
all lines. Without a value append reads standard input, which is the loop's.

For each event a receipt is printed: its sequence and event id, or with --json an object. It is
printed at once, before the next event is appended: whoever does not read receipts holds up appends,
and at a kill at most the last event lacks its receipt. If receipts cannot be printed (the pipe is
closed, the disk full), all other events are appended all the same, and the exit code is 9. With
--atomic, receipts are printed when all is appended.
"""


def command_of_another_package(words: Sequence[str]) -> Callable[[Sequence[str]], int] | None:
    """The command that the first word names, if it is none of this package's.

    A package has it in the entry points of the group ``outbox_client.commands``: it is called with
    the words behind its name and returns the exit code.
    """
    if not words or words[0].startswith("-") or words[0] in _VERBS:
        return None
    from importlib.metadata import entry_points

    for found in entry_points(group="outbox_client.commands", name=words[0]):
        return found.load()  # type: ignore[no-any-return]
    return None


def parse(words: Sequence[str]) -> argparse.Namespace:
    """The command line, its verb in ``verb``.

    Raises:
        SystemExit: it is wrong, or help was asked for.
    """
    parser = _Parser(
        prog="outbox",
        description="Append events durably to a local outbox, and look at it.",
        epilog=_EPILOG,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("--version", action="version", version=f"outbox {_version()}")
    common = _Parser(add_help=False)
    common.add_argument("--dir", metavar="PATH", help="the outbox's directory (OUTBOX_DIR)")
    common.add_argument("--json", action="store_true", help="print JSON, one object a line")
    commands = parser.add_subparsers(required=True, metavar="COMMAND", dest="verb")

    commands.add_parser("init", parents=[common], help="create the outbox, or mend it")
    append = commands.add_parser(
        "append",
        parents=[common],
        help="append events",
        description="Append one event, or one per line of NDJSON.",
        epilog=f"{NDJSON_HELP}\n{_RECEIPTS}",
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    what = append.add_mutually_exclusive_group()
    what.add_argument(
        "value",
        nargs="?",
        help="the value; - or nothing: standard input as it is; behind -- any text, - too",
    )
    what.add_argument("--tombstone", action="store_true", help="append an event without a value")
    what.add_argument("--ndjson", action="store_true", help="read events from standard input")
    append.add_argument("--atomic", action="store_true", help="with --ndjson: all lines or none")
    append.add_argument("--topic", help="default: OUTBOX_TOPIC, else workflow-events")
    append.add_argument("--key")
    append.add_argument(
        "--header", action="append", default=[], metavar="NAME=VALUE", help="may be repeated"
    )
    append.add_argument("--event-id", metavar="UUID")
    append.add_argument("--timestamp", type=_integer, metavar="MS", help="since the epoch")
    append.add_argument("--partition", type=_integer, metavar="N", help="of the topic, 0 or more")
    append.add_argument("--durability", choices=("process", "power"))

    commands.add_parser("status", parents=[common], help="show what waits for delivery")

    commands.add_parser(
        "doctor",
        parents=[common],
        help="look whether this user can append, and say what to do",
        description="Look at settings, groups, modes, file system, lock and space, as this user. "
        "Changes nothing.",
    )

    wait = commands.add_parser("wait", parents=[common], help="wait until an event is settled")
    wait.add_argument("sequence", type=_sequence, help="as append printed it")
    wait.add_argument("--timeout", type=_seconds, default=30.0, metavar="S", help="default: 30")

    options = parser.parse_args(words)
    if options.verb == "append":
        _check(append, options)
        if options.value == "-" and "--" not in words:
            options.value = None
    return options


def _check(append: argparse.ArgumentParser, options: argparse.Namespace) -> None:
    if options.atomic and not options.ndjson:
        append.error("--atomic: only with --ndjson")
    for name in ("key", "header", "event_id", "timestamp", "partition"):
        if options.ndjson and getattr(options, name) not in (None, []):
            option = "--" + name.replace("_", "-")
            append.error(f"{option}: with --ndjson each line says its own")


class _Parser(argparse.ArgumentParser):
    """Knows whether help could be printed, and buffers nothing; argparse does otherwise."""

    _not_printed = False

    def _print_message(self, message: str, file: Any = None) -> None:
        if file is sys.stderr:
            write_error(message)
            return
        output = Output(StopSignals(), closed=sys.stdout is None)
        output.line(message.rstrip("\n"))
        self._not_printed = output.failure is not None

    def exit(self, status: int = 0, message: str | None = None) -> NoReturn:
        super().exit(status or (NOT_PRINTED if self._not_printed else 0), message)


def _version() -> str:
    from importlib.metadata import PackageNotFoundError, version

    try:
        return version("outbox-client")
    except PackageNotFoundError:
        return "unknown"


# What int() and float() take beside digits is no number to anybody else: 1_0, full-width digits.


def _integer(text: str) -> int:
    if not _DECIMAL.fullmatch(text) or "." in text or len(text) > 20:
        raise argparse.ArgumentTypeError(f"{text!r} is no whole number of 0 or more")
    return int(text)


def _sequence(text: str) -> int:
    sequence = _integer(text)
    if not 1 <= sequence <= _LAST_SEQUENCE:
        raise argparse.ArgumentTypeError(f"{text}: sequences begin at 1 and have 63 bits")
    return sequence


def _seconds(text: str) -> float:
    if not _DECIMAL.fullmatch(text):
        raise argparse.ArgumentTypeError(f"{text!r} is no number of seconds, 0 or more")
    return float(text)
