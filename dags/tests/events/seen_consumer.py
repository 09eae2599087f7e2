"""A consumer of one event: notes it, acts on it, and commits or rolls back when it is told so."""

from __future__ import annotations

import sys

from databases import connect

from airflow_provider_outbox.events import SeenEvents


def main(address: str, event_id: str) -> None:
    """Print each step; a line of the input names the last one, ``commit`` or ``rollback``."""
    connection = connect(address)
    print("asks", flush=True)
    if not SeenEvents(connection).first_time(event_id):
        print("has been seen", flush=True)
        return
    connection.cursor().execute(f"INSERT INTO done VALUES ('{event_id}')")
    print("has worked", flush=True)
    getattr(connection, input())()
    print("ended", flush=True)


if __name__ == "__main__":
    main(*sys.argv[1:])
