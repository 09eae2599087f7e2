"""SIGINT, SIGTERM and SIGHUP, which end a command between two events."""

from __future__ import annotations

import os
import select
import signal
import threading
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from types import FrameType, TracebackType
    from typing import Any, NoReturn

    from typing_extensions import Self

_SIGNALS = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)


class StopSignals:
    """While this is entered, a signal is noted instead of ending the process; a second one does.

    Attributes:
        received: the signal, or None.
    """

    def __init__(self) -> None:
        self.received: signal.Signals | None = None
        self._before: dict[signal.Signals, Any] = {}
        self._polls: dict[int, select.poll] = {}
        # Signals wake a poll through this pipe, also one that comes just before the poll.
        self._woken: tuple[int, int] | None = None

    def __enter__(self) -> Self:
        if threading.current_thread() is threading.main_thread():
            self._woken = os.pipe()
            for fd in self._woken:
                os.set_blocking(fd, False)
            self._wakeup_before = signal.set_wakeup_fd(self._woken[1], warn_on_full_buffer=False)
            for number in _SIGNALS:
                # What is ignored, as by nohup, stays so.
                if signal.getsignal(number) != signal.SIG_IGN:
                    self._before[number] = signal.signal(number, self._note)
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        problem: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        for number, handler in self._before.items():
            signal.signal(number, signal.SIG_DFL if handler is None else handler)
        self._before.clear()
        if self._woken is not None:
            signal.set_wakeup_fd(self._wakeup_before)
            for fd in self._woken:
                os.close(fd)
            self._woken = None
            self._polls.clear()

    def _note(self, number: int, _: FrameType | None) -> None:
        if self.received is not None:
            end_by(self.received)
        self.received = signal.Signals(number)

    def wait_until_ready(self, fd: int, event: int) -> bool:
        """Wait until a descriptor can be read or written, or is broken; false if it is to stop.

        Args:
            fd: the descriptor.
            event: ``select.POLLIN`` or ``select.POLLOUT``. What can be written is, after a signal
                too; what could be read is not.
        """
        poll = self._polls.get(fd)
        if poll is None:
            poll = self._polls[fd] = select.poll()
            poll.register(fd, event)
            if self._woken is not None:
                poll.register(self._woken[0], select.POLLIN)
        while True:
            if fd in [found for found, _ in poll.poll()]:
                return event == select.POLLOUT or self.received is None
            if self._woken is not None:
                os.read(self._woken[0], 512)
            if self.received is not None:  # else it was a signal of somebody else's
                return False


def end_by(number: signal.Signals) -> NoReturn:
    """End this process by a signal, so that whoever waits for it sees which."""
    signal.signal(number, signal.SIG_DFL)
    os.kill(os.getpid(), number)
    os._exit(128 + number)  # the first process of a container gets no signal from itself
