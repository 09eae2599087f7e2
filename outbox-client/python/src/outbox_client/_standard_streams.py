"""Standard input, output and error of a command, with every way in which they fail.

Receipts are a report, not the work: that they cannot be printed is kept, to be told at the end. And
what cannot be read, or is not there yet, is not the end of the input.
"""

from __future__ import annotations

import contextlib
import errno
import os
import select
import sys
from typing import TYPE_CHECKING

from outbox_client._errors import OutboxUnavailable

if TYPE_CHECKING:
    from collections.abc import Iterator

    from outbox_client._stop_signals import StopSignals

_CHUNK = 1 << 16
_INPUT, _OUTPUT, _ERROR = range(3)


def closed_streams() -> set[int]:
    """Which of the three are closed; their numbers are taken, so that no file of ours gets them."""
    closed = {fd for fd in (_INPUT, _OUTPUT, _ERROR) if not _is_open(fd)}
    for _ in closed:
        with contextlib.suppress(OSError):
            os.open(os.devnull, os.O_RDWR)  # gets the lowest number that is free
    if sys.stderr is None:
        sys.stderr = open(os.devnull, "w")  # noqa: SIM115 - argparse names it to the end
    return closed


def _is_open(fd: int) -> bool:
    try:
        os.fstat(fd)
    except OSError:
        return False
    return True


class Input:
    """Standard input, as blocks, as lines, or whole."""

    def __init__(self, stop: StopSignals, *, closed: bool) -> None:
        """Read nothing yet.

        Args:
            stop: ends the input early, between two lines.
            closed: there is none.
        """
        self._stop = stop
        self._closed = closed

    def whole(self, limit: int) -> bytes:
        """All of it, or the first bytes if there are more than *limit*.

        Raises:
            OutboxUnavailable: it cannot be read.
        """
        blocks = []
        size = 0
        while size <= limit and (block := self._read()):
            blocks.append(block)
            size += len(block)
        return b"".join(blocks)

    def lines(self, limit: int) -> Iterator[tuple[bytes, bool]]:
        """Each line without its newline, as soon as it is there, and whether it has one.

        A line that is longer than *limit* ends the input, and is given as far as it was read.

        Raises:
            OutboxUnavailable: it cannot be read.
        """
        begun: list[bytes] = []
        size = 0
        while block := self._read():
            *whole, rest = block.split(b"\n")
            if whole:
                whole[0] = b"".join((*begun, whole[0]))
                begun.clear()
                size = 0
                for line in whole:
                    yield line, True
            if rest:
                begun.append(rest)
                size += len(rest)
                if size > limit:
                    break
        if begun and not self._stop.received:
            yield b"".join(begun), size > limit

    def _read(self) -> bytes:
        reason = os.strerror(errno.EBADF)
        if not self._closed:
            try:
                while self._stop.wait_until_ready(_INPUT, select.POLLIN):
                    # Another reader of the same pipe may be faster.
                    with contextlib.suppress(BlockingIOError):
                        return os.read(_INPUT, _CHUNK)
            except OSError as problem:
                reason = problem.strerror or str(problem)
            else:
                return b""
        raise OutboxUnavailable(f"cannot read standard input: {reason}")


class Output:
    """Standard output, one line after the other, each at once.

    Attributes:
        failure: why a line could not be printed; the lines behind it were not tried.
    """

    def __init__(self, stop: StopSignals, *, closed: bool) -> None:
        """Print nothing yet.

        Args:
            stop: no line is waited for any more.
            closed: there is none.
        """
        self._stop = stop
        self.failure = os.strerror(errno.EBADF) if closed else None

    def line(self, text: str) -> None:
        """Print a line, which may wait for whoever reads it."""
        if self.failure is not None:
            return
        data = f"{text}\n".encode("utf-8", "surrogateescape")
        try:
            while data:
                if not self._stop.wait_until_ready(_OUTPUT, select.POLLOUT):
                    self.failure = "stopped while nobody took them"
                    return
                # There may be less room than is needed; poll tells when there is more.
                with contextlib.suppress(BlockingIOError):
                    data = data[os.write(_OUTPUT, data) :]
        except OSError as problem:
            self.failure = problem.strerror or str(problem)


def complain(message: str) -> None:
    """Tell on standard error what went wrong."""
    write_error(f"outbox: {message}\n")


def write_error(text: str) -> None:
    """Print on standard error; if that fails, the exit code tells."""
    data = text.encode("utf-8", "backslashreplace")
    with contextlib.suppress(OSError):
        while data:
            waiting = select.poll()
            waiting.register(_ERROR, select.POLLOUT)
            waiting.poll()  # as it may be one that does not block
            data = data[os.write(_ERROR, data) :]
