"""What a post must satisfy, whoever sends it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from market.records import Post, Roots
from market.result_hash import commitment_of, context_hash, opening_of
from market.seals import is_revealed, seed_of
from market.spec.state import Project, Round, State, effective_pot, refuse
from market.units import BITMAP_WORD, ZERO32, popcount, words

COLUMN_SEATS = 12
"""With more seats a tree of columns is needed, so that one transaction can show a coefficient of all."""


@dataclass(frozen=True)
class Draft:
    """What `examine` finds out about a post."""

    prev: int
    included: int
    rows: int
    proposed_at: int
    stands_at: int
    merged: bool


def examine(project: Project, facts: Round, replaces: bool, post: Post, now: int) -> Draft:
    """Every check of a post but those of its poster, in the order of the contract."""
    if project.tip != (facts.number if replaces else facts.number - 1):
        raise refuse("MarketOutOfOrder", round=facts.number, tip=project.tip)
    stored = project.results[facts.number] if replaces else None
    prev = stored.prev if stored else project.last_result
    _check_current(project.results[prev].commitment, facts, post)
    _check_roots(post.roots, project.params.seats)
    below = project.results[prev].model_root
    merged = facts.base_root == below
    if not merged and post.roots.model != below:
        raise refuse("MarketNotMerged", modelRoot=post.roots.model, standingRoot=below)
    available = effective_pot(project, facts, now) - project.params.fee
    if post.paid > available:
        raise refuse("MarketPaidTooHigh", paid=post.paid, available=available)
    included = _count_included(project, facts, post.included)
    rows, possible = _count_rows(project, facts, project.results[prev].depth, post.rows)
    if stored and (included, rows) <= (stored.included_count, stored.row_count):
        current = {"currentIncluded": stored.included_count, "currentRows": stored.row_count}
        raise refuse("MarketNotBetter", included=included, rows=rows, **current)
    complete = included == facts.reveal_count and rows == possible
    # T_x runs from the first PROPOSED post of this AGGREGATE; a replacement does not restart it
    proposed_at = facts.proposed_at if stored else (0 if complete else now)
    stands_at = now if complete else proposed_at + project.params.windows.proposed
    return Draft(prev, included, rows, proposed_at, stands_at, merged)


def _check_current(prev_commitment: bytes, facts: Round, post: Post) -> None:
    """A post that raced a conviction, another post or a reorganisation is refused."""
    if post.prev_commitment != prev_commitment:
        raise refuse("MarketStalePrevious", given=post.prev_commitment, current=prev_commitment)
    given, current = (post.reveal_sum, post.reveal_count), (facts.reveal_sum, facts.reveal_count)
    if given != current:
        names = ("givenSum", "givenCount", "currentSum", "currentCount")
        raise refuse("MarketStaleReveals", **dict(zip(names, given + current, strict=True)))


def _check_roots(roots: Roots, seats: int) -> None:
    """No root is zero, but that of the columns for at most 12 seats."""
    if (roots.columns == ZERO32) != (seats <= COLUMN_SEATS):
        raise refuse("MarketColumnsRoot", columns=roots.columns, seats=seats)
    if ZERO32 in (roots.sketches, roots.gram, roots.steps, roots.accounts, roots.delta, roots.model):
        raise refuse("MarketZeroHash")


def _count_seats(bitmap: Sequence[int], seats: int) -> int:
    """Seats in a bitmap of the right length; a bit beyond the last seat is refused."""
    bits = seats - BITMAP_WORD * (len(bitmap) - 1)
    if bitmap[-1] >> bits:
        raise refuse("MarketBitmapRange", word=bitmap[-1], bits=bits)
    return popcount(list(bitmap))


def _check_length(bitmap: Sequence[int], expected: int) -> None:
    if len(bitmap) != expected:
        raise refuse("MarketBitmapLength", words=len(bitmap), expected=expected)


def _count_included(project: Project, facts: Round, bitmap: Sequence[int]) -> int:
    _check_length(bitmap, words(project.params.seats))
    included = _count_seats(bitmap, project.params.seats)
    if not 1 <= included <= facts.reveal_count:
        raise refuse("MarketIncludedCount", included=included, revealed=facts.reveal_count)
    return included


def _count_rows(project: Project, facts: Round, depth: int, rows: Sequence[int]) -> tuple[int, int]:
    """(public rows named, public rows possible): the last K deltas, the reference, the revealed files of V rounds."""
    params, each = project.params, words(project.params.seats)
    _check_length(rows, 1 + params.file_rounds * each)
    possible = min(params.delta_rows, depth)
    deltas = rows[0] & ~(1 << params.delta_rows)
    if deltas >> possible:
        raise refuse("MarketBitmapRange", word=deltas, bits=possible)
    if deltas != rows[0] and not is_revealed(facts.reference):
        raise refuse("MarketReferenceNotRevealed", round=facts.number)
    possible += is_revealed(facts.reference)
    named = popcount([rows[0]])
    for back in range(params.file_rounds):
        files = _count_seats(rows[1 + back * each : 1 + (back + 1) * each], params.seats)
        below = project.rounds.get(facts.number - 1 - back)
        revealed = below.reveal_count if below else 0
        if files > revealed:
            raise refuse("MarketTooManyFiles", roundsBack=back, files=files, revealed=revealed)
        named += files
        possible += revealed
    return named, possible


def commitment_for(state: State, project: int, round_: int, post: Post, poster: str) -> bytes:
    """The one hash over everything that the post claims."""
    context = context_hash(
        state.chain_id,
        state.market,
        project,
        round_,
        post.prev_commitment,
        poster,
        post.included,
        post.rows,
        seed_of(post.reveal_sum),
        post.paid,
    )
    return commitment_of(opening_of(context, post.roots))
