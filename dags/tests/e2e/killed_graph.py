"""Runs examples/summaries.py, and kills it with SIGKILL at a certain moment."""

from __future__ import annotations

import os
import signal
import sqlite3
import sys
from contextlib import closing
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).parents[2] / "examples"))

import summaries  # type: ignore[import-not-found]


def killed(*arguments: Any, **named: Any) -> Any:
    """In place of what would have been called."""
    os.kill(os.getpid(), signal.SIGKILL)


class Connection(sqlite3.Connection):
    """Kills instead of committing what was worked."""

    def commit(self) -> None:
        worked = self.execute("SELECT count(*) FROM answers").fetchone() != (known,)
        (killed if worked else super().commit)()


class Consumer(summaries.Consumer):  # type: ignore[misc]
    """Kills instead of telling Kafka of an event that was answered."""

    def commit(self, **named: Any) -> None:
        (killed if answers(database) != known else super().commit)(**named)


def answers(database: str) -> int:
    """How many there are."""
    try:
        with closing(sqlite3.connect(database)) as connection:
            return int(connection.execute("SELECT count(*) FROM answers").fetchone()[0])
    except sqlite3.OperationalError:
        return 0


if __name__ == "__main__":
    _, moment, database = sys.argv
    known = answers(database)
    if moment == "between work and commit":
        connect = sqlite3.connect
        sqlite3.connect = lambda path: connect(path, factory=Connection)  # type: ignore[assignment]
    elif moment == "between commit and answer":
        summaries.WorkflowEventProducer.publish_event = killed
    else:
        summaries.Consumer = Consumer
    summaries.main(database)
