"""Every test begins without the project's settings; outboxes are real ones, in temporary places."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

import pytest

from outbox_client.testing import TemporaryOutbox, temporary_outbox

if TYPE_CHECKING:
    from collections.abc import Iterator


@pytest.fixture(autouse=True)
def _no_settings(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in list(os.environ):
        if name.startswith(("OUTBOX_", "AIRFLOW__OUTBOX__")) or name == "ENVIRONMENT":
            monkeypatch.delenv(name)


@pytest.fixture
def outbox(_no_settings: None) -> Iterator[TemporaryOutbox]:
    """An outbox that OUTBOX_DIR names."""
    with temporary_outbox() as temporary:
        yield temporary
