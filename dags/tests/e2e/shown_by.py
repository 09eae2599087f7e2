"""Each row of `docs/what-is-told.md`, and what shows it."""

from __future__ import annotations

from rows import UNUSUAL

# The DAGs of `rows.py`.
SHOWN_BY: dict[str, tuple[str, ...]] = {
    "a task succeeds": ("success",),
    "a task is retried": ("retry",),
    "a task fails for good": ("failure", "for_good"),
    "a function calls `sys.exit(0)`": ("exit",),
    "a task skips itself": ("skipped",),
    "a branch or a short circuit leaves tasks out": ("branch", "short"),
    "an `EmptyOperator`, which Airflow does not execute": ("empty",),
    "a mapped task": ("mapped",),
    "a task is deferred, and resumed by the triggerer": ("deferred",),
    "a task begins in the triggerer (`start_from_trigger`)": ("begun_in_triggerer",),
    "a task ends in the triggerer (`end_from_trigger`)": ("ended_in_triggerer",),
    "the same, by a failure (`TaskFailedEvent`)": ("trigger_fails",),
    "a trigger breaks, or what it resumes fails": ("trigger_breaks", "resumed_in_vain"),
    "a sensor is rescheduled": ("rescheduled",),
    "a function only says what its operator is to do (`@task.bash`)": ("bash",),
    "a function runs in another Python (`@task.external_python`, `@task.virtualenv`)": (
        "other_python",
    ),
    "a sensor's exception is no failure (`silent_fail`, `soft_fail`, `never_fail`)": (
        "silent",
        "given_up",
    ),
    "a task in groups": ("groups",),
    "setup and teardown": ("around",),
    "unusual ids: a number, dots, letters of any script, 240 characters": UNUSUAL,
    "a run by an asset or dataset": ("produces", "consumes"),
    "a backfill": ("backfilled",),
    "a task that has ended is cleared": ("groups",),
    "`fail_fast` (2.11: `fail_stop`) ends the other tasks": ("fail_fast",),
    "a run's `dagrun_timeout` is over": ("timed_out",),
    "a run misses a deadline": ("deadline_async", "deadline_sync"),
    "the scheduler is killed while a task runs, and started again": ("scheduler_killed",),
    "a running task is set to success, failed or skipped": (
        "task_to_success",
        "task_to_failed",
        "task_to_skipped",
    ),
    "the same, and what is killed ends with an error of its own, as a shell command does": (
        "stubborn_to_success",
        "stubborn_to_failed",
    ),
    "the same, and its function returns in the seconds that Airflow leaves it": ("late_to_failed",),
    "a running task is cleared": ("task_cleared", "stubborn_cleared"),
    "a run is cleared while it runs": ("run_cleared",),
    "a run is set to success or failed": ("run_to_success", "run_to_failed"),
    "the same, and a teardown is still to come": ("run_to_failed_around",),
    "a task or run that has ended is set to another state": ("success", "mapped", "short"),
}
# And those that other tests show.
SHOWN_ELSEWHERE = {
    "a process is killed (`kill -9`, out of memory)": (
        "test_a_task_killed_before_its_end_is_told_by_the_scheduler_and_by_its_next_attempt"
    ),
    "a run that has ended is cleared": ("test_a_cleared_run_tells_everything_again_under_new_ids"),
    "`dag.test()`, `airflow dags test`": "test_an_example_publishes_exactly_what_is_listed",
}
