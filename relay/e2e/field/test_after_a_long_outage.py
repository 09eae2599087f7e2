"""A relay of the default size finds an outbox that was not served for two months."""

from __future__ import annotations

import re
import time
from pathlib import Path
from typing import TYPE_CHECKING

from harness.relay import Relay
from harness.topics import read_topic
from harness.waiting import eventually
from outbox_client import Outbox

if TYPE_CHECKING:
    from harness.broker import Broker

CYCLES = 1_500
HOUR_NANOS = 3600 * 10**9
# The JVM's own files and those of one outbox; with one for each cycle it would not even begin.
DESCRIPTORS = 200


def test_fifteen_hundred_cycles_are_drained_in_order_with_few_descriptors_and_little_memory(
    broker: Broker, outbox: Path, topic_name: str, tmp_path: Path
) -> None:
    # The events are two months old, and Kafka deletes by their time.
    topic = broker.create_topic(topic_name, config={"retention.ms": "-1"})
    begin = time.time_ns() - CYCLES * HOUR_NANOS
    with Outbox(outbox) as client:
        for hour in range(CYCLES):
            client._writer._clock = lambda: begin + hour * HOUR_NANOS  # noqa: B023
            client.append(str(hour), topic=topic)
    assert len(list((outbox / "queue").glob("*.cq4"))) == CYCLES
    limit = ("sh", "-c", f'ulimit -n {DESCRIPTORS} && exec "$@"', "sh")
    log = tmp_path / "relay.log"
    with Relay(outbox, broker.bootstrap, log=log, wrapper=limit) as relay:
        relay.start()
        limits = Path(f"/proc/{relay.child.pid}/limits").read_text()
        assert re.search(rf"^Max open files +{DESCRIPTORS} ", limits, re.MULTILINE)
        eventually("all is delivered", relay.is_drained, within=240)
        assert relay.stop() == 0
    values = [record.value for record in read_topic(broker.bootstrap, topic)]
    assert values == [str(hour).encode() for hour in range(CYCLES)]
