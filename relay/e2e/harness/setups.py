"""A broker with all the listeners that a set-up can get wrong, and peers that are none."""

from __future__ import annotations

import datetime as dt
import socket
import ssl
import threading
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

from confluent_kafka import KafkaException
from confluent_kafka.admin import (  # type: ignore[attr-defined]  # its stub forgets them
    AclBinding,
    AclBindingFilter,
    AclOperation,
    AclPermissionType,
    AdminClient,
    ResourcePatternType,
    ResourceType,
)

from .broker import ADMIN_SECONDS, Broker
from .certificates import Authority
from .waiting import eventually

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping
    from concurrent.futures import Future
    from pathlib import Path

    from .cluster import Cluster

PLAIN_MODULE = "org.apache.kafka.common.security.plain.PlainLoginModule"
WRITER, STRANGER = "writer", "stranger"
PASSWORDS = {WRITER: "hunter2", STRANGER: "swordfish"}
HTTP_ANSWER = b"HTTP/1.1 400 Bad Request\r\nContent-Length: 0\r\n\r\n"
LISTENERS = (
    "SASL_PLAINTEXT",
    "SASL_SSL",
    "SSL",
    "EXPIRED:SSL",
    "ELSEWHERE:SSL",
    "MUTUAL:SSL",
)


def jaas(user: str, password: str) -> str:
    return f'{PLAIN_MODULE} required username="{user}" password="{password}";'


REQUEST_MAX_BYTES = 300_000
REQUEST_SECONDS = 5.0


class GuardedBroker(Broker):
    """Listens with good and bad certificates, with and without logins; has an authorizer.

    Without a login one may do everything; a user may what an ACL says.
    """

    def __init__(self, directory: Path) -> None:
        directory.mkdir(parents=True, exist_ok=True)
        self.authority = Authority(directory / "ca")
        self.stranger = Authority(directory / "other-ca", "another authority")
        users = " ".join(f'user_{user}="{password}"' for user, password in PASSWORDS.items())
        properties = {
            "authorizer.class.name": "org.apache.kafka.metadata.authorizer.StandardAuthorizer",
            "super.users": "User:ANONYMOUS",
            "sasl.enabled.mechanisms": "PLAIN",
            "socket.request.max.bytes": str(REQUEST_MAX_BYTES),
            "listener.name.mutual.ssl.client.auth": "required",
        }
        for name in ("sasl_plaintext", "sasl_ssl"):
            properties[f"listener.name.{name}.plain.sasl.jaas.config"] = (
                f"{PLAIN_MODULE} required {users};"
            )
        stores = {
            "ssl": self._store("good", "127.0.0.1"),
            "sasl_ssl": self._store("good-sasl", "127.0.0.1"),
            "mutual": self._store("mutual", "127.0.0.1"),
            "expired": self._store("expired", "127.0.0.1", age=dt.timedelta(days=30)),
            "elsewhere": self._store("elsewhere", "192.0.2.1"),
        }
        for name, store in stores.items():
            properties[f"listener.name.{name}.ssl.keystore.type"] = "PEM"
            properties[f"listener.name.{name}.ssl.keystore.location"] = str(store)
        properties["listener.name.mutual.ssl.truststore.type"] = "PEM"
        properties["listener.name.mutual.ssl.truststore.location"] = str(self.authority.certificate)
        super().__init__(directory / "data", listeners=LISTENERS, properties=properties)

    def _store(self, name: str, address: str, age: dt.timedelta = dt.timedelta()) -> Path:
        certificate, key = self.authority.issue(name, address, age=age)
        store = self.authority.directory / f"{name}.pem"
        store.write_bytes(key.read_bytes() + certificate.read_bytes())
        return store

    def trusting(self, listener: str, authority: Authority | None = None) -> dict[str, str]:
        """Settings for a TLS listener, trusting our authority or this one."""
        return {
            "KAFKA_BOOTSTRAP_SERVERS": self.at(listener),
            "KAFKA_SECURITY_PROTOCOL": "SSL",
            "KAFKA_SSL_TRUSTSTORE_TYPE": "PEM",
            "KAFKA_SSL_TRUSTSTORE_LOCATION": str((authority or self.authority).certificate),
        }

    def as_user(self, user: str, password: str | None = None) -> dict[str, str]:
        """Settings for the plain listener with a login."""
        return {
            "KAFKA_BOOTSTRAP_SERVERS": self.at("SASL_PLAINTEXT"),
            "KAFKA_SECURITY_PROTOCOL": "SASL_PLAINTEXT",
            "KAFKA_SASL_MECHANISM": "PLAIN",
            "KAFKA_SASL_JAAS_CONFIG": jaas(user, password or PASSWORDS[user]),
        }


class Writing:
    """The writer's right to write one topic."""

    def __init__(self, broker: GuardedBroker | Cluster, topic: str) -> None:
        self._broker = broker
        self._right = (
            *(ResourceType.TOPIC, topic, ResourcePatternType.LITERAL),
            *(f"User:{WRITER}", "*", AclOperation.WRITE, AclPermissionType.ALLOW),
        )

    def grant(self) -> None:
        right = AclBinding(*self._right)
        self._change(lambda admin: admin.create_acls([right], request_timeout=REQUEST_SECONDS))

    def revoke(self) -> None:
        right = AclBindingFilter(*self._right)
        self._change(lambda admin: admin.delete_acls([right], request_timeout=REQUEST_SECONDS))

    def _change(self, change: Callable[[AdminClient], Mapping[Any, Future[Any]]]) -> None:
        """Again by another client where the one that counts as the controller is away."""

        def is_changed() -> bool:
            admin = self._broker.admin()
            try:
                for future in change(admin).values():
                    future.result(ADMIN_SECONDS)
            except KafkaException:
                return False
            return True

        eventually("rights are changed", is_changed)


@contextmanager
def peer(
    answer: Callable[[socket.socket], None], certificate: tuple[Path, Path] | None = None
) -> Iterator[str]:
    """A server on 127.0.0.1 that does `answer` with each connection; gives its address."""
    listener = socket.create_server(("127.0.0.1", 0))
    listener.settimeout(0.1)
    over = threading.Event()
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    if certificate is not None:
        context.load_cert_chain(*certificate)

    def one(connection: socket.socket) -> None:
        try:
            with connection:
                connection.settimeout(30)
                if certificate is None:
                    answer(connection)
                else:
                    with context.wrap_socket(connection, server_side=True) as tls:
                        answer(tls)
        except OSError:
            pass  # the client went away

    def serve() -> None:
        while not over.is_set():
            try:
                connection, _ = listener.accept()
            except TimeoutError:
                continue
            threading.Thread(target=one, args=(connection,), daemon=True).start()

    thread = threading.Thread(target=serve, daemon=True)
    thread.start()
    try:
        yield f"127.0.0.1:{listener.getsockname()[1]}"
    finally:
        over.set()
        thread.join()
        listener.close()


def speaks_http(connection: socket.socket) -> None:
    connection.recv(1000)
    connection.sendall(HTTP_ANSWER)


def speaks_ssh(connection: socket.socket) -> None:
    connection.sendall(b"SSH-2.0-OpenSSH_9.6\r\n")
    connection.recv(1000)


def says_nothing(connection: socket.socket) -> None:
    while connection.recv(1000):
        pass


def hangs_up(connection: socket.socket) -> None:
    connection.recv(1)
