"""Writers and relay whose hosts are in different time zones."""

from __future__ import annotations

import subprocess
import sys
import time
from datetime import datetime, timezone
from typing import TYPE_CHECKING

from harness.child import clean_environment
from harness.relay import Relay
from harness.topics import read_topic
from harness.waiting import eventually

if TYPE_CHECKING:
    from pathlib import Path

    from harness.broker import Broker

# From UTC-11 to UTC+14, with one of odd minutes.
ZONES = ("Pacific/Pago_Pago", "Pacific/Kiritimati", "Asia/Kathmandu")
APPEND = """
import sys
from outbox_client import Outbox
for value in sys.argv[3:]:
    Outbox(sys.argv[1]).append(value, topic=sys.argv[2])
"""


def test_writers_and_relay_in_different_zones_keep_order_and_times(
    broker: Broker, outbox: Path, topic_name: str, tmp_path: Path
) -> None:
    topic = broker.create_topic(topic_name)
    values = [str(number) for number in range(30)]
    begin = time.time_ns() // 1_000_000
    for turn, zone in enumerate(ZONES):
        own = values[turn * 10 : turn * 10 + 10]
        subprocess.run(
            [sys.executable, "-c", APPEND, str(outbox), topic, *own],
            env={**clean_environment(), "TZ": zone},
            check=True,
        )
    end = time.time_ns() // 1_000_000
    hours = {
        datetime.fromtimestamp(at // 1000, timezone.utc).strftime("%Y%m%d-%H")
        for at in (begin, end)
    }
    assert {cycle.stem[:11] for cycle in (outbox / "queue").glob("*.cq4")} <= hours
    log = tmp_path / "relay.log"
    with Relay(outbox, broker.bootstrap, log=log, settings={"TZ": ZONES[1]}) as relay:
        relay.start()
        eventually("all is delivered", relay.is_drained)
        assert relay.stop() == 0
    records = read_topic(broker.bootstrap, topic)
    assert [(record.value or b"").decode() for record in records] == values
    assert all(begin <= record.timestamp <= end for record in records)
