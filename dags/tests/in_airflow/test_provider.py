"""Airflow finds the provider, its plugin, its options and its notifier."""

from __future__ import annotations

import json
from importlib.metadata import entry_points, version
from importlib.resources import files
from typing import TYPE_CHECKING

import jsonschema

from airflow_provider_outbox import plugin, provider_info
from airflow_provider_outbox._settings import Settings, lookup
from airflow_provider_outbox.listener import RunListener, TaskListener

if TYPE_CHECKING:
    import pytest


def test_airflow_knows_the_provider() -> None:
    from airflow.providers_manager import ProvidersManager

    found = ProvidersManager().providers["airflow-provider-outbox"]
    assert found.version == version("airflow-provider-outbox") == provider_info.VERSION


def test_its_description_is_valid() -> None:
    schema = json.loads(files("airflow").joinpath("provider_info.schema.json").read_text())
    jsonschema.Draft7Validator(schema).validate(provider_info.get_provider_info())


def test_airflow_loads_the_plugin_with_the_listeners_that_are_switched_on() -> None:
    (found,) = entry_points(group="airflow.plugins", name="outbox")
    assert found.load() is plugin.OutboxPlugin
    assert [type(one) for one in plugin.OutboxPlugin.listeners] == [TaskListener, RunListener]


def test_every_option_is_in_airflows_configuration() -> None:
    from airflow.providers_manager import ProvidersManager

    described = dict(ProvidersManager().provider_configs)["airflow-provider-outbox"]
    assert described == provider_info.get_provider_info()["config"]


def test_the_environment_wins_over_airflows_section(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AIRFLOW__OUTBOX__DIR", "/from/airflow")
    monkeypatch.setenv("AIRFLOW__OUTBOX__ENVIRONMENT", "staging")
    assert lookup("dir") == "/from/airflow"
    assert Settings.read().environment == Settings.read().instance == "staging"
    monkeypatch.setenv("OUTBOX_DIR", "/from/environment")
    assert lookup("dir") == "/from/environment"
