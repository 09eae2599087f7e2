"""For tests of DAGs that publish: read back what was published.

::

    import pytest
    from airflow_provider_outbox.testing import PublishedEvents, published_events


    @pytest.fixture
    def published():
        with published_events() as events:
            yield events


    def test_completion_is_announced(published: PublishedEvents) -> None:
        publish_workflow_event("WORKFLOW_COMPLETED", "daily", "run 1", {"count": 100})
        (event,) = published()
        assert event.payload == {"data": {"count": 100}}

The outbox is a real one, in a directory of its own; no relay and no Kafka are needed.
"""

from __future__ import annotations

import contextlib
from typing import TYPE_CHECKING

from airflow_provider_outbox._publisher import forget
from airflow_provider_outbox.events import WorkflowEvent
from outbox_client.testing import temporary_outbox

if TYPE_CHECKING:
    from collections.abc import Generator

    from outbox_client.testing import TemporaryOutbox

__all__ = ["PublishedEvents", "published_events"]


class PublishedEvents:
    """What `published_events` yields.

    Attributes:
        outbox: with topics, keys and headers of the events.
    """

    def __init__(self, outbox: TemporaryOutbox) -> None:
        self.outbox = outbox

    def __call__(self) -> list[WorkflowEvent]:
        """The workflow events so far, by any process, in order."""
        return [WorkflowEvent.from_json(event.value or b"") for event in self.outbox.events()]


@contextlib.contextmanager
def published_events() -> Generator[PublishedEvents, None, None]:
    """Let ``OUTBOX_DIR`` name an outbox of its own meanwhile, removed at the end.

    Settings are read anew, at the beginning and at the end: change environment variables inside
    the block before the first event.
    """
    with temporary_outbox() as outbox:
        forget()
        try:
            yield PublishedEvents(outbox)
        finally:
            forget()
