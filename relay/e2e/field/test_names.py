"""Outboxes whose directories have names that are no text, or none in the relay's locale."""

from __future__ import annotations

import os
import urllib.request
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from harness.relay import Relay
from outbox_client import Outbox

if TYPE_CHECKING:
    from harness.broker import Broker

NAMES = (b"plain", "ümläut".encode(), b"bytes\xff\xfe", b'quo"te\\', b"two\nlines")


@pytest.mark.parametrize("locale", ["C", "C.UTF-8"])
def test_outboxes_of_any_name_are_served_and_their_metrics_can_be_scraped(
    locale: str, broker: Broker, topic: str, tmp_path: Path
) -> None:
    outboxes = [Path(os.fsdecode(os.fsencode(tmp_path) + b"/" + name)) / "outbox" for name in NAMES]
    settings = {"OUTBOX_DIR": "", "OUTBOX_DIRS": f"{tmp_path}/*/outbox", "LC_ALL": locale}
    log = tmp_path / "relay.log"
    with Relay(tmp_path, broker.bootstrap, log=log, settings=settings) as relay:
        relay.start()
        for outbox in outboxes:
            outbox.parent.mkdir()
            with Outbox(outbox) as client:
                receipt = client.append("v", topic=topic)
                assert client.wait_delivered(receipt, 60) == "DELIVERED", outbox
        with urllib.request.urlopen(f"http://127.0.0.1:{relay.port}/metrics") as answer:
            metrics = answer.read().decode()
        assert metrics.count("\noutbox_relay_lag_events{") == len(outboxes)
        assert relay.stop() == 0
