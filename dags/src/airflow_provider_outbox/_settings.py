"""The package's settings: the environment first, then Airflow's section ``[outbox]``."""

from __future__ import annotations

from dataclasses import dataclass, replace
from fnmatch import fnmatchcase
from functools import cache

from airflow_provider_outbox import _airflow
from airflow_provider_outbox._masking import AirflowMask
from airflow_provider_outbox.events._settings import (
    SECTION,
    InvalidSettingError,
    ProducerSettings,
    from_environment,
    variable,
)

DEFAULT_ENVIRONMENT = "dev"
_WORDS = {"true": True, "t": True, "1": True, "false": False, "f": False, "0": False}


@dataclass(frozen=True)
class Patterns:
    """Globs that a name must, and must not, match. No allowed ones: all are."""

    allowed: tuple[str, ...] = ()
    denied: tuple[str, ...] = ()

    def pass_on(self, name: str) -> bool:
        """Whether *name* is wanted."""
        if any(fnmatchcase(name, pattern) for pattern in self.denied):
            return False
        return not self.allowed or any(fnmatchcase(name, pattern) for pattern in self.allowed)

    @classmethod
    def read(cls, prefix: str) -> Patterns:
        """The options *prefix* + ``_allowlist`` and ``_denylist``."""
        return cls(_list(f"{prefix}_allowlist"), _list(f"{prefix}_denylist"))


@dataclass(frozen=True)
class Settings:
    """How this process publishes.

    Attributes:
        directory: of the outbox; None: publishing is off.
        environment: published as ``metadata.environment``.
        instance: tells installations apart that share a topic.
        producer: how events are appended.
    """

    directory: str | None
    environment: str
    instance: str
    producer: ProducerSettings

    @classmethod
    @cache
    def read(cls) -> Settings:
        """Read them once in a process.

        Raises:
            InvalidSettingError: one has no meaning.
        """
        environment = lookup("environment") or DEFAULT_ENVIRONMENT
        told = ProducerSettings.read(lookup)
        return cls(
            directory=lookup("dir"),
            environment=environment,
            instance=lookup("instance") or environment,
            producer=replace(told, mask=AirflowMask()),
        )


@dataclass(frozen=True)
class ListenerSettings:
    """What the listener publishes."""

    run_events: bool
    task_events: bool
    run_dags: Patterns
    task_dags: Patterns
    tasks: Patterns

    @classmethod
    def read(cls) -> ListenerSettings:
        """Read them.

        Raises:
            InvalidSettingError: one has no meaning.
        """
        return cls(
            run_events=_boolean("dag_run_events_enabled"),
            task_events=_boolean("task_instance_events_enabled"),
            run_dags=Patterns.read("dag_run_dag_id"),
            task_dags=Patterns.read("task_instance_dag_id"),
            tasks=Patterns.read("task_instance_task_id"),
        )


def lookup(name: str) -> str | None:
    """An option's value; None if it is not set or empty."""
    return from_environment(name) or _airflow.option(SECTION, name)


def _boolean(name: str) -> bool:
    text = lookup(name) or "False"
    try:
        return _WORDS[text.lower()]
    except KeyError:
        raise InvalidSettingError(
            f"{variable(name)} is {text!r}: it must be True or False"
        ) from None


def _list(name: str) -> tuple[str, ...]:
    parts = (part.strip() for part in (lookup(name) or "").split(","))
    return tuple(part for part in parts if part)
