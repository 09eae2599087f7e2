"""Airflow's secrets masker as a `Mask`, and what it does not see in texts."""

from __future__ import annotations

import re
from functools import lru_cache

from airflow_provider_outbox import _airflow

# scheme://user:password@host, of which connections and exceptions are full.
_PASSWORD_IN_URL = re.compile(r"(?<=://)([^\s:/?#@]*):([^\s/?#@]+)(?=@)")
# name=value, 'name': 'value' and the like, in messages, reprs and query strings. From the beginning
# of a word only: else the time for a long one would grow with its square.
_NAMED = re.compile(r"""(?<!\w)(\w+)(["']?\s*[:=]\s*)(["']?)([^\s"',;&(){}\[\]]+)""")
_ANYTHING = "anything"
_LONGEST_NAME = 200


class AirflowMask:
    """What ``mask_secret`` was told, what a sensitive name is given, and passwords in URLs."""

    def __init__(self) -> None:
        """Find the masker of the Airflow that is installed."""
        self._redact = _airflow.masker()
        self._remembered = lru_cache(maxsize=1_000)(self._is_sensitive)

    def text(self, text: str) -> str:
        """*text* with ``***`` in place of each secret."""
        shown = self._redact(text, None)
        shown = shown if isinstance(shown, str) else "***"
        if "://" in shown:
            shown = _PASSWORD_IN_URL.sub(r"\1:***", shown)
        return _NAMED.sub(self._named, shown) if "=" in shown or ":" in shown else shown

    def hides(self, name: str) -> bool:
        """Whether Airflow counts *name* as sensitive."""
        short = len(name) <= _LONGEST_NAME
        return self._remembered(name) if short else self._is_sensitive(name)

    def _named(self, found: re.Match[str]) -> str:
        name, between, quote, _ = found.groups()
        return f"{name}{between}{quote}***" if self.hides(name) else found[0]

    def _is_sensitive(self, name: str) -> bool:
        return bool(self._redact(_ANYTHING, name) != _ANYTHING)
