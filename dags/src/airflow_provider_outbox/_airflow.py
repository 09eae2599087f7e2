"""What differs between Airflow 2.11 and 3, in one place. Imports of Airflow are late."""

from __future__ import annotations

import sys
from typing import Any


def option(section: str, name: str) -> str | None:
    """An option of Airflow's configuration; None if it is not set or empty."""
    try:
        from airflow.sdk.configuration import conf
    except ImportError:
        from airflow.configuration import conf
    value = conf.get(section, name, fallback=None)
    return value.strip() or None if isinstance(value, str) else None


def current_context() -> Any | None:
    """The context of the task that runs in this process; None if none does."""
    if "airflow" not in sys.modules:
        return None
    try:
        from airflow.sdk import get_current_context
    except ImportError:
        from airflow.operators.python import get_current_context
    try:
        return get_current_context()
    except Exception:  # noqa: BLE001 - the class differs: AirflowException, RuntimeError
        return None


def is_defining_dag() -> bool:
    """Whether a DAG's definition is being executed, rather than one of its tasks."""
    if "airflow" not in sys.modules:
        return False
    try:
        from airflow.sdk.definitions._internal.contextmanager import DagContext
    except ImportError:
        from airflow.models.dag import DagContext
    return DagContext.get_current_dag() is not None


def task_decorator() -> Any:
    """``@task``."""
    try:
        from airflow.sdk import task
    except ImportError:
        from airflow.decorators import task
    return task


def masker() -> Any:
    """Airflow's ``redact(value, name)``: without what its masker knows, or its names hide."""
    try:
        from airflow.sdk.log import redact
    except ImportError:
        from airflow.utils.log.secrets_masker import redact
    return redact
