"""Payloads that more than one way of publishing makes."""

from __future__ import annotations

from typing import Any

from airflow_provider_outbox.events._json import Shortened

MAX_MESSAGE = 10_000


def error_payload(problem: object, *, message: bool = True) -> dict[str, Any]:
    """An exception's type and message; Airflow also hands over a text, or nothing."""
    if problem is None:
        return {}
    if isinstance(problem, str):
        told = Shortened(problem, MAX_MESSAGE)
        return {"error": {"type": None, "message": told}} if message else {}
    kind = type(problem)
    name = (
        kind.__qualname__
        if kind.__module__ == "builtins"
        else f"{kind.__module__}.{kind.__qualname__}"
    )
    error: dict[str, Any] = {"type": name}
    if message:
        error["message"] = Shortened(problem, MAX_MESSAGE)
    return {"error": error}
