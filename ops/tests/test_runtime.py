"""The Java runtime of package and image against a broker that asks for certificates and users."""

from __future__ import annotations

import re
import shutil
from contextlib import ExitStack
from typing import TYPE_CHECKING

import pytest
from secured import SecuredBroker, jaas, trusting, with_user

from harness.certificates import Authority
from harness.packaged import make_runtime
from harness.places import ROOT
from harness.relay import Relay
from harness.waiting import eventually
from outbox_client import Outbox

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping
    from pathlib import Path

    Begin = Callable[[Mapping[str, str]], "Delivery"]

PASSWORD = "correct horse"
WRONG = "battery staple"
CLASSES = ROOT / "ops" / "runtime" / "classes.lst"
EVENT = b"not for everybody's log"


@pytest.fixture(scope="module")
def secured(tmp_path_factory: pytest.TempPathFactory) -> Iterator[SecuredBroker]:
    with SecuredBroker(tmp_path_factory.mktemp("secured"), PASSWORD) as broker:
        broker.add_user()
        yield broker


@pytest.fixture(scope="module")
def runtime(tmp_path_factory: pytest.TempPathFactory) -> Path:
    root = make_runtime(tmp_path_factory.mktemp("runtime") / "root")
    return root / "usr" / "lib" / "outbox-relay"


class Delivery:
    """A relay of the packaged runtime with one event to deliver."""

    def __init__(
        self, runtime: Path, outbox: Path, topic: str, settings: Mapping[str, str]
    ) -> None:
        self._outbox = Outbox(outbox)
        self._receipt = self._outbox.append(EVENT, topic=topic)
        self.loaded = outbox.parent / "loaded.log"
        self.relay = Relay(
            outbox,
            "",  # told by the settings
            log=outbox.parent / "relay.log",
            settings={"OUTBOX_BACKOFF_MAX_MS": "500", **settings},
            java_home=str(runtime / "runtime"),
            jvm=(f"-Xlog:class+load:file={self.loaded}",),
        )

    def arrives(self) -> None:
        outcome = self._outbox.wait_delivered(self._receipt, 60)
        assert outcome.name == "DELIVERED", self.relay.output()

    def waits(self, reason: str) -> None:
        """It goes on, says what is wrong in log and metric, and holds on to the event."""
        # Not after a minute, when everything is said again.
        eventually(f"it says {reason}", lambda: self._told(reason), within=30)
        eventually("it is paused", lambda: self.relay.progress().state == "paused-all")
        paused = re.compile(
            r'^outbox_relay_producer_state\{.*state="paused-all".*\} 1', re.MULTILINE
        )
        eventually("a metric says so", lambda: paused.search(self.relay.http("/metrics")[1]))
        assert self.relay.progress().lag == 1
        log = self.relay.output()
        assert EVENT.decode() not in log
        assert WRONG not in log

    def _told(self, reason: str) -> bool:
        self.relay.assert_running()
        return any(
            "reason=authentication" in line and reason in line
            for line in self.relay.output().splitlines()
        )


@pytest.fixture
def delivery(
    runtime: Path, outbox: Path, secured: SecuredBroker, topic_name: str
) -> Iterator[Begin]:
    with ExitStack() as begun:

        def begin(settings: Mapping[str, str]) -> Delivery:
            secured.create_topic(topic_name)
            one = Delivery(runtime, outbox, topic_name, settings)
            begun.enter_context(one.relay).start(wait=False)
            return one

        yield begin


def test_a_certificate_lets_it_in_where_the_broker_is_the_one_that_was_named(
    delivery: Begin, secured: SecuredBroker, tmp_path: Path
) -> None:
    certificate, key = secured.authority.issue("relay")
    address = tmp_path / "address"
    address.write_text(secured.at("SSL").replace("127.0.0.1", "localhost"))
    waiting = delivery(
        {
            **trusting(secured.authority.certificate),
            "KAFKA_BOOTSTRAP_SERVERS_FILE": str(address),
            "KAFKA_SECURITY_PROTOCOL": "SSL",
            "KAFKA_SSL_KEYSTORE_TYPE": "PEM",
            "KAFKA_SSL_KEYSTORE_CERTIFICATE_CHAIN_FILE": str(certificate),
            "KAFKA_SSL_KEYSTORE_KEY_FILE": str(key),
        }
    )
    waiting.waits("No name matching localhost found")
    address.write_text(secured.at("SSL"))
    waiting.arrives()
    few_are_missing(waiting.loaded)


def few_are_missing(log: Path) -> None:
    """The list for the class archives knows the classes, or nearly all: TLS has some more."""
    listed = {
        line.split()[0].replace("/", ".") for line in CLASSES.read_text().splitlines() if line
    }
    ours = set(re.findall(r"\] (dev\.outboxrelay\.[\w.$]+) source:", log.read_text()))
    # Lambdas and the like have no name of their own.
    named = {name for name in ours if "$$" not in name}
    missing = named - listed
    assert len(named) > 100
    assert len(missing) <= len(named) / 10, f"run `make classes`: {sorted(missing)}"


def test_a_password_lets_it_in_once_it_and_the_authority_are_right(
    delivery: Begin, secured: SecuredBroker, tmp_path: Path
) -> None:
    trusted, password = tmp_path / "ca.crt", tmp_path / "sasl.jaas.config"
    foreign = Authority(tmp_path / "foreign", "foreign authority")
    shutil.copy(foreign.certificate, trusted)
    password.write_text(jaas("SCRAM-SHA-512", WRONG))
    waiting = delivery(
        {
            "KAFKA_BOOTSTRAP_SERVERS": secured.at("SASL_SSL"),
            **with_user("SCRAM-SHA-512", password, trusted),
        }
    )
    waiting.waits("unable to find valid certification path")
    shutil.copy(secured.authority.certificate, trusted)
    waiting.waits("Authentication failed")
    password.write_text(jaas("SCRAM-SHA-512", PASSWORD))
    waiting.arrives()
