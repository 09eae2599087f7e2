"""What a producer can be told, and from where."""

from __future__ import annotations

import os
from collections.abc import Callable
from dataclasses import dataclass
from importlib import import_module
from typing import TYPE_CHECKING, Any, TypeAlias

if TYPE_CHECKING:
    from airflow_provider_outbox.events._masking import Mask

Redactor: TypeAlias = Callable[[Any], Any]
Lookup: TypeAlias = Callable[[str], "str | None"]

SECTION = "outbox"
DEFAULT_TOPIC = "workflow-events"
DEFAULT_MAX_PAYLOAD_BYTES = 512 << 10
# Beside it there must be room for the rest of the event in the outbox's 1 MiB.
LARGEST_MAX_PAYLOAD_BYTES = 900 << 10

# The relay and the clients know these; what they don't is named as Airflow names its options.
_SHARED = {"dir": "OUTBOX_DIR", "topic": "OUTBOX_TOPIC", "environment": "ENVIRONMENT"}


class InvalidSettingError(ValueError):
    """A setting has no meaning; the message names it, its value and the way out."""


@dataclass(frozen=True)
class ProducerSettings:
    """How events are appended.

    Attributes:
        topic: for events that name none; ``{environment}`` stands for ``ENVIRONMENT``.
        max_payload_bytes: a payload whose JSON is longer is cut.
        redact: called with payload and metadata as JSON's own types, returns what may be
            published.
        mask: hides secrets before that. What the producer itself adds passes neither.
    """

    topic: str = DEFAULT_TOPIC
    max_payload_bytes: int = DEFAULT_MAX_PAYLOAD_BYTES
    redact: Redactor | None = None
    mask: Mask | None = None

    def __post_init__(self) -> None:
        if not 0 < self.max_payload_bytes <= LARGEST_MAX_PAYLOAD_BYTES:
            raise InvalidSettingError(
                f"max_payload_bytes is {self.max_payload_bytes}: it must be 1 to "
                f"{LARGEST_MAX_PAYLOAD_BYTES}"
            )

    @classmethod
    def read(cls, lookup: Lookup | None = None) -> ProducerSettings:
        """Take the settings from where *lookup* finds them, by default the environment.

        Raises:
            InvalidSettingError: one has no meaning.
        """
        lookup = lookup or from_environment
        return cls(
            topic=lookup("topic") or DEFAULT_TOPIC,
            max_payload_bytes=_positive("max_payload_bytes", lookup) or DEFAULT_MAX_PAYLOAD_BYTES,
            redact=_imported("redactor", lookup("redactor")),
        )

    def topic_for(self, topic: str | None, environment: str) -> str:
        """The topic of an event that asks for *topic*; ``{environment}`` is filled in."""
        return (topic or self.topic).replace("{environment}", environment)


def from_environment(option: str) -> str | None:
    """An option's value in the environment; None if it is not set or empty."""
    return os.environ.get(variable(option), "").strip() or None


def variable(option: str) -> str:
    """The environment variable of an option."""
    return _SHARED.get(option) or f"AIRFLOW__{SECTION.upper()}__{option.upper()}"


def _positive(option: str, lookup: Lookup) -> int | None:
    text = lookup(option)
    if text is None:
        return None
    if not text.isascii() or not text.isdigit() or int(text) == 0:
        raise InvalidSettingError(f"{variable(option)} is {text!r}: it must be a positive number")
    return int(text)


def _imported(option: str, path: str | None) -> Redactor | None:
    if path is None:
        return None
    module, colon, name = path.partition(":")
    if not colon:
        module, _, name = path.rpartition(".")
    try:
        found = getattr(import_module(module), name)
    except (ImportError, AttributeError, ValueError) as problem:
        raise InvalidSettingError(
            f"{variable(option)} is {path!r}, which cannot be imported ({problem}): "
            "name a function as package.module:function"
        ) from None
    if not callable(found):
        raise InvalidSettingError(f"{variable(option)} is {path!r}, which cannot be called")
    return found  # type: ignore[no-any-return]
