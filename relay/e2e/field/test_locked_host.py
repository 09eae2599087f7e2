"""A hardened host: nothing but the outbox is writable, and nothing in /tmp may be executed."""

from __future__ import annotations

import os
import shutil
import subprocess
from typing import TYPE_CHECKING

import pytest

from harness.relay import Progress, Relay
from harness.waiting import eventually
from outbox_client import Outbox

if TYPE_CHECKING:
    from pathlib import Path

    from harness.broker import Broker

# Their libraries are unpacked into java.io.tmpdir.
NATIVE = ("zstd", "snappy")
LOCK = """
mount --make-rprivate /
mount --bind / /
mount -o remount,bind,ro,noexec /tmp 2>/dev/null || {
    mount --bind /tmp /tmp && mount -o remount,bind,ro,noexec /tmp
}
mount --bind "$0" "$0" && mount -o remount,bind,rw,noexec "$0"
mount -o remount,bind,ro /
exec "$@"
"""


@pytest.fixture
def locked(outbox: Path) -> tuple[str, ...]:
    """A command that runs another one on a host where only the outbox can be written."""
    if os.geteuid() != 0 or shutil.which("unshare") is None:
        pytest.skip("mounting a file system needs root, and unshare")
    outbox.mkdir(mode=0o2770)
    return ("unshare", "--mount", "sh", "-ec", LOCK, str(outbox))


def test_the_host_is_locked(locked: tuple[str, ...], outbox: Path) -> None:
    def refused(command: str) -> bool:
        done = subprocess.run([*locked, "sh", "-c", command], capture_output=True, check=False)
        return done.returncode != 0

    assert refused(": >/tmp/probe-of-a-locked-host")
    assert refused(": >/var/tmp/probe-of-a-locked-host")
    assert not refused(f": >{outbox}/probe")


def test_a_host_on_which_only_the_outbox_is_writable_is_enough(
    locked: tuple[str, ...], broker: Broker, outbox: Path, topic: str, tmp_path: Path
) -> None:
    log = tmp_path / "relay.log"
    with (
        Outbox(outbox) as client,
        Relay(outbox, broker.bootstrap, log=log, wrapper=locked) as relay,
    ):
        receipt = client.append("v", topic=topic)
        relay.start()
        assert client.wait_delivered(receipt, 60) == "DELIVERED", relay.output()[-4000:]
        assert relay.stop() == 0


@pytest.mark.parametrize("codec", ["zstd", "snappy", "lz4", "gzip"])
def test_a_codec_that_cannot_be_loaded_is_named_and_its_events_arrive_once_it_can(
    codec: str,
    locked: tuple[str, ...],
    broker: Broker,
    outbox: Path,
    topic: str,
    tmp_path: Path,
) -> None:
    settings = {"KAFKA_COMPRESSION_TYPE": codec}
    log = tmp_path / "relay.log"
    with Outbox(outbox) as client:
        receipts = [client.append(b"z" * 1000, topic=topic) for _ in range(50)]
        with Relay(outbox, broker.bootstrap, log=log, settings=settings, wrapper=locked) as relay:
            relay.start()
            if codec in NATIVE:
                named = f"compression.type={codec} can't be used here"
                eventually("it is named", lambda: named in relay.output())
                assert relay.http("/healthz")[0] == 200
                paused = Progress("paused-all", delivered=0, lag=len(receipts))
                # Between two pauses it tries again.
                eventually("delivery is paused", lambda: relay.progress() == paused)
            else:
                assert client.wait_delivered(receipts[-1], 60) == "DELIVERED", relay.output()
            assert relay.stop() == 0
        with Relay(outbox, broker.bootstrap, log=log, settings=settings) as relay:
            relay.start()
            for receipt in receipts:
                assert client.wait_delivered(receipt, 60) == "DELIVERED"
            assert relay.stop() == 0
