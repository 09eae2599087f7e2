"""Where the log should go there is nothing, or nobody any more."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from harness.relay import Relay
from outbox_client import Outbox

if TYPE_CHECKING:
    from pathlib import Path

    from harness.broker import Broker

EVENTS = 100


@pytest.mark.parametrize(
    "script",
    ['exec "$@" <&- >&- 2>&-', 'exec "$@" > >(head -n 1) 2>&1', 'exec "$@" >/dev/full 2>&1'],
    ids=["closed", "its reader has gone", "full"],
)
def test_a_relay_without_any_output_delivers(
    script: str, broker: Broker, outbox: Path, topic: str, tmp_path: Path
) -> None:
    wrapper = ("bash", "-c", script, "bash")
    log = tmp_path / "relay.log"
    with (
        Outbox(outbox) as client,
        Relay(
            outbox,
            broker.bootstrap,
            log=log,
            wrapper=wrapper,
            settings={"OUTBOX_LOG_LEVEL": "debug"},
        ) as relay,
    ):
        relay.start()
        receipts = [client.append(str(number), topic=topic) for number in range(EVENTS)]
        assert client.wait_delivered(receipts[-1], 60) == "DELIVERED"
        assert relay.stop() == 0
        # Nothing was written into a file that got the number of a standard stream.
        verified = relay.cli("verify")
        assert verified.returncode == 0, verified.stdout + verified.stderr
