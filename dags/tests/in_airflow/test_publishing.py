"""Function, decorator and notifier in DAGs of our own, also where something goes wrong."""

from __future__ import annotations

import asyncio
import json
import signal
import stat
from datetime import datetime, timedelta, timezone
from typing import TYPE_CHECKING, Any
from uuid import UUID

import pytest
from conftest import ids, published, run
from counted import refused

try:
    from airflow.sdk import DAG, get_current_context, task
except ImportError:
    from airflow import DAG
    from airflow.decorators import task
    from airflow.operators.python import get_current_context
try:
    from airflow.sdk import PokeReturnValue
except ImportError:
    from airflow.sensors.base import PokeReturnValue
from airflow.exceptions import (
    AirflowFailException,
    AirflowSkipException,
    AirflowTaskTimeout,
)

import workflow_integration
from airflow_provider_outbox import (
    WorkflowEventNotifier,
    _airflow,
    _publisher,
    publish_event,
    publish_workflow_event,
)
from airflow_provider_outbox._publisher import HURRY_SECONDS, Publisher
from airflow_provider_outbox._settings import Settings
from airflow_provider_outbox.events import EventSource, EventType, WorkflowEvent
from outbox_client import Outbox, OutboxBusy

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from outbox_client.testing import TemporaryOutbox

START = datetime(2025, 1, 1, tzinfo=timezone.utc)


def dag_of(name: str, *functions: Callable[..., Any], **settings: Any) -> Any:
    """A DAG of tasks one after the other; names with quiet_ are not the listener's."""
    with DAG(name, start_date=START, schedule=None, catchup=False, **settings) as dag:
        before = None
        for function in functions:
            made = function()
            if before is not None:
                before >> made
            before = made
    return dag


def fails_on_purpose(*arguments: object) -> None:
    raise RuntimeError("a hook of the user's")


# --- publish_workflow_event ---


def test_called_outside_of_a_task_it_publishes_and_returns_a_new_id(
    outbox: TemporaryOutbox,
) -> None:
    first = publish_workflow_event("WORKFLOW_COMPLETED", "w", "r", {"n": 1})
    second = publish_workflow_event(EventType.WORKFLOW_COMPLETED, "w", "r")
    events = published(outbox)
    assert [event["event_id"] for event in events] == [first, second]
    assert [event["payload"] for event in events] == [{"data": {"n": 1}}, {"data": None}]
    assert first != second
    assert workflow_integration.publish_workflow_event is publish_workflow_event


def test_topic_and_id_can_be_chosen(outbox: TemporaryOutbox) -> None:
    given = str(UUID(int=5))
    assert publish_workflow_event("CUSTOM", "w", "r", topic="mine", event_id=given) == given
    (event,) = outbox.events()
    assert event.topic == "mine"
    assert event.event_id == UUID(int=5)


def test_what_it_says_of_its_own_run_and_task_has_a_derived_id(outbox: TemporaryOutbox) -> None:
    returned: list[Any] = []

    @task
    def say(**context: Any) -> None:
        ids = (context["dag_run"].dag_id, context["dag_run"].run_id)
        returned.append(publish_workflow_event("TASK_COMPLETED", *ids))
        returned.append(publish_workflow_event("TASK_COMPLETED", *ids, **context))
        returned.append(publish_workflow_event("TASK_COMPLETED", "another", "run"))
        returned.append(publish_workflow_event("CUSTOM", *ids))
        returned.append(publish_workflow_event("CUSTOM", *ids))

    run(dag_of("quiet_function", say))
    assert [event["event_id"] for event in published(outbox)] == returned
    assert returned[0] == returned[1]
    assert len(set(returned)) == 4
    assert published(outbox)[0]["metadata"]["task_id"] == "say"


def test_in_a_dags_definition_it_is_a_task_that_takes_templates_and_outputs(
    outbox: TemporaryOutbox,
) -> None:
    @task
    def make() -> dict[str, int]:
        return {"rows": 3}

    with DAG("quiet_as_task", start_date=START, schedule=None, catchup=False) as dag:
        publish_workflow_event(
            EventType.WORKFLOW_COMPLETED, "{{ dag.dag_id }}", "{{ run_id }}", payload=make()
        )
        named = task(task_id="announce")(publish_workflow_event)
        named.partial(event_type="CUSTOM", workflow_id="w", workflow_run_id="r").expand(
            payload=[1, 2]
        )
    assert published(outbox) == []
    done = run(dag)
    assert done.state == "success"
    completed, *announced = sorted(published(outbox), key=lambda event: -len(event["event_type"]))
    assert completed["payload"] == {"data": {"rows": 3}}
    assert completed["workflow_run_id"] == done.run_id
    assert completed["metadata"]["clear_number"] == 0
    assert sorted(event["payload"]["data"] for event in announced) == [1, 2]


@pytest.mark.parametrize("event_type", ["TASK_EXPLODED", None, 7, ["x"]])
def test_a_wrong_argument_is_logged_and_gives_none(
    event_type: Any, outbox: TemporaryOutbox, caplog: pytest.LogCaptureFixture
) -> None:
    assert publish_workflow_event(event_type, "w", "r") is None
    assert "cannot publish a workflow event" in caplog.text
    assert published(outbox) == []
    assert refused(outbox.path) == {"invalid": 1}


# --- @publish_event ---


def test_outside_of_a_task_a_decorated_function_is_just_the_function(
    outbox: TemporaryOutbox,
) -> None:
    @publish_event
    def add(a: int, b: int = 2) -> int:
        """Adds."""
        return a + b

    assert add(1) == 3
    assert (add.__name__, add.__doc__) == ("add", "Adds.")
    assert published(outbox) == []


OUTCOMES: list[tuple[BaseException, str, str]] = [
    (ValueError("bad"), "TASK_FAILED", "ValueError"),
    (SystemExit(3), "TASK_FAILED", "SystemExit"),
    (AirflowSkipException("enough"), "TASK_SKIPPED", "AirflowSkipException"),
    (AirflowFailException("no more"), "TASK_FAILED", "AirflowFailException"),
]


@pytest.mark.parametrize(("problem", "event_type", "name"), OUTCOMES, ids=str)
def test_an_exception_is_told_and_goes_its_way(
    problem: BaseException, event_type: str, name: str, outbox: TemporaryOutbox
) -> None:
    @task(retries=0)
    @publish_event
    def work() -> None:
        raise problem

    run(dag_of("quiet_outcome", work))
    (event,) = published(outbox)
    assert event["event_type"] == event_type
    assert event["payload"]["error"]["type"].rpartition(".")[2] == name
    assert event["payload"]["error"]["message"] == str(problem)


def test_a_failure_that_must_not_be_retried_is_no_retry(outbox: TemporaryOutbox) -> None:
    @task(retries=3, retry_delay=timedelta(0))
    @publish_event
    def work() -> None:
        raise AirflowFailException("no more")

    assert run(dag_of("quiet_final", work)).state == "failed"
    assert [event["event_type"] for event in published(outbox)] == ["TASK_FAILED"]


def test_the_decorator_foresees_what_the_listener_sees(outbox: TemporaryOutbox) -> None:
    @task(retries=1, retry_delay=timedelta(0))
    @publish_event
    def work() -> None:
        raise ValueError("always")

    assert run(dag_of("retried_in_vain", work)).state == "failed"
    ours, theirs = published(outbox, "decorator"), published(outbox, "listener")
    assert [event["event_type"] for event in ours] == ["TASK_RETRYING", "TASK_FAILED"]
    assert ids(ours) == ids(
        [e for e in theirs if e["event_type"] in ("TASK_RETRYING", "TASK_FAILED")]
    )
    assert theirs[-1]["event_type"] == "WORKFLOW_FAILED"
    assert theirs[-2]["payload"]["error"] == {"type": "ValueError", "message": "always"}


@pytest.mark.parametrize(
    ("settings", "payload"),
    [
        ({}, {"data": {"rows": 3, "name": "a"}}),
        ({"select": lambda value: value["rows"]}, {"data": 3}),
        ({"include_payload": False}, {}),
        ({"select": fails_on_purpose}, {"$withheld": "select failed"}),
    ],
    ids=lambda value: str(list(value)),
)
def test_what_is_published_of_the_value_can_be_chosen(
    settings: dict[str, Any], payload: dict[str, Any], outbox: TemporaryOutbox
) -> None:
    @task
    @publish_event(topic="chosen", **settings)
    def work() -> dict[str, Any]:
        return {"rows": 3, "name": "a"}

    assert run(dag_of("quiet_value", work)).state == "success"
    (event,) = outbox.events()
    assert event.topic == "chosen"
    assert event.json()["payload"] == payload


def test_a_sensor_tells_its_end_and_not_each_look(outbox: TemporaryOutbox) -> None:
    looks: list[Any] = [False, PokeReturnValue(False), PokeReturnValue(True, xcom_value="there")]

    @task.sensor(poke_interval=0.01, mode="poke")
    @publish_event
    def wait() -> Any:
        return looks.pop(0)

    @task
    @publish_event
    def nothing_to_do() -> bool:
        return False

    assert run(dag_of("quiet_sensor", wait, nothing_to_do)).state == "success"
    assert looks == []
    told = [(e["event_type"], e["payload"]["data"]) for e in published(outbox)]
    assert told == [("TASK_COMPLETED", "there"), ("TASK_COMPLETED", False)]


def test_of_functions_that_call_one_another_only_the_task_s_is_told(
    outbox: TemporaryOutbox,
) -> None:
    @publish_event
    def part(n: int) -> float:
        return 1 / n

    @task
    @publish_event
    def work() -> float:
        try:
            return part(0)
        except ZeroDivisionError:
            return part(1) + 2

    @task
    @publish_event
    def again() -> float:
        return part(1)

    assert run(dag_of("quiet_parts", work, again)).state == "success"
    told = [(e["event_type"], e["payload"]["data"]) for e in published(outbox)]
    assert told == [("TASK_COMPLETED", 3.0), ("TASK_COMPLETED", 1.0)]


def test_what_an_object_does_when_it_is_awaited_is_told_then(outbox: TemporaryOutbox) -> None:
    class Work:
        async def __call__(self) -> int:
            assert published(outbox) == []
            return 1

    @task
    def work() -> int:
        return asyncio.run(publish_event(Work())())

    assert run(dag_of("quiet_object", work)).state == "success"
    assert [event["payload"]["data"] for event in published(outbox)] == [1]


@pytest.mark.parametrize(
    ("settings", "problem", "told"),
    [
        ({"silent_fail": True}, ValueError, ["TASK_COMPLETED"]),
        ({"silent_fail": True}, AirflowSkipException, ["TASK_SKIPPED"]),
        ({"silent_fail": True}, AirflowFailException, ["TASK_FAILED"]),
        ({"never_fail": True}, ValueError, ["TASK_SKIPPED"]),
        ({"never_fail": True}, AirflowFailException, ["TASK_SKIPPED"]),
        ({"soft_fail": True}, AirflowTaskTimeout, ["TASK_SKIPPED"]),
        ({"soft_fail": True}, ValueError, ["TASK_FAILED"]),
    ],
)
def test_a_sensor_s_settings_say_what_becomes_of_an_exception(
    settings: dict[str, bool],
    problem: type[BaseException],
    told: list[str],
    outbox: TemporaryOutbox,
) -> None:
    looks: list[Any] = [problem("not now"), None]

    @task.sensor(poke_interval=0.01, mode="poke", retries=0, **settings)
    @publish_event
    def wait() -> bool:
        look = looks.pop(0)
        if look is not None:
            raise look
        return True

    failed = told == ["TASK_FAILED"]
    assert run(dag_of("quiet_look", wait)).state == ("failed" if failed else "success")
    assert [event["event_type"] for event in published(outbox)] == told


def test_what_a_function_only_asks_for_is_no_end(outbox: TemporaryOutbox) -> None:
    @task.bash(retries=0)
    @publish_event
    def shell(how: str) -> str:
        if how == "raise":
            raise ValueError("never")
        return how

    ends = {"true": "success", "exit 1": "failed", "raise": "failed"}
    for n, (how, end) in enumerate(ends.items()):
        assert run(dag_of(f"quiet_shell_{n}", lambda how=how: shell(how))).state == end
    assert [event["event_type"] for event in published(outbox)] == ["TASK_FAILED"]


def test_above_task_it_is_refused_where_the_dag_is_written() -> None:
    @task
    def work() -> None:
        pass

    for decorate in (publish_event, publish_event(topic="mine")):
        with pytest.raises(TypeError, match="put it under @task"):
            decorate(work)


# --- secrets ---


def redact_rows(values: Any) -> Any:
    """A user's redactor."""
    text = json.dumps(values).replace("rows", "r***")
    return json.loads(text)


def test_secrets_are_masked_by_airflow_and_by_the_users_redactor(
    outbox: TemporaryOutbox, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("AIRFLOW__OUTBOX__REDACTOR", f"{__name__}:redact_rows")
    try:
        from airflow.sdk.log import mask_secret
    except ImportError:
        from airflow.utils.log.secrets_masker import mask_secret
    mask_secret("hunter2-hunter2")
    deep: Any = "password is hunter2-hunter2"
    for _ in range(20):
        deep = [deep]

    @task(retries=0)
    @publish_event
    def leak() -> None:
        raise ValueError("login with hunter2-hunter2 failed")

    publish_workflow_event("CUSTOM", "w", "r", {"api_key": "abc", "rows": 1, "deep": deep})
    run(dag_of("quiet_secret", leak))
    assert all(b"hunter2" not in (event.value or b"") for event in outbox.events())
    first, failed = published(outbox)
    assert first["payload"]["data"]["api_key"] == "***"
    assert first["payload"]["data"]["r***"] == 1
    assert failed["payload"]["error"]["message"] == "login with *** failed"


# --- notifiers ---


def test_callbacks_of_task_and_dag_publish_what_happened_to_them(outbox: TemporaryOutbox) -> None:
    @task(retries=0, on_failure_callback=WorkflowEventNotifier("TASK_FAILED", {"team": "a"}))
    def work() -> None:
        raise ValueError("bad")

    callback = WorkflowEventNotifier("WORKFLOW_FAILED", topic="runs")
    run(dag_of("notified", work, on_failure_callback=callback))
    of_task, of_run = published(outbox, "notifier")
    assert of_task["payload"] == {
        "data": {"team": "a"},
        "error": {"type": "ValueError", "message": "bad"},
    }
    assert of_run["event_type"] == "WORKFLOW_FAILED"
    assert of_run["payload"]["reason"]
    said = {event["event_id"] for event in published(outbox, "listener")}
    assert {of_task["event_id"], of_run["event_id"]} < said
    topics = {event.event_id: event.topic for event in outbox.events() if event.topic == "runs"}
    assert topics == {UUID(of_run["event_id"]): "runs"}


def test_a_run_of_which_only_the_ids_are_known_is_published(outbox: TemporaryOutbox) -> None:
    dag = dag_of("quiet_bare")
    WorkflowEventNotifier("WORKFLOW_COMPLETED").notify({"dag": dag, "run_id": "r1"})
    (event,) = published(outbox)
    assert (event["workflow_id"], event["workflow_run_id"]) == ("quiet_bare", "r1")


@pytest.mark.parametrize("event_type", ["CUSTOM", "TASK_EXPLODED", None])
def test_a_notifier_for_no_callback_is_refused_where_the_dag_is_written(event_type: Any) -> None:
    with pytest.raises(ValueError, match=f"event_type is {event_type!r}"):
        WorkflowEventNotifier(event_type)


def test_a_callback_without_a_context_harms_nobody(
    outbox: TemporaryOutbox, caplog: pytest.LogCaptureFixture
) -> None:
    WorkflowEventNotifier("TASK_FAILED").notify({})
    assert "cannot publish TASK_FAILED in a callback: KeyError" in caplog.text
    assert refused(outbox.path) == {"invalid": 1}


# --- an outbox that is missing or broken ---


# Task: started, function, decorator, notifier, listener; run: listener and notifier.
EVERYTHING = 7


def everything(name: str) -> Any:
    """A DAG that publishes in every way."""

    @task(on_success_callback=WorkflowEventNotifier("TASK_COMPLETED"))
    @publish_event
    def work() -> Any:
        context = get_current_context()
        return publish_workflow_event("CUSTOM", context["dag"].dag_id, context["run_id"])

    return dag_of(name, work, on_success_callback=WorkflowEventNotifier("WORKFLOW_COMPLETED"))


def test_without_an_outbox_publishing_is_off_and_says_so_once(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.delenv("OUTBOX_DIR", raising=False)
    assert run(everything("no_outbox")).state == "success"
    said = [record for record in caplog.records if "OUTBOX_DIR is not set" in record.getMessage()]
    assert [record.levelname for record in said] == ["WARNING"]


def make_missing(path: Path) -> Path:
    return path / "no" / "outbox"


def make_file(path: Path) -> Path:
    path.joinpath("outbox").touch()
    return path / "outbox"


def make_world_writable(path: Path) -> Path:
    path.chmod(0o777)
    return path / "outbox"


def make_damaged(path: Path) -> Path:
    Outbox(path / "outbox").create()
    (path / "outbox" / "queue").chmod(stat.S_IRWXU | stat.S_IRWXO)
    return path / "outbox"


@pytest.mark.parametrize("broken", [make_missing, make_file, make_world_writable, make_damaged])
def test_a_broken_outbox_costs_events_and_nothing_else(
    broken: Callable[[Path], Path],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
) -> None:
    monkeypatch.setenv("OUTBOX_DIR", str(broken(tmp_path)))
    assert run(everything("broken_outbox")).state == "success"
    lines = [r for r in caplog.records if r.name == "airflow_provider_outbox"]
    assert {record.levelname for record in lines} == {"ERROR"}
    assert all("Outbox" in record.getMessage() for record in lines)
    assert len(lines) == EVERYTHING


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("AIRFLOW__OUTBOX__MAX_PAYLOAD_BYTES", "much"),
        ("AIRFLOW__OUTBOX__REDACTOR", "no.such:thing"),
        ("OUTBOX_MAX_BYTES", "much"),
        ("OUTBOX_DURABILITY", "some"),
    ],
)
def test_a_setting_without_meaning_costs_events_and_nothing_else(
    name: str,
    value: str,
    outbox: TemporaryOutbox,
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
) -> None:
    monkeypatch.setenv(name, value)
    assert run(everything("bad_setting")).state == "success"
    assert f"{name} is '{value}'" in caplog.text
    assert published(outbox) == []
    assert refused(outbox.path) == {"unavailable": EVERYTHING}


def test_a_full_outbox_costs_events_and_nothing_else(
    outbox: TemporaryOutbox, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setenv("OUTBOX_MAX_BYTES", "1000")
    assert run(everything("full_outbox")).state == "success"
    assert "OutboxFull" in caplog.text
    appended = len(published(outbox))
    assert 0 < appended < 3
    assert refused(outbox.path) == {"full": EVERYTHING - appended}


def wait_for_ever(values: Any) -> Any:
    """A redactor that does not return."""
    while True:
        signal.pause()


def test_a_tasks_timeout_strikes_while_it_publishes(
    outbox: TemporaryOutbox, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("AIRFLOW__OUTBOX__REDACTOR", f"{__name__}:wait_for_ever")

    struck: list[str] = []

    @task(execution_timeout=timedelta(seconds=1))
    def hang() -> None:
        try:
            publish_workflow_event("CUSTOM", "w", "r", "payload")
        except AirflowTaskTimeout as timeout:
            struck.append(type(timeout).__name__)

    run(dag_of("quiet_timeout", hang))
    assert struck == ["AirflowTaskTimeout"]
    assert published(outbox) == []


class HeldLock:
    """The producers of a publisher, whose outbox a stopped process holds."""

    def __init__(self) -> None:
        self.held = True
        self.calls: list[str] = []

    def producer(self, name: str) -> Any:
        holder = self

        class Producer:
            def publish_event(self, *arguments: Any, **named: Any) -> str:
                holder.calls.append(name)
                if holder.held:
                    raise OutboxBusy("held")
                return "receipt"

        return Producer()


def test_after_waiting_in_vain_for_the_lock_nobody_waits_long_for_a_while(tmp_path: Path) -> None:
    now = 0.0
    publisher = Publisher(str(tmp_path / "outbox"), Settings.read(), clock=lambda: now)
    lock = HeldLock()
    publisher._patient, publisher._hurried = lock.producer("patient"), lock.producer("hurried")
    event = WorkflowEvent(
        event_type=EventType.CUSTOM,
        source=EventSource.API,
        workflow_id="w",
        workflow_run_id="r",
    )
    for moment in (0.0, 1.0, HURRY_SECONDS - 1, HURRY_SECONDS + 1, HURRY_SECONDS + 2):
        now = moment
        with pytest.raises(OutboxBusy):
            publisher.publish(event)
    assert lock.calls == ["patient", "hurried", "hurried", "patient", "hurried"]
    lock.held = False
    for expected in ("hurried", "patient"):
        assert publisher.publish(event) == "receipt"
        assert lock.calls[-1] == expected


def test_who_hurries_still_waits_for_a_writer_that_runs(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A lock that was busy once lost what met any other writer in the next half minute."""
    waits: list[float] = []

    def outbox(directory: str, *, lock_timeout: float) -> Outbox:
        waits.append(lock_timeout)
        return Outbox(directory, lock_timeout=lock_timeout)

    monkeypatch.setattr(_publisher, "Outbox", outbox)
    Publisher(str(tmp_path / "outbox"), Settings.read())
    patient, hurried = waits
    assert 0 < hurried < patient


def test_the_context_is_none_where_no_task_runs() -> None:
    assert _airflow.current_context() is None
    assert not _airflow.is_defining_dag()
