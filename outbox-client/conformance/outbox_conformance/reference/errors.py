"""What an append may raise."""

from __future__ import annotations


class BusyError(Exception):
    """Another writer holds the lock."""


class FullError(Exception):
    """The cap is reached."""


class UnsyncedError(Exception):
    """What was published may be lost by a power cut: it is to be appended again."""


class KilledError(Exception):
    """The writer has died at the step that it was to die at; what it held is gone."""
