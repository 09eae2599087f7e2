"""What Airflow hands over, and from where it calls us: mapped outputs, callbacks, native values."""

from __future__ import annotations

import json
from datetime import datetime, timezone
from typing import TYPE_CHECKING, Any

import pytest
from conftest import published, run

try:
    from airflow.sdk import DAG, Asset, Connection, get_current_context, task
    from airflow.sdk.definitions.param import ParamsDict
except ImportError:
    from airflow import DAG
    from airflow.datasets import Dataset as Asset
    from airflow.decorators import task
    from airflow.models.connection import Connection
    from airflow.models.param import ParamsDict
    from airflow.operators.python import get_current_context

from airflow_provider_outbox import (
    plugin,
    publish_event,
    publish_workflow_event,
)
from airflow_provider_outbox._facts import Fact
from airflow_provider_outbox._payloads import error_payload
from airflow_provider_outbox._publisher import publish_fact
from airflow_provider_outbox.events import EventType
from airflow_provider_outbox.events._json import to_json_value

if TYPE_CHECKING:
    from pathlib import Path

    from outbox_client.testing import TemporaryOutbox

START = datetime(2025, 1, 1, tzinfo=timezone.utc)
SECRET = "bob:s3cret-value"


def values(outbox: TemporaryOutbox, publisher: str = "function") -> list[Any]:
    return [event["payload"].get("data") for event in published(outbox, publisher)]


def test_the_outputs_of_mapped_tasks_are_a_list(outbox: TemporaryOutbox) -> None:
    with DAG("quiet_fan_in", start_date=START, schedule=None) as dag:

        @task  # type: ignore[untyped-decorator]
        def rows(n: int, login: str) -> int:
            return n * 10

        @task  # type: ignore[untyped-decorator]
        def tell(found: Any) -> None:
            publish_workflow_event("CUSTOM", "w", "r", payload=found)

        out = rows.partial(login=SECRET).expand(n=[1, 2, 3])
        tell(out)
        publish_workflow_event("CUSTOM", "w", "r", payload=out)
    run(dag)
    assert values(outbox) == [[10, 20, 30], [10, 20, 30]]
    assert all(SECRET.encode() not in (event.value or b"") for event in outbox.events())


def test_what_dags_are_made_of_tells_only_its_name(outbox: TemporaryOutbox) -> None:
    with DAG("quiet_nodes", start_date=START, schedule=None, default_args={"owner": SECRET}) as dag:

        @task  # type: ignore[untyped-decorator]
        def rows(n: int, login: str) -> int:
            return n

        mapped = rows.partial(login=SECRET).expand(n=[1])
    for value in (dag, mapped, mapped.operator, rows, dag.task_group, {"task": mapped.operator}):
        text = json.dumps(to_json_value(value))
        assert "$object" in text
        assert SECRET not in text


def test_a_whole_context_has_its_values_and_no_secret(outbox: TemporaryOutbox) -> None:
    with DAG(
        "quiet_context", start_date=START, schedule=None, params={"limit": 5, "api_key": SECRET}
    ) as dag:

        @task  # type: ignore[untyped-decorator]
        def tell() -> None:
            publish_workflow_event("CUSTOM", "w", "r", payload=dict(get_current_context()))

        tell()
    run(dag)
    (context,) = values(outbox)
    assert context["params"] == {"limit": 5, "api_key": "***"}
    assert context["run_id"]
    assert SECRET not in json.dumps(context)


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        (ParamsDict({"limit": 5}), {"limit": 5}),
        (
            Asset("s3://bucket/key", extra={"rows": 1}),
            {"uri": "s3://bucket/key", "extra": {"rows": 1}},
        ),
    ],
    ids=["params", "asset"],
)
def test_a_value_of_airflows_becomes_what_it_stands_for(value: object, expected: Any) -> None:
    found = to_json_value(value)
    assert {name: found[name] for name in expected} == expected


def test_a_connection_tells_no_password(outbox: TemporaryOutbox) -> None:
    connection = Connection(conn_id="db", conn_type="postgres", host="h", password=SECRET)
    publish_workflow_event("CUSTOM", "w", "r", payload=connection)
    assert SECRET.encode() not in (outbox.events()[0].value or b"")


def test_ids_that_were_rendered_as_native_values_are_the_dags(outbox: TemporaryOutbox) -> None:
    with DAG(
        "20250131", start_date=START, schedule=None, render_template_as_native_obj=True
    ) as dag:
        publish_workflow_event("CUSTOM", "{{ dag.dag_id }}", "{{ run_id }}", payload="{{ [1, 2] }}")
    run(dag)
    events = published(outbox, "function")
    assert [event["workflow_id"] for event in events] == ["20250131"]
    assert events[0]["payload"] == {"data": [1, 2]}


@pytest.mark.parametrize(("given", "expected"), [(7, "7"), (1.5, "1.5")])
def test_without_a_run_a_number_is_its_text(
    given: Any, expected: str, outbox: TemporaryOutbox
) -> None:
    assert publish_workflow_event("CUSTOM", given, given) is not None
    (event,) = published(outbox)
    assert (event["workflow_id"], event["workflow_run_id"]) == (expected, expected)


@pytest.mark.parametrize("given", [None, True, [1], ""])
def test_what_is_no_id_is_refused(given: Any, outbox: TemporaryOutbox) -> None:
    assert publish_workflow_event("CUSTOM", given, "r") is None


# --- OpenLineage, wherever a transport may stand ---

LEAF = {"type": "outbox", "topic": "lineage"}


@pytest.mark.parametrize(
    "transport",
    [
        {"type": "composite", "transports": {"a": LEAF, "b": {"type": "console"}}},
        {"type": "composite", "transports": [{"type": "console"}, LEAF]},
        {
            "type": "composite",
            "transports": [{"type": "composite", "transports": {"inner": LEAF}}],
        },
    ],
    ids=["a dict", "a list", "in another one"],
)
def test_it_may_be_one_of_several_transports(
    transport: dict[str, Any], outbox: TemporaryOutbox, monkeypatch: pytest.MonkeyPatch
) -> None:
    from openlineage.client import OpenLineageClient
    from openlineage.client.transport import get_default_factory
    from test_openlineage import an_event

    monkeypatch.setattr(get_default_factory(), "transports", dict(get_default_factory().transports))
    get_default_factory().transports.pop("outbox", None)
    monkeypatch.setenv("AIRFLOW__OPENLINEAGE__TRANSPORT", json.dumps(transport))
    plugin.register_transport()
    OpenLineageClient(config={"transport": transport}).emit(an_event())
    assert [event.topic for event in outbox.events()] == ["lineage"]


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("OPENLINEAGE__TRANSPORT", json.dumps(LEAF)),
        ("OPENLINEAGE__TRANSPORT__TRANSPORTS__A__TYPE", "outbox"),
    ],
)
def test_the_environment_may_name_it(
    name: str, text: str, outbox: TemporaryOutbox, monkeypatch: pytest.MonkeyPatch
) -> None:
    from openlineage.client.transport import get_default_factory

    monkeypatch.setattr(get_default_factory(), "transports", {})
    monkeypatch.setenv(name, text)
    plugin.register_transport()
    assert "outbox" in get_default_factory().transports


def test_a_file_may_name_it(
    tmp_path: Path, outbox: TemporaryOutbox, monkeypatch: pytest.MonkeyPatch
) -> None:
    from openlineage.client.transport import get_default_factory

    monkeypatch.setattr(get_default_factory(), "transports", {})
    file = tmp_path / "openlineage.yml"
    file.write_text("transport:\n  type: outbox\n  topic: lineage\n")
    monkeypatch.setenv("OPENLINEAGE_CONFIG", str(file))
    plugin.register_transport()
    assert "outbox" in get_default_factory().transports


class UnspeakableError(Exception):
    def __str__(self) -> str:
        raise ValueError("no text")


def test_an_error_that_has_no_text_is_told_all_the_same(outbox: TemporaryOutbox) -> None:
    fact = Fact(EventType.TASK_FAILED, "d", "r", {"task_id": "t"})
    publish_fact(fact, "listener", lambda: error_payload(UnspeakableError()))
    (event,) = published(outbox)
    assert event["payload"]["error"]["type"].endswith("UnspeakableError")


@pytest.mark.parametrize(
    "text",
    ['{"a": NaN, "b": [1e400, 5]}', '[{"a": 1.0}]', "{not json", '{"a" : 1 }', "12:30:45", "a=b"],
)
def test_a_text_without_secrets_stays_as_it_is(text: str, outbox: TemporaryOutbox) -> None:
    publish_workflow_event("CUSTOM", "w", "r", payload=text)
    assert values(outbox) == [text]


def test_the_decorator_masks_a_tasks_value(outbox: TemporaryOutbox) -> None:
    with DAG("quiet_masked", start_date=START, schedule=None) as dag:

        @task  # type: ignore[untyped-decorator]
        @publish_event
        def load() -> dict[str, Any]:
            return {"api_key": SECRET, "rows": 3}

        load()
    run(dag)
    assert values(outbox, "decorator") == [{"api_key": "***", "rows": 3}]
