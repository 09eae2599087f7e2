"""The harness of the relay's end-to-end tests serves these, too."""

from __future__ import annotations

from harness.fixtures import *  # noqa: F403 - for pytest to find
