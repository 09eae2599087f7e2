"""A real Airflow with its scheduler, each part a process of its own."""

from __future__ import annotations

import json
import os
import shutil
import signal
import sqlite3
import subprocess
from contextlib import closing
from pathlib import Path
from typing import TYPE_CHECKING, Any

from airflow_api import USER, AirflowApi
from drive import ANSWER

from harness.child import Child, clean_environment
from harness.ports import free_port
from harness.waiting import eventually

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping
    from types import TracebackType

    from typing_extensions import Self

PACKAGE = Path(__file__).resolve().parents[2]
DRIVE = Path(__file__).with_name("drive.py")
BOOT_SECONDS = 180.0
RUN_SECONDS = 240.0
PARTS = {
    "airflow-3": (
        ("api-server",),
        ("dag-processor",),
        ("scheduler",),
        ("triggerer", "--skip-serve-logs"),
    ),
    "airflow-2": (
        ("scheduler", "--skip-serve-logs"),
        ("triggerer", "--skip-serve-logs"),
        ("webserver",),
    ),
}
# Airflow's own deadlines. A slow host misses them, and a task is failed for no fault of its own.
PATIENT = {
    "AIRFLOW__CORE__DAGBAG_IMPORT_TIMEOUT": "180",
    "AIRFLOW__CORE__DAG_FILE_PROCESSOR_TIMEOUT": "180",
    "AIRFLOW__DAG_PROCESSOR__DAG_FILE_PROCESSOR_TIMEOUT": "180",
    "AIRFLOW__OPENLINEAGE__EXECUTION_TIMEOUT": "120",
    "AIRFLOW__WORKERS__EXECUTION_API_TIMEOUT": "120",
}


class RealAirflow:
    """One Airflow, on SQLite, with the LocalExecutor.

    Args:
        version: a folder of `dags/locks`.
        home: AIRFLOW_HOME, made by this.
        settings: further environment.

    Attributes:
        api: its REST API, which may come up later than the scheduler.
    """

    def __init__(self, version: str, home: Path, settings: Mapping[str, str]) -> None:
        self.version = version
        self.home = home
        self._bin = PACKAGE / f".{version}" / "bin"
        self._dags = home / "dags"
        self._parts: dict[str, Child] = {}
        self._gone: list[Child] = []
        self._driver: subprocess.Popen[str] | None = None
        port = free_port()
        self.api = AirflowApi(version, port)
        self.environment = {
            **{n: v for n, v in clean_environment().items() if not n.startswith("AIRFLOW_")},
            "AIRFLOW_HOME": str(home),
            "PATH": f"{self._bin}:{os.environ['PATH']}",
            "PYTHONWARNINGS": "ignore",
            "AIRFLOW__CORE__DAGS_FOLDER": str(self._dags),
            "AIRFLOW__CORE__LOAD_EXAMPLES": "False",
            "AIRFLOW__CORE__DAGS_ARE_PAUSED_AT_CREATION": "False",
            "AIRFLOW__LOGGING__WORKER_LOG_SERVER_PORT": str(free_port()),
            "AIRFLOW__SCHEDULER__SCHEDULER_IDLE_SLEEP_TIME": "0.3",
            **PATIENT,
            "AIRFLOW__CORE__EXECUTOR": "LocalExecutor",
            "AIRFLOW__OUTBOX__DAG_RUN_EVENTS_ENABLED": "True",
            "AIRFLOW__OUTBOX__TASK_INSTANCE_EVENTS_ENABLED": "True",
            **settings,
        }
        if version == "airflow-3":
            self.environment |= {
                "AIRFLOW__CORE__PARALLELISM": "2",
                # Who supervises a task that has just ended may notice it only after so many seconds
                # (by default 5), and keeps the next one waiting. It says nothing of us.
                "AIRFLOW__WORKERS__MIN_HEARTBEAT_INTERVAL": "1",
                # After so many seconds (by default 30) a killed triggerer's work is the next one's.
                "AIRFLOW__TRIGGERER__TRIGGERER_HEALTH_CHECK_THRESHOLD": "10",
                "AIRFLOW__CORE__EXECUTION_API_SERVER_URL": f"http://127.0.0.1:{port}/execution/",
                "AIRFLOW__CORE__SIMPLE_AUTH_MANAGER_ALL_ADMINS": "True",
                "AIRFLOW__API__HOST": "127.0.0.1",
                "AIRFLOW__API__PORT": str(port),
                "AIRFLOW__API__WORKERS": "1",
                "AIRFLOW__API_AUTH__JWT_SECRET": "a secret of this test, and of no other",
            }
        else:
            self.environment |= {
                # Airflow 2 refuses that executor on SQLite, which cannot lock rows: where two
                # schedule, an attempt is counted twice. So nobody does but the scheduler. The
                # executor that it allows runs a single task, and the scheduler waits for its end.
                "_AIRFLOW__SKIP_DATABASE_EXECUTOR_COMPATIBILITY_CHECK": "1",
                "AIRFLOW__SCHEDULER__SCHEDULE_AFTER_TASK_EXECUTION": "False",
                "AIRFLOW__CORE__PARALLELISM": "3",
                # How soon a task notices that its state was set by hand.
                "AIRFLOW__SCHEDULER__JOB_HEARTBEAT_SEC": "1",
                "AIRFLOW__CORE__TASK_SUCCESS_OVERTIME": "1",
                "AIRFLOW__API__AUTH_BACKENDS": "airflow.api.auth.backend.basic_auth",
                "AIRFLOW__WEBSERVER__WEB_SERVER_HOST": "127.0.0.1",
                "AIRFLOW__WEBSERVER__WEB_SERVER_PORT": str(port),
                "AIRFLOW__WEBSERVER__WORKERS": "1",
            }

    def prepare(self, *dags: Path, modules: Iterable[Path] = ()) -> None:
        """Make home, database and DAGs folder.

        Args:
            dags: files with DAGs.
            modules: what they may import.
        """
        for folder, paths in ((self._dags, dags), (self.home / "config", modules)):
            folder.mkdir(parents=True)
            for path in paths:
                shutil.copy(path, folder)
        self.command("airflow", "db", "migrate")
        if self.version == "airflow-2":
            names = ("-u", USER, "-p", USER, "-f", USER, "-l", USER, "-e", f"{USER}@localhost")
            self.command("airflow", "users", "create", "-r", "Admin", *names)

    def command(self, *arguments: str, **settings: str) -> subprocess.CompletedProcess[str]:
        """Run a command of this Airflow's environment; an error when it fails.

        Args:
            arguments: the command.
            settings: further environment.
        """
        program, *rest = arguments
        done = subprocess.run(
            [str(self._bin / program), *rest],
            env={**self.environment, **settings},
            capture_output=True,
            text=True,
            timeout=BOOT_SECONDS,
            check=False,
        )
        if done.returncode != 0:
            raise AssertionError(
                f"{arguments} ended with {done.returncode}:\n{done.stdout}\n{done.stderr}"
            )
        return done

    def start(self, *names: str) -> None:
        """Start its processes, if they do not run, and wait until it knows its DAGs.

        Args:
            names: only these; default: all.
        """
        for words in [] if self._parts else PARTS[self.version]:
            if names and words[0] not in names:
                continue
            self.start_part(*words)
            if words == ("api-server",):
                # A task that cannot reach it fails before it has begun.
                self.await_api()
        eventually("all DAGs are known", self._knows_dags, within=BOOT_SECONDS, every=0.2)

    def runs(self, name: str) -> bool:
        """Whether one of its processes was started."""
        return name in self._parts

    def start_part(self, *words: str) -> None:
        """Start (again) one of its processes, without waiting."""
        command = [str(self._bin / "airflow"), *words]
        log = self.home / f"{words[0]}.log"
        self._parts[words[0]] = Child(command, log=log, env=self.environment)

    def kill_part(self, name: str) -> None:
        """SIGKILL to one of its processes and to what it started."""
        self._parts.pop(name).kill()

    def await_api(self) -> None:
        """Wait until its REST API listens."""

        def listens() -> bool:
            self.assert_running()
            return self.api.listens()

        eventually("the API listens", listens, within=BOOT_SECONDS, every=0.2)

    def restart(self, name: str) -> None:
        """Kill one of its processes (SIGKILL), not what it has started, and start it anew."""
        (words,) = (words for words in PARTS[self.version] if words[0] == name)
        old = self._parts.pop(name)
        old.signal(signal.SIGKILL)
        eventually("it is gone", lambda: not old.running)
        self._gone.append(old)
        self.start_part(*words)

    def keep(self) -> None:
        """Start anew what has ended because SQLite was locked, by the API for example."""
        for name in ("scheduler", "triggerer"):
            if name in self._parts and not self._parts[name].running:
                self.restart(name)

    def _knows_dags(self) -> bool:
        self.assert_running()
        files = len(list(self._dags.glob("*.py")))
        known = (
            "select dag.fileloc from dag join serialized_dag using (dag_id) group by dag.fileloc"
        )
        return len(self.query(known)) == files

    def assert_running(self) -> None:
        """Fail when a part has ended, with what it said."""
        for part in self._parts.values():
            if not part.running:
                raise AssertionError(
                    f"{part.command} ended with {part.exit_code}:\n{part.output()[-6000:]}"
                )

    def query(self, statement: str, *values: str) -> list[Any]:
        """Rows of its database; none while there is no such table."""
        database = f"file:{self.home / 'airflow.db'}?mode=ro"
        try:
            with closing(sqlite3.connect(database, uri=True, timeout=10)) as connection:
                return connection.execute(statement, values).fetchall()
        except sqlite3.OperationalError:
            return []

    def trigger(self, run_id: str, *dag_ids: str) -> None:
        """Begin a run of each DAG."""
        self._ask("trigger", run_id, *dag_ids)

    def clear(self, run_id: str, dag_id: str) -> None:
        """Clear a run, so that it runs again."""
        self._ask("clear", run_id, dag_id)

    def _ask(self, *words: str) -> None:
        if self._driver is None:
            self._driver = subprocess.Popen(
                [str(self._bin / "python"), str(DRIVE)],
                env=self.environment,
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=subprocess.DEVNULL,
                text=True,
            )
        assert self._driver.stdin is not None
        assert self._driver.stdout is not None
        print(json.dumps(words), file=self._driver.stdin, flush=True)
        for line in self._driver.stdout:
            if line.startswith(ANSWER):
                problem = json.loads(line.removeprefix(ANSWER))
                assert not problem, problem
                return
        raise AssertionError(f"{DRIVE} ended with {self._driver.wait()}")

    def await_run(self, run_id: str, *dag_ids: str, state: str = "success") -> None:
        """Wait until the run of each DAG has ended; an error when one ended otherwise."""

        def ended() -> bool:
            self.assert_running()
            rows = self.query("select dag_id, state from dag_run where run_id = ?", run_id)
            states: dict[str, str] = dict(rows)
            found = [states.get(dag_id) for dag_id in dag_ids]
            wrong = {"success", "failed"} - {state}
            assert not wrong & set(found), f"{states}\n{self.logs()}"
            return set(found) == {state}

        eventually(f"{dag_ids} {run_id} {state}", ended, within=RUN_SECONDS, every=0.1)

    def duration(self, run_id: str) -> float:
        """Seconds from the first start to the last end of the runs of this id."""
        ((days,),) = self.query(
            "select max(julianday(end_date)) - min(julianday(start_date)) from dag_run"
            " where run_id = ?",
            run_id,
        )
        return 86_400 * float(days)

    def task_logs(self, run_id: str) -> str:
        """What the tasks of the runs of this id have logged."""
        found = (self.home / "logs").glob(f"dag_id=*/run_id={run_id}/**/*.log")
        return "\n".join(path.read_text(errors="replace") for path in found)

    def logs(self) -> str:
        """The end of what each part said."""
        return "\n".join(
            f"--- {part.command}\n{part.output()[-3000:]}" for part in self._parts.values()
        )

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        # Of one that was killed the tasks may go on.
        for part in [*self._gone, *self._parts.values()]:
            part.kill()
        if self._driver is not None:
            # Its input ends, and so does it.
            self._driver.communicate()
