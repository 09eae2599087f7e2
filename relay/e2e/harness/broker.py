"""A real Kafka broker in a process of its own, that can be killed and started again on its data."""

from __future__ import annotations

import re
import signal
from typing import TYPE_CHECKING

from confluent_kafka.admin import (  # type: ignore[attr-defined]  # its stub forgets them
    AdminClient,
    ScramCredentialInfo,
    ScramMechanism,
    UserScramCredentialUpsertion,
)
from confluent_kafka.admin._config import AlterConfigOpType, ConfigEntry, ConfigResource
from confluent_kafka.admin._resource import ResourceType
from confluent_kafka.cimpl import NewTopic

from . import archives
from .child import Child
from .places import BROKER_JAR, built, java
from .ports import free_port
from .waiting import eventually

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from pathlib import Path
    from types import TracebackType

    from typing_extensions import Self

READY = re.compile(r"^READY (\S+)$", re.MULTILINE)
JVM = ("-Xmx256m", "-XX:+UseSerialGC", "-XX:TieredStopAtLevel=1")
START_SECONDS = 120.0
ADMIN_SECONDS = 60.0


class Broker:
    """relay/embedded-kafka's jar on `data`; address and data outlive `kill`.

    Args:
        data: its data directory and, beside it, its log.
        properties: broker settings on top of the jar's own.
        listeners: protocols to listen with beside PLAINTEXT; `at` tells their addresses.
        advertised: by listener, where clients reach it if that is another address.
        jvm: options of its JVM.
    """

    def __init__(
        self,
        data: Path,
        *,
        properties: Mapping[str, str] | None = None,
        listeners: Sequence[str] = (),
        advertised: Mapping[str, str] | None = None,
        jvm: Sequence[str] = JVM,
    ) -> None:
        self.data = data
        self.log = data.with_name(data.name + ".log")
        self.port = free_port()
        self.bootstrap = f"127.0.0.1:{self.port}"
        self._jvm = jvm
        self._options = [
            option
            for name, value in (properties or {}).items()
            for option in ("--property", f"{name}={value}")
        ]
        self._ports = {protocol: free_port() for protocol in listeners}
        for protocol, port in self._ports.items():
            self._options += ["--listener", f"{protocol}={port}"]
        if advertised:
            reached = {"PLAINTEXT": self.bootstrap, **advertised}
            told = ",".join(f"{name}://{address}" for name, address in reached.items())
            self._options += ["--property", f"advertised.listeners={told}"]
        self._child: Child | None = None

    def having(self, properties: Mapping[str, str]) -> Self:
        """The same with further settings, as of its next start."""
        for name, value in properties.items():
            self._options += ["--property", f"{name}={value}"]
        return self

    def at(self, protocol: str) -> str:
        """The address of one of the `listeners`."""
        return f"127.0.0.1:{self._ports[protocol]}"

    @property
    def running(self) -> bool:
        return self._child is not None and self._child.running

    def start(self, *, wait: bool = True) -> None:
        """Start it (again); with `wait`, return when it accepts requests."""
        if self.running:
            raise AssertionError(f"the broker on port {self.port} runs already")
        jar = built(BROKER_JAR)
        command = [java(), *self._jvm, *archives.options(jar), "-jar", jar]
        command += ["--data", str(self.data)]
        command += ["--port", str(self.port), *self._options]
        self._child = Child(command, log=self.log)
        if wait:
            self.await_ready()

    def is_ready(self) -> bool:
        """Whether the process that runs now accepts requests; an error when it has ended."""
        child = self._child
        if child is None:
            raise AssertionError("the broker was not started")
        output = child.output()
        if not child.running:
            raise AssertionError(f"the broker ended with {child.exit_code}:\n{output[-4000:]}")
        return READY.search(output) is not None

    def await_ready(self) -> None:
        eventually(f"the broker on port {self.port} is ready", self.is_ready, within=START_SECONDS)

    def kill(self) -> None:
        """SIGKILL: no flush, no goodbye. An error when it had ended by itself before."""
        if self._child is None or not self._child.running:
            raise AssertionError(f"the broker on port {self.port} does not run; see {self.log}")
        self._child.kill()

    def stop(self, within: float = 60.0) -> None:
        """SIGTERM; wait until it has ended in order."""
        if self._child is None or not self._child.running:
            raise AssertionError(f"the broker on port {self.port} does not run; see {self.log}")
        self._child.terminate()
        self._child.wait(within)

    def freeze(self) -> None:
        """SIGSTOP: connections stay, and nobody answers. `thaw` or `kill` ends it."""
        if self._child is None or not self._child.running:
            raise AssertionError(f"the broker on port {self.port} does not run; see {self.log}")
        self._child.signal(signal.SIGSTOP)

    def thaw(self) -> None:
        """SIGCONT: what was asked meanwhile is answered."""
        if self._child is None or not self._child.running:
            raise AssertionError(f"the broker on port {self.port} does not run; see {self.log}")
        self._child.signal(signal.SIGCONT)

    def kill_if_running(self) -> None:
        if self._child is not None and self._child.running:
            self._child.kill()

    def create_topic(
        self, name: str, partitions: int = 1, config: Mapping[str, str] | None = None
    ) -> str:
        """Create `name`, wait until clients can see it, return it."""
        topic = NewTopic(name, partitions, 1, config=dict(config or {}))
        admin = self.admin()
        admin.create_topics([topic], operation_timeout=ADMIN_SECONDS)[name].result(ADMIN_SECONDS)
        eventually(f"topic {name} is visible", lambda: name in self.topic_names())
        return name

    def set_topic_config(self, topic: str, config: Mapping[str, str]) -> None:
        """Change some settings of a topic."""
        entries = [
            ConfigEntry(name, value, incremental_operation=AlterConfigOpType.SET)
            for name, value in config.items()
        ]
        resource = ConfigResource(ResourceType.TOPIC, topic, incremental_configs=entries)
        admin = self.admin()
        admin.incremental_alter_configs([resource])[resource].result(ADMIN_SECONDS)

    def set_password(self, user: str, password: str) -> None:
        """Let SCRAM-SHA-512 know a user, or another password: connections stay as they are."""
        scram = ScramCredentialInfo(ScramMechanism.SCRAM_SHA_512, 4096)
        change = UserScramCredentialUpsertion(user, scram, password.encode())
        admin = self.admin()
        admin.alter_user_scram_credentials([change])[user].result(ADMIN_SECONDS)

    def topic_names(self) -> frozenset[str]:
        return frozenset(self.admin().list_topics(timeout=ADMIN_SECONDS).topics)

    def admin(self) -> AdminClient:
        """Short-lived: librdkafka logs to stderr for as long as a broker that it knows is away."""
        return AdminClient({"bootstrap.servers": self.bootstrap})

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self.kill_if_running()
