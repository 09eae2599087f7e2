"""Users that no /etc/passwd knows, as clusters make them up, share an outbox by its group."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from harness.child import clean_environment
from harness.relay import Relay
from harness.topics import read_topic
from harness.waiting import eventually

if TYPE_CHECKING:
    from collections.abc import Iterator

    from harness.broker import Broker

GROUP, STRANGERS = 1000660000, 1000990000
OWNER, RELAY, WRITERS = 1000650001, 1000650002, (1000650003, 1000650004)
APPEND = """
import sys
from outbox_client import Outbox
print(Outbox(sys.argv[1]).append(sys.argv[2], topic=sys.argv[3]).sequence)
"""
UNAVAILABLE = "OutboxUnavailable"


def user(uid: int, gid: int) -> tuple[str, ...]:
    return ("setpriv", "--reuid", str(uid), "--regid", str(gid), "--clear-groups")


@pytest.fixture
def shared() -> Iterator[Path]:
    """An outbox's directory that a volume's owner made, in a place that everybody can reach."""
    if os.geteuid() != 0:
        pytest.skip("running as other users needs root")
    place = Path(tempfile.mkdtemp(prefix="outbox-users-", dir="/var/tmp"))
    try:
        place.chmod(0o755)
        outbox = place / "outbox"
        outbox.mkdir()
        os.chown(outbox, OWNER, GROUP)
        outbox.chmod(0o2770)
        yield outbox
    finally:
        shutil.rmtree(place)


def append(
    uid: int, gid: int, outbox: Path, value: str, topic: str
) -> subprocess.CompletedProcess[str]:
    command = (*user(uid, gid), sys.executable, "-c", APPEND, str(outbox), value, topic)
    # As in a container of no known user.
    environment = {**clean_environment(), "HOME": "/"}
    return subprocess.run(command, env=environment, capture_output=True, text=True, check=False)


def test_writers_and_relay_of_arbitrary_users_share_an_outbox_by_its_group(
    broker: Broker, shared: Path, topic: str, tmp_path: Path
) -> None:
    done = append(WRITERS[0], GROUP, shared, "0", topic)
    assert done.returncode == 0, done.stderr
    log = tmp_path / "relay.log"
    with Relay(shared, broker.bootstrap, log=log, wrapper=user(RELAY, GROUP)) as relay:
        relay.start()
        for number in range(1, 6):
            done = append(WRITERS[number % 2], GROUP, shared, str(number), topic)
            assert done.returncode == 0, done.stderr
        eventually("all is delivered", relay.is_drained)
        assert relay.stop() == 0
    records = read_topic(broker.bootstrap, topic)
    assert sorted(record.value or b"" for record in records) == [b"%d" % n for n in range(6)]
    owners = {path.stat().st_uid for path in shared.rglob("*")}
    assert owners == {WRITERS[0], RELAY} or owners == {*WRITERS, RELAY}
    assert {path.stat().st_gid for path in shared.rglob("*")} == {GROUP}


def test_a_user_outside_of_the_group_is_refused_by_name(shared: Path, topic: str) -> None:
    done = append(WRITERS[0], STRANGERS, shared, "0", topic)
    assert done.returncode == 1
    assert UNAVAILABLE in done.stderr
    assert list(shared.iterdir()) == []
