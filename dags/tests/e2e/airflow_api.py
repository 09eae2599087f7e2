"""The REST API of a real Airflow, as people and their programs use it to set states by hand."""

from __future__ import annotations

import base64
import json
import socket
import urllib.error
import urllib.parse
import urllib.request
from typing import Any

from harness.waiting import eventually

USER = "admin"
TIMEOUT = 60.0
# Time enough for Airflow to come to its database, which others write to.
WITHIN = 120.0


class AirflowApi:
    """What the tests need of it.

    Args:
        version: a folder of `dags/locks`.
        port: where it listens.
    """

    def __init__(self, version: str, port: int) -> None:
        self._port = port
        self._third = version == "airflow-3"
        self._login: str | None = None

    def listens(self) -> bool:
        """Whether its port takes connections.

        Raises:
            OSError: it does not.
        """
        with socket.create_connection(("127.0.0.1", self._port), timeout=1):
            return True

    def set_task(self, run_id: str, dag_id: str, task: str, state: str) -> None:
        """Set a task's state; *task* may be followed by a map index, as in ``work/1``."""
        body = {"new_state": state} | ({} if self._third else {"dry_run": False})
        self._call("PATCH", f"{_run(dag_id, run_id)}/taskInstances/{task}", body)

    def set_run(self, run_id: str, dag_id: str, state: str) -> None:
        """Set a run's state."""
        self._call("PATCH", _run(dag_id, run_id), {"state": state})

    def clear_task(self, run_id: str, dag_id: str, task: str) -> None:
        """Clear a task, and let its run go on."""
        body = {"dag_run_id": run_id, "task_ids": [task], "only_failed": False}
        body |= {"dry_run": False, "reset_dag_runs": True}
        self._call("POST", f"dags/{_quoted(dag_id)}/clearTaskInstances", body)

    def clear_run(self, run_id: str, dag_id: str) -> None:
        """Clear a run with all of its tasks."""
        self._call("POST", f"{_run(dag_id, run_id)}/clear", {"dry_run": False})

    def backfill(self, dag_id: str, first: str, last: str) -> None:
        """Let the scheduler run a DAG for past days; only Airflow 3 has that."""
        body = {"dag_id": dag_id, "from_date": f"{first}T00:00:00Z", "to_date": f"{last}T00:00:00Z"}
        self._call("POST", "backfills", body)

    def _call(self, method: str, path: str, body: dict[str, Any]) -> None:
        refused: list[str] = []

        def done() -> bool:
            try:
                self._send(method, f"api/{'v2' if self._third else 'v1'}/{path}", body)
            except urllib.error.HTTPError as error:
                refused.append(f"{error.code} {error.read()[:500]!r}")
                if error.code < 500:
                    raise AssertionError(f"{method} {path} {body}: {refused}") from error
                # SQLite's lock was held by somebody else for too long.
                return False
            return True

        eventually(f"{method} {path} is taken", done, within=WITHIN, every=0.5)

    def _send(self, method: str, path: str, body: dict[str, Any]) -> None:
        if self._login is None:
            self._login = self._token() if self._third else _basic()
        self._open(method, path, json.dumps(body).encode(), {"Authorization": self._login})

    def _token(self) -> str:
        token = json.loads(self._open("GET", "auth/token", None, {}))["access_token"]
        return f"Bearer {token}"

    def _open(self, method: str, path: str, body: bytes | None, headers: dict[str, str]) -> bytes:
        request = urllib.request.Request(
            f"http://127.0.0.1:{self._port}/{path}",
            method=method,
            data=body,
            headers={"Content-Type": "application/json", **headers},
        )
        with urllib.request.urlopen(request, timeout=TIMEOUT) as answer:
            found: bytes = answer.read()
        return found


def _run(dag_id: str, run_id: str) -> str:
    return f"dags/{_quoted(dag_id)}/dagRuns/{_quoted(run_id)}"


def _quoted(text: str) -> str:
    return urllib.parse.quote(text, safe="")


def _basic() -> str:
    return "Basic " + base64.b64encode(f"{USER}:{USER}".encode()).decode()
