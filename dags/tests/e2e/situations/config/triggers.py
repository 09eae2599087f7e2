"""Triggers of the situations; the triggerer imports them from its home's `config`."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from airflow.triggers.base import BaseTrigger, TaskFailedEvent, TriggerEvent

if TYPE_CHECKING:
    from collections.abc import AsyncIterator


class Says(BaseTrigger):
    """Fires, lets its task fail, or breaks.

    Args:
        what: "fails", "breaks", or what it fires with.
    """

    def __init__(self, what: str) -> None:
        super().__init__()
        self.what = what

    def serialize(self) -> tuple[str, dict[str, Any]]:
        return f"{__name__}.{type(self).__name__}", {"what": self.what}

    async def run(self) -> AsyncIterator[TriggerEvent]:
        if self.what == "breaks":
            raise ValueError("the trigger broke")
        yield TaskFailedEvent() if self.what == "fails" else TriggerEvent(self.what)
