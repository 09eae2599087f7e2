"""What `doctor` and `topics check` say of set-ups that do not deliver, and of some that do.

Every row is a real set-up: a real broker where one is concerned, the packaged command line. Where
neither command finds a problem, a relay must deliver what waits. The table is printed, and stands
in docs/broken-set-ups.md; WRITE_TABLE=1 writes it anew.
"""

from __future__ import annotations

import os
import re
import socket
import time
from contextlib import ExitStack
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from confluent_kafka.admin import AdminClient
from confluent_kafka.admin._acl import AclBinding, AclOperation, AclPermissionType
from confluent_kafka.admin._resource import ResourcePatternType, ResourceType
from outbox_conformance import mounts

from harness.broker import Broker
from harness.ports import free_port
from harness.relay import Relay
from harness.setups import (
    PASSWORDS,
    REQUEST_MAX_BYTES,
    STRANGER,
    WRITER,
    GuardedBroker,
    hangs_up,
    jaas,
    peer,
    says_nothing,
    speaks_http,
    speaks_ssh,
)
from harness.waiting import eventually
from outbox_client import Outbox, _record_draft

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping

OK, USAGE, PROBLEMS = 0, 2, 7
TABLE = Path(__file__).parents[2] / "docs" / "broken-set-ups.md"
NO_TMP = "-Djava.io.tmpdir=/proc/self/nowhere"
JVM = ("-Xmx64m", "-XX:+UseSerialGC", "-XX:TieredStopAtLevel=1")
ANY = "any-topic"
WEEK_MILLIS = 7 * 24 * 3_600_000


@dataclass
class Case:
    """A set-up in the making."""

    broker: GuardedBroker
    directory: Path
    stack: ExitStack
    outbox: Path = field(init=False)
    settings: dict[str, str] = field(default_factory=dict)
    jvm: tuple[str, ...] = JVM

    def __post_init__(self) -> None:
        self.outbox = self.directory / "outbox"
        self.settings["KAFKA_BOOTSTRAP_SERVERS"] = self.broker.bootstrap

    def append(self, topic: str = ANY, value: bytes = b"value", **event: object) -> None:
        with Outbox(self.outbox) as client:
            client.append(value, topic=topic, **event)  # type: ignore[arg-type]

    def append_unchecked(self, topic: str) -> None:
        """As another client might: ours refuse the topic."""
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(_record_draft, "_known_topics", {topic: topic.encode()})
            self.append(topic, key="k")

    def topic(self, name: str, partitions: int = 1, **config: str) -> str:
        settings = {name.replace("_", "."): value for name, value in config.items()}
        return self.broker.create_topic(name, partitions, settings)

    def listening(self, *arguments: object) -> str:
        return self.stack.enter_context(peer(*arguments))  # type: ignore[arg-type]

    def use(self, settings: Mapping[str, str]) -> None:
        self.settings.update(settings)
        self.append()


@dataclass(frozen=True)
class Row:
    """A set-up, and what is expected of both commands."""

    name: str
    make: Callable[[Case], None]
    doctor: tuple[int, str]
    topics: tuple[int, str]


ROWS: list[Row] = []


def row(
    name: str, exit_code: int, says: str, topics: tuple[int, str] | None = None
) -> Callable[[Callable[[Case], None]], Callable[[Case], None]]:
    def add(make: Callable[[Case], None]) -> Callable[[Case], None]:
        ROWS.append(Row(name, make, (exit_code, says), topics or (exit_code, says)))
        return make

    return add


# --- peers ---


@row("nothing listens there", PROBLEMS, "can't be reached: Connection refused")
def _(case: Case) -> None:
    case.use({"KAFKA_BOOTSTRAP_SERVERS": f"127.0.0.1:{free_port()}"})


@row("a name that nobody knows", PROBLEMS, "is a name that can't be resolved here")
def _(case: Case) -> None:
    case.use({"KAFKA_BOOTSTRAP_SERVERS": "kafka.invalid:9092"})


@row("an address without a port", USAGE, "give host:port")
def _(case: Case) -> None:
    case.use({"KAFKA_BOOTSTRAP_SERVERS": "localhost"})


@row("packets to the port are dropped", PROBLEMS, "no connection in time; a firewall")
def _(case: Case) -> None:
    full = socket.socket()
    full.bind(("127.0.0.1", 0))
    full.listen(0)
    case.stack.callback(full.close)
    for _ in range(4):  # the queue is full then, and the kernel answers nobody
        waiting = socket.socket()
        waiting.setblocking(False)
        waiting.connect_ex(full.getsockname())
        case.stack.callback(waiting.close)
    case.use({"KAFKA_BOOTSTRAP_SERVERS": f"127.0.0.1:{full.getsockname()[1]}"})


@row("a TLS listener, asked without TLS", PROBLEMS, "speaks TLS; set KAFKA_SECURITY_PROTOCOL=SSL")
def _(case: Case) -> None:
    case.use({"KAFKA_BOOTSTRAP_SERVERS": case.broker.at("SSL")})


@row("a plain listener, asked with TLS", PROBLEMS, "speaks Kafka without TLS; set")
def _(case: Case) -> None:
    case.use(case.broker.trusting("SSL") | {"KAFKA_BOOTSTRAP_SERVERS": case.broker.bootstrap})


@row("a web server", PROBLEMS, "speaks HTTP, not Kafka")
def _(case: Case) -> None:
    case.use({"KAFKA_BOOTSTRAP_SERVERS": case.listening(speaks_http)})


@row("a web server with TLS", PROBLEMS, "speaks HTTP, not Kafka")
def _(case: Case) -> None:
    certificate = case.broker.authority.issue("web", "127.0.0.1")
    address = case.listening(speaks_http, certificate)
    case.use(case.broker.trusting("SSL") | {"KAFKA_BOOTSTRAP_SERVERS": address})


@row("an SSH server", PROBLEMS, 'its answer begins with "SSH-2.0-"')
def _(case: Case) -> None:
    case.use({"KAFKA_BOOTSTRAP_SERVERS": case.listening(speaks_ssh)})


@row("a server that says nothing", PROBLEMS, "answers nothing; is that Kafka?")
def _(case: Case) -> None:
    case.use({"KAFKA_BOOTSTRAP_SERVERS": case.listening(says_nothing)})


@row("a load balancer without a server", PROBLEMS, "ends the connection without an answer")
def _(case: Case) -> None:
    case.use({"KAFKA_BOOTSTRAP_SERVERS": case.listening(hangs_up)})


@row("a listener that wants a login, asked without", PROBLEMS, "wants a login (SASL); set")
def _(case: Case) -> None:
    case.use({"KAFKA_BOOTSTRAP_SERVERS": case.broker.at("SASL_PLAINTEXT")})


@row("the same with TLS", PROBLEMS, "wants a login (SASL); set KAFKA_SECURITY_PROTOCOL=SASL_SSL")
def _(case: Case) -> None:
    case.use(case.broker.trusting("SASL_SSL"))


@row("one of two addresses is dead (delivers)", OK, "take it out of KAFKA_BOOTSTRAP_SERVERS")
def _(case: Case) -> None:
    dead = f"127.0.0.1:{free_port()}"
    case.append(case.topic("one-of-two"))
    case.settings["KAFKA_BOOTSTRAP_SERVERS"] = f"{dead},{case.broker.bootstrap}"


@row("one of two speaks TLS (delivers)", OK, "take it out of KAFKA_BOOTSTRAP_SERVERS")
def _(case: Case) -> None:
    case.append(case.topic("one-is-strange"))
    servers = f"{case.broker.at('SSL')},{case.broker.bootstrap}"
    case.settings["KAFKA_BOOTSTRAP_SERVERS"] = servers


def advertising(case: Case, address: str) -> None:
    other = Broker(
        case.directory / "kafka", properties={"advertised.listeners": f"PLAINTEXT://{address}"}
    )
    case.stack.callback(other.kill_if_running)
    other.start()
    case.use({"KAFKA_BOOTSTRAP_SERVERS": other.bootstrap})


@row("a broker whose own name is not known here", PROBLEMS, "advertised.listeners")
def _(case: Case) -> None:
    advertising(case, "kafka-0.kafka.invalid:9092")


@row("a broker whose own address is not reachable", PROBLEMS, "advertised.listeners")
def _(case: Case) -> None:
    advertising(case, f"127.0.0.1:{free_port()}")


# --- certificates ---


@row("an expired certificate", PROBLEMS, "issue the broker's certificate anew")
def _(case: Case) -> None:
    case.use(case.broker.trusting("EXPIRED:SSL"))


@row("a certificate of another name", PROBLEMS, "No subject alternative names matching")
def _(case: Case) -> None:
    case.use(case.broker.trusting("ELSEWHERE:SSL"))


@row("an authority that is not trusted", PROBLEMS, "valid certification path")
def _(case: Case) -> None:
    case.use(case.broker.trusting("SSL", case.broker.stranger))


@row("a client certificate is wanted and none is given", PROBLEMS, "give a client certificate")
def _(case: Case) -> None:
    case.use(case.broker.trusting("MUTUAL:SSL"))


@row("a trust store that is not there", PROBLEMS, "Kafka's client can't be made")
def _(case: Case) -> None:
    missing = str(case.directory / "trust.pem")
    case.use(case.broker.trusting("SSL") | {"KAFKA_SSL_TRUSTSTORE_LOCATION": missing})


@row("a trust store of another format", PROBLEMS, "Kafka's client can't be made")
def _(case: Case) -> None:
    case.use(case.broker.trusting("SSL") | {"KAFKA_SSL_TRUSTSTORE_TYPE": "PKCS12"})


@row("TLS as it should be (delivers)", OK, "cluster ")
def _(case: Case) -> None:
    case.append(case.topic("with-tls"))
    case.settings.update(case.broker.trusting("SSL"))


# --- credentials and rights ---


@row("a wrong password", PROBLEMS, "check user and password")
def _(case: Case) -> None:
    case.use(case.broker.as_user(WRITER, "wrong-password"))


@row("a mechanism that is not offered", PROBLEMS, "set KAFKA_SASL_MECHANISM")
def _(case: Case) -> None:
    module = "org.apache.kafka.common.security.scram.ScramLoginModule"
    case.use(
        case.broker.as_user(WRITER)
        | {
            "KAFKA_SASL_MECHANISM": "SCRAM-SHA-512",
            "KAFKA_SASL_JAAS_CONFIG": f'{module} required username="u" password="hunter2";',
        }
    )


@row("a password with an unescaped quote", PROBLEMS, "Kafka's client can't be made")
def _(case: Case) -> None:
    case.use(
        case.broker.as_user(WRITER) | {"KAFKA_SASL_JAAS_CONFIG": jaas(WRITER, 'Geheim"Passwort42')}
    )


@row("a login without credentials", PROBLEMS, "Kafka's client can't be made")
def _(case: Case) -> None:
    settings = case.broker.as_user(WRITER)
    del settings["KAFKA_SASL_JAAS_CONFIG"]
    case.use(settings)


@row("a login where none is wanted", PROBLEMS, "this listener wants no login")
def _(case: Case) -> None:
    case.use(case.broker.as_user(WRITER) | {"KAFKA_BOOTSTRAP_SERVERS": case.broker.bootstrap})


@row("a user who may do nothing", PROBLEMS, "grant the relay's user Write and Describe")
def _(case: Case) -> None:
    case.append(case.topic("secret"))
    case.settings.update(case.broker.as_user(STRANGER))


@row("a user who may describe and not write", PROBLEMS, "no right to Write")
def _(case: Case) -> None:
    allow(case, case.topic("read-only"), AclOperation.DESCRIBE)
    case.append("read-only")
    case.settings.update(case.broker.as_user(STRANGER))


@row("a user who may write and not read the configuration (delivers)", OK, "DescribeConfigs")
def _(case: Case) -> None:
    allow(case, case.topic("writable"), AclOperation.WRITE)
    case.append("writable")
    case.settings.update(case.broker.as_user(STRANGER))


def allow(case: Case, topic: str, operation: AclOperation) -> None:
    admin = AdminClient({"bootstrap.servers": case.broker.bootstrap})
    binding = AclBinding(
        ResourceType.TOPIC,
        topic,
        ResourcePatternType.LITERAL,
        f"User:{STRANGER}",
        "*",
        operation,
        AclPermissionType.ALLOW,
    )
    for future in admin.create_acls([binding]).values():
        future.result(60)


# --- codecs and limits ---


@row("zstd, and its library can't be unpacked", PROBLEMS, "compression.type=zstd can't be used")
def _(case: Case) -> None:
    case.jvm = (*JVM, NO_TMP)
    case.append(case.topic("zstd"))
    case.settings["KAFKA_COMPRESSION_TYPE"] = "zstd"


@row("snappy, and its library can't be unpacked", PROBLEMS, "compression.type=snappy can't be used")
def _(case: Case) -> None:
    case.jvm = (*JVM, NO_TMP)
    case.append(case.topic("snappy"))
    case.settings["KAFKA_COMPRESSION_TYPE"] = "snappy"


@row("lz4, and its library can't be unpacked (delivers)", OK, "cluster ")
def _(case: Case) -> None:
    case.jvm = (*JVM, NO_TMP)
    case.append(case.topic("lz4"))
    case.settings["KAFKA_COMPRESSION_TYPE"] = "lz4"


@row("zstd as it should be (delivers)", OK, "cluster ")
def _(case: Case) -> None:
    case.append(case.topic("zstd-fine"))
    case.settings["KAFKA_COMPRESSION_TYPE"] = "zstd"


@row("requests smaller than an event may be", USAGE, "none may fail for a limit of the relay's own")
def _(case: Case) -> None:
    case.use({"KAFKA_MAX_REQUEST_SIZE": "1500"})


@row("a buffer smaller than the window", USAGE, "must be at least OUTBOX_WINDOW_BYTES")
def _(case: Case) -> None:
    case.use({"KAFKA_BUFFER_MEMORY": "1000000"})


@row("a partitioner of one's own", USAGE, "set OUTBOX_PARTITIONER")
def _(case: Case) -> None:
    name = "org.apache.kafka.clients.producer.RoundRobinPartitioner"
    case.use({"KAFKA_PARTITIONER_CLASS": name})


@row("acks that lose events", USAGE, "delivery without loss needs all")
def _(case: Case) -> None:
    case.use({"KAFKA_ACKS": "1"})


# --- topics ---


@row("a topic that is not there", PROBLEMS, "does not exist; its events wait")
def _(case: Case) -> None:
    case.append("missing")


@row("an event for a topic of Kafka's own", PROBLEMS, "is Kafka's own")
def _(case: Case) -> None:
    case.append_unchecked("__consumer_offsets")


@row("the same, before that topic exists", PROBLEMS, "is Kafka's own")
def _(case: Case) -> None:
    case.append_unchecked("__transaction_state")


@row("an event without a key for a compacted topic", PROBLEMS, "it is compacted")
def _(case: Case) -> None:
    case.append(case.topic("compacted", cleanup_policy="compact"))


@row("an event larger than its topic takes", PROBLEMS, "it becomes a dead letter")
def _(case: Case) -> None:
    case.append(case.topic("small", max_message_bytes="2000"), os.urandom(5000))


@row("an event larger than a request may be", PROBLEMS, "it can't be delivered")
def _(case: Case) -> None:
    case.append(case.topic("requests"), os.urandom(REQUEST_MAX_BYTES + 10_000))


@row("more replicas wanted in sync than there are", PROBLEMS, "can never be met")
def _(case: Case) -> None:
    case.append(case.topic("in-sync", min_insync_replicas="2"))


@row("an event for a partition that is not there", PROBLEMS, "names partition 7, the topic has 2")
def _(case: Case) -> None:
    case.append(case.topic("two-partitions", 2), partition=7)


@row("an event older than its topic takes", PROBLEMS, "message.timestamp.before.max.ms")
def _(case: Case) -> None:
    topic = case.topic("fresh", message_timestamp_before_max_ms="3600000")
    case.append(topic, timestamp=int(time.time() * 1000) - WEEK_MILLIS)


@row("an event of the future", OK, "message.timestamp.after.max.ms")
def _(case: Case) -> None:
    case.append(case.topic("future"), timestamp=int(time.time() * 1000) + WEEK_MILLIS)


# --- files ---


@row("the outbox's parent is not there", PROBLEMS, "does not exist", (USAGE, "no event waits"))
def _(case: Case) -> None:
    case.outbox = case.directory / "nowhere" / "outbox"


@row("everybody may write the outbox", PROBLEMS, "can be written by everybody")
def _(case: Case) -> None:
    case.append(case.topic("files-open"))
    case.outbox.chmod(0o2777)


@row("everybody may write its parent", PROBLEMS, "use another directory")
def _(case: Case) -> None:
    case.append(case.topic("parent-open"))
    case.directory.chmod(0o777)


@row("a second link to its state", PROBLEMS, "has 2 hard links")
def _(case: Case) -> None:
    case.append(case.topic("second-link"))
    (case.directory / "link").hardlink_to(case.outbox / "outbox.state")


@row("a position that is damaged", PROBLEMS, "holds no valid position")
def _(case: Case) -> None:
    case.append(case.topic("no-position"))
    (case.outbox / "relay.position").write_bytes(b"\1" * 8192)


@row("a disk that is full", PROBLEMS, "appends fail")
def _(case: Case) -> None:
    if lacking := mounts.missing():
        pytest.skip(lacking)
    disk = Path(case.stack.enter_context(mounts.Tmpfs(str(case.directory / "d"), "size=24m")).path)
    case.outbox = disk / "outbox"
    case.append(case.topic("full-disk"))
    with (disk / "ballast").open("wb", buffering=0) as ballast:
        try:
            while True:
                ballast.write(b"\1" * 4096)
        except OSError:
            pass


@row("a path that this locale can't spell", USAGE, "Malformed input")
def _(case: Case) -> None:
    place = case.directory / "Ausgänge"
    place.mkdir()
    case.outbox = place / "outbox"
    case.append(case.topic("locale"))
    case.settings |= {"LC_ALL": "C", "LANG": "C"}


@row("a Turkish locale (delivers)", OK, "cluster ")
def _(case: Case) -> None:
    case.jvm = (*JVM, "-Duser.language=tr", "-Duser.country=TR")
    case.append(case.topic("turkish"))
    case.settings |= {"OUTBOX_PARTITIONER": "crc32", "KAFKA_COMPRESSION_TYPE": "GZIP".lower()}


# --- what is done with them ---


@dataclass(frozen=True)
class Said:
    code: int
    text: str

    @property
    def gist(self) -> str:
        """The worst line, without what differs from run to run."""
        lines = self.text.splitlines()
        of_note = [line for line in lines if re.match("problem |outbox-relay: ", line)]
        of_note += [line for line in lines if re.match("warning +(kafka|topic) ", line)]
        line = re.sub(r"^(problem|warning) +\S+ +", "", (of_note or ["ok"])[0])
        line = re.sub(r"^outbox-relay: ", "", line)
        line = re.sub(r"\S*/pytest-\S*?/([^/\s]+)(?=[\s,;:)]|$)", r"…/\1", line)
        line = re.sub(r"127\.0\.0\.1:\d+", "127.0.0.1:9092", line)
        return line.replace("|", "\\|")


SAID: dict[str, tuple[Said, Said]] = {}


@pytest.fixture(scope="module")
def guarded(tmp_path_factory: pytest.TempPathFactory) -> Iterator[GuardedBroker]:
    with GuardedBroker(tmp_path_factory.mktemp("guarded")) as running:
        yield running


def said(relay: Relay, *arguments: str) -> Said:
    done = relay.cli(*arguments)
    return Said(done.returncode, done.stdout + done.stderr)


def identifier(row: Row) -> str:
    return re.sub("[^a-z0-9]+", "-", row.name.lower())


@pytest.mark.parametrize("row", ROWS, ids=identifier)
def test_both_commands_name_what_is_wrong_and_none_says_ok_of_what_does_not_deliver(
    row: Row, guarded: GuardedBroker, tmp_path: Path
) -> None:
    with ExitStack() as stack:
        case = Case(guarded, tmp_path, stack)
        row.make(case)
        bootstrap = case.settings.pop("KAFKA_BOOTSTRAP_SERVERS")
        relay = Relay(
            case.outbox,
            bootstrap,
            log=tmp_path / "relay.log",
            settings=case.settings,
            jvm=case.jvm,
        )
        doctor = said(relay, "doctor", "--kafka-timeout-ms", "4000")
        topics = said(relay, "topics", "check")
        SAID[row.name] = (doctor, topics)

        assert (doctor.code, row.doctor[1] in doctor.text) == (row.doctor[0], True), doctor.text
        assert (topics.code, row.topics[1] in topics.text) == (row.topics[0], True), topics.text
        for password in (*PASSWORDS.values(), "wrong-password", "Geheim", "Passwort42"):
            assert password not in doctor.text + topics.text
        if doctor.code == OK:
            with relay:
                relay.start()
                eventually("all is delivered", relay.is_drained, within=60)
                assert relay.status()["dead_letters"] == 0


def table() -> str:
    lines = ["| Set-up | `doctor` | | `topics check` | |", "|---|---|---|---|---|"]
    for row in ROWS:
        doctor, topics = SAID[row.name]
        lines.append(
            f"| {row.name} | {doctor.code} | {doctor.gist} | {topics.code} | {topics.gist} |"
        )
    return "\n".join(lines) + "\n"


def test_the_table_is_the_one_that_is_documented(capsys: pytest.CaptureFixture[str]) -> None:
    if len(SAID) < len(ROWS):
        pytest.skip("not every set-up was tried in this run")
    with capsys.disabled():
        print("\n" + table())
    text = TABLE.read_text()
    before, _ = text.split("| Set-up |", 1)
    if os.environ.get("WRITE_TABLE") == "1":
        TABLE.write_text(before + table())
    documented = re.findall(r"^\| (.+?) \| (\d) \| .* \| (\d) \|", TABLE.read_text(), re.MULTILINE)
    assert documented == [
        (row.name, str(SAID[row.name][0].code), str(SAID[row.name][1].code)) for row in ROWS
    ]
