"""What the tests share: where outboxes live, and negative controls for leaked descriptors."""

from __future__ import annotations

import os
import tempfile
from typing import TYPE_CHECKING

import pytest
from hypothesis import settings

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

# A deadline per example would assert time.
settings.register_profile("patient", deadline=None)
settings.load_profile("patient")


@pytest.fixture
def outbox_path(tmp_path: Path) -> Path:
    return tmp_path / "outbox"


@pytest.fixture(autouse=True)
def _no_settings(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("DIR", "DURABILITY", "MAX_BYTES", "TRUST_PARENT", "TOPIC"):
        monkeypatch.delenv(f"OUTBOX_{name}", raising=False)
    monkeypatch.delenv("ENVIRONMENT", raising=False)


@pytest.fixture
def standard_input() -> Iterator[Callable[[bytes], None]]:
    """Lets a test say what the process's standard input holds."""
    before = os.dup(0)

    def give(data: bytes) -> None:
        with tempfile.TemporaryFile() as file:
            file.write(data)
            file.seek(0)
            os.dup2(file.fileno(), 0)

    yield give
    os.dup2(before, 0)
    os.close(before)
