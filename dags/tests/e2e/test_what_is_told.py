"""Row by row of `docs/what-is-told.md`: what is told of it, in Kafka, by both Airflows.

The tests share their processes with those of the other file, and run in the order of this one.
"""

from __future__ import annotations

import re
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from typing import TYPE_CHECKING, Any

import pytest
from expected import by_publisher, check_ids, check_told
from real_airflow import PACKAGE, RUN_SECONDS
from rows import (
    AFTERWARDS,
    CLEARED,
    EXPECTED,
    FAILED,
    OR_BY_SCHEDULER,
    RUN_TO,
    TASK_CLEARED,
    TASK_TO,
    Told,
    together,
)
from shown_by import SHOWN_BY, SHOWN_ELSEWHERE
from test_real_airflow import check_records

from harness.waiting import eventually

if TYPE_CHECKING:
    from collections.abc import Callable

    from conftest import World
    from real_airflow import RealAirflow

    Events = dict[tuple[str, str], list[dict[str, Any]]]

RUN = "told"
# Their runs begin in other ways.
BACKFILLED, CONSUMES, KILLED = "backfilled", "consumes", "scheduler_killed"
TIMED_OUT = "timed_out"
DOCS = PACKAGE / "docs" / "what-is-told.md"


def rows_of(world: World) -> dict[str, Told]:
    """What is expected of the DAGs whose runs are begun together."""
    expected = EXPECTED[world.airflow.version]
    return {
        dag_id: told
        for dag_id, told in expected.items()
        if dag_id not in (BACKFILLED, CONSUMES, KILLED, TIMED_OUT)
    }


def check(world: World, expected: dict[tuple[str, str], Told]) -> None:
    """Assert that the events of runs in Kafka are the expected ones, in order, with their ids.

    Args:
        world: of the test.
        expected: by DAG and run.
    """

    def all_told() -> Events:
        found: Events = {key: [] for key in expected}
        for event in world.events():
            found.get((event["workflow_id"], event["workflow_run_id"]), []).append(event)
        # Callbacks come later than the runs' ends.
        short = {key for key, told in expected.items() if len(found[key]) < _count(told)}
        missing.clear()
        missing.update({key: [told_of(found[key]), expected[key]] for key in short})
        return {} if short else found

    missing: dict[Any, Any] = {}
    try:
        found = eventually("all is told", all_told, within=120, every=0.5)
    except AssertionError as problem:
        raise AssertionError(f"{problem}: {missing}\n{world.airflow.logs()}") from None
    for key, usual in expected.items():
        told = usual
        possible = OR_BY_SCHEDULER[world.airflow.version].get(key[0], set())
        by_scheduler = possible.intersection(told_of(found[key]).get("listener", []))
        if len(by_scheduler) == 1 and len(found[key]) > _count(usual):
            told = together(usual, {"listener": [*by_scheduler]})
        try:
            check_told(found[key], told)
        except AssertionError as problem:
            raise AssertionError(f"{key}: {told_of(found[key])}, not {told}") from problem
        check_ids(found[key], world.airflow.version)


def told_of(events: list[dict[str, Any]]) -> Told:
    return by_publisher(sorted(events, key=lambda event: str(event["timestamp"])))


def _count(told: Told) -> int:
    return sum(map(len, told.values()))


def do_by_hand(airflow: RealAirflow) -> None:
    """What a hand does to each task that runs, as soon as it does."""
    api, second = airflow.api, airflow.version == "airflow-2"
    # The API of 2.11 says that it has cleared a task that runs, and does not; its UI does.
    clear = partial(airflow.clear, RUN) if second else partial(api.clear_task, RUN, task="work")
    deeds: dict[str, Callable[[], object]] = {
        **{d: partial(api.set_task, RUN, d, "work", state) for d, state in TASK_TO.items()},
        **{d: partial(api.set_run, RUN, d, state) for d, state in RUN_TO.items()},
        **{d: partial(clear, dag_id=d) for d in TASK_CLEARED},
        "run_cleared": partial(api.clear_run, RUN, "run_cleared"),
    }
    for dag_id in deeds.keys() - EXPECTED[airflow.version].keys():
        del deeds[dag_id]
    airflow.await_api()

    def all_done() -> bool:
        airflow.keep()
        airflow.assert_running()
        for dag_id in list(deeds):
            if (airflow.home / f"running-{dag_id}").exists():
                deeds.pop(dag_id)()
                (airflow.home / f"set-{dag_id}").touch()
        return not deeds

    eventually("a hand has set each task that runs", all_done, within=2 * RUN_SECONDS, every=0.1)


def await_ends(airflow: RealAirflow, dag_ids: set[str]) -> None:
    """Wait until the runs have ended, and assert how."""

    def states() -> dict[str, str]:
        airflow.keep()
        airflow.assert_running()
        found = dict(airflow.query("select dag_id, state from dag_run where run_id = ?", RUN))
        going_on = dag_ids - {d for d, state in found.items() if state in ("success", "failed")}
        return {} if going_on else {dag_id: found[dag_id] for dag_id in dag_ids}

    found = eventually("all runs have ended", states, within=2 * RUN_SECONDS, every=0.2)
    failed = FAILED | ({"exit"} if airflow.version == "airflow-3" else set())
    in_doubt = set(OR_BY_SCHEDULER[airflow.version])
    assert {d for d, state in found.items() if state == "failed"} - in_doubt == (
        failed & dag_ids
    ) - in_doubt


@pytest.mark.timeout(1200)
def test_each_row_is_in_kafka_as_the_table_says(world: World) -> None:
    airflow = world.airflow
    airflow.start()
    rows = rows_of(world)
    with ThreadPoolExecutor(1) as aside:
        days = "2025-01-01", "2025-01-02"
        command = partial(
            airflow.command, "airflow", "dags", "backfill", "-s", days[0], "-e", days[1], BACKFILLED
        )
        by_scheduler = partial(airflow.api.backfill, BACKFILLED, *days)
        backfill: Callable[[], object]
        backfill = command if airflow.version == "airflow-2" else by_scheduler
        done = aside.submit(backfill)
        airflow.trigger(RUN, *rows)
        do_by_hand(airflow)
        await_ends(airflow, set(rows))
        done.result()
    began_otherwise = {
        (dag_id, run_id): EXPECTED[airflow.version][dag_id]
        for dag_id, count in ((BACKFILLED, 2), (CONSUMES, 1))
        for (run_id,) in runs_of(airflow, dag_id, count)
    }
    check(world, {(dag_id, RUN): told for dag_id, told in rows.items()} | began_otherwise)
    check_records(world, RUN)


def runs_of(airflow: RealAirflow, dag_id: str, count: int) -> list[tuple[str]]:
    """The ids of a DAG's runs, once so many have succeeded."""
    statement = "select run_id from dag_run where dag_id = ? and state = 'success'"

    def enough() -> list[tuple[str]]:
        found = airflow.query(statement, dag_id)
        return found if len(found) == count else []

    return eventually(f"{count} runs of {dag_id}", enough, within=2 * RUN_SECONDS, every=0.2)


def test_what_a_hand_sets_afterwards_is_told_as_the_table_says(world: World) -> None:
    airflow, api = world.airflow, world.airflow.api
    for state in ("failed", "success"):
        api.set_task(RUN, "success", "work", state)
    if airflow.version == "airflow-3":
        # 2.11's has no such path.
        api.set_task(RUN, "mapped", "work/1", "failed")
    api.set_run(RUN, "short", "failed")
    api.clear_task(RUN, "groups", "outer.inner.work")
    rows = rows_of(world)
    check(
        world,
        {
            (dag_id, RUN): together(rows[dag_id], told)
            for dag_id, told in {**AFTERWARDS[airflow.version], "groups": CLEARED}.items()
        },
    )


def test_a_killed_scheduler_costs_no_event_and_tells_none_twice(world: World) -> None:
    airflow = world.airflow
    airflow.trigger(RUN, KILLED)
    eventually("it runs", (airflow.home / f"running-{KILLED}").exists, within=2 * RUN_SECONDS)
    airflow.restart("scheduler")
    (airflow.home / "go-on").touch()
    await_ends(airflow, {KILLED})
    check(world, {(KILLED, RUN): EXPECTED[airflow.version][KILLED]})


def test_a_run_out_of_time_tells_its_end_and_none_of_its_tasks(world: World) -> None:
    airflow = world.airflow
    # Alone: its time goes on while it waits for others.
    airflow.trigger(RUN, TIMED_OUT)
    await_ends(airflow, {TIMED_OUT})
    check(world, {(TIMED_OUT, RUN): EXPECTED[airflow.version][TIMED_OUT]})


def test_nothing_more_was_told_since(world: World) -> None:
    rows = rows_of(world)
    later = {**AFTERWARDS[world.airflow.version], "groups": CLEARED}
    expected = {(d, RUN): together(told, later.get(d, {})) for d, told in rows.items()}
    check(world, expected | {(TIMED_OUT, RUN): EXPECTED[world.airflow.version][TIMED_OUT]})


def test_the_docs_have_these_rows() -> None:
    titles = re.findall(r"^\| ([^|]+) \| [^|]+ \| [^|]+ \|$", DOCS.read_text(), re.MULTILINE)
    rows = [title for title in titles if title not in ("What happens", "---")]
    assert sorted(rows) == sorted([*SHOWN_BY, *SHOWN_ELSEWHERE])
    assert {dag for dags in SHOWN_BY.values() for dag in dags} == {
        dag for expected in EXPECTED.values() for dag in expected
    }
    tests = "".join(path.read_text() for path in (PACKAGE / "tests").rglob("test_*.py"))
    assert [test for test in SHOWN_ELSEWHERE.values() if f"def {test}(" not in tests] == []
