"""Records of `market.spec.state` as rows and back, field by field.

The fold of `market.replay` works on those records; here they are made from rows when a project is first needed, and
written back where they changed. A field that has no column of its own is kept in `rest`, so that a record may grow
without losing anything.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Connection, Table, func, select

from market.events import Asked
from market.index import schema
from market.index.columns import at_places, table_of
from market.index.plain import from_plain, hints_of, to_plain
from market.refutation import Tree
from market.spec.state import Aggregator, OpenAsk, Project, Result, Round, Seat, is_settled

Row = dict[str, Any]
Key = tuple[Any, ...]
NESTED = frozenset({"rounds", "seats", "results", "aggregators", "slots"})
"""Fields that are rows of other tables."""


@dataclass(frozen=True)
class Mirror:
    """One record type and its table; `keys`: columns that tell which record it is, and are none of its fields."""

    table: Table
    cls: type
    keys: tuple[str, ...]

    @property
    def fields(self) -> list[str]:
        """Fields of the record that are kept here."""
        return [f.name for f in dataclasses.fields(self.cls) if f.name not in NESTED]

    def row(self, key: Key, record: Any) -> Row:
        """The row of a record."""
        plan = _PLANS[self.table.name]
        row = dict(zip(self.keys, key, strict=True))
        for name in plan.columns:
            row[name] = getattr(record, name)
        row["rest"] = {name: to_plain(getattr(record, name)) for name in plan.rest}
        return row

    def record(self, row: Mapping[str, Any], **nested: Any) -> Any:
        """The record of a row; `nested` are the fields that stand in other tables."""
        plan = _PLANS[self.table.name]
        values = {name: row[name] for name in plan.columns}
        hints = hints_of(self.cls)
        values |= {name: from_plain(hints[name], item) for name, item in row["rest"].items() if name in hints}
        return self.cls(**values, **nested)


@dataclass(frozen=True)
class _Plan:
    columns: tuple[str, ...]
    rest: tuple[str, ...]


PROJECTS = Mirror(table_of(schema.ProjectState), Project, ("project",))
ROUNDS = Mirror(table_of(schema.RoundState), Round, ("project", "number"))
SEATS = Mirror(table_of(schema.SeatState), Seat, ("project", "seat"))
RESULTS = Mirror(table_of(schema.StoredResult), Result, ("project", "round"))
POOLS = Mirror(table_of(schema.Pool), Aggregator, ("project", "account"))
MIRRORS = (PROJECTS, ROUNDS, SEATS, RESULTS, POOLS)

_PLANS = {
    mirror.table.name: _Plan(
        tuple(n for n in mirror.fields if n in mirror.table.columns),
        tuple(n for n in mirror.fields if n not in mirror.table.columns),
    )
    for mirror in MIRRORS
}


def rows_of(number: int, project: Project) -> Iterator[tuple[Mirror, Key, Row]]:
    """All rows of a project but those of its slots."""
    yield PROJECTS, (number,), PROJECTS.row((number,), project)
    for mirror, records in (
        (ROUNDS, project.rounds),
        (SEATS, project.seats),
        (RESULTS, project.results),
        (POOLS, project.aggregators),
    ):
        for place, record in records.items():
            yield mirror, (number, place), mirror.row((number, place), record)


def read_rows(connection: Connection, mirror: Mirror, number: int) -> list[Row]:
    """Rows of a project in one table, by key."""
    table = mirror.table
    statement = select(table).where(table.c.project == number).order_by(*table.primary_key.columns)
    return [dict(row) for row in connection.execute(statement).mappings()]


def load_project(connection: Connection, number: int) -> Project | None:
    """A project with everything that the fold and the getters need; None if it does not exist.

    Slots are those of unsettled rounds and of each seat's last sealed one: nothing else is asked for any more.
    """
    own = read_rows(connection, PROJECTS, number)
    if not own:
        return None
    rounds = {row["number"]: ROUNDS.record(row, slots={}) for row in read_rows(connection, ROUNDS, number)}
    seats = {row["seat"]: SEATS.record(row) for row in read_rows(connection, SEATS, number)}
    project: Project = PROJECTS.record(
        own[0],
        rounds=rounds,
        seats=seats,
        results={row["round"]: RESULTS.record(row) for row in read_rows(connection, RESULTS, number)},
        aggregators={row["account"]: POOLS.record(row) for row in read_rows(connection, POOLS, number)},
    )
    for row in _slots(connection, number, project):
        project.rounds[row.round].slots[row.seat] = row.root or row.seal
    return project


def load_asks(connection: Connection, number: int, project: Project) -> dict[int, OpenAsk]:
    """Asks of a project without an answer, about the stored result that they were asked about, or one that is gone."""
    asks, posts = table_of(schema.AskRow), table_of(schema.ResultRowDb)
    waiting = select(asks).where(asks.c.project == number, asks.c.ended.is_(None)).order_by(asks.c.id)
    found = {}
    for row in connection.execute(waiting).mappings():
        of_round = posts.c.project == number, posts.c.round == row["round"]
        newest = connection.execute(select(func.max(posts.c.attempt)).where(*of_round)).scalar()
        stored = project.results.get(row["round"]) if newest == row["attempt"] else None
        names = ("project", "round", "id", "asker", "row", "level", "root", "answer_bytes")
        event = Asked(
            **{name: row[name] for name in names},
            tree=Tree(row["tree"]),
            index=row["node"],
            price=row["price"],
            burned=row["burned"],
            returned=row["returned"],
            due=row["due"],
        )
        found[row["id"]] = OpenAsk(stored or Result(b"", b""), event)
    return found


def _slots(connection: Connection, number: int, project: Project) -> list[Any]:
    table = table_of(schema.SeatRound)
    open_rounds = [n for n, facts in project.rounds.items() if not is_settled(facts)]
    last = [(seat.last_sealed, place) for place, seat in project.seats.items() if seat.last_sealed]
    columns = (table.c.round, table.c.seat, table.c.seal, table.c.root)
    mine = select(*columns).where(table.c.project == number)
    of_open = mine.where(table.c.round.in_(open_rounds))
    of_last = mine.where(at_places([table.c.round, table.c.seat], last))
    return [*connection.execute(of_open), *connection.execute(of_last)]


def forget_slots(project: Project) -> None:
    """Drops slots of settled rounds that no seat sealed last; `seat_rounds` has them all."""
    for number, facts in project.rounds.items():
        if facts.slots and is_settled(facts):
            facts.slots = {
                place: slot
                for place, slot in facts.slots.items()
                if project.seats[place].last_sealed == number
            }


__all__ = [
    "MIRRORS",
    "POOLS",
    "PROJECTS",
    "RESULTS",
    "ROUNDS",
    "SEATS",
    "forget_slots",
    "load_asks",
    "load_project",
]
