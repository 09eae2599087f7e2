"""What a producer must know to keep secrets out of events."""

from __future__ import annotations

from typing import Protocol


class Mask(Protocol):
    """Knows secrets by their text, and names under which they stand.

    Asked for each text of an event before that gets its form as JSON: afterwards a key may have
    become one half of a pair, and bytes base64.
    """

    def text(self, text: str) -> str:
        """*text* with ``***`` in place of each secret."""

    def hides(self, name: str) -> bool:
        """Whether what stands under *name* is secret, whatever it is."""
