"""The relay's jar in a process of its own, and its command line."""

from __future__ import annotations

import json
import signal
import subprocess
import urllib.error
import urllib.request
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from . import archives
from .child import Child, clean_environment
from .places import RELAY_JAR, built, java
from .ports import free_port
from .waiting import eventually

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from pathlib import Path
    from types import TracebackType

    from typing_extensions import Self

JVM = (
    "-Xmx64m",
    "-XX:+UseSerialGC",
    "-XX:TieredStopAtLevel=1",
    "-XX:+ExitOnOutOfMemoryError",
)
START_SECONDS = 60.0
HTTP_SECONDS = 10.0
CLI_SECONDS = 120.0


def relay_environment(
    outbox: Path, bootstrap: str, settings: Mapping[str, str] | None = None
) -> dict[str, str]:
    """The environment of a relay or of its CLI for `outbox`, without the caller's own settings."""
    return {
        **clean_environment(),
        "OUTBOX_DIR": str(outbox),
        "KAFKA_BOOTSTRAP_SERVERS": bootstrap,
        **(settings or {}),
    }


@dataclass(frozen=True)
class Progress:
    """Where delivery stands; `delivered` counts since the start of the process, with repeats."""

    state: str
    delivered: int
    lag: int


class Relay:
    """`java -jar outbox-relay.jar run` for one outbox. Each `start` is a new process.

    Args:
        outbox: OUTBOX_DIR.
        bootstrap: KAFKA_BOOTSTRAP_SERVERS.
        log: where its output goes; later processes append.
        settings: further environment.
        java_home: the JDK to run it on; None: the default one.
        jvm: options of its JVM; the default ones start fast rather than run fast.
        wrapper: a command that runs the JVM's command, which is appended to it.
    """

    def __init__(
        self,
        outbox: Path,
        bootstrap: str,
        *,
        log: Path,
        settings: Mapping[str, str] | None = None,
        java_home: str | None = None,
        jvm: Sequence[str] = JVM,
        wrapper: Sequence[str] = (),
    ) -> None:
        self.port = free_port()
        self.outbox = outbox
        self.log = log
        self.environment = relay_environment(
            outbox,
            bootstrap,
            {"OUTBOX_HTTP_ADDRESS": f"127.0.0.1:{self.port}", **(settings or {})},
        )
        jar = built(RELAY_JAR)
        faster = [] if java_home else archives.options(jar)
        self._java = [java(java_home), *jvm, *faster, "-jar", jar]
        self._wrapper = list(wrapper)
        self._child: Child | None = None

    @property
    def running(self) -> bool:
        return self._child is not None and self._child.running

    @property
    def child(self) -> Child:
        if self._child is None:
            raise AssertionError("the relay was not started")
        return self._child

    def start(self, *, wait: bool = True) -> None:
        """Start it (again); with `wait`, return when /readyz says so."""
        if self.running:
            raise AssertionError(f"the relay for {self.outbox} runs already")
        self._child = Child(
            [*self._wrapper, *self._java, "run"], log=self.log, env=self.environment
        )
        if wait:
            self.await_ready()

    def await_ready(self) -> None:
        eventually(f"the relay for {self.outbox} is ready", self.is_ready, within=START_SECONDS)

    def is_ready(self) -> bool:
        """What /readyz says; false before it listens, an error when the process has ended."""
        self.assert_running()
        try:
            return self.http("/readyz")[0] == 200
        except OSError:
            return False

    def assert_running(self) -> None:
        if not self.running:
            raise AssertionError(
                f"the relay ended with {self.child.exit_code}:\n{self.output()[-6000:]}"
            )

    def kill(self) -> None:
        """SIGKILL. An error when it had ended by itself before."""
        self.assert_running()
        self.child.kill()

    def kill_if_running(self) -> None:
        if self.running:
            self.child.kill()

    def stop(self, within: float = 60.0) -> int:
        """SIGTERM; its exit code."""
        self.child.signal(signal.SIGTERM)
        return self.child.wait(within)

    def output(self) -> str:
        return self.child.output()

    def http(self, path: str) -> tuple[int, str]:
        """Status and body of a GET; `OSError` while nobody listens."""
        url = f"http://127.0.0.1:{self.port}{path}"
        try:
            with urllib.request.urlopen(url, timeout=HTTP_SECONDS) as response:
                return response.status, response.read().decode()
        except urllib.error.HTTPError as refused:
            with refused:
                return refused.code, refused.read().decode()

    def status(self) -> dict[str, Any]:
        """What /status.json says about the outbox now; `OSError` before the relay listens."""
        self.assert_running()
        status, body = self.http("/status.json")
        if status != 200:
            raise AssertionError(f"/status.json answered {status}: {body}")
        outboxes = json.loads(body)["outboxes"]
        if not outboxes:
            raise OSError("the outbox is not open yet")
        [outbox] = outboxes
        assert isinstance(outbox, dict)
        return outbox

    def progress(self) -> Progress:
        """How far delivery is; `OSError` before the relay listens."""
        status = self.status()
        return Progress(status["state"], status["delivered"], status["lag_events"])

    def is_drained(self) -> bool:
        """Whether everything appended so far is settled."""
        return self.progress().lag == 0

    def command(self, *arguments: str) -> list[str]:
        """The command line of another verb."""
        return [*self._java, *arguments]

    def cli(self, *arguments: str) -> subprocess.CompletedProcess[str]:
        """Run another verb in the same environment; the caller looks at the exit code."""
        return subprocess.run(
            self.command(*arguments),
            env=self.environment,
            capture_output=True,
            text=True,
            timeout=CLI_SECONDS,
            check=False,
        )

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self.kill_if_running()
