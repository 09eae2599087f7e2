"""`OutboxTransport`: OpenLineage's events through the outbox, too.

In Airflow's configuration, with the OpenLineage provider installed::

    [openlineage]
    transport = {"type": "outbox", "topic": "lineage"}

Elsewhere ``type`` is the class: ``airflow_provider_outbox.openlineage.OutboxTransport``.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import attr
from openlineage.client.serde import Serde
from openlineage.client.transport.transport import Config, Transport
from openlineage.client.utils import get_only_specified_fields

from airflow_provider_outbox._publisher import LOCK_SECONDS
from airflow_provider_outbox._settings import lookup
from outbox_client import Outbox

if TYPE_CHECKING:
    from typing_extensions import Self

KIND = "outbox"
DEFAULT_TOPIC = "openlineage.events"


@attr.define
class OutboxConfig(Config):
    """What stands beside ``"type": "outbox"``.

    Attributes:
        topic: where the relay delivers the events.
        dir: the outbox's directory; default as for workflow events.
    """

    topic: str = DEFAULT_TOPIC
    dir: str | None = None

    @classmethod
    def from_dict(cls, params: dict[str, Any]) -> Self:
        """Take the known options of *params*."""
        return cls(**get_only_specified_fields(cls, params))


class OutboxTransport(Transport):
    """Appends lineage events; the relay delivers them.

    An append takes microseconds and needs no network, so there is nothing to flush or to wait for.
    """

    kind = KIND
    config_class = OutboxConfig

    def __init__(self, config: OutboxConfig) -> None:
        """Name an outbox; its files are opened by the first event.

        Raises:
            OutboxUnavailable: none is named.
        """
        self._topic = config.topic
        self._outbox = Outbox(config.dir or lookup("dir"), lock_timeout=LOCK_SECONDS)

    def emit(self, event: Any) -> None:
        """Append *event*.

        Raises:
            Exception: it has no JSON, or the outbox did not take it (`OutboxError`). It is counted
                as lost; OpenLineage logs it and goes on.
        """
        try:
            value, key = Serde.to_json(event), _key(event)
        except Exception:
            self._outbox.count_refusal()
            raise
        self._outbox.append(
            value,
            topic=self._topic,
            key=key,
            headers=[("content-type", "application/json")],
        )

    def close(self, timeout: float = -1) -> bool:  # noqa: ARG002 - nothing to wait for
        """Close the outbox's files."""
        self._outbox.close()
        return True


def register() -> None:
    """Make ``"type": "outbox"`` known."""
    from openlineage.client.transport import register_transport

    register_transport(OutboxTransport)


def _key(event: Any) -> str | None:
    """As OpenLineage's Kafka transport: a run's events share a partition with its parent's."""
    dataset = getattr(event, "dataset", None)
    if dataset is not None:
        return f"dataset:{dataset.namespace}/{dataset.name}"
    job = event.job
    run = getattr(event, "run", None)
    if run is None:
        return f"job:{job.namespace}/{job.name}"
    parent = (run.facets or {}).get("parent")
    root = getattr(getattr(parent, "root", None), "job", None) or getattr(parent, "job", None)
    namespace, name = _named(root) if root is not None else (None, None)
    if not namespace or not name:
        namespace, name = job.namespace, job.name
    return f"run:{namespace}/{name}"


def _named(job: Any) -> tuple[str | None, str | None]:
    # The older kind of facet has a dict.
    if isinstance(job, dict):
        return job.get("namespace"), job.get("name")
    return job.namespace, job.name
