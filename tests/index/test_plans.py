"""No page reads a whole table: what a query costs must not grow with the market."""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from sqlalchemy import create_engine, event, select, text, tuple_

from market.index import schema
from market.index.columns import at_places, table_of
from market.index.database import open_readonly
from market.index.queries import Reader
from tests.index.conftest import sqlite_url
from tests.index.simulator import SimChain, script
from tests.index.sync import sync
from tests.stateful.world import someone

LARGE = "events|seat_rounds|result_seats|result_accounts|results|movements|rounds|stored_results|blocks"
PAGES: dict[str, Callable[[Reader], Any]] = {
    "health": lambda reader: reader.health(),
    "version": lambda reader: reader.version(),
    "projects": lambda reader: reader.projects(limit=5),
    "project": lambda reader: reader.project(3),
    "round": lambda reader: reader.round(3, 1),
    "rounds": lambda reader: reader.rounds(3),
    "results": lambda reader: reader.results(3),
    "models": lambda reader: reader.models(3),
    "timeline": lambda reader: reader.timeline(3),
    "seat": lambda reader: reader.updates(3, 1),
    "trainer": lambda reader: reader.trainer(someone(1)),
    "watch": lambda reader: reader.watch(),
    "proof": lambda reader: reader.account_proof(3, 1),
}


@pytest.fixture(scope="module")
def url(tmp_path_factory: pytest.TempPathFactory) -> str:
    """Some projects, without statistics: the planner knows as little as on the first day."""
    chain = SimChain()
    chain.play(script("standing", "asked", "flat"))
    made = sqlite_url(tmp_path_factory.mktemp("plans"))
    sync(made, chain)
    return made


def scans(url: str, page: str, tables: str) -> list[tuple[str, str]]:
    """(step, statement) of every table that SQLite would read from end to end for a page."""
    engine, asked = open_readonly(url), list[tuple[str, Any]]()
    event.listen(
        engine, "before_cursor_execute", lambda c, cur, words, values, *_: asked.append((words, values))
    )
    PAGES[page](Reader(engine))
    with engine.connect() as connection:
        plans = [
            (line[3], words)
            for words, values in asked
            if words.startswith("SELECT")
            for line in connection.exec_driver_sql(f"EXPLAIN QUERY PLAN {words}", tuple(values))
        ]
    engine.dispose()
    assert plans
    return [one for one in plans if re.match(rf"SCAN ({tables})\b(?! USING INDEX ix_events_odd)", one[0])]


@pytest.mark.parametrize("page", PAGES)
def test_page__scans_no_large_table(url: str, page: str) -> None:
    assert not scans(url, page, LARGE)


def test_health_with_statistics__still_reads_only_the_odd_events(url: str, tmp_path: Path) -> None:
    """SQLite's statistics leave out indexes that are empty; then another one looks better than it is."""
    copy = tmp_path / "analysed.sqlite"
    copy.write_bytes(Path(url.removeprefix("sqlite:///")).read_bytes())
    engine = create_engine(f"sqlite:///{copy}")
    with engine.begin() as connection:
        connection.execute(text("ANALYZE"))
    engine.dispose()

    assert not scans(f"sqlite:///{copy}", "health", "events")


NUMBERS = st.integers(0, 3)
PLACES = st.lists(st.tuples(NUMBERS, NUMBERS, NUMBERS), max_size=12)


@given(PLACES, PLACES)
def test_at_places__is_what_a_list_of_rows_would_be(
    rows: list[tuple[int, int, int]], places: list[tuple[int, int, int]]
) -> None:
    table = table_of(schema.Tenure)
    columns = [table.c.project, table.c.seat, table.c.tenure]
    engine = create_engine("sqlite://")
    with engine.begin() as connection:
        table.create(connection)
        more = {"signer": "", "payout": "", "joined_number": 0, "joined_tx": b"", "evicted": False}
        for project, seat, tenure in set(rows):
            connection.execute(table.insert().values(project=project, seat=seat, tenure=tenure, **more))
        found = connection.execute(select(*columns).where(at_places(columns, places))).all()
        wanted = connection.execute(select(*columns).where(tuple_(*columns).in_(places))).all()
    engine.dispose()

    assert sorted(found) == sorted(wanted)
