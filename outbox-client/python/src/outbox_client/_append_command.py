"""``outbox append``."""

from __future__ import annotations

import json
import os
import re
from typing import TYPE_CHECKING, Any

from outbox_client._errors import EventTooLarge, InvalidEvent, OutboxError
from outbox_client._ndjson import MAX_LINE_BYTES, events
from outbox_client._outbox import Outbox
from outbox_client._record_codec import MAX_RECORD_BYTES

if TYPE_CHECKING:
    import argparse
    from collections.abc import Iterable, Iterator

    from outbox_client._receipt import Receipt
    from outbox_client._standard_streams import Input, Output
    from outbox_client._stop_signals import StopSignals

_NUMBER_IN_BATCH = re.compile(r"(with )?event ([0-9]+)\b")


class _StoppedBefore(Exception):  # noqa: N818 - no error
    """A signal came before the whole batch was read."""


class AppendCommand:
    """Appends what the command line or standard input says, and prints a receipt for each event.

    Attributes:
        appended: how many events were appended, with a receipt or without.
    """

    def __init__(
        self, options: argparse.Namespace, given: Input, printed: Output, stop: StopSignals
    ) -> None:
        self._options = options
        self._input = given
        self._output = printed
        self._stop = stop
        self.appended = 0

    def run(self) -> None:
        """Append, to the end of the input or to the first event that is refused.

        Raises:
            OutboxError: an event was refused. Those before it are appended.
        """
        options = self._options
        outbox = Outbox(options.dir, durability=options.durability)
        if not options.ndjson:
            event = self._event()
            if not self._stop.received:
                self._print([outbox.append(**event)])
        elif options.atomic:
            self._append_all(outbox)
        else:
            for number, event in self._lines(outbox):
                if self._stop.received:
                    break
                try:
                    receipt = outbox.append(**event)
                except OutboxError as problem:
                    problem.args = (f"line {number}: {problem}",)
                    raise
                self._print([receipt])

    def _append_all(self, outbox: Outbox) -> None:
        numbers: list[int] = []
        try:
            # It reads on only while all it has read may be appended.
            receipts = outbox.append_all(self._batch(numbers))
        except _StoppedBefore:
            return
        except OutboxError as problem:
            problem.args = (_with_line(str(problem), numbers),)
            raise
        self._print(receipts)

    def _batch(self, numbers: list[int]) -> Iterator[dict[str, Any]]:
        for number, event in self._parsed():
            numbers.append(number)
            yield event
        if self._stop.received:  # not all of the input was seen
            raise _StoppedBefore

    def _lines(self, outbox: Outbox) -> Iterator[tuple[int, dict[str, Any]]]:
        try:
            yield from self._parsed()
        except (InvalidEvent, EventTooLarge) as problem:
            outbox.count_refusal(type(problem))  # what `append` refuses is counted by it
            raise

    def _parsed(self) -> Iterator[tuple[int, dict[str, Any]]]:
        topic = self._topic()
        for number, event in events(self._input.lines(MAX_LINE_BYTES)):
            yield number, {"topic": topic, **event}

    def _event(self) -> dict[str, Any]:
        options = self._options
        return {
            "topic": self._topic(),
            "key": None if options.key is None else os.fsencode(options.key),
            "headers": [_header(text) for text in options.header],
            "event_id": options.event_id,
            "timestamp": options.timestamp,
            "partition": options.partition,
            "value": self._value(),
        }

    def _value(self) -> bytes | None:
        options = self._options
        if options.tombstone:
            return None
        if options.value is not None:
            return os.fsencode(options.value)
        value = self._input.whole(MAX_RECORD_BYTES)
        if len(value) > MAX_RECORD_BYTES:
            raise EventTooLarge(
                f"standard input holds more than fits into a record ({MAX_RECORD_BYTES} bytes): "
                "keep the payload elsewhere and send a reference to it, or use --ndjson"
            )
        return value

    def _topic(self) -> str:
        topic: str | None = self._options.topic
        if topic is not None:
            return topic
        topic = os.environ.get("OUTBOX_TOPIC") or "workflow-events"
        return topic.replace("{environment}", os.environ.get("ENVIRONMENT") or "dev")

    def _print(self, receipts: Iterable[Receipt]) -> None:
        for receipt in receipts:
            self.appended += 1
            if not self._options.json:
                self._output.line(f"{receipt.sequence} {receipt.event_id}")
                continue
            fields = {
                "outbox": str(receipt.outbox),
                "generation": receipt.generation,
                "sequence": receipt.sequence,
                "event_id": str(receipt.event_id),
                "durability": receipt.durability,
            }
            self._output.line(json.dumps(fields, separators=(",", ":")))


def _header(text: str) -> tuple[str, bytes]:
    name, separator, value = os.fsencode(text).partition(b"=")
    if not separator:
        raise InvalidEvent(f"--header {text!r} has no '=': write NAME=VALUE")
    try:
        return name.decode(), value
    except UnicodeDecodeError:
        raise InvalidEvent(f"--header {text!r}: the name is no UTF-8") from None


def _with_line(message: str, numbers: list[int]) -> str:
    """The message of a refused batch, with the number of the line instead of the event's."""
    found = _NUMBER_IN_BATCH.match(message)
    if found is None:
        return message
    return f"{found[1] or ''}line {numbers[int(found[2]) - 1]}{message[found.end() :]}"
