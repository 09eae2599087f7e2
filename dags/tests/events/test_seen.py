"""What was acted on stays so, and nothing else: across rollbacks, kills and two at once."""

from __future__ import annotations

import re
import signal
import sqlite3
import subprocess
import sys
import uuid
from contextlib import closing, contextmanager
from datetime import timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pymysql
import pytest
from database_servers import mariadb, postgresql, program
from databases import connect, done

from airflow_provider_outbox.events import InvalidWorkflowEvent, SeenEvents

if TYPE_CHECKING:
    from collections.abc import Iterator

CONSUMER = Path(__file__).with_name("seen_consumer.py")
EVENT = uuid.uuid4()


@pytest.fixture
def of_sqlite(tmp_path: Path) -> str:
    return str(tmp_path / "consumer.db")


@pytest.fixture(scope="module")
def of_postgresql() -> Iterator[str]:
    if program("initdb") is None:
        pytest.skip("this host has no PostgreSQL (initdb)")
    with postgresql() as address:
        yield address


@pytest.fixture(scope="module")
def of_mariadb() -> Iterator[str]:
    if program("mariadbd") is None:
        pytest.skip("this host has no MariaDB (mariadbd)")
    with mariadb() as address:
        yield address


@pytest.fixture(params=["of_sqlite", "of_postgresql", "of_mariadb"])
def address(request: pytest.FixtureRequest) -> str:
    """A database with a table for what was seen and one for what was done."""
    found: str = request.getfixturevalue(request.param)
    engine = "ENGINE=InnoDB" if request.param == "of_mariadb" else ""
    with closing(connect(found)) as connection:
        connection.cursor().execute("DROP TABLE IF EXISTS seen_events")
        connection.cursor().execute("DROP TABLE IF EXISTS done")
        connection.cursor().execute(f"CREATE TABLE done (event_id CHAR(36)) {engine}")
        SeenEvents(connection).create_table()
        SeenEvents(connection).create_table()
        connection.commit()
    return found


class Consumer:
    """A process that acts on `EVENT`."""

    def __init__(self, address: str) -> None:
        self._process = subprocess.Popen(
            [sys.executable, CONSUMER, address, str(EVENT)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )

    def says(self) -> str:
        """Its next step, waited for."""
        assert self._process.stdout is not None
        return self._process.stdout.readline().strip()

    def told(self, last: str) -> str:
        """Let it commit or roll back; what it says then."""
        assert self._process.stdin is not None
        print(last, file=self._process.stdin, flush=True)
        return self.says()

    def kill(self) -> None:
        self._process.kill()
        assert self._process.wait() == -signal.SIGKILL

    def close(self) -> None:
        self._process.kill()
        self._process.communicate()


@contextmanager
def consumer(address: str) -> Iterator[Consumer]:
    with closing(Consumer(address)) as running:
        assert running.says() == "asks"
        yield running


def test_an_event_is_new_until_its_transaction_is_committed(address: str) -> None:
    with closing(connect(address)) as connection:
        seen = SeenEvents(connection)
        assert seen.first_time(EVENT)
        assert not seen.first_time(str(EVENT).upper())
        connection.rollback()
        assert seen.first_time(str(EVENT))
        connection.commit()
    with closing(connect(address)) as connection:
        seen = SeenEvents(connection)
        assert not seen.first_time(EVENT)
        # A repeated event does no harm to the transaction that it comes in.
        another = uuid.uuid4()
        assert seen.first_time(another)
        connection.commit()
        assert not seen.first_time(another)


@pytest.mark.parametrize("end", ["rollback", "kill"])
def test_an_event_is_acted_on_once_when_the_first_ends_before_its_commit(
    end: str, address: str
) -> None:
    with consumer(address) as first:
        assert first.says() == "has worked"
        if end == "kill":
            first.kill()
        else:
            assert first.told(end) == "ended"
    assert done(address) == []
    with consumer(address) as second:
        assert second.says() == "has worked"
        assert second.told("commit") == "ended"
    with consumer(address) as third:
        assert third.says() == "has been seen"
    assert done(address) == [str(EVENT)]


@pytest.mark.parametrize("end", ["commit", "rollback", "kill"])
def test_of_two_at_once_exactly_one_acts(end: str, address: str) -> None:
    with consumer(address) as first:
        assert first.says() == "has worked"
        with consumer(address) as second:
            if end == "kill":
                first.kill()
            else:
                assert first.told(end) == "ended"
            if end == "commit":
                assert second.says() == "has been seen"
            else:
                assert second.says() == "has worked"
                assert second.told("commit") == "ended"
    assert done(address) == [str(EVENT)]


def test_what_is_old_is_forgotten(address: str) -> None:
    with closing(connect(address)) as connection:
        seen = SeenEvents(connection)
        old, new = uuid.uuid4(), uuid.uuid4()
        for event_id in (old, new):
            assert seen.first_time(event_id)
        connection.cursor().execute(
            f"UPDATE seen_events SET seen_at = seen_at - 86400000 WHERE event_id = '{old}'"
        )
        connection.commit()
        assert seen.forget(timedelta(days=2)) == 0
        assert seen.forget(timedelta(hours=23)) == 1
        connection.rollback()
        assert not seen.first_time(old)
        assert seen.forget(timedelta(hours=23)) == 1
        connection.commit()
        assert seen.first_time(old)
        assert not seen.first_time(new)


def test_consumers_in_one_database_have_a_table_each(tmp_path: Path) -> None:
    with closing(connect(str(tmp_path / "consumer.db"))) as connection:
        for table in ("seen_by_a", "main.seen_by_b"):
            seen = SeenEvents(connection, table=table)
            seen.create_table()
            assert seen.first_time(EVENT)
            assert not seen.first_time(EVENT)


def test_autocommit_is_refused_without_a_transaction(address: str) -> None:
    with closing(connect(address)) as connection:
        if isinstance(connection, sqlite3.Connection):
            connection.isolation_level = None
        elif isinstance(connection, pymysql.Connection):
            connection.autocommit(True)
        else:
            connection.autocommit = True
        seen = SeenEvents(connection)
        with pytest.raises(RuntimeError, match="autocommit: begin a transaction"):
            seen.first_time(EVENT)
        for _ in range(2):
            connection.cursor().execute("BEGIN")
            assert seen.first_time(EVENT)
            connection.rollback()


class OfAPool(sqlite3.Connection):
    """As applications derive them."""


class Proxy:
    """Passes everything on, as pools do."""

    def __init__(self, connection: sqlite3.Connection) -> None:
        self._connection = connection

    def __getattr__(self, name: str) -> Any:
        return getattr(self._connection, name)


def test_the_paramstyle_is_found_or_told() -> None:
    with closing(sqlite3.connect(":memory:", factory=OfAPool)) as connection:
        SeenEvents(connection).create_table()
        for style in (None, "qmark", "named"):
            assert SeenEvents(connection, paramstyle=style).first_time(uuid.uuid4())
            assert SeenEvents(connection, paramstyle=style).forget(timedelta(days=1)) == 0
        proxy = Proxy(connection)
        with pytest.raises(ValueError, match=r"paramstyle is None .*pass the driver's"):
            SeenEvents(proxy)
        assert SeenEvents(proxy, paramstyle="qmark").first_time(EVENT)
        assert not SeenEvents(proxy, paramstyle="qmark").first_time(EVENT)


@pytest.mark.parametrize("table", ["", "seen events", "seen;", "a.b.c", "séen"])
def test_a_name_that_is_none_is_refused(table: str) -> None:
    said = re.escape(f"table is {table!r}")
    with closing(sqlite3.connect(":memory:")) as connection, pytest.raises(ValueError, match=said):
        SeenEvents(connection, table=table)


@pytest.mark.parametrize("event_id", ["", "1", b"1", None])
def test_an_id_that_is_none_is_refused(event_id: Any, address: str) -> None:
    said = "it must be a UUID"
    with closing(connect(address)) as connection, pytest.raises(InvalidWorkflowEvent, match=said):
        SeenEvents(connection).first_time(event_id)


def test_neither_airflow_nor_a_client_of_kafka_is_imported() -> None:
    code = (
        "import sys; from airflow_provider_outbox.events import SeenEvents; "
        "sys.exit(sorted({'airflow', 'confluent_kafka'} & set(sys.modules)) or 0)"
    )
    subprocess.run([sys.executable, "-c", code], check=True)
