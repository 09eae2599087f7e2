"""The rows of `docs/what-is-told.md`: which DAGs show each, and what each publisher tells."""

from __future__ import annotations

from typing import Any

TS, TC, TF, TR, SK = (
    "TASK_STARTED",
    "TASK_COMPLETED",
    "TASK_FAILED",
    "TASK_RETRYING",
    "TASK_SKIPPED",
)
WS, WC, WF = "WORKFLOW_STARTED", "WORKFLOW_COMPLETED", "WORKFLOW_FAILED"
HAND = "(by hand)"
UNUSUAL = ("20250131", "with.dots-and_dashes", "überblick.日次", "x" * 240)

Told = dict[str, list[str]]


def run(*between: str, end: str = WC) -> list[str]:
    """What the listener tells of a run."""
    return [WS, *between, end]


def well(task: str = "work", attempt: str = "") -> list[str]:
    """What the listener tells of an attempt that succeeds."""
    return [f"{kind} {task}{attempt}" for kind in (TS, TC)]


def ran(task: str = "work") -> list[str]:
    return [f"{TS} {task}"]


# Told by both majors in the same way.
BOTH: dict[str, Told] = {
    "success": {"decorator": [f"{TC} work"], "listener": run(*well())},
    "retry": {
        "decorator": [f"{TR} work", f"{TC} work #2"],
        "listener": run(*ran(), f"{TR} work", *well(attempt=" #2")),
        "notifier": [*ran(), f"{TR} work", *well(attempt=" #2"), WC],
    },
    "failure": {
        "decorator": [f"{TF} work"],
        "listener": run(*ran(), f"{TF} work", end=WF),
        "notifier": [*ran(), f"{TF} work", WF],
    },
    "for_good": {
        "decorator": [f"{TF} work"],
        "listener": run(*ran(), f"{TF} work", end=WF),
    },
    "branch": {
        "decorator": [f"{TC} choose"],
        "listener": run(*well("choose"), *well("after")),
    },
    "short": {"decorator": [f"{TC} check"], "listener": run(*well("check"))},
    "empty": {"listener": run()},
    "mapped": {
        "decorator": [f"{TC} work[0]", f"{TC} work[1]"],
        "listener": run(*well("work[0]"), *well("work[1]")),
    },
    "deferred": {"listener": run(*well()), "notifier": well()},
    "silent": {"decorator": [f"{TC} work"], "listener": run(*well()), "notifier": well()},
    "groups": {
        "decorator": [f"{TC} outer.inner.work"],
        "listener": run(*well("outer.inner.work")),
    },
    "around": {
        "decorator": [f"{TF} work"],
        "listener": run(*well("before"), *ran(), f"{TF} work", *well("clean"), end=WF),
    },
    **{
        dag_id: {"function": ["CUSTOM"], "listener": run(*well("publish_workflow_event"))}
        for dag_id in UNUSUAL
    },
    "produces": {"listener": run(*well())},
    "consumes": {"listener": run(*well("after"))},
    "backfilled": {"listener": run(*well("after"))},
    "scheduler_killed": {"decorator": [f"{TC} work"], "listener": run(*well())},
    "bash": {
        "decorator": [f"{TF} work #2"],
        "listener": run(*ran(), f"{TR} work", f"{TS} work #2", f"{TF} work #2", end=WF),
        "notifier": [*ran(), f"{TR} work", f"{TS} work #2", f"{TF} work #2"],
    },
    "other_python": {
        "listener": run(*ran(), f"{TF} work", end=WF),
        "notifier": [*ran(), f"{TF} work"],
    },
    **{
        dag_id: {
            "listener": run(*ran(), f"{TR} work", *well(attempt=" #2")),
            "notifier": [*ran(), f"{TR} work", *well(attempt=" #2")],
        }
        for dag_id in ("begun_in_triggerer", "resumed_in_vain", "trigger_breaks")
    },
    "ended_in_triggerer": {"listener": run(*ran(), *well("after")), "notifier": ran()},
    "fail_fast": {
        "decorator": [f"{TF} fails[0]"],
        "listener": run(*ran(), *ran("fails[0]"), f"{TF} fails[0]", end=WF),
        "notifier": [*ran(), WF],
    },
    "timed_out": {"listener": run(*ran(), end=WF), "notifier": [*ran(), WF]},
}

ONLY_2: dict[str, Told] = {
    "trigger_fails": {"listener": run(*ran(), end=WF)},
    "exit": {"decorator": [f"{TC} work"], "listener": run(*well())},
    "skipped": {
        "decorator": [f"{SK} work"],
        "listener": run(*ran()),
        "notifier": [*ran(), f"{SK} work"],
    },
    "given_up": {
        "decorator": [f"{SK} work"],
        "listener": run(*ran()),
        "notifier": [*ran(), f"{SK} work"],
    },
    "rescheduled": {
        "decorator": [f"{TR} work", f"{TC} work #2"],
        # From the second attempt on nothing tells a look from a beginning.
        "listener": run(*ran(), f"{TR} work", f"{TS} work #2", *well(attempt=" #2")),
        "notifier": [*ran(), f"{TR} work", f"{TS} work #2", *well(attempt=" #2")],
    },
    "task_to_success": {"listener": run(*ran(), *well("after")), "notifier": ran()},
    "task_to_failed": {"listener": run(*ran(), end=WF), "notifier": ran()},
    "task_to_skipped": {"listener": run(*ran()), "notifier": ran()},
    "task_cleared": {
        "decorator": [f"{TC} work #2"],
        "listener": run(*ran(), f"{TR} work", *well(attempt=" #2"), *well("after")),
        "notifier": [*ran(), f"{TR} work", *well(attempt=" #2")],
    },
    "stubborn_cleared": {
        "listener": run(*ran(), f"{TR} work", *well(attempt=" #2")),
        "notifier": [*ran(), f"{TR} work", *well(attempt=" #2")],
    },
    "run_to_success": {"listener": [WS, *ran()], "notifier": ran()},
    "run_to_failed": {"listener": [WS, *ran()], "notifier": ran()},
    "run_cleared": {
        "decorator": [f"{TC} work #2"],
        "listener": run(*ran(), f"{TR} work", *well(attempt=" #2")),
        "notifier": [*ran(), f"{TR} work", *well(attempt=" #2")],
    },
    "run_to_failed_around": {
        "listener": run(*well("before"), *ran(), *well("clean"), end=WF),
    },
}

ONLY_3: dict[str, Told] = {
    "trigger_fails": {
        "listener": run(*ran(), f"{TS} work #2", end=WF),
        "notifier": [f"{TR} work", f"{TF} work #2"],
    },
    "exit": {"decorator": [f"{TF} work"], "listener": run(*ran(), f"{TF} work", end=WF)},
    "skipped": {
        "decorator": [f"{SK} work"],
        "listener": run(*ran(), f"{SK} work"),
        "notifier": [*ran(), f"{SK} work"],
    },
    "given_up": {
        "decorator": [f"{SK} work"],
        "listener": run(*ran(), f"{SK} work"),
        "notifier": [*ran(), f"{SK} work"],
    },
    "rescheduled": {
        "decorator": [f"{TR} work", f"{TC} work #2"],
        "listener": run(*ran(), f"{TR} work", *well(attempt=" #2")),
        "notifier": [*ran(), f"{TR} work", *well(attempt=" #2")],
    },
    "task_to_success": {
        "listener": run(*ran(), f"{TC} work {HAND}", *well("after")),
        "notifier": ran(),
    },
    "task_to_failed": {"listener": run(*ran(), f"{TF} work {HAND}", end=WF), "notifier": ran()},
    "task_to_skipped": {"listener": run(*ran(), f"{SK} work {HAND}"), "notifier": ran()},
    "late_to_failed": {
        "decorator": [f"{TC} work"],
        "listener": run(*ran(), f"{TF} work {HAND}", f"{TC} work", *well("after")),
        "notifier": well(),
    },
    "stubborn_to_success": {"listener": run(*ran(), f"{TC} work {HAND}"), "notifier": ran()},
    "stubborn_to_failed": {"listener": run(*ran(), f"{TF} work {HAND}", end=WF), "notifier": ran()},
    "task_cleared": {
        "decorator": [f"{TC} work #2"],
        "listener": run(*ran(), *well(attempt=" #2"), *well("after"), end=f"{WC} (cleared 1)"),
        "notifier": [*ran(), f"{TR} work", *well(attempt=" #2")],
    },
    "stubborn_cleared": {
        "listener": run(*ran(), *well(attempt=" #2"), end=f"{WC} (cleared 1)"),
        "notifier": [*ran(), f"{TR} work", *well(attempt=" #2")],
    },
    "run_to_success": {
        "listener": run(*ran(), f"{TC} work {HAND}", end=f"{WC} {HAND}"),
        "notifier": ran(),
    },
    "run_to_failed": {
        "listener": run(*ran(), f"{TF} work {HAND}", end=f"{WF} {HAND}"),
        "notifier": ran(),
    },
    "run_cleared": {
        "decorator": [f"{TC} work #2"],
        "listener": run(*ran(), *well(attempt=" #2"), end=f"{WC} (cleared 1)"),
        "notifier": [*ran(), f"{TR} work", *well(attempt=" #2")],
    },
    "run_to_failed_around": {
        "listener": run(*well("before"), *ran(), f"{TF} work {HAND}", *well("clean"), end=WF),
    },
    "deadline_async": {"listener": run(*well()), "notifier": [f"{WF} (deadline)"]},
    "deadline_sync": {"listener": run(*well()), "notifier": [f"{WF} (deadline)"]},
}

EXPECTED = {"airflow-2": BOTH | ONLY_2, "airflow-3": BOTH | ONLY_3}

# What a hand does as soon as the task runs: to which state the task or the run is set.
TASK_TO = {
    "task_to_success": "success",
    "task_to_failed": "failed",
    "task_to_skipped": "skipped",
    "late_to_failed": "failed",
    "stubborn_to_success": "success",
    "stubborn_to_failed": "failed",
}
RUN_TO = {
    "run_to_success": "success",
    "run_to_failed": "failed",
    "run_to_failed_around": "failed",
}
TASK_CLEARED = ("task_cleared", "stubborn_cleared")
# Runs that end otherwise than well.
FAILED = {"failure", "for_good", "around", "task_to_failed", "stubborn_to_failed", "run_to_failed"}
FAILED |= {"run_to_failed_around", "bash", "other_python", "fail_fast", "timed_out"}
FAILED |= {"trigger_fails"}

# The API stores the tasks' states before the run's: the scheduler may come between, end the run
# itself, and tell that. The last tasks of one set to failed may be skipped: that is a success.
OR_BY_SCHEDULER = {
    "airflow-2": {"run_to_success": {WC}, "run_to_failed": {WF, WC}},
    "airflow-3": {"run_to_success": {WC}, "run_to_failed": {WC}},
}

# What is told in addition where a hand sets what had ended.
AFTERWARDS: dict[str, dict[str, Told]] = {
    "airflow-2": {"success": {}, "mapped": {}, "short": {}},
    "airflow-3": {
        "success": {"listener": [f"{TF} work {HAND}", f"{TC} work {HAND}"]},
        "mapped": {"listener": [f"{TF} work[1] {HAND}"]},
        "short": {"listener": [f"{WF} {HAND}"]},
    },
}
CLEARED: Told = {
    "decorator": [f"{TC} outer.inner.work #2"],
    "listener": [
        f"{WS} (cleared 1)",
        *well("outer.inner.work", " #2"),
        f"{WC} (cleared 1)",
    ],
}


def together(*told: Told) -> Told:
    """All of them, one after the other."""
    found: dict[str, Any] = {}
    for one in told:
        for publisher, words in one.items():
            found[publisher] = [*found.get(publisher, []), *words]
    return found
