"""Lineage events go the way of workflow events."""

from __future__ import annotations

import json
import uuid
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any

import pytest
from counted import refused
from openlineage.client import OpenLineageClient
from openlineage.client.event_v2 import Job, Run, RunEvent, RunState
from openlineage.client.facet_v2 import parent_run
from openlineage.client.transport import get_default_factory

from airflow_provider_outbox import openlineage, plugin
from airflow_provider_outbox.openlineage import OutboxTransport

if TYPE_CHECKING:
    from outbox_client.testing import TemporaryOutbox


def an_event(**run: Any) -> RunEvent:
    return RunEvent(
        eventType=RunState.COMPLETE,
        eventTime="2025-01-31T12:00:00Z",
        run=Run(runId=str(uuid.UUID(int=1)), **run),
        job=Job(namespace="airflow", name="daily.load"),
        producer="https://example.org",
    )


def test_the_client_emits_into_the_outbox(
    outbox: TemporaryOutbox, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(
        "AIRFLOW__OPENLINEAGE__TRANSPORT", json.dumps({"type": "outbox", "topic": "lineage"})
    )
    plugin.register_transport()
    client = OpenLineageClient(config={"transport": {"type": "outbox", "topic": "lineage"}})
    client.emit(an_event())
    assert client.close() is True
    (event,) = outbox.events()
    assert (event.topic, event.key) == ("lineage", b"run:airflow/daily.load")
    assert event.json()["run"]["runId"] == str(uuid.UUID(int=1))
    assert event.header("content-type") == b"application/json"


def test_the_type_may_be_the_class_and_the_topic_has_a_default(outbox: TemporaryOutbox) -> None:
    kind = f"{OutboxTransport.__module__}.{OutboxTransport.__qualname__}"
    transport = get_default_factory().create({"type": kind, "dir": outbox.path})
    transport.emit(an_event())
    assert [event.topic for event in outbox.events()] == ["openlineage.events"]


def test_without_being_asked_for_it_is_not_registered(monkeypatch: pytest.MonkeyPatch) -> None:
    called: list[None] = []
    monkeypatch.setattr(openlineage, "register", lambda: called.append(None))
    monkeypatch.setenv("AIRFLOW__OPENLINEAGE__TRANSPORT", '{"type": "console"}')
    plugin.register_transport()
    assert called == []
    monkeypatch.setenv("OPENLINEAGE__TRANSPORT__TYPE", "outbox")
    plugin.register_transport()
    assert called == [None]


def test_a_configuration_that_is_no_json_harms_nobody(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    for text in ("{", '{"type": "outbox"', "outbox", "\udcff"):
        monkeypatch.setenv("AIRFLOW__OPENLINEAGE__TRANSPORT", text)
        plugin.register_transport()
    assert caplog.text == ""


def test_an_event_without_json_is_counted_and_raised(outbox: TemporaryOutbox) -> None:
    transport = get_default_factory().create({"type": "outbox", "dir": outbox.path})
    no_event: Any = SimpleNamespace(job=None)
    with pytest.raises(ValueError, match="attrs"):
        transport.emit(no_event)
    assert refused(outbox.path) == {"invalid": 1}


def parent(**root: Any) -> Any:
    return parent_run.ParentRunFacet(
        run=parent_run.Run(runId=str(uuid.UUID(int=2))),
        job=parent_run.Job(namespace="airflow", name="daily"),
        **root,
    )


@pytest.mark.parametrize(
    ("event", "key"),
    [
        (an_event(facets={"parent": parent()}), "run:airflow/daily"),
        (
            an_event(
                facets={
                    "parent": parent(
                        root=parent_run.Root(
                            run=parent_run.RootRun(runId=str(uuid.UUID(int=3))),
                            job=parent_run.RootJob(namespace="airflow", name="root"),
                        )
                    )
                }
            ),
            "run:airflow/root",
        ),
        (
            an_event(facets={"parent": SimpleNamespace(job={"namespace": "n", "name": "old"})}),
            "run:n/old",
        ),
        (SimpleNamespace(dataset=SimpleNamespace(namespace="n", name="d")), "dataset:n/d"),
        (SimpleNamespace(job=SimpleNamespace(namespace="n", name="j")), "job:n/j"),
    ],
    ids=["parent", "root", "older facet", "dataset", "job"],
)
def test_keys_are_those_of_openlineages_kafka_transport(event: Any, key: str) -> None:
    assert openlineage._key(event) == key
