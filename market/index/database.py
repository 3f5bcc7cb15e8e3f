"""Opening the database: SQLite by default, PostgreSQL for real use; one writer, any number of readers.

The writer holds a lock for as long as it runs (a file lock beside a SQLite file, an advisory lock in PostgreSQL), so
that a second one ends with E204 instead of writing too.
"""

from __future__ import annotations

import fcntl
import os
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any
from urllib.parse import quote

from sqlalchemy import Connection, Engine, Executable, Table, create_engine, event, make_url, text
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.engine import URL
from sqlalchemy.exc import ArgumentError, SQLAlchemyError
from sqlalchemy.pool import NullPool

from market.errors import ChainError, InputError

ADVISORY_LOCK = 0x6661697274726169
"""The number of the advisory lock: the bytes of "fairtrai"."""
BUSY_MS = 10_000
STATEMENT_TIMEOUT_MS = 5_000
ROWS_AT_ONCE = 2_000


def parse_url(url: str) -> URL:
    """A database URL; InputError E100 unless it is one of SQLite or PostgreSQL."""
    try:
        parsed = make_url(url)
    except ArgumentError:
        raise InputError(
            "E100", f"not a database URL: {url!r}; write sqlite:///FILE or postgresql://..."
        ) from None
    kind = parsed.get_backend_name()
    if kind == "postgresql":
        return parsed.set(drivername="postgresql+psycopg")
    if kind == "sqlite" and parsed.database and parsed.database != ":memory:":
        return parsed
    raise InputError("E100", f"database {kind}: only sqlite:///FILE and postgresql://... are supported")


def open_writer(url: str) -> Engine:
    """An engine that writes; a SQLite file is created, with write-ahead logging so that readers never wait."""
    parsed = parse_url(url)
    if parsed.get_backend_name() == "postgresql":
        return create_engine(parsed, pool_pre_ping=True, pool_size=2)
    Path(str(parsed.database)).parent.mkdir(parents=True, exist_ok=True)
    engine = create_engine(parsed, poolclass=NullPool, connect_args={"timeout": BUSY_MS / 1000})
    event.listen(engine, "connect", _sqlite_writer)
    event.listen(engine, "begin", _begin_immediate)
    return engine


def open_readonly(url: str) -> Engine:
    """An engine that cannot write, for web processes. ChainError E208 if there is no such SQLite file."""
    parsed = parse_url(url)
    if parsed.get_backend_name() == "postgresql":
        options = f"-c default_transaction_read_only=on -c statement_timeout={STATEMENT_TIMEOUT_MS}"
        return create_engine(
            parsed,
            pool_pre_ping=True,
            pool_size=8,
            isolation_level="REPEATABLE READ",
            connect_args={"options": options, "connect_timeout": 5},
        )
    path = Path(str(parsed.database)).resolve()
    if not path.is_file():
        raise ChainError("E208", f"no index at {path}; start one with `fairtrain index run`")
    plain = URL.create("sqlite", database=f"file:{quote(str(path))}", query={"mode": "ro", "uri": "true"})
    engine = create_engine(plain, connect_args={"timeout": 2.0, "check_same_thread": False})
    event.listen(engine, "connect", _sqlite_reader)
    event.listen(engine, "begin", _begin_deferred)
    return engine


def _sqlite_writer(connection: Any, _: Any) -> None:
    connection.isolation_level = None  # the driver's own BEGIN would come too late: `begin` below says it
    for pragma in ("journal_mode=WAL", "synchronous=NORMAL", "cache_size=-65536", "foreign_keys=ON"):
        connection.execute(f"PRAGMA {pragma}")


def _sqlite_reader(connection: Any, _: Any) -> None:
    connection.isolation_level = None
    connection.execute("PRAGMA query_only=ON")
    connection.execute("PRAGMA cache_size=-16384")


def _begin_immediate(connection: Connection) -> None:
    connection.exec_driver_sql("BEGIN IMMEDIATE")


def _begin_deferred(connection: Connection) -> None:
    connection.exec_driver_sql("BEGIN")


# ----- one writer -----


@dataclass
class WriterLock:
    """The right to write, held until `release` or the end of the process."""

    engine: Engine
    _file: int | None = None
    _connection: Connection | None = None

    def acquire(self) -> None:
        """Takes the lock; ChainError E204 if another indexer has it. Taking it again is no error."""
        if self.engine.dialect.name == "sqlite":
            self._lock_file()
        else:
            self._lock_server()

    def held(self) -> bool:
        """Whether it is still ours: a PostgreSQL server forgets it when the connection ends."""
        if self._connection is None:
            return self._file is not None
        try:
            self._connection.execute(text("SELECT 1"))
            self._connection.rollback()
        except SQLAlchemyError:
            return False
        return True

    def release(self) -> None:
        """Gives the lock back."""
        if self._file is not None:
            os.close(self._file)
            self._file = None
        if self._connection is not None:
            with suppress(SQLAlchemyError):
                self._connection.invalidate()
                self._connection.close()
            self._connection = None

    def _lock_file(self) -> None:
        if self._file is not None:
            return
        path = f"{Path(str(self.engine.url.database)).resolve()}.lock"
        handle = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        try:
            fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            os.close(handle)
            raise _taken(str(self.engine.url.database)) from None
        self._file = handle

    def _lock_server(self) -> None:
        if self._connection is not None and self.held():
            return
        self.release()
        connection = self.engine.connect()
        got = connection.execute(text("SELECT pg_try_advisory_lock(:n)"), {"n": ADVISORY_LOCK}).scalar()
        connection.rollback()
        if not got:
            connection.close()
            raise _taken(str(self.engine.url.database))
        self._connection = connection


def _taken(database: str) -> ChainError:
    return ChainError(
        "E204", f"another indexer is running on {database}; stop it first, or use another --database"
    )


# ----- bulk writes -----


def upsert(connection: Connection, table: Table, rows: Sequence[Mapping[str, Any]]) -> None:
    """Inserts rows, or replaces those with the same primary key. All rows have all columns."""
    if rows:
        connection.execute(_upsert_statement(table, connection.dialect.name), list(rows))


@cache
def _upsert_statement(table: Table, dialect: str) -> Executable:
    """Made once for each table: SQLAlchemy takes longer to build it than SQLite to run it."""
    statement = (sqlite if dialect == "sqlite" else postgresql).insert(table)
    keys = [column.name for column in table.primary_key]
    others = {c.name: statement.excluded[c.name] for c in table.columns if c.name not in keys}
    made: Executable = statement.on_conflict_do_update(index_elements=keys, set_=others)
    return made


def insert(connection: Connection, table: Table, rows: Sequence[Mapping[str, Any]]) -> None:
    """Inserts rows, a few thousand at once."""
    for at in range(0, len(rows), ROWS_AT_ONCE):
        connection.execute(table.insert(), list(rows[at : at + ROWS_AT_ONCE]))
