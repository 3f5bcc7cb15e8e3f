"""The read side of the index: typed answers for pages and the command line, from the database alone.

Nothing here asks a chain or a store. Every call is one read transaction, so a page never mixes two blocks.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from types import TracebackType
from typing import Self

from sqlalchemy import ColumnElement, Engine, func, select
from sqlalchemy.exc import SQLAlchemyError

from market.claims import AccountProof
from market.codec import MODEL
from market.errors import ChainError
from market.index import schema
from market.index.columns import table_of
from market.index.database import open_readonly
from market.index.dump import lines
from market.index.health import health_of, now_of, version_of
from market.index.look import EVENTS, POSTS, Look, bounds, ends_at, hex_of, page, project_state
from market.index.measurements import measurements_of
from market.index.migrations import is_current
from market.index.mirror import PROJECTS, SEATS, Row
from market.index.money import money_of
from market.index.pages import project_page, round_page, round_rows, watch_page
from market.index.proofs import account_proof
from market.index.results import last_posts, model_cid, result_rows
from market.index.tokens import known_token, tokens_of
from market.index.trainers import trainer_page
from market.index.updates import SEAT_ROUNDS, update_rows
from market.index.views import (
    Health,
    Measurement,
    ModelRow,
    Money,
    Page,
    ProjectPage,
    ProjectRow,
    ResultRow,
    RoundPage,
    RoundRow,
    TimelineRow,
    TrainerPage,
    UpdateRow,
    WatchPage,
)
from market.phases import Phase
from market.spec.state import Project, phase_of
from market.tokens import TokenFacts
from market.units import ZERO_ADDRESS

DESCRIPTIONS = table_of(schema.DescriptionRow)
MOST_ROUNDS = 1_000
"""Rounds on one project page, so that its curves are whole."""


class Reader:
    """Answers from a database that is opened read-only. Thread-safe; every call is one short read transaction."""

    def __init__(self, engine: Engine, stale_s: int = 60) -> None:
        self._engine = engine
        self._stale_s = stale_s

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def close(self) -> None:
        """Ends all connections."""
        self._engine.dispose()

    # ----- the index -----

    def health(self) -> Health:
        """How far the index is; also answers before the first block is indexed."""
        with self._look() as look:
            return health_of(look.connection, self._stale_s)

    def now(self) -> int:
        """Chain time that phases are derived at, unix seconds."""
        with self._look() as look:
            return look.now

    def version(self) -> str:
        """A short text that changes whenever something indexed changes."""
        with self._look() as look:
            return version_of(look.connection)

    def dump(self, documents: bool = True) -> Iterator[bytes]:
        """Canonical lines, see `market.index.dump`; one transaction for as long as they are read."""
        with self._look() as look:
            yield from lines(look.connection, documents)

    # ----- projects -----

    def projects(self, offset: int = 0, limit: int = 20) -> Page[ProjectRow]:
        """Projects, newest first; at most 100 at a time."""
        offset, limit = bounds(offset, limit)
        with self._look() as look:
            table = PROJECTS.table
            heads = select(table.c.project, table.c.head).order_by(table.c.project.desc())
            places = [(row["project"], row["head"]) for row in look.rows(heads.offset(offset).limit(limit))]
            return page(_project_rows(look, places), look.count(table), offset, limit)

    def project(self, number: int, rounds: int = 20) -> ProjectPage | None:
        """One project with its newest rounds (at most 1,000); None if there is no such project."""
        with self._look() as look:
            most = bounds(0, rounds, MOST_ROUNDS)[1]
            return project_page(look, number, most) if look.exists(number) else None

    def money(self, project: int) -> Money | None:
        """The money equation of a project."""
        with self._look() as look:
            return money_of(look, project, look.getters.record(project)) if look.exists(project) else None

    def measurements(self, project: int) -> list[Measurement]:
        """What the owner measured, by round."""
        with self._look() as look:
            return measurements_of(look.connection, project)

    def timeline(self, project: int, offset: int = 0, limit: int = 50) -> Page[TimelineRow]:
        """Events of a project, newest first, without seals and reveals."""
        offset, limit = bounds(offset, limit)
        mine: list[ColumnElement[bool]] = [EVENTS.c.project == project, EVENTS.c.listed.is_not(None)]
        newest = select(EVENTS).where(*mine).order_by(EVENTS.c.number.desc(), EVENTS.c.log_index.desc())
        with self._look() as look:
            rows = look.timeline_rows(look.rows(newest.offset(offset).limit(limit)))
            return page(rows, look.count(EVENTS, *mine), offset, limit)

    def token(self, address: str) -> TokenFacts | None:
        """A token that some project pays in, or the native coin; None for others."""
        with self._look() as look:
            return known_token(look.connection, address)

    # ----- rounds -----

    def rounds(self, project: int, offset: int = 0, limit: int = 20) -> Page[RoundRow]:
        """Rounds of a project, newest first; empty if there is no such project."""
        offset, limit = bounds(offset, limit)
        with self._look() as look:
            if not look.exists(project):
                return page([], 0, offset, limit)
            head = look.getters.record(project).head
            numbers = range(max(head - offset - limit, 0) + 1, max(head - offset, 0) + 1)
            return page(round_rows(look, project, numbers), head, offset, limit)

    def round(self, project: int, number: int) -> RoundPage | None:
        """One round; None if it does not exist."""
        with self._look() as look:
            if not look.exists(project) or number not in look.getters.record(project).rounds:
                return None
            return round_page(look, project, number)

    def results(self, project: int, offset: int = 0, limit: int = 20) -> Page[ResultRow]:
        """Posts of a project, newest first."""
        offset, limit = bounds(offset, limit)
        mine = POSTS.c.project == project
        newest = select(POSTS).where(mine).order_by(POSTS.c.round.desc(), POSTS.c.attempt.desc())
        with self._look() as look:
            rows = look.rows(newest.offset(offset).limit(limit))
            projects = look.light((row["project"], row["round"]) for row in rows)
            return page(result_rows(look, rows, projects), look.count(POSTS, mine), offset, limit)

    def models(self, project: int, offset: int = 0, limit: int = 20) -> Page[ModelRow]:
        """Models of a project, newest first; the last one is the first model (round 0)."""
        offset, limit = bounds(offset, limit)
        with self._look() as look:
            if not look.exists(project):
                return page([], 0, offset, limit)
            rows = _model_rows(look, project)
            return page(rows[offset : offset + limit], len(rows), offset, limit)

    def account_proof(self, project: int, seat: int) -> tuple[int, AccountProof] | None:
        """(round, what proves the seat's account under the last FINAL result); None until its accounts are known."""
        with self._look() as look:
            return account_proof(look, project, seat) if look.exists(project) else None

    # ----- people -----

    def updates(self, project: int, seat: int, offset: int = 0, limit: int = 100) -> Page[UpdateRow]:
        """History of one seat over all its holders, newest round first."""
        offset, limit = bounds(offset, limit)
        mine = (SEAT_ROUNDS.c.project == project, SEAT_ROUNDS.c.seat == seat)
        newest = select(SEAT_ROUNDS).where(*mine).order_by(SEAT_ROUNDS.c.round.desc())
        with self._look() as look:
            rows = update_rows(look, look.rows(newest.offset(offset).limit(limit)))
            return page(rows, look.count(SEAT_ROUNDS, *mine), offset, limit)

    def trainer(self, address: str, offset: int = 0, limit: int = 50) -> TrainerPage | None:
        """An address's seats and rounds; None if it never held a seat."""
        offset, limit = bounds(offset, limit)
        with self._look() as look:
            return trainer_page(look, address, offset, limit)

    def watch(self, offset: int = 0, limit: int = 50) -> WatchPage:
        """Results that may be refuted, and past convictions."""
        offset, limit = bounds(offset, limit)
        with self._look() as look:
            return watch_page(look, offset, limit)

    @contextmanager
    def _look(self) -> Iterator[Look]:
        try:
            with self._engine.begin() as connection:
                yield Look(connection, now_of(connection))
        except SQLAlchemyError as error:
            raise _unanswered(error) from error


def open_reader(url: str, stale_s: int = 60) -> Reader:
    """Opens the index at a database URL read-only. ChainError E208 where there is none of this version."""
    engine = open_readonly(url)
    try:
        with engine.begin() as connection:
            current = is_current(connection)
    except SQLAlchemyError as error:
        engine.dispose()
        raise _unanswered(error) from error
    if not current:
        engine.dispose()
        text = f"no index of this version in {engine.url.database}"
        raise ChainError("E208", f"{text}; `fairtrain index run` makes or upgrades it")
    return Reader(engine, stale_s)


def _unanswered(error: SQLAlchemyError) -> ChainError:
    first = (str(getattr(error, "orig", None) or error).splitlines() or [""])[0][:160]
    return ChainError(
        "E208", f"the index database does not answer ({first}); is it running, and `fairtrain index run`?"
    )


def _project_rows(look: Look, places: Sequence[tuple[int, int]]) -> list[ProjectRow]:
    numbers = [number for number, _ in places]
    projects = look.light(places)
    held = _seats_held(look, numbers)
    titles = {
        row["project"]: row["title"]
        for row in look.rows(select(DESCRIPTIONS).where(DESCRIPTIONS.c.project.in_(numbers)))
    }
    created = _created(look, numbers)
    tokens = tokens_of(look.connection, (projects[n].params.token for n in numbers))
    return [
        _project_row(look, n, projects[n], held.get(n, 0), titles.get(n, ""), created.get(n, (0, "")), tokens)
        for n in numbers
    ]


def _project_row(
    look: Look,
    number: int,
    it: Project,
    held: int,
    title: str,
    created: tuple[int, str],
    tokens: Mapping[str, TokenFacts],
) -> ProjectRow:
    head = it.rounds.get(it.head)
    return ProjectRow(
        number=number,
        owner=it.owner,
        title=title,
        state=project_state(it, look.now),
        token=tokens[it.params.token],
        created_at=created[0],
        created_tx=created[1],
        head=it.head,
        phase=phase_of(it, it.head, look.now) if it.head else Phase.NONE,
        ends_at=ends_at(it, it.head, look.now),
        seal_count=head.seal_count if head else 0,
        reveal_count=head.reveal_count if head else 0,
        seats_held=held,
        seats=it.params.seats,
        min_seals=it.params.min_seals,
        pot=it.params.pot,
        escrow=it.escrow,
        last_final=it.last_final,
    )


def _seats_held(look: Look, numbers: Sequence[int]) -> dict[int, int]:
    c = SEATS.table.c
    held = select(c.project, func.count().label("n")).where(c.project.in_(numbers), c.signer != ZERO_ADDRESS)
    return {row["project"]: row["n"] for row in look.rows(held.group_by(c.project))}


def _created(look: Look, numbers: Sequence[int]) -> dict[int, tuple[int, str]]:
    """When and in which transaction projects were created: block of the description's row, which is made then."""
    blocks = {
        row["project"]: row["number"]
        for row in look.rows(select(DESCRIPTIONS).where(DESCRIPTIONS.c.project.in_(numbers)))
    }
    created = EVENTS.c.number.in_(sorted(set(blocks.values()))), EVENTS.c.name == "ProjectCreated"
    events = look.rows(select(EVENTS).where(*created))
    times = look.times(row["number"] for row in events)
    return {row["project"]: (times[row["number"]], hex_of(row["tx"])) for row in events}


def _model_rows(look: Look, project: int) -> list[ModelRow]:
    """Of the results that count, and of the start. Rounds that are not merged carry the model below."""
    it = look.getters.record(project)
    numbers = sorted((n for n in it.results if 0 < n <= it.tip), reverse=True)
    posts = last_posts(look, project, numbers)
    size = MODEL.file_bytes(it.params.coefficients)
    rows = [_model_row(look, project, it, n, posts[n], size) for n in numbers if n in posts]
    first = model_cid(it, it.content.model_digest)
    root = hex_of(it.content.model_root)
    return [*rows, ModelRow(project, 0, Phase.FINAL, root, first, size, stands=True, merged=True)]


def _model_row(look: Look, project: int, it: Project, number: int, post: Row, size: int) -> ModelRow:
    phase = phase_of(it, number, look.now)
    return ModelRow(
        project=project,
        round=number,
        phase=phase,
        root=hex_of(post["post"].roots.model),
        cid=model_cid(it, post["post"].model_digest),
        size_bytes=size,
        stands=phase in (Phase.STANDING, Phase.FINAL),
        merged=post["merged"],
    )
