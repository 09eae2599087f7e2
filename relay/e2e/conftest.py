"""One broker for the session; topics, outboxes and relays are fresh for each test."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

import pytest
from harness.broker import Broker

if TYPE_CHECKING:
    from collections.abc import Iterator


@pytest.fixture(scope="session")
def broker(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Broker]:
    """Started once; a test that kills it starts it again."""
    with Broker(tmp_path_factory.mktemp("kafka") / "data") as running:
        yield running


@pytest.fixture
def topic(broker: Broker, request: pytest.FixtureRequest) -> str:
    """A fresh topic with three partitions, named like the test."""
    name = re.sub(r"[^a-zA-Z0-9._-]+", "-", request.node.name)[:200]
    return broker.create_topic(name, partitions=3)
