"""What an outbox has counted as refused, for the relay to export."""

from __future__ import annotations

import struct
from pathlib import Path

REASONS = ("too-large", "invalid", "full", "busy", "corrupt", "unavailable")


def refused(outbox: str | Path) -> dict[str, int]:
    """How often for each reason, without those that never happened."""
    path = Path(outbox, "append.failures")
    if not path.exists():
        return {}
    counts = struct.unpack_from("<6Q", path.read_bytes())
    return {reason: count for reason, count in zip(REASONS, counts, strict=True) if count}
