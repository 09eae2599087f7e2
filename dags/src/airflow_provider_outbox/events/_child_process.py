"""A command as a child: it gets the signals that its parent gets, and is waited for."""

from __future__ import annotations

import contextlib
import errno
import os
import shutil
import signal
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Sequence

# Nobody may block the first two; Python ignores the others.
_OWN = {signal.SIGKILL, signal.SIGSTOP, signal.SIGPIPE, signal.SIGXFSZ}
# A terminal sends these to all processes of a job itself (a hangup, to its session's leader alone).
_OF_TERMINALS = {
    signal.SIGINT,
    signal.SIGQUIT,
    signal.SIGHUP,
    signal.SIGTSTP,
    signal.SIGTTIN,
    signal.SIGTTOU,
    signal.SIGWINCH,
}
_SI_KERNEL = 0x80  # <asm-generic/siginfo.h>
_JOB_CONTROL = {signal.SIGTSTP, signal.SIGTTIN, signal.SIGTTOU}

NOT_FOUND = 127
NOT_EXECUTABLE = 126


class NotStartedError(Exception):
    """There is no process.

    Attributes:
        exit_code: what a shell would end with.
        reason: the system's, without the command.
    """

    def __init__(self, name: str, problem: OSError) -> None:
        self.reason = problem.strerror or str(problem)
        super().__init__(f"{name}: {self.reason}")
        self.exit_code = NOT_FOUND if problem.errno == errno.ENOENT else NOT_EXECUTABLE


class End(NamedTuple):
    """How a process ended: by its exit code or by a signal.

    Attributes:
        code: its exit code; None if a signal ended it.
        signal: that ended it, its number; 0 for none.
    """

    code: int | None
    signal: int


class ChildProcess:
    """Starts a command in this process's place: same group, terminal, descriptors, environment.

    Make it before the first thread: from then on signals wait for `wait`, in the threads too.
    For one thread.
    """

    def __init__(self, command: Sequence[str]) -> None:
        """Block signals; start nothing yet.

        Args:
            command: the program, as a shell finds it, and its arguments.
        """
        self._command = list(command)
        self._signals = signal.valid_signals() - _OWN
        # Whoever ignores it is told of no child's end.
        signal.signal(signal.SIGCHLD, signal.SIG_DFL)
        self._mask = signal.pthread_sigmask(signal.SIG_BLOCK, self._signals)
        self._before_it: set[int] = set()
        self.pid = 0

    def start(self) -> None:
        """Start it.

        Raises:
            NotStartedError: it cannot be started.
        """
        name = self._command[0]
        try:
            try:
                self.pid = self._spawn(name, self._command)
            except OSError as problem:
                path = shutil.which(name)
                if problem.errno != errno.ENOEXEC or path is None:
                    raise
                # A script that does not say what runs it: as execvp(3) and shells do.
                self.pid = self._spawn("/bin/sh", ["sh", path, *self._command[1:]])
        except OSError as problem:
            raise NotStartedError(name, problem) from None
        # A terminal cannot have sent these to it, too.
        self._before_it = set(signal.sigpending())

    def _spawn(self, path: str, command: list[str]) -> int:
        return os.posix_spawnp(
            path,
            command,
            _environment(),
            setsigmask=self._mask,
            setsigdef=[signal.SIGPIPE, signal.SIGXFSZ],  # which Python ignores
        )

    def wait(self) -> End:
        """Hand on signals until it has ended."""
        while True:
            told = signal.sigwaitinfo(self._signals)
            if told.si_signo == signal.SIGCHLD:
                end = self._look()
                if end is not None:
                    return end
            elif not self._has_it(told):
                # One that became another user's may not be sent it, by the sender neither.
                with contextlib.suppress(PermissionError):
                    os.kill(self.pid, told.si_signo)

    def _has_it(self, told: signal.struct_siginfo) -> bool:
        if told.si_signo in self._before_it:
            self._before_it.remove(told.si_signo)
            return False
        if told.si_code == _SI_KERNEL:
            return told.si_signo in _OF_TERMINALS and self._is_of_the_job(told.si_signo)
        return told.si_pid == self.pid  # `kill 0` in the command

    def _is_of_the_job(self, number: int) -> bool:
        if number == signal.SIGHUP and os.getsid(0) == os.getpid():
            return False
        return os.getpgid(self.pid) == os.getpgrp()

    def _look(self) -> End | None:
        """One SIGCHLD may stand for several; and init's orphans are its children, too."""
        while True:
            try:
                pid, status = os.waitpid(-1, os.WNOHANG | os.WUNTRACED)
            except ChildProcessError:
                return None
            if pid == 0:
                return None
            if pid != self.pid:
                continue
            if os.WIFEXITED(status):
                return End(os.WEXITSTATUS(status), 0)
            if os.WIFSIGNALED(status):
                return End(None, os.WTERMSIG(status))
            if os.WSTOPSIG(status) in _JOB_CONTROL:
                # The shell that waits for this process shall see that its job has stopped.
                os.kill(os.getpid(), signal.SIGSTOP)


def _environment() -> dict[bytes, bytes]:
    """As it was given to this process: Python sets LC_CTYPE where the locale is C (PEP 538)."""
    here = {name: value for name, value in os.environb.items() if name not in (b"", b"LC_CTYPE")}
    try:
        given = Path("/proc/self/environ").read_bytes()
    except OSError:
        return here
    for entry in given.split(b"\0"):
        if entry.startswith(b"LC_CTYPE="):
            here[b"LC_CTYPE"] = entry.partition(b"=")[2]
    return here


def end_like(end: End) -> int:
    """The exit code of a process that ended so; by a signal this process ends by it, too."""
    if end.code is not None:
        return end.code
    import resource

    # The command's core is enough.
    resource.setrlimit(resource.RLIMIT_CORE, (0, resource.getrlimit(resource.RLIMIT_CORE)[1]))
    if end.signal not in (signal.SIGKILL, signal.SIGSTOP):
        signal.signal(end.signal, signal.SIG_DFL)
    os.kill(os.getpid(), end.signal)
    signal.pthread_sigmask(signal.SIG_UNBLOCK, [end.signal])
    return 128 + end.signal  # the first process of a container gets no signal from itself
