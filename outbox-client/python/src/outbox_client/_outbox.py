"""`Outbox`: the public way in."""

from __future__ import annotations

import os
import sys

from outbox_client._errors import InvalidEvent, OutboxError, OutboxUnavailable

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping
    from types import TracebackType
    from typing import Any
    from uuid import UUID

    from typing_extensions import Self

    from outbox_client._outbox_reader import Status
    from outbox_client._outcomes_file import DeliveryOutcome
    from outbox_client._receipt import Receipt
    from outbox_client._record_draft import Headers, Text

PROCESS = "process"
POWER = "power"
_LARGEST_CAP = (1 << 63) - 1
DEFAULT_LOCK_TIMEOUT = 5.0


class Outbox:
    """A durable local outbox.

    `append` returns once the event is safe on this machine, in microseconds and without network;
    the relay delivers it to Kafka, whenever that is up.

    Safe for many threads, for greenlets, for forks, and next to any number of other processes. An
    outbox is its settings: a copy, also one that was pickled, is another on the same directory.
    Starts no threads and leaves nothing to be done at exit. Creating one is cheap: files are opened
    by the first append.

    ::

        outbox = Outbox("/var/lib/outbox")
        outbox.append(b'{"id": 1}', topic="orders", key="1")
    """

    def __init__(
        self,
        path: str | os.PathLike[str] | None = None,
        *,
        durability: str | None = None,
        max_bytes: int | None = None,
        lock_timeout: float = DEFAULT_LOCK_TIMEOUT,
    ) -> None:
        """Name an outbox.

        Args:
            path: its directory, absolute; created on first use if its parent exists. Default:
                ``OUTBOX_DIR``.
            durability: ``"process"``: an event survives the end of any process, by kill -9 too;
                ``"power"``: also the end of the machine. Default: ``OUTBOX_DURABILITY``, else
                ``"process"``.
            max_bytes: appends that would leave more undelivered bytes than this are `OutboxFull`.
                Default: ``OUTBOX_MAX_BYTES``, else no cap.
            lock_timeout: seconds to wait for other writers before `OutboxBusy`.

        Raises:
            OutboxUnavailable: a setting is missing or has no meaning, or the system is not
                supported.
        """
        _check_system()
        environ = os.environ
        directory = _checked_path(path, environ.get("OUTBOX_DIR"))
        durability = _checked_durability(durability, environ.get("OUTBOX_DURABILITY"))
        if max_bytes is None:
            max_bytes = _bytes_from_environment(environ.get("OUTBOX_MAX_BYTES"))
        elif type(max_bytes) is not int or max_bytes <= 0:
            raise OutboxUnavailable(f"max_bytes is {max_bytes!r}: pass a positive number of bytes")
        if not lock_timeout >= 0:
            raise OutboxUnavailable(f"lock_timeout is {lock_timeout!r}: pass seconds, 0 or more")

        self._open_nothing(
            directory,
            durability,
            max_bytes,
            lock_timeout,
            environ.get("OUTBOX_TRUST_PARENT") == "1",
        )

    def _open_nothing(
        self,
        path: str,
        durability: str,
        max_bytes: int | None,
        lock_timeout: float,
        trust_parent: bool,
    ) -> None:
        # Late, as this needs a POSIX system.
        from outbox_client._batch_draft import batch_draft
        from outbox_client._failure_counters import REASONS, count_failure
        from outbox_client._outbox_directory import OutboxDirectory
        from outbox_client._queue_writer import QueueWriter
        from outbox_client._record_draft import draft

        # At the interpreter's exit nothing is imported.
        self._draft = draft
        self._batch_draft = batch_draft
        self._count_failure = count_failure
        self._refusals = REASONS
        self._directory = OutboxDirectory(
            path, power=durability == POWER, trust_parent=trust_parent
        )
        self._writer = QueueWriter(
            self._directory, durability=durability, max_bytes=max_bytes, lock_timeout=lock_timeout
        )
        self._settings = self._directory.path, durability, max_bytes, lock_timeout, trust_parent

    def __reduce__(self) -> tuple[Any, ...]:
        # A copy has the settings, with whatever the environment says where it is made, and what a
        # subclass adds. Files and locks are its own.
        return _copy, (type(self), self._settings), _without_parts(self)

    @property
    def path(self) -> str:
        """The outbox's directory."""
        return self._directory.path

    def append(
        self,
        value: Text | None,
        *,
        topic: str,
        key: Text | None = None,
        headers: Headers | None = None,
        event_id: UUID | str | bytes | None = None,
        timestamp: int | None = None,
        partition: int | None = None,
    ) -> Receipt:
        """Append an event. When this returns, the event survives what the durability says.

        Args:
            value: bytes-like, or a str to be encoded as UTF-8; None for a Kafka tombstone.
            topic: where the relay delivers it.
            key: as the value; None for none. Events of one key and topic keep their order.
            headers: a mapping or pairs of names and values (as the value). Names must not begin
                with ``outbox-``.
            event_id: a UUID, its text or its 16 bytes; default a new one of version 7.
            timestamp: milliseconds since the epoch; default the time of the append.
            partition: of the topic, 0 or more; default None: Kafka's partitioner chooses, by the
                key. Events of one key keep their order only within a partition.

        Raises:
            EventTooLarge: the record would be longer than 1 MiB.
            InvalidEvent: topic, headers, or a type.
            OutboxFull: disk, quota or cap leave no room. Nothing was appended.
            OutboxBusy: the lock was not to be had in time. Nothing was appended.
            OutboxCorrupt: the queue cannot be continued. Nothing was appended.
            OutboxUnavailable: the directory is refused, or the disk fails. Nothing was appended,
                unless the error's ``maybe_appended`` is true.
        """
        try:
            return self._writer.append(
                self._draft(value, topic, key, headers, event_id, timestamp, partition)
            )
        except OutboxError as problem:
            self._count_failure(self._directory, type(problem))
            raise

    def append_all(self, events: Iterable[Mapping[str, Any]]) -> list[Receipt]:
        """Append events, all or none of them, with nothing between them.

        Whatever happens, readers find the whole batch or nothing of it, and the relay delivers it
        in this order. It costs one lock, one write and, with ``"power"``, one sync.

        ::

            outbox.append_all({"value": line, "topic": "orders", "key": "1"} for line in lines)

        Args:
            events: for each the arguments of `append` by their names. `value` and `topic` must be
                there. At most 10,000 events, and 8 MiB together.

        Returns:
            The receipts, in the order of the events; their sequences are consecutive.

        Raises:
            EventTooLarge: one of them is, or all together.
            InvalidEvent: one of them is refused; the message has its number, from 1. Nothing was
                appended.
            OutboxError: as `append`. With ``maybe_appended`` all may be there: append all again
                with the same ids, which are its ``event_ids``.
        """
        try:
            draft = self._batch_draft(events)
            if draft is None:
                return []
            return self._writer.append_all(draft)
        except OutboxError as problem:
            self._count_failure(self._directory, type(problem))
            raise

    def count_refusal(self, reason: type[OutboxError] = InvalidEvent) -> None:
        """Count an event that was lost before `append` could be tried, like one of no valid form.

        `append` counts what it refuses itself. The relay exports both as
        ``outbox_append_failures_total``. Never waits and never raises for what the outbox is like:
        where nothing can be written, the count is lost.

        Args:
            reason: one of the errors that `append` raises.

        Raises:
            ValueError: *reason* is none of them.
        """
        if reason not in self._refusals:
            names = ", ".join(kind.__name__ for kind in self._refusals)
            raise ValueError(f"reason is {reason!r}: it must be one of {names}")
        self._count_failure(self._directory, reason)

    def create(self) -> None:
        """Create the outbox now, or mend it, rather than with the first append.

        Raises:
            OutboxError: as `append`.
        """
        self._writer.open()

    def wait_delivered(self, receipt: Receipt, timeout: float = 30.0) -> DeliveryOutcome:
        """Wait until the relay has settled an event, by polling a small file.

        Args:
            receipt: of an append to this outbox, by any process.
            timeout: seconds; 0 for a look without waiting.

        Returns:
            What became of it; ``PENDING`` if the time is over. ``PARKED`` and ``DEAD`` may change
            later: ask again, if it matters.

        Raises:
            ValueError: the receipt is of another outbox.
            OutboxUnavailable: the outbox cannot be read.
        """
        from outbox_client._outbox_reader import OutboxReader

        return OutboxReader(self.path).wait_delivered(receipt, timeout)

    def status(self) -> Status:
        """How much waits for delivery, and more. Takes no lock and changes nothing.

        Raises:
            OutboxUnavailable: there is no outbox yet, or it cannot be read.
        """
        from outbox_client._outbox_reader import OutboxReader

        return OutboxReader(self.path).status()

    def close(self) -> None:
        """Close the files. Optional, as nothing is buffered; appending afterwards opens anew."""
        self._writer.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        problem: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self.close()

    def __repr__(self) -> str:
        return f"Outbox({self.path!r})"


_PARTS = frozenset(
    (
        "_batch_draft",
        "_count_failure",
        "_directory",
        "_draft",
        "_refusals",
        "_settings",
        "_writer",
    )
)


def _copy(kind: type[Outbox], settings: tuple[Any, ...]) -> Outbox:
    _check_system()
    outbox = kind.__new__(kind)
    Outbox._open_nothing(outbox, *settings)
    return outbox


def _without_parts(outbox: Outbox) -> Any:
    """What a subclass wants to be copied, as pickle has it, without what `_copy` makes anew."""
    get = getattr(outbox, "__getstate__", None)  # every object has one from 3.11 on
    state = vars(outbox) if get is None else get()
    attributes, *slots = state if isinstance(state, tuple) else (state,)
    if isinstance(attributes, dict):
        attributes = {name: attributes[name] for name in attributes if name not in _PARTS} or None
    return (attributes, *slots) if slots else attributes


def _check_system() -> None:
    if os.name != "posix" or sys.byteorder != "little" or sys.maxsize < 1 << 32:
        raise OutboxUnavailable(
            f"an outbox needs Linux (or macOS, for development) on a little-endian 64-bit machine, "
            f"not {sys.platform}"
        )


def _checked_path(path: object, default: str | None) -> str:
    source = "the outbox's path"
    if path is None:
        source = "OUTBOX_DIR"
        path = (default or "").strip()
        if not path:
            raise OutboxUnavailable(
                "OUTBOX_DIR is not set: name the outbox's directory there, or pass a path"
            )
    name = os.fspath(path) if isinstance(path, os.PathLike) else path
    if not isinstance(name, str) or "\0" in name:
        raise OutboxUnavailable(f"{source} is {name!r}, which is no path: pass a str or a Path")
    if not os.path.isabs(name):
        raise OutboxUnavailable(
            f"{source} is {name!r}: it must be absolute, so that all processes mean the same"
        )
    return os.path.normpath(name)


def _checked_durability(durability: str | None, default: str | None) -> str:
    source = "durability"
    if durability is None:
        durability = (default or "").strip() or PROCESS
        source = "OUTBOX_DURABILITY"
    if durability not in (PROCESS, POWER):
        raise OutboxUnavailable(f"{source} is {durability!r}: it must be 'process' or 'power'")
    return durability


def _bytes_from_environment(text: str | None) -> int | None:
    text = (text or "").strip()
    if not text:
        return None
    digits = text.lstrip("0")
    if not digits.isdecimal() or not digits.isascii():
        raise OutboxUnavailable(
            f"OUTBOX_MAX_BYTES is {text!r}: it must be a positive number of bytes"
        )
    return min(int(digits[:20]), _LARGEST_CAP)  # Python refuses to read thousands of digits
