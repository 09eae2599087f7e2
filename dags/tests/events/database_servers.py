"""Servers of databases, each on a socket of its own."""

from __future__ import annotations

import glob
import os
import pwd
import shutil
import socket
import subprocess
import tempfile
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from harness.waiting import eventually

if TYPE_CHECKING:
    from collections.abc import Iterator


@contextmanager
def postgresql() -> Iterator[str]:
    """A server's address."""
    with _place() as (data, as_user):

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


@contextmanager
def mariadb() -> Iterator[str]:
    """A server's address."""
    with _place() as (data, as_user):
        address = f"{data}/mariadb.sock"
        places = ["--no-defaults", f"--datadir={data}/data"]
        install = [*as_user, program("mariadb-install-db") or "", *places]
        subprocess.run(install, check=True, stdout=subprocess.DEVNULL, cwd=data)
        options = [f"--socket={address}", "--skip-networking", "--skip-grant-tables"]
        # It rolls nothing back: whoever makes a table has to name its engine.
        options.append("--default-storage-engine=MyISAM")
        command = [*as_user, program("mariadbd") or "", *places, *options]

        def listens() -> bool:
            with socket.socket(socket.AF_UNIX) as attempt:
                attempt.connect(address)
                return True

        with (data / "log").open("wb") as log:
            server = subprocess.Popen(command, stdout=log, stderr=log, cwd=data)
        try:
            eventually("MariaDB listens", listens)
            yield address
        finally:
            server.kill()
            server.wait()


@contextmanager
def _place() -> Iterator[tuple[Path, list[str]]]:
    """Where a socket's path is short, and what a command begins with there: servers refuse root."""
    with tempfile.TemporaryDirectory(prefix="database-", dir="/tmp") as data:
        as_user = []
        if os.geteuid() == 0:
            nobody = pwd.getpwnam("nobody")
            os.chown(data, nobody.pw_uid, nobody.pw_gid)
            as_user = ["setpriv", "--reuid=nobody", f"--regid={nobody.pw_gid}", "--clear-groups"]
        yield Path(data), as_user


def program(name: str) -> str | None:
    """Where one of a database's programs is: Debian keeps them out of PATH."""
    places = [os.environ.get("PATH", ""), *sorted(glob.glob("/usr/lib/postgresql/*/bin"))[::-1]]
    places.append("/usr/sbin")
    return shutil.which(name, path=os.pathsep.join(places))
