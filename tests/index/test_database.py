"""Opening databases: one writer, readers that cannot write, tables of the right version, and what goes wrong."""

from __future__ import annotations

import subprocess
import sys
import textwrap
from pathlib import Path

import pytest
from alembic.autogenerate import compare_metadata
from alembic.runtime.migration import MigrationContext
from sqlalchemy import text
from sqlalchemy.exc import DBAPIError

from market.errors import ChainError, InputError
from market.index.columns import Base
from market.index.database import WriterLock, open_readonly, open_writer, parse_url
from market.index.migrations import current, head, is_current, upgrade
from market.index.queries import open_reader
from tests.index.simulator import SimChain, script
from tests.index.sync import service, sync

ROOT = Path(__file__).resolve().parents[2]


def small() -> SimChain:
    """A chain with one project."""
    made = SimChain()
    made.play(script("standing"))
    return made


# ----- tables -----


def test_upgrade__tables_are_those_of_the_schema(database: str) -> None:
    engine = open_writer(database)
    upgrade(engine)
    upgrade(engine)

    with engine.connect() as connection:
        context = MigrationContext.configure(connection, opts={"compare_type": True})
        assert compare_metadata(context, Base.metadata) == []
        assert is_current(connection)
    engine.dispose()


def test_upgrade_killed_half_way__rolls_back_and_repeats(
    database: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    from alembic import op

    engine, made = open_writer(database), []
    create = op.create_table

    def die_at_the_tenth(*args: object, **kwargs: object) -> object:
        made.append(args[0])
        if len(made) == 10:
            raise KeyboardInterrupt
        return create(*args, **kwargs)  # type: ignore[arg-type]

    with monkeypatch.context() as patch:
        patch.setattr(op, "create_table", die_at_the_tenth)
        with pytest.raises(KeyboardInterrupt):
            upgrade(engine)
    with engine.connect() as connection:
        assert current(connection) is None
    upgrade(engine)

    with engine.connect() as connection:
        assert current(connection) == head()
    engine.dispose()


def test_upgrade_tables_of_a_later_version__refused(sqlite: str) -> None:
    engine = open_writer(sqlite)
    upgrade(engine)
    with engine.begin() as connection:
        connection.execute(text("UPDATE alembic_version SET version_num = '9999'"))

    with pytest.raises(ChainError, match=r"E208 .*version 9999.*up to 0002"):
        upgrade(engine)
    engine.dispose()


# ----- readers -----


def test_open_readonly__refuses_to_write(database: str) -> None:
    sync(database, small())
    engine = open_readonly(database)

    with engine.connect() as connection, pytest.raises(DBAPIError, match=r"(?i)read-?only"):
        connection.execute(text("DELETE FROM projects"))
    engine.dispose()


def test_open_reader_while_a_writer_works__sees_whole_blocks(database: str) -> None:
    with service(database, small()) as running:
        running.catch_up()
        with open_reader(database) as reader, running.engine.begin() as connection:
            connection.execute(text("UPDATE projects SET head = 77"))
            row = reader.projects().items[0]

    assert row.head == 2


def test_open_reader_no_file__refused_with_next_step(sqlite: str) -> None:
    with pytest.raises(ChainError, match=r"E208 no index at .*fairtrain index run"):
        open_reader(sqlite)


def test_open_reader_empty_database__refused(database: str) -> None:
    engine = open_writer(database)
    with engine.begin() as connection:
        connection.execute(text("CREATE TABLE other (x int)"))
    engine.dispose()

    with pytest.raises(ChainError, match="E208 no index of this version"):
        open_reader(database)


def test_open_reader_no_index_in_it__refused(tmp_path: Path) -> None:
    (tmp_path / "text.sqlite").write_text(
        "no database at all, but a text that is long enough to be read as one"
    )

    with pytest.raises(ChainError, match="E208 the index database does not answer"):
        open_reader(f"sqlite:///{tmp_path}/text.sqlite")


def test_open_reader_server_gone__refused() -> None:
    with pytest.raises(ChainError, match="E208 the index database does not answer"):
        open_reader("postgresql://nobody@127.0.0.1:1/nothing")


@pytest.mark.parametrize("name", ["a b", "percent%20", "hash#1", "ümlaut"])
def test_open_reader_odd_file_names__are_the_same_file(tmp_path: Path, name: str) -> None:
    from sqlalchemy.engine import URL

    url = URL.create("sqlite", database=str(tmp_path / name / "i.sqlite")).render_as_string()
    sync(url, small())

    with open_reader(url) as reader:
        assert reader.projects().total == 1


@pytest.mark.parametrize(
    "url", ["", "nonsense", "mysql://x/y", "sqlite://", "sqlite:///:memory:", "http://x"]
)
def test_parse_url_others__refused(url: str) -> None:
    with pytest.raises(InputError, match="E100"):
        parse_url(url)


@pytest.mark.parametrize("scheme", ["postgresql", "postgresql+psycopg", "postgresql+psycopg2"])
def test_parse_url_postgresql__uses_psycopg_3(scheme: str) -> None:
    assert parse_url(f"{scheme}://u@h/d").drivername == "postgresql+psycopg"


# ----- one writer -----


def test_start_second_indexer__ends_with_e204(database: str) -> None:
    with service(database, small()) as running:
        running.catch_up()

        with pytest.raises(ChainError, match=r"E204 another indexer is running"), service(database, small()):
            pass
    with service(database, small()):
        pass


def test_lock_connection_lost__is_taken_again(database: str) -> None:
    engine = open_writer(database)
    lock = WriterLock(engine)
    lock.acquire()
    lock.acquire()
    assert lock.held()
    lock.release()

    assert not lock.held()
    lock.acquire()
    assert lock.held()
    lock.release()
    engine.dispose()


def test_turn_connections_cut_by_the_server__goes_on(postgres_server: str) -> None:
    """The server ends every connection, the lock's too; the indexer says so and goes on."""
    from tests.index.conftest import new_database

    url, made, said = new_database(postgres_server), small(), list[str]()
    with service(url, made) as running:
        running.say = said.append
        running.catch_up()
        made.mine()
        other = open_writer(postgres_server)
        with other.begin() as connection:
            name = running.engine.url.database
            cut = "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = :name"
            connection.execute(text(cut), {"name": name})
        other.dispose()
        for _ in range(6):
            running.turn()

        assert running.indexer.place().number == made.head()  # type: ignore[union-attr]


CHILD = """
    import os, sys
    from tests.index.simulator import SimChain, script
    from tests.index.sync import service

    made = SimChain()
    made.play(script("standing", "final"))
    with service(sys.argv[1], made) as running:
        running.indexer.at_fault = lambda point: os._exit(9) if point == sys.argv[2] else None
        running.catch_up()
"""


@pytest.mark.parametrize("point", ["flushed", "before commit"])
def test_writer_process_killed__leaves_whole_blocks_and_no_lock(sqlite: str, point: str) -> None:
    child = [sys.executable, "-c", textwrap.dedent(CHILD), sqlite, point]
    done = subprocess.run(child, cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.returncode == 9, done.stderr
    made = SimChain()
    made.play(script("standing", "final"))

    sync(sqlite, made)

    with open_reader(sqlite) as reader:
        assert reader.projects().total == 2


# ----- what the disk does -----

FULL = "SELECT RAISE(FAIL, 'database or disk is full')"


def test_turn_full_disk__waits_and_resumes(sqlite: str) -> None:
    made, said = small(), list[str]()
    with service(sqlite, made) as running:
        running.say = said.append
        running.catch_up()
        made.mine()
        with running.engine.begin() as connection:
            connection.execute(text(f"CREATE TRIGGER full BEFORE INSERT ON blocks BEGIN {FULL}; END"))
        place = running.indexer.place()

        assert [running.turn(), running.turn()] == [None, None]
        with open_reader(sqlite) as reader:
            health = reader.health()
        assert health.problem == said[0] == "the index database does not answer: database or disk is full"
        assert running.indexer.place() == place

        with running.engine.begin() as connection:
            connection.execute(text("DROP TRIGGER full"))
        running.catch_up()
        assert running.indexer.place().number == made.head()  # type: ignore[union-attr]


def test_turn_database_locked_by_another__waits_and_resumes(
    sqlite: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("market.index.database.BUSY_MS", 50)
    made = small()
    with service(sqlite, made) as running:
        running.catch_up()
        made.mine()
        other = open_writer(sqlite)
        with other.begin():
            assert running.turn() is None
        other.dispose()
        running.catch_up()

        assert running.indexer.place().number == made.head()  # type: ignore[union-attr]


def test_start_index_of_another_market__ends_with_e201(database: str) -> None:
    sync(database, small())
    other = small()
    other.genesis = "0x" + "99" * 32
    other.__post_init__()

    with (
        pytest.raises(ChainError, match=r"E201 chain changed: this index is of market"),
        service(database, other),
    ):
        pass
