"""One read transaction at one moment of the chain: small questions that several pages ask."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any, TypeVar

from sqlalchemy import ColumnElement, Connection, Select, Table, func, select

from market.index import schema
from market.index.columns import at_places, table_of
from market.index.getters import Getters
from market.index.logs import decode, split_topics
from market.index.mirror import PROJECTS, RESULTS, ROUNDS, Row
from market.index.tokens import tokens_of
from market.index.views import Page, TimelineRow
from market.phases import Phase
from market.spec.state import Project, Result, Round, phase_of
from market.tokens import TokenFacts

T = TypeVar("T")
BLOCKS, EVENTS, POSTS = table_of(schema.Block), table_of(schema.EventRow), table_of(schema.ResultRowDb)
MAX_LIMIT = 100


class Look:
    """`now`: unix seconds of the chain. `getters` keep what they read for as long as the look lasts."""

    def __init__(self, connection: Connection, now: int) -> None:
        self.connection = connection
        self.now = now
        self.getters = Getters(connection, now)

    def rows(self, statement: Select[Any]) -> list[Row]:
        """Rows as dicts."""
        return [dict(row) for row in self.connection.execute(statement).mappings()]

    def row(self, statement: Select[Any]) -> Row | None:
        """The first row."""
        found = self.connection.execute(statement).mappings().first()
        return None if found is None else dict(found)

    def count(self, table: Table, *where: ColumnElement[bool]) -> int:
        """Rows of a table."""
        return self.connection.execute(select(func.count()).select_from(table).where(*where)).scalar() or 0

    def times(self, numbers: Iterable[int | None]) -> dict[int, int]:
        """Time of each block, which must be one with events."""
        wanted = sorted({number for number in numbers if number is not None})
        if not wanted:
            return {}
        found = select(BLOCKS.c.number, BLOCKS.c.time).where(BLOCKS.c.number.in_(wanted))
        return {row.number: row.time for row in self.connection.execute(found)}

    def token(self, address: str) -> TokenFacts:
        """What a token says of itself."""
        return tokens_of(self.connection, [address])[address]

    def tokens(self, projects: Iterable[int]) -> dict[int, TokenFacts]:
        """The token that each project pays in."""
        wanted = sorted(set(projects))
        rows = self.rows(
            select(PROJECTS.table.c.project, PROJECTS.table.c.params).where(
                PROJECTS.table.c.project.in_(wanted)
            )
        )
        paid_in = {row["project"]: row["params"].token for row in rows}
        facts = tokens_of(self.connection, paid_in.values())
        return {project: facts[token] for project, token in paid_in.items()}

    def exists(self, project: int) -> bool:
        """Whether there is such a project."""
        return self.count(PROJECTS.table, PROJECTS.table.c.project == project) > 0

    def light(self, places: Iterable[tuple[int, int]]) -> dict[int, Project]:
        """Projects with only the rounds named, and their results: enough for phases, cheap for lists."""
        wanted = sorted(set(places))
        numbers = sorted({project for project, _ in wanted})
        records: dict[int, Project] = {}
        for row in self.rows(select(PROJECTS.table).where(PROJECTS.table.c.project.in_(numbers))):
            records[row["project"]] = PROJECTS.record(row, rounds={}, seats={}, results={}, aggregators={})
        for row in self._at(ROUNDS.table, "number", wanted):
            records[row["project"]].rounds[row["number"]] = ROUNDS.record(row, slots={})
        for row in self._at(RESULTS.table, "round", wanted):
            records[row["project"]].results[row["round"]] = RESULTS.record(row)
        return records

    def _at(self, table: Table, name: str, places: Sequence[tuple[int, int]]) -> list[Row]:
        if not places:
            return []
        return self.rows(select(table).where(at_places([table.c.project, table.c[name]], places)))

    def timeline(self, *where: ColumnElement[bool]) -> list[TimelineRow]:
        """Events, newest first."""
        statement = select(EVENTS).where(*where)
        rows = self.rows(statement.order_by(EVENTS.c.number.desc(), EVENTS.c.log_index.desc()))
        return self.timeline_rows(rows)

    def timeline_rows(self, rows: Sequence[Row]) -> list[TimelineRow]:
        """Rows of `events` with their arguments."""
        times = self.times(row["number"] for row in rows)
        return [_timeline_row(row, times) for row in rows]


def page(items: Sequence[T], total: int, offset: int, limit: int) -> Page[T]:
    """A page as it was asked for."""
    return Page(items, total, offset, limit)


def bounds(offset: int, limit: int, most: int = MAX_LIMIT) -> tuple[int, int]:
    """Offset and limit within reason: pages are asked for by strangers."""
    return min(max(offset, 0), 2**62), min(max(limit, 1), most)


def hex_of(value: bytes | None) -> str:
    """0x-text; empty for nothing."""
    return "" if value is None else "0x" + value.hex()


def plain_args(args: Mapping[str, Any]) -> dict[str, Any]:
    """Event arguments with bytes as 0x-text and tuples as lists."""
    return {name: _plain(value) for name, value in args.items()}


def ends_at(project: Project, number: int, now: int) -> int | None:
    """The next second at which time alone matters to a round."""
    windows, facts, result = project.params.windows, project.rounds.get(number), project.results.get(number)
    phase = phase_of(project, number, now)
    if facts is None:
        return None
    if phase is Phase.COMMIT:
        return facts.commit_end
    if phase is Phase.REVEAL:
        return facts.reveal_end
    if phase is Phase.AGGREGATE:
        return max(facts.reveal_end, project.last_event_at) + windows.dead
    if result is None or phase not in (Phase.PROPOSED, Phase.STANDING):
        return None
    return final_from(project, result) if phase is Phase.STANDING else result.stands_at


def final_from(project: Project, result: Result) -> int:
    """First second at which a result that stands may become FINAL, if no ask waits then."""
    windows = project.params.windows
    later = windows.answer + windows.refute if result.asked else 0
    return result.stands_at + windows.challenge + later


def project_state(project: Project, now: int) -> str:
    """One word for a whole project."""
    if project.refunded:
        return "refunded"
    if project.stopped:
        return "stopped"
    return "over" if now >= project.params.end_date else "running"


def _timeline_row(row: Row, times: Mapping[int, int]) -> TimelineRow:
    _, args = decode(split_topics(row["topics"]), row["data"])
    return TimelineRow(
        name=row["name"],
        known=(row["listed"] or 1) < 3,
        project=row["project"],
        round=row["round"],
        seat=args.get("seat"),
        block=row["number"],
        log_index=row["log_index"],
        at=times.get(row["number"], 0),
        tx=hex_of(row["tx"]),
        args=plain_args(args),
    )


def _plain(value: Any) -> Any:
    if isinstance(value, bytes):
        return hex_of(value)
    if isinstance(value, (tuple, list)):
        return [_plain(item) for item in value]
    return value


__all__ = [
    "EVENTS",
    "POSTS",
    "Look",
    "Round",
    "bounds",
    "ends_at",
    "hex_of",
    "page",
    "plain_args",
    "project_state",
]
