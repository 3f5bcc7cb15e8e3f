"""Whole pages: a project, a round, what watchers look at."""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import Any

from sqlalchemy import ColumnElement, func, select, text

from market.cid import cid_from_digest
from market.description import MAX_BYTES as DESCRIPTION_BYTES
from market.duties import advance_duties
from market.index import schema
from market.index.columns import table_of
from market.index.look import EVENTS, POSTS, Look, ends_at, hex_of, page, plain_args, project_state
from market.index.measurements import measurements_of
from market.index.mirror import Row
from market.index.money import money_of
from market.index.proofs import final_accounts
from market.index.references import reference_row
from market.index.results import last_figures, last_posts, model_cid, result_rows
from market.index.trainers import TENURES, claimable, is_evictable
from market.index.updates import SEAT_ROUNDS, update_rows
from market.index.views import (
    AggregatorRow,
    AskRow,
    ConvictionRow,
    Document,
    Due,
    Page,
    ProjectPage,
    ResultRow,
    RoundPage,
    RoundRow,
    SeatRow,
    TimelineRow,
    WatchPage,
)
from market.records import START_ACCOUNT
from market.refutation import Tree
from market.spec.state import Project
from market.tokens import TokenFacts
from market.units import ZERO_ADDRESS

CONVICTIONS = table_of(schema.Conviction)
MOVEMENTS = table_of(schema.Movement)
DESCRIPTIONS, RESULT_SEATS = table_of(schema.DescriptionRow), table_of(schema.ResultSeat)
PROJECTS, ASKS = table_of(schema.ProjectState), table_of(schema.AskRow)
MANY = 100


def project_page(look: Look, number: int, rounds: int) -> ProjectPage:
    """A project with its newest rounds; it must exist."""
    it = look.getters.record(number)
    rows = round_rows(look, number, range(max(1, it.head - rounds + 1), it.head + 1))
    created = first_event(look, number)
    document = look.row(select(DESCRIPTIONS).where(DESCRIPTIONS.c.project == number)) or {}
    snapshot = look.getters.snapshot(number)
    return ProjectPage(
        number=number,
        now=look.now,
        state=project_state(it, look.now),
        title=document.get("title", ""),
        description=json.loads(document["document"]) if document.get("document") else None,
        description_cid=cid_from_digest(it.content.description_digest, DESCRIPTION_BYTES),
        description_problem=document.get("problem", ""),
        model_cid=model_cid(it, it.content.model_digest),
        created_at=created.at if created else 0,
        created_tx=created.tx if created else "",
        params=it.params,
        token=look.token(it.params.token),
        content=it.content,
        view=look.getters.project(number),
        head=rows[0] if rows else None,
        rounds=rows,
        seats=seat_rows(look, number, it),
        aggregators=aggregator_rows(look, number, it),
        money=money_of(look, number, it),
        measurements=measurements_of(look.connection, number),
        due=[Due(duty.kind.value, duty.round or None, duty.ask or None) for duty in advance_duties(snapshot)],
    )


def first_event(look: Look, project: int) -> TimelineRow | None:
    """Its creation."""
    mine = select(EVENTS).where(EVENTS.c.project == project, EVENTS.c.listed.is_not(None))
    rows = look.rows(mine.order_by(EVENTS.c.number, EVENTS.c.log_index).limit(1))
    return look.timeline_rows(rows)[0] if rows else None


def round_rows(look: Look, project: int, numbers: Sequence[int]) -> list[RoundRow]:
    """Rounds, the newest first."""
    it = look.getters.record(project)
    opened, fees = _openings(look, project, numbers)
    figures = last_figures(look, project, numbers)
    made = []
    for number in sorted(numbers, reverse=True):
        view, post = look.getters.round(project, number), figures.get(number, {})
        at, tx = opened.get(number, (0, ""))
        made.append(
            RoundRow(
                number=number,
                phase=view.phase,
                view=view,
                result=look.getters.result(project, number),
                ends_at=ends_at(it, number, look.now),
                opened_at=at,
                opened_tx=tx,
                fee=fees.get(number, 0),
                step_squared=post.get("step_squared"),
                mean_agreement=post.get("mean_agreement"),
            )
        )
    return made


def _openings(
    look: Look, project: int, numbers: Sequence[int]
) -> tuple[dict[int, tuple[int, str]], dict[int, int]]:
    """When each round was opened (the last time), and the fees of those that are FINAL. Nothing is decoded for it."""
    c = EVENTS.c
    mine = c.project == project, c.listed.is_not(None), c.round.in_(numbers), c.name == "RoundOpened"
    rows = look.rows(select(c.round, c.number, c.tx).where(*mine).order_by(c.number, c.log_index))
    times = look.times(row["number"] for row in rows)
    opened = {row["round"]: (times.get(row["number"], 0), hex_of(row["tx"])) for row in rows}
    of_fees = MOVEMENTS.c.project == project, MOVEMENTS.c.kind == "fee", MOVEMENTS.c.round.in_(numbers)
    fees = look.rows(select(MOVEMENTS.c.round, MOVEMENTS.c.amount).where(*of_fees))
    return opened, {row["round"]: row["amount"] for row in fees}


def seat_rows(look: Look, project: int, it: Project) -> list[SeatRow]:
    """Held seats with their accounts under the newest checked result that stands."""
    judged, known = _accounts(look, project, it)
    current = select(TENURES).where(TENURES.c.project == project, TENURES.c.left_number.is_(None))
    tenures = {row["seat"]: row for row in look.rows(current)}
    times = look.times(row["joined_number"] for row in tenures.values())
    final = final_accounts(look, project, it)
    made = []
    for seat, place in sorted(it.seats.items()):
        if place.signer == ZERO_ADDRESS or seat not in tenures:
            continue
        account = judged.get(seat, {})
        start = START_ACCOUNT if known and not judged else None
        made.append(
            SeatRow(
                number=seat,
                view=look.getters.seat(project, seat),
                tenure=tenures[seat]["tenure"],
                joined_at=times.get(tenures[seat]["joined_number"], 0),
                reputation=account.get("account_reputation", start.reputation if start else None),
                earned=account.get("account_pay", start.pay if start else None),
                penalty=account.get("account_penalty", start.penalty if start else None),
                verdict=account.get("verdict", ""),
                claimable=claimable(it, place, final[seat] if final else None),
                evictable=is_evictable(it, place),
            )
        )
    return made


def _accounts(look: Look, project: int, it: Project) -> tuple[dict[int, Row], bool]:
    """Figures by seat, and whether accounts are known at all (before the first result they are the start's)."""
    last = it.last_result
    if last and it.results[last].stands_at > look.now:
        last = it.results[last].prev
    if last == 0:
        return {}, True
    post = last_posts(look, project, [last]).get(last)
    if post is None or post["document"] != Document.CHECKED:
        return {}, False
    c = RESULT_SEATS.c
    mine = c.project == project, c.round == last, c.attempt == post["attempt"]
    return {row["seat"]: row for row in look.rows(select(RESULT_SEATS).where(*mine))}, True


def aggregator_rows(look: Look, project: int, it: Project) -> list[AggregatorRow]:
    """Pools of bonds, and how often their owners posted."""
    counted = select(POSTS.c.poster, func.count().label("n")).where(POSTS.c.project == project)
    posts = {row["poster"]: row["n"] for row in look.rows(counted.group_by(POSTS.c.poster))}
    return [
        AggregatorRow(account, pool.bond, pool.locked, pool.banned, posts.get(account, 0))
        for account, pool in sorted(it.aggregators.items())
    ]


def round_page(look: Look, project: int, number: int) -> RoundPage:
    """A round; it must exist."""
    it = look.getters.record(project)
    mine = SEAT_ROUNDS.c.project == project, SEAT_ROUNDS.c.round == number
    seals = look.rows(select(SEAT_ROUNDS).where(*mine).order_by(SEAT_ROUNDS.c.seat))
    of_round = POSTS.c.project == project, POSTS.c.round == number
    posts = look.rows(select(POSTS).where(*of_round).order_by(POSTS.c.attempt.desc()))
    return RoundPage(
        project=project,
        params=it.params,
        token=look.token(it.params.token),
        now=look.now,
        row=round_rows(look, project, [number])[0],
        reference=reference_row(look, project, it, number, posts),
        updates=update_rows(look, seals),
        results=result_rows(look, posts, {project: it}),
        asks=ask_rows(look, ASKS.c.project == project, ASKS.c.round == number),
        timeline=look.timeline(
            EVENTS.c.project == project, EVENTS.c.listed.is_not(None), EVENTS.c.round == number
        ),
    )


def open_results(look: Look, offset: int, limit: int) -> Page[ResultRow]:
    """Results that may still be refuted, in the order in which they stand."""
    c = POSTS.c
    p = PROJECTS.c
    # "+ 0": from projects to their few open rounds, never from all posts to their projects
    join = PROJECTS.join(POSTS, (c.project == p.project + 0) & c.round.between(p.last_final + 1, p.tip))
    mine = select(POSTS).select_from(join).where(c.ended.is_(None))
    count = look.connection.execute(select(func.count()).select_from(mine.subquery())).scalar() or 0
    first = mine.order_by(c.stands_at, c.project, c.round).offset(offset).limit(limit)
    posts = look.rows(first)
    projects = look.light((row["project"], row["round"]) for row in posts)
    rows = [row for row in result_rows(look, posts, projects) if row.final_from is not None]
    rows.sort(key=lambda row: (row.final_from or 0, row.project, row.round))
    return page(rows, count, offset, limit)


def watch_page(look: Look, offset: int, limit: int) -> WatchPage:
    """Results that may still be refuted, convictions, and what else happened around refutations."""
    c = CONVICTIONS.c
    newest = select(CONVICTIONS).order_by(c.number.desc(), c.log_index.desc()).offset(offset).limit(limit)
    convicted = look.rows(newest)
    times = look.times(row["number"] for row in convicted)
    tokens = look.tokens(row["project"] for row in convicted)
    rows = [_conviction(row, times, tokens[row["project"]]) for row in convicted]
    odd = select(EVENTS).where(text(schema.ODD)).order_by(EVENTS.c.number.desc(), EVENTS.c.log_index.desc())
    return WatchPage(
        now=look.now,
        open=open_results(look, offset, limit),
        asks=ask_rows(look, ASKS.c.ended.is_(None)),
        convictions=page(rows, look.count(CONVICTIONS), offset, limit),
        other=look.timeline_rows(look.rows(odd.limit(MANY))),
    )


def ask_rows(look: Look, *where: ColumnElement[bool]) -> list[AskRow]:
    """Asks, those due first on top."""
    rows = look.rows(select(ASKS).where(*where).order_by(ASKS.c.due, ASKS.c.id))
    times = look.times([n for row in rows for n in (row["number"], row["ended_number"])])
    names = (
        "id",
        "project",
        "round",
        "attempt",
        "asker",
        "answerer",
        "row",
        "level",
        "answer_bytes",
        "price",
        "due",
    )
    return [
        AskRow(
            **{name: row[name] for name in names},
            state=row["ended"] or "open",
            tree=Tree(row["tree"]).name,
            index=row["node"],
            asked_at=times.get(row["number"], 0),
            asked_tx=hex_of(row["tx"]),
            ended_at=None if row["ended_number"] is None else times.get(row["ended_number"], 0),
            ended_tx=hex_of(row["ended_tx"]),
        )
        for row in rows
    ]


def _conviction(row: Row, times: dict[int, int], token: TokenFacts) -> ConvictionRow:
    names = ("project", "round", "cause", "poster", "refuter", "to_refuter", "to_pot", "to_escrow")
    values: dict[str, Any] = {name: row[name] for name in names}
    return ConvictionRow(**values, at=times.get(row["number"], 0), tx=hex_of(row["tx"]), token=token)


__all__ = ["plain_args", "project_page", "round_page", "round_rows", "watch_page"]
