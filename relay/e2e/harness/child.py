"""A process that we started: its output in a file, and no way to outlive us."""

from __future__ import annotations

import contextlib
import os
import signal
import subprocess
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from pathlib import Path
    from types import TracebackType

    from typing_extensions import Self

OURS = ("OUTBOX_", "KAFKA_")


def clean_environment() -> dict[str, str]:
    """The caller's environment without the settings that the product reads."""
    return {name: value for name, value in os.environ.items() if not name.startswith(OURS)}


class Child:
    """Runs `command`, its output appended to `log`, at most until the block ends.

    It is in a session of its own: a Ctrl-C in the terminal reaches only us, and we end it in order.
    The kernel ends it when the thread that started it ends, so when we are killed, too.
    """

    def __init__(
        self, command: Sequence[str], *, log: Path, env: Mapping[str, str] | None = None
    ) -> None:
        self.command = list(command)
        self.log = log
        log.parent.mkdir(parents=True, exist_ok=True)
        with log.open("ab") as output:
            self._log_start = output.tell()
            self._process = subprocess.Popen(
                ["setpriv", "--pdeathsig", "KILL", *self.command],
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=subprocess.STDOUT,
                env=None if env is None else dict(env),
                start_new_session=True,
            )

    @property
    def pid(self) -> int:
        return self._process.pid

    @property
    def exit_code(self) -> int | None:
        """None while it runs; negative: the signal that ended it."""
        return self._process.poll()

    @property
    def running(self) -> bool:
        return self.exit_code is None

    def output(self) -> str:
        """What this process (not an earlier one with the same log) has written."""
        with self.log.open("rb") as log:
            log.seek(self._log_start)
            return log.read().decode(errors="replace")

    def signal(self, number: signal.Signals) -> None:
        self._process.send_signal(number)

    def kill(self) -> None:
        """SIGKILL to it and to what it started; wait until it is gone."""
        # By session: Airflow puts some of its processes into groups of their own.
        for pid in (int(name) for name in os.listdir("/proc") if name.isdigit()):
            with contextlib.suppress(ProcessLookupError):
                if os.getsid(pid) == self.pid:
                    os.kill(pid, signal.SIGKILL)
        self._process.wait()

    def terminate(self) -> None:
        """SIGTERM, without waiting."""
        self._process.terminate()

    def wait(self, within: float = 60.0) -> int:
        """The exit code; `AssertionError` with its output when it still runs after `within` s."""
        try:
            return self._process.wait(within)
        except subprocess.TimeoutExpired:
            raise AssertionError(
                f"still running after {within:g} s: {self.command}\n{self.output()[-4000:]}"
            ) from None

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        if self.running:
            self.kill()
