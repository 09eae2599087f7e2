"""The ``outbox`` command."""

from __future__ import annotations

import dataclasses
import json
import signal
import sys
from typing import TYPE_CHECKING, Any

from outbox_client._append_command import AppendCommand
from outbox_client._command_line import NOT_PRINTED, command_of_another_package, parse
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
from outbox_client._outbox import Outbox
from outbox_client._outcomes_file import DeliveryOutcome
from outbox_client._receipt import Receipt
from outbox_client._standard_streams import Input, Output, closed_streams, complain
from outbox_client._stop_signals import StopSignals, end_by

if TYPE_CHECKING:
    import argparse
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
PROBLEMS_FOUND = 14
OUTCOME_EXIT_CODES = {
    DeliveryOutcome.DELIVERED: 0,
    DeliveryOutcome.PARKED: 10,
    DeliveryOutcome.DEAD: 11,
    DeliveryOutcome.QUARANTINED: 12,
    DeliveryOutcome.PENDING: 13,
}


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command; the process's exit code.

    Args:
        arguments: default: those of the process.
    """
    try:
        return _main(arguments)
    except KeyboardInterrupt:
        end_by(signal.SIGINT)
        raise


def _main(arguments: Sequence[str] | None) -> int:
    closed = closed_streams()
    words = sys.argv[1:] if arguments is None else list(arguments)
    command = command_of_another_package(words)
    if command is not None:
        return command(words[1:])
    options = parse(words)
    stop = StopSignals()
    output = Output(stop, closed=1 in closed)
    if options.verb == "append":
        code = _append(options, Input(stop, closed=0 in closed), output, stop)
    else:
        code = _run(options, output)
    if output.failure is not None:
        complain(f"the output could not be printed: {output.failure}")
        code = code or NOT_PRINTED
    if stop.received is not None:
        complain(f"ended by {stop.received.name}")
        end_by(stop.received)
    return code


def _append(options: argparse.Namespace, given: Input, output: Output, stop: StopSignals) -> int:
    command = AppendCommand(options, given, output, stop)
    code = maybe = 0
    with stop:
        try:
            command.run()
        except OutboxError as problem:
            code = _complaint(problem)
            maybe = len(problem.event_ids)
    if (code and options.ndjson) or output.failure or stop.received:
        # Whoever repeats what failed has to know where to begin.
        complain(_count(command.appended, maybe, all_or_none=options.atomic, failed=code != 0))
    return code


def _count(count: int, maybe: int, *, all_or_none: bool, failed: bool) -> str:
    if all_or_none and maybe:
        return f"{maybe} event{'' if maybe == 1 else 's'} may be appended"
    before = " before it" if failed and not all_or_none else ""
    behind = f", {maybe} may be" if maybe else ""
    return f"{count} event{' was' if count == 1 else 's were'} appended{before}{behind}"


def _run(options: argparse.Namespace, output: Output) -> int:
    verbs = {"init": _init, "status": _status, "wait": _wait, "doctor": _doctor}
    try:
        return verbs[options.verb](options, output)
    except OutboxError as problem:
        return _complaint(problem)


def _complaint(problem: OutboxError) -> int:
    complain(str(problem))
    if problem.maybe_appended:
        for event_id in problem.event_ids:
            complain(f"event id {event_id}")
        return MAYBE_APPENDED
    return EXIT_CODES.get(type(problem), 1)


# --- commands that look ---


def _init(options: argparse.Namespace, output: Output) -> int:
    outbox = Outbox(options.dir)
    outbox.create()
    status = outbox.status()
    if options.json:
        output.line(_json({"path": status.path, "outbox": str(status.outbox)}))
    else:
        output.line(f"{status.path}: outbox {status.outbox}, next sequence {status.next_sequence}")
    return 0


def _status(options: argparse.Namespace, output: Output) -> int:
    status = Outbox(options.dir).status()
    if options.json:
        output.line(_json({**dataclasses.asdict(status), "outbox": str(status.outbox)}))
        return 0
    newest = "none" if status.newest_cycle is None else cycle_name(status.newest_cycle)
    for name, value in (
        ("path", status.path),
        ("outbox", f"{status.outbox}, generation {status.generation}"),
        ("next sequence", status.next_sequence),
        ("settled", status.settled_sequence),
        ("waiting", f"{status.lag_events} events, {status.lag_bytes} bytes"),
        ("parked", f"{status.held_bytes} bytes"),
        ("cycles", f"{len(status.cycles)}, newest {newest}"),
        ("delivery", status.delivery or "the relay has not run yet"),
    ):
        output.line(f"{name:14} {value}")
    return 0


def _wait(options: argparse.Namespace, output: Output) -> int:
    outbox = Outbox(options.dir)
    status = outbox.status()
    receipt = Receipt(status.outbox.bytes, status.generation, options.sequence, bytes(16), "")
    outcome = outbox.wait_delivered(receipt, options.timeout)
    if options.json:
        output.line(_json({"sequence": options.sequence, "outcome": outcome.value}))
    else:
        output.line(str(outcome))
    return OUTCOME_EXIT_CODES[outcome]


def _doctor(options: argparse.Namespace, output: Output) -> int:
    from outbox_client._doctor import PROBLEM, examine

    code = 0
    for found in examine(options.dir):
        if options.json:
            output.line(_json(dataclasses.asdict(found)))
        else:
            output.line(f"{found.grade:8} {found.check:14} {found.detail}")
            if found.advice:
                output.line(f"{'':24}→ {found.advice}")
        if found.grade == PROBLEM:
            code = PROBLEMS_FOUND
    return code


def _json(fields: dict[str, Any]) -> str:
    return json.dumps(fields, separators=(",", ":"))


if __name__ == "__main__":
    sys.exit(main())
