"""Three real brokers, each a controller too, of which any one can be killed and started again."""

from __future__ import annotations

import base64
import os
from contextlib import ExitStack
from typing import TYPE_CHECKING

from confluent_kafka import KafkaError, KafkaException
from confluent_kafka.admin import AdminClient
from confluent_kafka.cimpl import NewTopic

from .broker import ADMIN_SECONDS, Broker
from .ports import free_port
from .setups import PASSWORDS, PLAIN_MODULE, WRITER, jaas
from .waiting import eventually

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from pathlib import Path
    from types import TracebackType

    from typing_extensions import Self

NODES = (1, 2, 3)
REQUEST_SECONDS = 5.0
# Many on a small host; a leader that dies is replaced within 3 s (`broker.session.timeout.ms`).
JVM = ("-Xmx160m", "-XX:+UseSerialGC", "-XX:TieredStopAtLevel=1")
PROPERTIES = {
    "offsets.topic.replication.factor": "3",
    "auto.leader.rebalance.enable": "false",
    # Who was away and is back is in sync again at once, where there is little to fetch.
    "replica.fetch.wait.max.ms": "100",
}

# Without a login one may do everything; the writer may what an ACL says.
GUARDED = {
    "authorizer.class.name": "org.apache.kafka.metadata.authorizer.StandardAuthorizer",
    "super.users": "User:ANONYMOUS",
    "sasl.enabled.mechanisms": "PLAIN",
    "listener.name.sasl_plaintext.plain.sasl.jaas.config": (
        f'{PLAIN_MODULE} required user_{WRITER}="{PASSWORDS[WRITER]}";'
    ),
}


class Node(Broker):
    """One broker of several."""

    def __init__(
        self,
        directory: Path,
        number: int,
        voters: Mapping[int, int],
        cluster: str,
        properties: Mapping[str, str],
        listeners: Sequence[str],
    ) -> None:
        super().__init__(
            directory / f"node-{number}",
            properties={**PROPERTIES, **properties},
            listeners=listeners,
            jvm=JVM,
        )
        self.number = number
        self._options += ["--node-id", str(number), "--cluster-id", cluster]
        self._options += ["--controller-port", str(voters[number])]
        for voter, port in voters.items():
            self._options += ["--voter", f"{voter}={port}"]


class Cluster:
    """Brokers 1, 2 and 3 below `directory`; one may be away, then two still agree.

    Args:
        directory: of their data and logs.
        properties: settings of each broker.
        listeners: as of a `Broker`.
    """

    def __init__(
        self,
        directory: Path,
        *,
        properties: Mapping[str, str] | None = None,
        listeners: Sequence[str] = (),
    ) -> None:
        directory.mkdir(parents=True, exist_ok=True)
        voters = {number: free_port() for number in NODES}
        identity = base64.urlsafe_b64encode(os.urandom(16)).decode().rstrip("=")
        cluster = identity.replace("-", "A", 1) if identity.startswith("-") else identity
        self.nodes = {
            number: Node(directory, number, voters, cluster, properties or {}, listeners)
            for number in NODES
        }

    @property
    def bootstrap(self) -> str:
        return ",".join(node.bootstrap for node in self.nodes.values())

    @classmethod
    def guarded(cls, directory: Path) -> Self:
        """With an authorizer, and a listener for the writer's login."""
        return cls(directory, properties=GUARDED, listeners=("SASL_PLAINTEXT",))

    def as_writer(self) -> dict[str, str]:
        """Settings for that listener, where it is guarded."""
        addresses = (node.at("SASL_PLAINTEXT") for node in self.nodes.values())
        return {
            "KAFKA_BOOTSTRAP_SERVERS": ",".join(addresses),
            "KAFKA_SECURITY_PROTOCOL": "SASL_PLAINTEXT",
            "KAFKA_SASL_MECHANISM": "PLAIN",
            "KAFKA_SASL_JAAS_CONFIG": jaas(WRITER, PASSWORDS[WRITER]),
        }

    def create_topic(
        self,
        name: str,
        replicas: Sequence[Sequence[int]],
        config: Mapping[str, str] | None = None,
    ) -> str:
        """Create `name` and wait until it has leaders.

        Args:
            replicas: by partition, on which brokers; the first leads.
            config: of the topic.
        """
        assignment = [list(each) for each in replicas]
        topic = NewTopic(
            name, len(assignment), replica_assignment=assignment, config=dict(config or {})
        )

        def is_created() -> bool:
            admin = self.admin()
            created = admin.create_topics([topic], request_timeout=REQUEST_SECONDS)[name]
            try:
                created.result(ADMIN_SECONDS)
            except KafkaException as error:
                # Whoever was the controller may be away, of which a fresh client learns.
                return bool(error.args[0].code() == KafkaError.TOPIC_ALREADY_EXISTS)
            return True

        eventually(f"topic {name} is created", is_created)
        eventually(f"topic {name} has leaders", lambda: self.has_leaders(name))
        return name

    def leaders(self, topic: str) -> list[int]:
        """By partition; negative for none. Empty while nobody tells of it."""
        known = self.admin().list_topics(topic, timeout=ADMIN_SECONDS).topics[topic]
        return [known.partitions[number].leader for number in sorted(known.partitions)]

    def has_leaders(self, topic: str) -> bool:
        leaders = self.leaders(topic)
        return bool(leaders) and min(leaders) > 0

    def in_sync(self, topic: str) -> int:
        """Of the partition that has fewest, how many replicas."""
        known = self.admin().list_topics(topic, timeout=ADMIN_SECONDS).topics[topic]
        return min(len(each.isrs) for each in known.partitions.values())

    def admin(self) -> AdminClient:
        """Short-lived: librdkafka logs to stderr as long as a broker that it knows is away."""
        running = [node.bootstrap for node in self.nodes.values() if node.running]
        return AdminClient(
            {
                "bootstrap.servers": ",".join(running),
                "reconnect.backoff.ms": 500,
                "log_level": 2,
            }
        )

    def start(self) -> None:
        """All that do not run; return when they accept requests."""
        starting = [node for node in self.nodes.values() if not node.running]
        for node in starting:
            node.start(wait=False)  # none is ready alone
        for node in starting:
            node.await_ready()

    def __enter__(self) -> Self:
        with ExitStack() as stack:
            stack.push(self)
            self.start()
            stack.pop_all()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        for node in self.nodes.values():
            node.kill_if_running()
