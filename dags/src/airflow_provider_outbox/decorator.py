"""`publish_event`: the outcome of a TaskFlow function as an event."""

from __future__ import annotations

import functools
import inspect
from contextvars import ContextVar
from typing import TYPE_CHECKING, Any, ParamSpec, TypeVar, overload

from airflow_provider_outbox import _airflow
from airflow_provider_outbox._facts import task_fact
from airflow_provider_outbox._payloads import error_payload
from airflow_provider_outbox._publisher import publish_fact, publishing
from airflow_provider_outbox._states import ends_with_function, is_sensor, outcome
from airflow_provider_outbox.events import EventType
from airflow_provider_outbox.events._boundary import from_outside, log_failure
from airflow_provider_outbox.events._json import withheld

if TYPE_CHECKING:
    from collections.abc import Callable, Coroutine, Mapping

P = ParamSpec("P")
R = TypeVar("R")

# Whether a published function runs: one that it calls is not the task's.
_within: ContextVar[bool] = ContextVar("within a published function", default=False)


@overload
def publish_event(function: Callable[P, R], /) -> Callable[P, R]: ...


@overload
def publish_event(
    *,
    include_payload: bool = ...,
    select: Callable[[Any], Any] | None = ...,
    topic: str | None = ...,
) -> Callable[[Callable[P, R]], Callable[P, R]]: ...


def publish_event(
    function: Callable[..., Any] | None = None,
    /,
    *,
    include_payload: bool = True,
    select: Callable[[Any], Any] | None = None,
    topic: str | None = None,
) -> Any:
    """Publish how a task's function ended. Stands under ``@task``, also for mapped tasks.

    ``TASK_COMPLETED`` with the value that it returned, ``TASK_RETRYING`` or ``TASK_FAILED`` with
    the exception's type and message, or ``TASK_SKIPPED``. The function's value and exception go
    their way unchanged, whatever becomes of the event. Outside of a running task nothing is
    published, and no value that says only what the operator is to do (``@task.bash``).

    ::

        @task
        @publish_event(select=lambda result: result["count"])
        def load() -> dict[str, int]: ...

    Args:
        function: when used without parentheses.
        include_payload: False: the event has no payload, also on failure only the type.
        select: chooses what of the value is published.
        topic: default: ``OUTBOX_TOPIC``.

    Raises:
        TypeError: it stands above ``@task``.
    """
    publication = _Publication(include_payload=include_payload, select=select, topic=topic)
    return publication.wrap if function is None else publication.wrap(function)


class _Publication:
    def __init__(
        self, *, include_payload: bool, select: Callable[[Any], Any] | None, topic: str | None
    ) -> None:
        self._include_payload = include_payload
        self._select = select
        self._topic = topic

    def wrap(self, function: Callable[..., Any]) -> Callable[..., Any]:
        if hasattr(function, "expand"):
            raise TypeError(
                "@publish_event stands above @task, where no task runs yet: put it under @task, "
                "directly above the function"
            )

        @functools.wraps(function)
        def publishing(*arguments: Any, **named: Any) -> Any:
            if _within.get():
                return function(*arguments, **named)
            within = _within.set(True)
            try:
                value = function(*arguments, **named)
            except BaseException as problem:
                self._failed(problem)
                raise
            finally:
                _within.reset(within)
            if inspect.iscoroutine(value):
                return self._later(value)
            self._returned(value)
            return value

        if not inspect.iscoroutinefunction(function):
            # It may return what Airflow awaits, nevertheless, as an object may.
            return publishing

        @functools.wraps(function)
        async def publishing_later(*arguments: Any, **named: Any) -> Any:
            return await publishing(*arguments, **named)

        return publishing_later

    async def _later(self, awaited: Coroutine[Any, Any, Any]) -> Any:
        within = _within.set(True)
        try:
            value = await awaited
        except BaseException as problem:
            self._failed(problem)
            raise
        finally:
            _within.reset(within)
        self._returned(value)
        return value

    def _returned(self, value: Any) -> None:
        with publishing("look at a task's value"):
            task = (_airflow.current_context() or {}).get("task")
            if is_sensor(task):
                if not value:
                    return
                value = value.xcom_value if type(value).__name__ == "PokeReturnValue" else value
            elif not ends_with_function(task):
                return
            self._publish(EventType.TASK_COMPLETED, lambda: self._value_payload(value))

    def _failed(self, problem: BaseException) -> None:
        with publishing("look at what a task has raised"):
            context = _airflow.current_context()
            kind = None if context is None else outcome(problem, context["ti"])
            if kind is EventType.TASK_COMPLETED:
                self._publish(kind, dict)
            elif kind is not None:
                self._publish(kind, lambda: self._error_payload(problem))

    def _publish(self, event_type: EventType, payload: Callable[[], Mapping[str, Any]]) -> None:
        with publishing("publish a task's outcome"):
            context = _airflow.current_context()
            if context is None:
                return
            fact = task_fact(event_type, context["ti"], context.get("dag_run"))
            publish_fact(fact, "decorator", payload, self._topic)

    def _value_payload(self, value: object) -> Mapping[str, Any]:
        if not self._include_payload:
            return {}
        if self._select is None:
            return {"data": value}
        try:
            return {"data": self._select(value)}
        except BaseException as problem:
            if from_outside(problem):
                raise
            log_failure("select what of a task's value is published", problem)
            return withheld("select failed")

    def _error_payload(self, problem: BaseException) -> Mapping[str, Any]:
        return error_payload(problem, message=self._include_payload)
