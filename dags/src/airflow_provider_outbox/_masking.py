"""Airflow's secrets masker as a `Mask`, and what it does not see in texts."""

from __future__ import annotations

import re
from functools import lru_cache

from airflow_provider_outbox import _airflow

# scheme://user:password@host, of which connections and exceptions are full.
_PASSWORD_IN_URL = re.compile(r"(?<=://)([^\s:/?#@]*):([^\s/?#@]+)(?=@)")
_ANYTHING = "anything"


class AirflowMask:
    """What ``mask_secret`` was told, what stands under a sensitive name, and passwords in URLs."""

    def __init__(self) -> None:
        """Find the masker of the Airflow that is installed."""
        self._redact = _airflow.masker()
        self.hides = lru_cache(maxsize=1_000)(self._is_sensitive)

    def text(self, text: str) -> str:
        """*text* with ``***`` in place of each secret."""
        shown = self._redact(text, None)
        shown = shown if isinstance(shown, str) else "***"
        return _PASSWORD_IN_URL.sub(r"\1:***", shown) if "://" in shown else shown

    def _is_sensitive(self, name: str) -> bool:
        return bool(self._redact(_ANYTHING, name) != _ANYTHING)
