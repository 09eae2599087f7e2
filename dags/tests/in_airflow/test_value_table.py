"""docs/values.md has, for each Airflow, what becomes of all that it hands to a task."""

from __future__ import annotations

import os
import re
from datetime import datetime, timezone
from pathlib import Path
from typing import Any

import airflow
from conftest import run

try:
    from airflow.sdk import DAG, Asset, AssetAlias, Connection, Param, Variable, get_current_context
    from airflow.sdk import task as make_task
    from airflow.sdk.definitions.param import ParamsDict
except ImportError:
    from airflow import DAG
    from airflow.datasets import Dataset as Asset
    from airflow.datasets import DatasetAlias as AssetAlias
    from airflow.decorators import task as make_task
    from airflow.models import Variable
    from airflow.models.connection import Connection
    from airflow.models.param import Param, ParamsDict
    from airflow.operators.python import get_current_context

from airflow_provider_outbox._masking import AirflowMask
from airflow_provider_outbox.events._json import to_json_object

DOCS = Path(__file__).parents[2] / "docs" / "values.md"
MAJOR = airflow.__version__.partition(".")[0]
TITLE = f"## Airflow {MAJOR}"
MOST_NAMES = 12
_ISO = re.compile(r"\d{4}-\d{2}-\d{2}T")
URI = "s3://bucket/key"
OWN = ("rows", "n")  # the task's own arguments


def shape(value: Any) -> str:
    """What kind of JSON this is, in the words of the table."""
    if value is None:
        return "null"
    if isinstance(value, bool):
        return "true or false"
    if isinstance(value, int | float):
        return "number"
    if isinstance(value, str):
        return "ISO 8601" if _ISO.match(value) else "text"
    if isinstance(value, list):
        kinds = sorted({shape(item) for item in value})
        return f"list of {' or '.join(kinds)}" if kinds else "empty list"
    if set(value) == {"$object"}:
        return f"`$object` of `{value['$object']['type']}`"
    names = [f"`{name}`" for name in sorted(value)]
    more = f" and {len(names) - MOST_NAMES} more" if len(names) > MOST_NAMES else ""
    return f"object: {', '.join(names[:MOST_NAMES])}{more}" if names else "empty object"


def published(value: Any) -> Any:
    return to_json_object({"data": value}, 512 << 10, AirflowMask())[0]["data"]


def handed_over() -> dict[str, str]:
    """By what a user would call it: the context of a mapped task, and what DAGs are made of."""
    found: dict[str, str] = {}
    parts: dict[str, Any] = {}
    asset = Asset(URI, extra={"rows": 1})
    with DAG(
        "value_table",
        start_date=datetime(2025, 1, 1, tzinfo=timezone.utc),
        schedule=None,
        params={"limit": Param(5, type="integer")},
    ) as dag:

        @make_task  # type: ignore[untyped-decorator]
        def row(n: int) -> int:
            return n

        @make_task(inlets=[asset], outlets=[asset, AssetAlias("alias")])  # type: ignore[untyped-decorator]
        def look(rows: Any, n: int) -> None:
            context = get_current_context()
            values = {f"`context[{key!r}]`": context[key] for key in context if key not in OWN}
            values["what another task returned"] = context["ti"].xcom_pull(task_ids="one")
            values["what mapped tasks returned"] = rows
            # Here and now: some read what they stand for when they are looked at.
            found.update({name: shape(published(value)) for name, value in values.items()})

        one = row.override(task_id="one")(1)
        mapped = row.expand(n=[1, 2])
        one >> look.partial(rows=mapped).expand(n=[1])
        parts["a DAG"] = dag
        parts["a task's output (`XComArg`)"] = one
        parts["an operator"] = one.operator
        parts["a group of tasks"] = dag.task_group
    run(dag)
    parts["a parameter"] = Param(5, type="integer")
    parts["parameters"] = ParamsDict({"limit": 5})
    parts["an asset (2: dataset)"] = asset
    parts["an asset's alias"] = AssetAlias("alias")
    parts["a connection"] = Connection(
        conn_id="db", conn_type="postgres", host="h", login="bob", password="s3cret"
    )
    parts["`Variable`"] = Variable
    return found | {name: shape(published(value)) for name, value in parts.items()}


def test_the_docs_have_what_each_value_becomes() -> None:
    lines = ["| What Airflow hands over | What is published |", "|---|---|"]
    for name, value in sorted(handed_over().items()):
        lines.append(f"| {name} | {value} |")
    table = "\n".join(lines)
    text = DOCS.read_text()
    before, title, rest = text.partition(f"{TITLE}\n\n")
    assert title, f"{DOCS} has no {TITLE!r}"
    old, blank, behind = rest.partition("\n\n")
    if os.environ.get("WRITE_TABLE"):
        DOCS.write_text(f"{before}{title}{table}{blank or chr(10)}{behind}")
    else:
        assert old.rstrip("\n") == table, "make it anew with WRITE_TABLE=1"
