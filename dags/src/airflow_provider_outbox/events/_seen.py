"""`SeenEvents`: what a consumer has acted on, in the consumer's own database."""

from __future__ import annotations

import re
import sys
import time
from contextlib import closing
from datetime import timedelta
from typing import TYPE_CHECKING, Any

from airflow_provider_outbox.events._event import parsed_id

if TYPE_CHECKING:
    from types import ModuleType
    from typing import Protocol
    from uuid import UUID

    class Connection(Protocol):
        """What is used of a DB-API 2 connection."""

        def cursor(self) -> Any: ...


_TABLE = re.compile(r"[A-Za-z_][A-Za-z0-9_]*(\.[A-Za-z_][A-Za-z0-9_]*)?")
_PLACEHOLDERS = {"qmark": "?", "format": "%s", "named": ":{}", "pyformat": "%({})s"}
_OF_MYSQL = frozenset({"MySQLdb", "mariadb", "mysql", "pymysql"})
_SERVER_STATUS_IN_TRANS = 1  # of MySQL's protocol


class SeenEvents:
    """Tells which events are new, in the transaction in which a consumer works on them.

    An event is noted and worked on in one transaction: when that is rolled back, or the process
    killed before it is committed, the event is new again; once it is committed, it never is. Of
    two consumers that get one event at the same time, the second waits for the first to end its
    transaction. Nothing here commits or rolls back.

    ::

        seen = SeenEvents(connection)
        if seen.first_time(event.event_id):
            ...  # the work, by the same connection
        connection.commit()

    It belongs to one connection: where a pool or a session gives another one to each transaction,
    make it in each. As safe with threads as the connection is.
    """

    def __init__(
        self,
        connection: Connection,
        *,
        table: str = "seen_events",
        paramstyle: str | None = None,
        mysql: bool | None = None,
    ) -> None:
        """Take the consumer's connection; nothing is executed yet.

        Args:
            connection: of DB-API 2, to SQLite 3.24, PostgreSQL 9.5, MySQL, MariaDB, or newer ones;
                not in autocommit, or with a transaction begun.
            table: its name, with a schema if need be. Consumers that each act on all events have a
                table each.
            paramstyle: the driver's, as DB-API names it; None: what the driver's module says.
            mysql: whether the SQL is that of MySQL and MariaDB; None: by the driver's name.

        Raises:
            ValueError: a name has no meaning, or the driver has no paramstyle.
        """
        if not _TABLE.fullmatch(table):
            raise ValueError(f"table is {table!r}: pass a name or schema.name of A-Z, 0-9 and _")
        driver = _driver(connection)
        paramstyle = paramstyle or getattr(driver, "paramstyle", None)
        if paramstyle not in _PLACEHOLDERS:
            raise ValueError(
                f"paramstyle is {paramstyle!r} (of {type(connection)}): pass the driver's, one of "
                + ", ".join(_PLACEHOLDERS)
            )
        if mysql is None:
            mysql = driver is not None and driver.__name__.partition(".")[0] in _OF_MYSQL
        # An error for the second one would end a transaction of PostgreSQL.
        insert, unless_there = (
            ("INSERT IGNORE", "") if mysql else ("INSERT", "ON CONFLICT DO NOTHING")
        )
        event_id, seen_at = map(_PLACEHOLDERS[paramstyle].format, ("event_id", "seen_at"))
        self._connection = connection
        self._by_name = paramstyle in ("named", "pyformat")
        # Without an index MySQL locks all that `forget` looks at; and MyISAM rolls nothing back.
        index, engine = (", INDEX (seen_at)", " ENGINE=InnoDB") if mysql else ("", "")
        self._create = (
            f"CREATE TABLE IF NOT EXISTS {table} "
            f"(event_id CHAR(36) NOT NULL PRIMARY KEY, seen_at BIGINT NOT NULL{index}){engine}"
        )
        self._insert = (
            f"{insert} INTO {table} (event_id, seen_at) "
            f"VALUES ({event_id}, {seen_at}) {unless_there}"
        )
        self._delete = f"DELETE FROM {table} WHERE seen_at < {seen_at}"  # noqa: S608 - its name is checked

    def create_table(self) -> None:
        """Make the table if it is not there.

        Call it when the consumer starts, and commit: in MySQL it commits what is open by itself.
        """
        self._execute(self._create)

    def first_time(self, event_id: UUID | str) -> bool:
        """Note an event in the transaction that is open or begins now; whether it is new.

        Let it be the transaction's first statement: a transaction that has read before may be
        refused by the database when somebody else wrote meanwhile. That error, like any other of
        the database, comes through as it is: roll back, and take the event again.

        Raises:
            InvalidWorkflowEvent: *event_id* is no UUID.
            RuntimeError: the connection is in autocommit, where the event would be noted before
                it is worked on; or the driver does not tell how many rows it inserted.
        """
        identifier = str(parsed_id(event_id))
        if _commits_each_statement(self._connection):
            raise RuntimeError(
                "the connection is in autocommit: begin a transaction for the event and its work, "
                "or switch autocommit off"
            )
        count = self._execute(self._insert, event_id=identifier, seen_at=_now())
        if count not in (0, 1):
            raise RuntimeError(f"the driver tells {count} inserted rows: it must tell 0 or 1")
        return count == 1

    def forget(self, older_than: timedelta) -> int:
        """Delete what was noted longer ago, in the transaction that is open; how many.

        Keep more than Kafka keeps (``retention.ms``) and than you would ever replay.
        """
        oldest = _now() - older_than // timedelta(milliseconds=1)
        return self._execute(self._delete, seen_at=oldest)

    def _execute(self, statement: str, **values: Any) -> int:
        with closing(self._connection.cursor()) as cursor:
            cursor.execute(statement, values if self._by_name else tuple(values.values()))
            count: int = cursor.rowcount
            return count


def _now() -> int:
    return time.time_ns() // 1_000_000


def _driver(connection: object) -> ModuleType | None:
    """The module that has DB-API's globals; None behind a pool's proxy."""
    for kind in type(connection).__mro__:
        name = kind.__module__
        while name:
            module = sys.modules.get(name)
            if hasattr(module, "paramstyle"):
                return module
            name = name.rpartition(".")[0]
    return None


def _commits_each_statement(connection: Any) -> bool:
    """Whether a statement now is a transaction of its own, as far as the driver tells."""
    if getattr(connection, "in_transaction", False):  # sqlite3, mysql.connector
        return False
    # In psycopg: 0 is idle.
    if getattr(getattr(connection, "info", None), "transaction_status", 0) != 0:
        return False
    if getattr(connection, "server_status", 0) & _SERVER_STATUS_IN_TRANS:  # PyMySQL
        return False
    if hasattr(connection, "get_autocommit"):  # PyMySQL, mysqlclient
        return bool(connection.get_autocommit())
    autocommit = getattr(connection, "autocommit", None)
    if hasattr(connection, "isolation_level") and autocommit in (None, -1):
        # sqlite3's own transactions, until Python 3.12 the only ones.
        return connection.isolation_level is None
    return autocommit is True
