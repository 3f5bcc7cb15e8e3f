"""Single rows: the index's records as the lines of tables."""

from __future__ import annotations

from typing import Any

from market.index.views import (
    AggregatorRow,
    AskRow,
    ConvictionRow,
    Due,
    Health,
    ProjectRow,
    ReferenceRow,
    ResultRow,
    RoundRow,
    SeatRow,
    TimelineRow,
    UpdateRow,
)
from market.phases import Phase
from market.units import ZERO_ADDRESS
from webapp import lines
from webapp import models as m
from webapp.build.hero import WORDS
from webapp.build.why import explain
from webapp.settings import Settings
from webapp.text import Coin, coin_of

DUE_TEXT = {
    "open": "open the next round",
    "voidRound": "settle the void round",
    "flatten": "share the pot, no result came",
    "skip": "step over a round without a result",
    "clear": "clear a convicted poster's result",
    "release": "free a bond that locks nothing",
    "finalise": "make the round final",
    "evict": "free a seat that sat still",
    "refund": "give the owner the rest",
    "convictSilent": "convict a poster that did not answer",
    "settleAsk": "give the price of a question back, its result is gone",
}
"""What each call that anybody may send does."""


def reference_line(row: ReferenceRow, phase: Phase) -> lines.ReferenceLine:
    """The owner's reference in a round of this phase."""
    state = "revealed" if row.revealed_at is not None else "sealed" if row.sealed_at is not None else "absent"
    state = "waiting" if state == "absent" and phase is Phase.COMMIT else state
    return lines.ReferenceLine(
        key=row.key,
        state=state,
        sealed_at=row.sealed_at,
        seal=row.seal,
        seal_tx=row.seal_tx,
        revealed_at=row.revealed_at,
        reveal_tx=row.reveal_tx,
        root=row.root,
        cid=row.cid,
        included=row.included,
        why=_reference_why(state, row.included, phase),
    )


def _reference_why(state: str, included: bool | None, phase: Phase) -> str:
    if state == "waiting":
        return "It seals once a trainer has sealed."
    if state == "absent":
        return "The owner sealed no reference in this round: weights follow from the trainers' updates alone."
    if state == "sealed":
        ended = phase is not Phase.COMMIT and phase is not Phase.REVEAL
        return "It was never revealed and counts for nothing." if ended else "It counts once it is revealed."
    if included is None:
        return "The result is not posted yet."
    counts = "The newest result counts it: it steers weights, and no pay or stake."
    return (
        counts
        if included
        else "The newest result leaves it out: a result with it may replace it until it stands."
    )


def status_of(health: Health, settings: Settings, version: str) -> m.Status:
    """How fresh the index is."""
    return m.Status(
        state=health.state,
        stale=health.stale,
        problem=health.problem,
        block=health.block,
        block_hash=health.block_hash,
        block_time=health.block_time,
        head=health.head,
        lag_blocks=health.lag_blocks,
        lag_s=health.lag_s,
        now=health.now,
        chain_id=settings.deployment.chain_id,
        network=settings.network,
        market=settings.deployment.market,
        version=version,
    )


def card_of(row: ProjectRow) -> lines.Card:
    """A project in the list."""
    return lines.Card(
        number=row.number,
        title=row.title,
        owner=row.owner,
        state=row.state,
        coin=coin_of(row.token),
        created_at=row.created_at,
        round=row.head,
        phase=WORDS[row.phase],
        ends_at=row.ends_at,
        sealed=row.seal_count,
        revealed=row.reveal_count,
        least=row.min_seals,
        held=row.seats_held,
        seats=row.seats,
        pot=row.pot,
        escrow=row.escrow,
        rounds_left=row.escrow // row.pot if row.pot else 0,
    )


def round_line(row: RoundRow) -> lines.RoundLine:
    """A round in a project's table."""
    has_result = row.result.poster != ZERO_ADDRESS
    return lines.RoundLine(
        number=row.number,
        phase=WORDS[row.phase],
        ends_at=row.ends_at,
        opened_at=row.opened_at,
        sealed=row.view.seal_count,
        revealed=row.view.reveal_count,
        included=row.result.included_count,
        pot=row.view.pot,
        paid=row.result.paid,
        fee=row.fee,
        agreement=row.mean_agreement,
        merged=row.result.merged if has_result else None,
        poster=row.result.poster if has_result else "",
    )


def seat_line(row: SeatRow) -> lines.SeatLine:
    """A held seat."""
    return lines.SeatLine(
        number=row.number,
        signer=row.view.signer,
        payout=row.view.payout,
        stake=row.view.stake,
        joined_at=row.joined_at,
        last_sealed=row.view.last_sealed,
        reputation=row.reputation,
        earned=row.earned,
        claimed=row.view.claimed,
        penalty=row.penalty,
        verdict=row.verdict,
        missed=row.view.missed,
        claimable=row.claimable,
        evictable=row.evictable,
    )


def aggregator_line(row: AggregatorRow) -> lines.AggregatorLine:
    """A pool of bonds."""
    return lines.AggregatorLine(row.account, row.bond, row.locked, row.banned, row.results)


def due_call(row: Due) -> m.DueCall:
    """A call that anybody may send."""
    return m.DueCall(row.call, row.round, DUE_TEXT.get(row.call, row.call), row.ask)


def update_line(row: UpdateRow, coin: Coin) -> lines.UpdateLine:
    """A seat in a round, with the reason for its pay."""
    why, hints = explain(row)
    pay = row.flat_share if row.flat_share is not None else row.pay
    return lines.UpdateLine(
        seat=row.seat,
        trainer=row.trainer,
        sealed_at=row.sealed_at,
        seal=row.seal,
        seal_tx=row.seal_tx,
        revealed_at=row.revealed_at,
        reveal_tx=row.reveal_tx,
        root=row.root,
        cid=row.cid,
        included=row.included,
        verdict=_verdict(row),
        weight=row.weight,
        agreement=row.agreement,
        novelty=row.novelty,
        pay=pay,
        penalty=row.penalty,
        reputation=row.account_reputation,
        why=why,
        hints=hints,
        document=row.document.value,
        project=row.project,
        round=row.round,
        phase=WORDS[row.phase],
        coin=coin,
        flat_open=bool(row.flat_share) and not row.flat_taken,
    )


def _verdict(row: UpdateRow) -> str:
    if row.verdict:
        return row.verdict
    if row.revealed_at is None:
        return "sealed"
    return "left out" if row.included is False else "revealed"


def result_line(row: ResultRow) -> lines.ResultLine:
    """A post of a result."""
    return lines.ResultLine(
        project=row.project,
        round=row.round,
        attempt=row.attempt,
        poster=row.poster,
        commitment=row.commitment,
        state=row.state.value,
        posted_at=row.posted_at,
        posted_tx=row.posted_tx,
        stands_at=row.stands_at,
        final_from=row.final_from,
        included=len(row.included),
        revealed=row.reveal_count,
        paid=row.paid,
        merged=row.merged,
        model_root=row.model_root,
        model_cid=row.model_cid,
        delta_cid=row.delta_cid,
        document_cid=row.document_cid,
        document=row.document.value,
        problem=row.problem,
    )


def conviction_line(row: ConvictionRow) -> lines.Conviction:
    """A refutation that was right."""
    return lines.Conviction(
        project=row.project,
        round=row.round,
        cause=row.cause,
        poster=row.poster,
        refuter=row.refuter,
        to_refuter=row.to_refuter,
        to_pot=row.to_pot,
        to_escrow=row.to_escrow,
        at=row.at,
        tx=row.tx,
        coin=coin_of(row.token),
    )


def ask_line(row: AskRow) -> lines.AskLine:
    """A question to a poster."""
    row_text = f", row {row.row}" if row.row else ""
    level = f"level {row.level}, node {row.index}" if row.level else f"leaf {row.index}"
    return lines.AskLine(
        id=row.id,
        project=row.project,
        round=row.round,
        state=row.state,
        asker=row.asker,
        answerer=row.answerer,
        place=f"{row.tree.replace('_', ' ').lower()}{row_text}, {level}",
        answer_bytes=row.answer_bytes,
        price=row.price,
        due=row.due,
        asked_at=row.asked_at,
        asked_tx=row.asked_tx,
        ended_at=row.ended_at,
        ended_tx=row.ended_tx,
    )


def event_line(row: TimelineRow) -> lines.EventLine:
    """An event; its arguments as text, since JSON readers lose digits above 2^53."""
    args = {key: _flat(value) for key, value in row.args.items()}
    return lines.EventLine(row.name, row.known, row.block, row.at, row.tx, args)


def _flat(value: Any) -> str:
    text = str(value)
    return text if len(text) <= 200 else f"{text[:200]}…"
