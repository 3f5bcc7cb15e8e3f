"""Results come and go: posted, replaced, made final, convicted, cleared, posted again bottom up.

A result is a pure function of the reveals of its round and the standing result below it, so it can be cleared
and posted again from the same files; a round cannot.
"""

from __future__ import annotations

from market.events import BondReleased, Event, ResultCleared, ResultConvicted, ResultPosted, RoundFinalised
from market.phases import Phase
from market.records import Post
from market.shares import thirds
from market.spec.post import Draft, commitment_for, examine
from market.spec.rounds import release_stored, unlock
from market.spec.state import (
    Aggregator,
    Call,
    Project,
    Result,
    Round,
    State,
    charge,
    phase_of,
    project_at,
    refuse,
    round_in_phase,
)
from market.units import ZERO_ADDRESS


def process_post(state: State, project: int, round_: int, post: Post, call: Call) -> list[Event]:
    """The first result of a round, or one with more seats (then rows) in place of a PROPOSED one."""
    it, facts = round_in_phase(state, project, round_, "post", call.now)
    replaces = phase_of(it, round_, call.now) is Phase.PROPOSED
    draft = examine(it, facts, replaces, post, call.now)
    if not replaces:
        _check_first_right(it, facts, call)
    _check_bond(it, round_, call.caller)
    release_stored(it, round_)
    charge(it, facts, call.now)
    commitment = commitment_for(state, project, round_, post, call.caller)
    _store(it, facts, draft, post, commitment, call)
    return [ResultPosted(project, round_, call.caller, commitment, draft.stands_at, draft.merged, post)]


def _pool_without(project: Project, round_: int, account: str) -> Aggregator:
    """An account's pool with the lock of the result stored for `round_`, if it is its own, counted free."""
    pool, stored = project.aggregator(account), project.results.get(round_)
    own = stored is not None and stored.poster == account and not pool.banned
    return Aggregator(pool.bond, pool.locked - own * project.params.bond, pool.banned)


def bond_needed(project: Project, pool: Aggregator) -> int:
    """Least bond with which one more result may be posted."""
    return max(project.params.bond_floor, pool.locked + project.params.bond)


def _check_first_right(project: Project, facts: Round, call: Call) -> None:
    """For T1 the poster of the last standing result goes first, unless it cannot."""
    until = max(facts.reveal_end, project.cleared_at) + project.params.windows.first_right
    first = project.results[project.last_result].poster
    if call.now >= until or first in (ZERO_ADDRESS, call.caller):
        return
    pool = _pool_without(project, facts.number, first)
    if not pool.banned and pool.bond >= bond_needed(project, pool):
        raise refuse("MarketFirstRight", poster=first, until=until)


def _check_bond(project: Project, round_: int, poster: str) -> None:
    pool = _pool_without(project, round_, poster)
    if pool.banned:
        raise refuse("MarketBanned", account=poster)
    needed = bond_needed(project, pool)
    if pool.bond < needed:
        raise refuse("MarketBondTooLow", bond=pool.bond, needed=needed)


def _store(project: Project, facts: Round, draft: Draft, post: Post, commitment: bytes, call: Call) -> None:
    """The result becomes the newest that counts and locks its poster's bond."""
    project.aggregators[call.caller].locked += project.params.bond
    facts.proposed_at = draft.proposed_at
    project.results[facts.number] = Result(
        commitment=commitment,
        model_root=post.roots.model,
        poster=call.caller,
        stands_at=draft.stands_at,
        included_count=draft.included,
        row_count=draft.rows,
        paid=post.paid,
        prev=draft.prev,
        merged=draft.merged,
        depth=project.results[draft.prev].depth + 1,
    )
    project.tip = project.last_result = facts.number
    project.last_event_at = call.now


def process_finalise(state: State, project: int, round_: int, call: Call) -> list[Event]:
    """Anyone, W after a result stands and in the order of rounds: fee, pay and the rest leave the pot."""
    it, facts = round_in_phase(state, project, round_, "finalise", call.now)
    result = it.results[round_]
    windows = it.params.windows
    earliest = result.stands_at + windows.challenge
    if result.asked:
        earliest += windows.answer + windows.refute
    if call.now < earliest:
        raise refuse("MarketTooEarly", timestamp=call.now, earliest=earliest)
    if open_asks := open_asks_of(state, result):
        raise refuse("MarketAsksOpen", open=open_asks)
    if result.prev != it.last_final:
        raise refuse("MarketBelowNotFinal", prev=result.prev, lastFinal=it.last_final)
    if it.aggregator(result.poster).banned:
        raise refuse("MarketBanned", account=result.poster)
    fee, paid = it.params.fee, result.paid
    rest = facts.pot - fee - paid
    facts.pot, facts.final = 0, True
    it.last_final = it.terminal_up_to = round_
    it.bucket += paid
    it.escrow += rest
    unlock(it, result.poster)
    state.add_credit(it.params.token, result.poster, fee)
    return [RoundFinalised(project, round_, result.poster, fee, paid, rest)]


def process_convict(state: State, project: int, round_: int, refuter: str, call: Call) -> list[Event]:
    """What a refutation that checks does (internal in the contract): the poster's whole pool is lost, once."""
    it, facts = round_in_phase(state, project, round_, "convict", call.now)
    poster = it.results[round_].poster
    if it.aggregator(poster).banned:
        raise refuse("MarketBanned", account=poster)
    return convict(state, project, facts, refuter, call.now)


def open_asks_of(state: State, result: Result) -> int:
    """Asks about a result that wait for an answer."""
    return sum(ask.result is result for ask in state.asks.values())


def convict(state: State, project: int, facts: Round, refuter: str, now: int) -> list[Event]:
    """The one way in which a bond is taken; the caller has checked that the result counts."""
    it, round_ = project_at(state, project), facts.number
    poster = it.results[round_].poster
    pool = it.aggregator(poster)
    to_refuter, to_pot, to_escrow = thirds(pool.bond)
    pool.bond = pool.locked = 0
    pool.banned = True
    state.add_credit(it.params.token, refuter, to_refuter)
    facts.pot += to_pot
    it.escrow += to_escrow
    remove_result(it, facts, now)
    return [ResultConvicted(project, round_, poster, refuter, to_refuter, to_pot, to_escrow)]


def process_clear(state: State, project: int, round_: int, call: Call) -> list[Event]:
    """Anyone clears a result of a banned poster; no money moves."""
    it, facts = round_in_phase(state, project, round_, "clear", call.now)
    poster = it.results[round_].poster
    if not it.aggregator(poster).banned:
        raise refuse("MarketPosterNotConvicted", poster=poster)
    remove_result(it, facts, call.now)
    return [ResultCleared(project, round_, poster)]


def remove_result(project: Project, facts: Round, now: int) -> None:
    """The round goes back to AGGREGATE and every result above it stops to count, in O(1)."""
    result = project.results.pop(facts.number)
    project.tip = facts.number - 1
    project.last_result = result.prev
    project.cleared_at = project.last_event_at = now


def process_release(state: State, project: int, round_: int, call: Call) -> list[Event]:
    """Anyone frees the lock of a result that stopped to count when one below it was cleared."""
    it = project_at(state, project)
    result = it.results.get(round_)
    if result is None or round_ <= it.tip:
        raise refuse("MarketNothingToRelease", round=round_, tip=it.tip)
    release_stored(it, round_)
    return [BondReleased(project, round_, result.poster)]
