"""Posts of results as rows: what became of each, and what its document says."""

from __future__ import annotations

from collections.abc import Sequence

from sqlalchemy import func, select, tuple_

from market.cid import cid_from_digest
from market.codec import MODEL, UPDATE
from market.index.look import POSTS, Look, final_from, hex_of
from market.index.mirror import Row
from market.index.views import Document, ResultRow, ResultState
from market.phases import Phase
from market.records import Post
from market.result_document import MAX_BYTES
from market.spec.state import Project, phase_of
from market.units import members_of, popcount

BY_PHASE = {
    Phase.PROPOSED: ResultState.PROPOSED,
    Phase.STANDING: ResultState.STANDING,
    Phase.FINAL: ResultState.FINAL,
}


def result_rows(look: Look, posts: Sequence[Row], projects: dict[int, Project]) -> list[ResultRow]:
    """Rows of `results` as people see them; `projects` with the rounds of all of them."""
    times = look.times([n for row in posts for n in (row["number"], row["ended_number"])])
    return [_row(row, projects[row["project"]], times, look.now) for row in posts]


def last_posts(look: Look, project: int, rounds: Sequence[int]) -> dict[int, Row]:
    """The newest post of each round that has one."""
    newest = (
        select(POSTS.c.project, POSTS.c.round, func.max(POSTS.c.attempt))
        .where(POSTS.c.project == project, POSTS.c.round.in_(rounds))
        .group_by(POSTS.c.project, POSTS.c.round)
    )
    mine = tuple_(POSTS.c.project, POSTS.c.round, POSTS.c.attempt).in_(newest)
    return {row["round"]: row for row in look.rows(select(POSTS).where(mine))}


def last_figures(look: Look, project: int, rounds: Sequence[int]) -> dict[int, Row]:
    """The same for curves: only the figures, which are cheap to read."""
    c = POSTS.c
    mine = c.project == project, c.round.in_(rounds)
    figures = select(c.round, c.step_squared, c.mean_agreement).where(*mine).order_by(c.attempt)
    return {row["round"]: row for row in look.rows(figures)}


def state_of(row: Row, project: Project, now: int) -> ResultState:
    """What became of a post."""
    if row["ended"] is not None:
        return ResultState(row["ended"])
    stored = project.results.get(row["round"])
    phase = phase_of(project, row["round"], now)
    if stored is None or stored.commitment != row["commitment"] or phase not in BY_PHASE:
        return ResultState.DISPLACED
    return BY_PHASE[phase]


def model_cid(project: Project, digest: bytes) -> str:
    """Where a model file of this project is."""
    return cid_from_digest(digest, MODEL.file_bytes(project.params.coefficients))


def update_cid(project: Project, digest: bytes) -> str:
    """Where an update or delta of this project is."""
    return cid_from_digest(digest, UPDATE.file_bytes(project.params.coefficients))


def _row(row: Row, project: Project, times: dict[int, int], now: int) -> ResultRow:
    post: Post = row["post"]
    state = state_of(row, project, now)
    stored = project.results.get(row["round"])
    open_ = state in (ResultState.PROPOSED, ResultState.STANDING) and stored is not None
    stands_at = stored.stands_at if open_ and stored else row["stands_at"]
    return ResultRow(
        project=row["project"],
        round=row["round"],
        attempt=row["attempt"],
        poster=row["poster"],
        commitment=hex_of(row["commitment"]),
        state=state,
        posted_at=times.get(row["number"], 0),
        posted_tx=hex_of(row["tx"]),
        stands_at=stands_at,
        final_from=final_from(project, stored) if open_ and stored else None,
        ended_at=None if row["ended_number"] is None else times.get(row["ended_number"], 0),
        ended_tx=hex_of(row["ended_tx"]),
        merged=row["merged"],
        included=tuple(members_of(post.included)),
        reveal_count=post.reveal_count,
        row_count=popcount(post.rows),
        paid=post.paid,
        prev_commitment=hex_of(post.prev_commitment),
        model_root=hex_of(post.roots.model),
        model_cid=model_cid(project, post.model_digest),
        delta_root=hex_of(post.roots.delta),
        delta_cid=update_cid(project, post.delta_digest),
        accounts_root=hex_of(post.roots.accounts),
        document_cid=cid_from_digest(post.document_digest, MAX_BYTES),
        document=Document(row["document"]),
        problem=row["problem"],
        step_squared=row["step_squared"],
    )
