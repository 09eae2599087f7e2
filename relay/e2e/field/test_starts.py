"""A start that is interrupted, and one that comes before its disk."""

from __future__ import annotations

import re
import signal
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from outbox_conformance import mounts

from harness.places import ROOT
from harness.relay import Relay
from harness.waiting import eventually
from outbox_client import Outbox

if TYPE_CHECKING:
    from collections.abc import Callable

    from harness.broker import Broker

UNUSABLE = 4
# Before Java listens to signals, the kernel's own answer to it.
ENDED = (0, -signal.SIGTERM, 128 + signal.SIGTERM)


def at_once(relay: Relay) -> bool:
    return True


def as_the_jvm_is_mapped(relay: Relay) -> bool:
    return "libjvm.so" in Path(f"/proc/{relay.child.pid}/maps").read_text()


def as_the_jar_is_open(relay: Relay) -> bool:
    descriptors = Path(f"/proc/{relay.child.pid}/fd")
    return any(str(fd.readlink()).endswith("relay.jar") for fd in descriptors.iterdir())


def as_the_outbox_is_locked(relay: Relay) -> bool:
    return (relay.outbox / "relay.lock").exists()


def as_something_is_logged(relay: Relay) -> bool:
    return bool(relay.output())


def as_it_is_ready(relay: Relay) -> bool:
    return relay.is_ready()


@pytest.mark.parametrize(
    "moment",
    [
        at_once,
        as_the_jvm_is_mapped,
        as_the_jar_is_open,
        as_the_outbox_is_locked,
        as_something_is_logged,
        as_it_is_ready,
    ],
    ids=lambda moment: moment.__name__,
)
def test_a_stop_at_any_moment_of_the_start_ends_it(
    moment: Callable[[Relay], bool], relay: Relay, topic: str
) -> None:
    with Outbox(relay.outbox) as client:
        receipt = client.append("v", topic=topic)
        relay.start(wait=False)
        eventually(moment.__name__, lambda: moment(relay), every=0.001)
        assert relay.stop() in ENDED, relay.output()[-4000:]
        relay.start()
        assert client.wait_delivered(receipt, 60) == "DELIVERED"
        assert relay.stop() == 0


def test_a_relay_whose_place_is_not_there_yet_says_so_and_is_one_to_start_again(
    broker: Broker, tmp_path: Path, topic: str
) -> None:
    place = tmp_path / "not-mounted-yet"
    with Relay(place / "outbox", broker.bootstrap, log=tmp_path / "relay.log") as relay:
        relay.start(wait=False)
        assert relay.child.wait(60) == UNUSABLE
        assert str(place) in relay.output()
        for unit in (ROOT / "ops" / "systemd").glob("outbox-relay*.service"):
            [final] = re.findall(r"^RestartPreventExitStatus=(.*)$", unit.read_text(), re.MULTILINE)
            assert str(UNUSABLE) not in final.split()
        place.mkdir(mode=0o755)
        relay.start()
        with Outbox(relay.outbox) as client:
            receipt = client.append("v", topic=topic)
            assert client.wait_delivered(receipt, 60) == "DELIVERED"
        assert relay.stop() == 0


def test_outboxes_whose_mount_comes_later_are_served_once_it_is_there(
    broker: Broker, tmp_path: Path, topic: str
) -> None:
    if lacking := mounts.missing():
        pytest.skip(lacking)
    volume = tmp_path / "volume"
    settings = {"OUTBOX_DIR": "", "OUTBOX_DIRS": f"{volume}/*"}
    log = tmp_path / "relay.log"
    with Relay(volume, broker.bootstrap, log=log, settings=settings) as relay:
        relay.start()
        with mounts.Tmpfs(str(volume), "size=64m"), Outbox(volume / "later") as client:
            receipt = client.append("v", topic=topic)
            assert client.wait_delivered(receipt, 60) == "DELIVERED"
            assert relay.stop() == 0
