"""The databases in which consumers note what they have seen."""

from __future__ import annotations

import sqlite3
from contextlib import closing
from typing import Any

import pymysql

# Whoever waits for another one's transaction waits that long, far longer than any test needs.
PATIENCE_SECONDS = 60


def connect(address: str) -> Any:
    """A connection to a database: a file of SQLite, MariaDB's socket, or what libpq connects to."""
    if address.endswith(".db"):
        return sqlite3.connect(address, timeout=PATIENCE_SECONDS)
    if address.endswith(".sock"):
        return pymysql.connect(unix_socket=address, user="nobody", database="test")
    import psycopg  # takes half a second, which those on SQLite need not wait for

    return psycopg.connect(address)


def done(address: str) -> list[str]:
    """On which events consumers have acted, as often as they have."""
    with closing(connect(address)) as connection:
        cursor = connection.cursor()
        cursor.execute("SELECT event_id FROM done")
        return [event_id for (event_id,) in cursor.fetchall()]
