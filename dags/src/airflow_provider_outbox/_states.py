"""Whether Airflow's state bears out what a process is called with or meets: the state decides.

Airflow calls listeners and callbacks more often than something happens, and an exception does not
say what becomes of its task. Like `_facts` this reads what is there, and asks no database.
"""

from __future__ import annotations

from typing import Any

from airflow_provider_outbox._facts import number, plain
from airflow_provider_outbox.events import EventType

# By name, as the two majors have them in different modules.
_PAUSES = frozenset(
    {"TaskDeferred", "AirflowRescheduleException", "DagRunTriggerException", "TaskAwaitingInput"}
)
# Somebody ended the task: it was set to a state, or cleared, or its worker stops. What it became of
# it only the database knows.
_ENDED_FROM_OUTSIDE = frozenset({"AirflowTaskTerminated"})
_SUCCESS = frozenset({"DownstreamTasksSkipped"})
_SKIPS = frozenset({"AirflowSkipException"})
_FINAL = frozenset({"AirflowFailException", "AirflowSensorTimeout"})
# What a sensor takes for its end when its function raises it.
_ENDS_SENSOR = frozenset({"AirflowFailException", "AirflowSensorTimeout", "AirflowTaskTimeout"})
# In place of the method that goes on.
_TRIGGER_FAILED = "__fail__"
_UNFINISHED = ("queued", "running")
# The words of Airflow 3's api-server.
_BY_HAND = "manually set"


def task_event_holds(event_type: EventType, task_instance: Any) -> bool:
    """Whether an attempt's state bears out what a listener or a callback is told of it.

    Args:
        event_type: what would be published.
        task_instance: a ``RuntimeTaskInstance`` (3.x) or ``TaskInstance`` (2.11).
    """
    if event_type is EventType.TASK_STARTED:
        return not goes_on(task_instance)
    if getattr(task_instance, "_terminal_state_send_failed", False):
        # 3.x: the api-server did not take this end, as the task has another state by now.
        return False
    # 2.11 calls on_success_callback of a task that has skipped itself, too.
    skipped: bool = plain(task_instance, "state") == "skipped"
    return not (skipped and event_type is EventType.TASK_COMPLETED)


def goes_on(task_instance: Any) -> bool:
    """Whether an attempt is not begun, but taken up again: it was deferred or rescheduled."""
    told = getattr(task_instance, "_ti_context_from_server", None)  # 3.x
    resumed_by = (
        plain(task_instance, "next_method") if told is None else getattr(told, "next_method", None)
    )
    if resumed_by is not None:
        return not _began_in_triggerer(task_instance, resumed_by)
    if told is not None:
        return number(getattr(told, "task_reschedule_count", 0), 0) > 0
    # 2.11 notes how long an attempt took when it is rescheduled, and at each end of an attempt: so
    # only of the first one it tells that it was here before. It is 0 where a hand set the state.
    first = plain(task_instance, "try_number") == 1
    return first and bool(plain(task_instance, "duration"))


def _began_in_triggerer(task_instance: Any, method: object) -> bool:
    """Whether what the triggerer hands over was in no process before.

    One that is deferred to the same method again, or fails there, cannot be told from it: its start
    is told again.
    """
    task = plain(task_instance, "task")
    first = getattr(getattr(task, "start_trigger_args", None), "next_method", None)
    return bool(getattr(task, "start_from_trigger", False)) and method in (first, _TRIGGER_FAILED)


def run_has_ended(run: Any) -> bool:
    """Whether a run's state is final.

    3.x tells that a run was set to a state by hand also while it goes on, for its teardowns.
    """
    # The name of the row's own attribute; ``state`` is a synonym, which `plain` does not see.
    return plain(run, "_state") not in _UNFINISHED and plain(run, "state") not in _UNFINISHED


def run_set_by_hand(reason: object) -> bool:
    """Whether what is told with a run's end says that somebody has set it."""
    return isinstance(reason, str) and _BY_HAND in reason


def ends_with_function(task: Any) -> bool:
    """Whether a task has succeeded when its function returns, and its value is the function's.

    Others of TaskFlow's operators (``@task.bash``, ``@task.sql``) are only told by it what to do.
    """
    names = {kind.__name__ for kind in type(task).__mro__}
    return "DecoratedOperator" not in names or "PythonOperator" in names


def is_sensor(task: Any) -> bool:
    """Whether a task calls its function until that returns something true."""
    return any(kind.__name__ == "BaseSensorOperator" for kind in type(task).__mro__)


def outcome(problem: BaseException, task_instance: Any) -> EventType | None:
    """What Airflow will make of an attempt whose function has raised.

    Args:
        problem: what it has raised.
        task_instance: as of `task_event_holds`.

    Returns:
        None if the attempt has not ended, or if its end cannot be foreseen.
    """
    names = {kind.__name__ for kind in type(problem).__mro__}
    task = plain(task_instance, "task")
    if is_sensor(task) and not names & _SKIPS:
        for_good = bool(names & _ENDS_SENSOR)
        may_pass = for_good or isinstance(problem, Exception)
        if may_pass and not for_good and task.silent_fail:
            return None  # a look in vain
        if (for_good and task.soft_fail) or (may_pass and task.never_fail):
            return EventType.TASK_SKIPPED
    if names & (_PAUSES | _ENDED_FROM_OUTSIDE):
        return None
    if names & _SUCCESS or _exits_well(problem, task_instance):
        return EventType.TASK_COMPLETED
    if names & _SKIPS:
        return EventType.TASK_SKIPPED
    if names & _FINAL:
        return EventType.TASK_FAILED
    return _after_error(task_instance)


def _exits_well(problem: BaseException, task_instance: Any) -> bool:
    """2.11 takes ``sys.exit(0)`` for a success, 3.x for an error."""
    return (
        isinstance(problem, SystemExit)
        and problem.code in (None, 0)
        and not hasattr(task_instance, "_ti_context_from_server")
    )


def _after_error(task_instance: Any) -> EventType | None:
    task = plain(task_instance, "task")
    if getattr(task, "retry_policy", None) is not None:
        return None  # 3.x: it is the user's code that decides, and is asked once
    again = getattr(
        getattr(task_instance, "_ti_context_from_server", None), "should_retry", None
    )  # 3.x
    if not isinstance(again, bool):
        attempts, limit = plain(task_instance, "try_number"), plain(task_instance, "max_tries")
        again = isinstance(attempts, int) and isinstance(limit, int) and attempts <= limit
        again = again and bool(getattr(task, "retries", True))
    return EventType.TASK_RETRYING if again else EventType.TASK_FAILED
