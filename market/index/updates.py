"""Seats in rounds: what was sealed and revealed, and what the result says about it."""

from __future__ import annotations

from collections.abc import Sequence

from sqlalchemy import select

from market.index import schema
from market.index.columns import at_places, table_of
from market.index.look import POSTS, Look, hex_of
from market.index.mirror import Row
from market.index.results import update_cid
from market.index.views import Document, UpdateRow
from market.phases import Phase
from market.spec.state import Project, phase_of
from market.units import members_of

SEAT_ROUNDS, RESULT_SEATS = table_of(schema.SeatRound), table_of(schema.ResultSeat)
Place = tuple[int, int]
"""Project and round."""


def update_rows(look: Look, rows: Sequence[Row]) -> list[UpdateRow]:
    """Rows of `seat_rounds` with what the last result of each round says about the seat, in the order given."""
    places = sorted({(row["project"], row["round"]) for row in rows})
    projects = look.light(places)
    posts = _last_posts(look, places)
    figures = _figures(look, rows, posts)
    included = {place: frozenset(members_of(post["post"].included)) for place, post in posts.items()}
    times = look.times([n for row in rows for n in (row["sealed_number"], row["revealed_number"])])
    made = []
    for row in rows:
        place = (row["project"], row["round"])
        inside = row["seat"] in included[place] if place in included else None
        judged = figures.get((*place, row["seat"]), {})
        made.append(_row(row, projects[row["project"]], posts.get(place), inside, judged, times, look.now))
    return made


def _last_posts(look: Look, places: Sequence[Place]) -> dict[Place, Row]:
    """The newest post of each round; rounds have few."""
    if not places:
        return {}
    statement = select(POSTS).where(at_places([POSTS.c.project, POSTS.c.round], places))
    return {(row["project"], row["round"]): row for row in look.rows(statement.order_by(POSTS.c.attempt))}


def _figures(look: Look, rows: Sequence[Row], posts: dict[Place, Row]) -> dict[tuple[int, int, int], Row]:
    """Judgements of those seats by project, round and seat."""
    wanted = [
        (row["project"], row["round"], post["attempt"], row["seat"])
        for row in rows
        if (post := posts.get((row["project"], row["round"]))) and post["document"] == Document.CHECKED
    ]
    if not wanted:
        return {}
    c = RESULT_SEATS.c
    found = look.rows(select(RESULT_SEATS).where(at_places([c.project, c.round, c.attempt, c.seat], wanted)))
    return {(row["project"], row["round"], row["seat"]): row for row in found}


def _row(
    row: Row,
    project: Project,
    post: Row | None,
    included: bool | None,
    judged: Row,
    times: dict[int, int],
    now: int,
) -> UpdateRow:
    phase = phase_of(project, row["round"], now)
    facts = project.rounds[row["round"]]
    revealed = row["root"] is not None
    return UpdateRow(
        project=row["project"],
        round=row["round"],
        seat=row["seat"],
        trainer=row["trainer"],
        tenure=row["tenure"],
        sealed_at=times.get(row["sealed_number"], 0),
        seal=hex_of(row["seal"]),
        seal_tx=hex_of(row["sealed_tx"]),
        revealed_at=times.get(row["revealed_number"], 0) if revealed else None,
        reveal_tx=hex_of(row["revealed_tx"]),
        root=hex_of(row["root"]),
        salt=hex_of(row["salt"]),
        cid=update_cid(project, row["file_digest"]) if revealed else "",
        included=included,
        verdict=judged.get("verdict", ""),
        reason=judged.get("reason", ""),
        weight=judged.get("weight"),
        agreement=judged.get("agreement"),
        novelty=judged.get("novelty"),
        score=judged.get("score"),
        pay=judged.get("pay"),
        penalty=judged.get("penalty"),
        account_reputation=judged.get("account_reputation"),
        account_pay=judged.get("account_pay"),
        account_penalty=judged.get("account_penalty"),
        flat_share=facts.flat_share if phase is Phase.FLAT and revealed else None,
        flat_taken=row["seat"] in facts.flat_taken,
        phase=phase,
        document=Document(post["document"]) if post else Document.PENDING,
    )
