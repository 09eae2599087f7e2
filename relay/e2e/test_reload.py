"""Credentials and the log's level change while the relay runs, and nobody restarts it."""

from __future__ import annotations

import os
import signal
from typing import TYPE_CHECKING

import pytest

from harness.broker import Broker
from harness.relay import JVM, Relay
from harness.topics import read_topic
from harness.waiting import eventually
from harness.writers import Traffic, Writer
from outbox_client import Outbox

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

USER = "relay"
LISTENER = "SASL_PLAINTEXT"
MECHANISM = "SCRAM-SHA-512"
MODULE = "org.apache.kafka.common.security.scram.ScramLoginModule"
FIRST, SECOND, WRONG = "hunter2", "correct horse", "swordfish"
SUCCESSFUL = "outbox_relay_config_last_reload_successful"


class GuardedBroker(Broker):
    """Lets in who knows the password of the one user."""

    def __init__(self, data: Path) -> None:
        super().__init__(
            data,
            listeners=[LISTENER],
            properties={
                "sasl.enabled.mechanisms": MECHANISM,
                f"listener.name.{LISTENER.lower()}.{MECHANISM.lower()}.sasl.jaas.config": (
                    f"{MODULE} required;"
                ),
            },
        )

    def end_all_connections(self) -> None:
        self.kill()
        self.start()


@pytest.fixture(scope="module")
def guarded_for_all(tmp_path_factory: pytest.TempPathFactory) -> Iterator[GuardedBroker]:
    with GuardedBroker(tmp_path_factory.mktemp("guarded") / "data") as running:
        yield running


@pytest.fixture
def broker(guarded_for_all: GuardedBroker) -> GuardedBroker:
    guarded_for_all.set_password(USER, FIRST)
    return guarded_for_all


@pytest.fixture
def secret(tmp_path: Path) -> Path:
    """The relay's credential, the right one."""
    file = tmp_path / "sasl.jaas.config"
    write_password(file, FIRST)
    return file


def write_password(file: Path, password: str) -> None:
    """Put another file in its place, as Kubernetes and careful people do."""
    draft = file.with_suffix(".new")
    draft.write_text(f'{MODULE} required username="{USER}" password="{password}";\n')
    draft.replace(file)


@pytest.fixture
def settings(secret: Path, tmp_path: Path) -> dict[str, str]:
    return {
        "KAFKA_SECURITY_PROTOCOL": LISTENER,
        "KAFKA_SASL_MECHANISM": MECHANISM,
        "KAFKA_SASL_JAAS_CONFIG_FILE": str(secret),
        "OUTBOX_LOG_LEVEL_FILE": str(tmp_path / "level"),
    }


@pytest.fixture
def relay(
    outbox: Path, broker: GuardedBroker, settings: dict[str, str], tmp_path: Path
) -> Iterator[Relay]:
    log = tmp_path / "relay.log"
    with Relay(outbox, broker.at(LISTENER), log=log, settings=settings) as relay:
        yield relay


def hang_up(relay: Relay) -> None:
    """What `systemctl reload` does."""
    relay.child.signal(signal.SIGHUP)


def has_logged(relay: Relay, event: str) -> bool:
    relay.assert_running()
    return f'event="{event}"' in relay.output()


def sample(relay: Relay, metric: str) -> str:
    [line] = [
        line
        for line in relay.http("/metrics")[1].splitlines()
        if line.split("{")[0].split(" ")[0] == metric
    ]
    return line.split(" ")[-1]


def test_a_rotated_password_is_used_without_a_restart_and_nothing_is_sent_twice(
    broker: GuardedBroker, relay: Relay, traffic: Traffic, secret: Path
) -> None:
    relay.start()
    with Writer.python("python-1", traffic) as writer:
        eventually("it appends", writer.has_appended)
        eventually("something is delivered", lambda: relay.progress().delivered > 0)
        broker.set_password(USER, SECOND)
        write_password(secret, SECOND)
        # Nobody says so: the relay looks by itself.
        eventually("the password is reloaded", lambda: has_logged(relay, "configuration reloaded"))
        before = relay.progress().delivered
        eventually("events flow", lambda: relay.progress().delivered > before + 100)
        writer.stop()
    eventually("the backlog is delivered", relay.is_drained)
    assert not traffic.check(broker.bootstrap).problems(duplicates_allowed=False)
    broker.end_all_connections()
    with Outbox(relay.outbox) as client:
        receipt = client.append("with the second password", topic=traffic.topic)
        assert client.wait_delivered(receipt, 60) == "DELIVERED"
    # It has not first come back with the old one: its producer had been replaced long before.
    assert "SaslAuthenticationException" not in relay.output()
    assert relay.stop() == 0


def test_a_wrong_password_is_told_and_the_one_in_use_goes_on_being_used(
    relay: Relay, outbox: Path, topic: str, secret: Path
) -> None:
    relay.start()
    assert sample(relay, SUCCESSFUL) == "1.0"
    with Outbox(outbox) as client:
        write_password(secret, WRONG)
        hang_up(relay)
        eventually("it is refused", lambda: has_logged(relay, "configuration not reloaded"))
        eventually("the metric says so", lambda: sample(relay, SUCCESSFUL) == "0.0")
        assert client.wait_delivered(client.append("v", topic=topic), 60) == "DELIVERED"
        write_password(secret, FIRST)
        hang_up(relay)
        eventually("the metric is well", lambda: sample(relay, SUCCESSFUL) == "1.0")
    output = relay.output()
    assert "SaslAuthenticationException" in output
    assert WRONG not in output
    assert FIRST not in output
    assert relay.stop() == 0


def test_many_outboxes_that_wait_for_the_right_password_go_on_with_it(
    broker: GuardedBroker,
    topic: str,
    settings: dict[str, str],
    secret: Path,
    tmp_path: Path,
) -> None:
    write_password(secret, "too late")
    pods = [tmp_path / "pods" / name / "outbox" for name in "ab"]
    receipts = []
    for pod in pods:
        pod.parent.mkdir(parents=True)
        with Outbox(pod) as client:
            receipts.append(client.append(pod.parent.name, topic=topic))
    several = {**settings, "OUTBOX_DIR": "", "OUTBOX_DIRS": f"{tmp_path}/pods/*/outbox"}
    log = tmp_path / "fleet.log"
    with Relay(pods[0], broker.at(LISTENER), log=log, settings=several) as fleet:
        fleet.start()
        paused = 'outbox_relay_producer_state{outbox="%s",state="paused-all"} 1'
        eventually(
            "both wait",
            lambda: all(paused % pod in fleet.http("/metrics")[1] for pod in pods),
        )
        write_password(secret, FIRST)
        hang_up(fleet)
        for pod, receipt in zip(pods, receipts, strict=True):
            with Outbox(pod) as client:
                assert client.wait_delivered(receipt, 60) == "DELIVERED"
        assert fleet.stop() == 0
    delivered = [record.value for record in read_topic(broker.bootstrap, topic)]
    assert sorted(value or b"" for value in delivered) == [b"a", b"b"]


def test_the_logs_level_changes_and_changes_back(
    relay: Relay, settings: dict[str, str], outbox: Path, topic: str
) -> None:
    relay.start()
    level = settings["OUTBOX_LOG_LEVEL_FILE"]
    with Outbox(outbox) as client:
        assert client.wait_delivered(client.append("v", topic=topic), 60) == "DELIVERED"
        assert "level=debug" not in relay.output()
        with open(level, "w") as file:
            file.write("debug\n")
        hang_up(relay)
        eventually("it is reloaded", lambda: has_logged(relay, "configuration reloaded"))
        assert client.wait_delivered(client.append("v", topic=topic), 60) == "DELIVERED"
        eventually("the position is told", lambda: has_logged(relay, "position saved"))
        os.remove(level)
        before = relay.output().count("configuration reloaded")
        hang_up(relay)
        eventually("again", lambda: relay.output().count("configuration reloaded") > before)
    assert relay.stop() == 0


def test_a_codec_that_cannot_be_used_here_does_not_end_a_delivery_that_works(
    broker: GuardedBroker, outbox: Path, tmp_path: Path
) -> None:
    topic = broker.create_topic("codec")
    file = tmp_path / "kafka.properties"
    file.write_text("compression.type=lz4\n")
    relay = Relay(
        outbox,
        broker.bootstrap,
        log=tmp_path / "relay.log",
        settings={"KAFKA_CONFIG_FILE": str(file)},
        # The library of zstd can be unpacked nowhere.
        jvm=(*JVM, "-Djava.io.tmpdir=/proc/self/nowhere"),
    )
    with relay, Outbox(outbox) as client:
        relay.start()
        assert client.wait_delivered(client.append("first", topic=topic), 60) == "DELIVERED"
        file.write_text("compression.type=zstd\n")
        hang_up(relay)
        eventually("it is told", lambda: has_logged(relay, "configuration not reloaded"), within=60)
        assert "compression.type=zstd can't be used here" in relay.output()
        assert float(sample(relay, SUCCESSFUL)) == 0
        assert client.wait_delivered(client.append("second", topic=topic), 60) == "DELIVERED"
        assert relay.stop() == 0
