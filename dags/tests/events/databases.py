"""The databases in which consumers note what they have seen."""

from __future__ import annotations

import glob
import os
import pwd
import shutil
import sqlite3
import subprocess
from contextlib import closing, contextmanager
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

# Whoever waits for another one's transaction waits that long, far longer than any test needs.
PATIENCE_SECONDS = 60


def connect(address: str) -> Any:
    """A connection to a database: a file of SQLite, or what libpq connects to."""
    if address.startswith("/"):
        return sqlite3.connect(address, timeout=PATIENCE_SECONDS)
    import psycopg  # takes half a second, which those on SQLite need not wait for

    return psycopg.connect(address)


def done(address: str) -> list[str]:
    """On which events consumers have acted, as often as they have."""
    with closing(connect(address)) as connection:
        rows = connection.cursor().execute("SELECT event_id FROM done").fetchall()
    return [event_id for (event_id,) in rows]


@contextmanager
def postgresql(data: Path) -> Iterator[str]:
    """A server on a socket in *data*; its address."""
    as_user = []
    if os.geteuid() == 0:  # It refuses root.
        nobody = pwd.getpwnam("nobody")
        os.chown(data, nobody.pw_uid, nobody.pw_gid)
        as_user = ["setpriv", "--reuid=nobody", f"--regid={nobody.pw_gid}", "--clear-groups"]

    def run(name: str, *options: str) -> None:
        command = [*as_user, program(name) or name, "-D", f"{data}/data", *options]
        subprocess.run(command, check=True, stdout=subprocess.DEVNULL, cwd=data)

    run("initdb", "-U", "consumer", "-A", "trust", "--no-sync")
    # Its data would be safe without a sync, too: only processes are killed.
    server = f"-F -c listen_addresses= -k {data}"
    run("pg_ctl", "-l", f"{data}/log", "-w", "-o", server, "start")
    try:
        yield f"host={data} user=consumer dbname=postgres"
    finally:
        run("pg_ctl", "-m", "immediate", "stop")


def program(name: str) -> str | None:
    """Where one of PostgreSQL's programs is: Debian keeps them out of PATH."""
    places = [os.environ.get("PATH", ""), *sorted(glob.glob("/usr/lib/postgresql/*/bin"))[::-1]]
    return shutil.which(name, path=os.pathsep.join(places))
