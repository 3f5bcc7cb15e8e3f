"""Getters of the specification, equal to the contract's views in names, values and order."""

from __future__ import annotations

from market.phases import Phase
from market.records import AggregatorView, ProjectView, ResultView, RoundView, SeatView
from market.refutation import AskView
from market.seals import is_revealed
from market.spec.asks import counts
from market.spec.results import open_asks_of
from market.spec.state import (
    Seat,
    State,
    awaits_reference,
    check_seat,
    misses_owed,
    phase_of,
    project_at,
    uncharged,
)
from market.units import ZERO32

COUNTING = (Phase.PROPOSED, Phase.STANDING, Phase.FINAL)


def project_of(state: State, project: int) -> ProjectView:
    """Facts of a project."""
    it = project_at(state, project)
    return ProjectView(
        owner=it.owner,
        stopped=it.stopped,
        refunded=it.refunded,
        head=it.head,
        tip=it.tip,
        last_result=it.last_result,
        last_final=it.last_final,
        terminal_up_to=it.terminal_up_to,
        open_count=it.open_count,
        active_next=it.active_next,
        cleared_at=it.cleared_at,
        last_event_at=it.last_event_at,
        escrow=it.escrow,
        bucket=it.bucket,
        penalty_pool=it.penalty_pool,
        misses_owed=misses_owed(it),
    )


def round_of(state: State, project: int, round_: int, now: int) -> RoundView:
    """Facts of a round at `now`; empty if it does not exist."""
    it = project_at(state, project)
    facts = it.rounds.get(round_)
    phase = phase_of(it, round_, now)
    if facts is None:
        return RoundView(phase=phase)
    joining = uncharged(it, facts, now)
    return RoundView(
        phase=phase,
        commit_end=facts.commit_end,
        reveal_end=facts.reveal_end,
        seal_count=facts.seal_count,
        reveal_count=facts.reveal_count,
        active_left=facts.active_left,
        reveal_sum=facts.reveal_sum,
        pot=facts.pot + joining,
        uncharged=joining,
        base_root=facts.base_root,
        proposed_at=facts.proposed_at if phase in COUNTING else 0,
        reference_awaited=awaits_reference(it, facts),
        reference_sealed=facts.reference != ZERO32,
        reference_revealed=is_revealed(facts.reference),
    )


def result_of(state: State, project: int, round_: int, now: int) -> ResultView:
    """The result that counts for a round at `now`; empty if none does."""
    it = project_at(state, project)
    if phase_of(it, round_, now) not in COUNTING:
        return ResultView()
    result = it.results[round_]
    return ResultView(
        commitment=result.commitment,
        model_root=result.model_root,
        poster=result.poster,
        stands_at=result.stands_at,
        included_count=result.included_count,
        row_count=result.row_count,
        paid=result.paid,
        prev=result.prev,
        merged=result.merged,
        asked=result.asked,
        open_asks=open_asks_of(state, result),
    )


def ask_of(state: State, id_: int, now: int) -> AskView:
    """An ask without an answer; empty for others."""
    ask = state.asks.get(id_)
    if ask is None:
        return AskView()
    event = ask.event
    return AskView(
        project=event.project,
        round=event.round,
        counts=counts(state, ask, now),
        root=event.root,
        tree=event.tree,
        row=event.row,
        level=event.level,
        index=event.index,
        asker=event.asker,
        price=event.price,
        due=event.due,
        answer_bytes=event.answer_bytes,
    )


def ask_count(state: State) -> int:
    """Asks are numbered 1 .. ask_count."""
    return state.ask_count


def seat_of(state: State, project: int, seat: int) -> SeatView:
    """Facts of a seat; MarketSeatOutOfRange past the limit."""
    it = project_at(state, project)
    check_seat(it, seat)
    place = it.seats.get(seat, Seat())
    last = place.last_sealed
    return SeatView(
        signer=place.signer,
        payout=place.payout,
        stake=place.stake,
        joined=place.joined,
        last_sealed=last,
        first_round=place.first_round,
        missed=last != 0 and not is_revealed(it.rounds[last].slots[seat]),
        claimed=place.claimed,
        penalty_taken=place.penalty_taken,
    )


def slot_of(state: State, project: int, round_: int, seat: int) -> bytes:
    """0 empty, below 2^216 a seal, else the revealed root; at the seat limit the reference's."""
    it = project_at(state, project)
    facts = it.rounds.get(round_)
    if seat == it.params.seats:
        return facts.reference if facts else ZERO32
    check_seat(it, seat)
    return facts.slots.get(seat, ZERO32) if facts else ZERO32


def seat_index_of(state: State, project: int, signer: str) -> tuple[bool, int]:
    """(whether the address holds a seat, its number)."""
    for number, place in project_at(state, project).seats.items():
        if place.signer == signer:
            return True, number
    return False, 0


def tenure_count_of(state: State, project: int, seat: int) -> int:
    """Past holders of a seat."""
    return len(project_at(state, project).seats.get(seat, Seat()).tenures)


def aggregator_of(state: State, project: int, account: str) -> AggregatorView:
    """Pool of bonds of an account."""
    pool = project_at(state, project).aggregator(account)
    return AggregatorView(pool.bond, pool.locked, pool.banned)


def credit_of(state: State, token: str, account: str) -> int:
    """What an account may withdraw, in smallest units."""
    return state.credits.get((token, account), 0)


def held(state: State, token: str) -> int:
    """What entered less what left, in smallest units."""
    return state.held.get(token, 0)
