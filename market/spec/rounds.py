"""What anyone may do when it is due: open, void, flatten and skip rounds."""

from __future__ import annotations

from market.events import Event, RoundFlattened, RoundOpened, RoundSkipped, RoundVoided
from market.phases import ALLOWED, Phase
from market.shares import equal_down
from market.spec.money import require_running
from market.spec.state import (
    Call,
    Project,
    Round,
    State,
    charge,
    ended_without_result,
    expect_phase,
    is_settled,
    project_at,
    refuse,
    round_in_phase,
)


def process_open(state: State, project: int, call: Call) -> list[Event]:
    """Opens the next round on the model that stands, or the head again if its base is stale and unsealed."""
    it = project_at(state, project)
    require_running(it, project, call.now)
    base = it.results[it.last_result].model_root
    head = it.rounds.get(it.head)
    again = head is not None and head.seal_count == 0 and not is_settled(head)
    if head and again and head.base_root == base:
        raise refuse("MarketBaseUnchanged", baseRoot=base)
    if not again:
        expect_phase(it, project, it.head, ALLOWED["open"], call.now)
    below = it.head - again
    if it.tip != below:
        raise refuse("MarketOutOfOrder", round=below, tip=it.tip)
    expect_phase(it, project, it.last_result, frozenset({Phase.STANDING, Phase.FINAL}), call.now)
    if head is None or not again:
        head = _reserve(it)
    head.base_root = base
    head.commit_end = call.now + it.params.windows.commit
    head.reveal_end = head.commit_end + it.params.windows.reveal
    return [RoundOpened(project, head.number, base, head.pot, head.commit_end, head.reveal_end)]


def _reserve(project: Project) -> Round:
    """The next round, with its pot from the escrow and what penalties have gathered."""
    params = project.params
    if project.open_count >= params.open_rounds:
        raise refuse("MarketTooManyOpenRounds", openCount=project.open_count, most=params.open_rounds)
    if project.escrow < params.pot:
        raise refuse("MarketEscrowTooLow", escrow=project.escrow, pot=params.pot)
    pot = params.pot + project.penalty_pool
    head = Round(project.head + 1, b"", pot, commit_end=0, reveal_end=0, active_left=project.active_next)
    project.escrow -= params.pot
    project.penalty_pool = 0
    project.head = head.number
    project.rounds[head.number] = head
    return head


def process_void(state: State, project: int, round_: int, call: Call) -> list[Event]:
    """The pot of a VOID round returns; what had joined it waits for the next pot."""
    it, facts = round_in_phase(state, project, round_, "voidRound", call.now)
    if facts.voided:
        raise refuse("MarketAlreadySettled", project=project, round=round_)
    it.escrow += it.params.pot
    it.penalty_pool += facts.pot - it.params.pot
    facts.pot = 0
    facts.voided = True
    end_without_result(it, round_)
    return [RoundVoided(project, round_, it.params.pot)]


def end_without_result(project: Project, round_: int) -> None:
    """Moves the tip, and the mark below which all is terminal, if they wait right below."""
    if project.tip + 1 == round_:
        project.tip = round_
    if project.terminal_up_to + 1 == round_:
        project.terminal_up_to = round_


def process_flatten(state: State, project: int, round_: int, call: Call) -> list[Event]:
    """No result in time: seats that revealed share the pot equally; the model is carried over."""
    it, facts = round_in_phase(state, project, round_, "flatten", call.now)
    if it.tip != round_ - 1:
        raise refuse("MarketOutOfOrder", round=round_, tip=it.tip)
    earliest = max(facts.reveal_end, it.last_event_at) + it.params.windows.dead
    if call.now < earliest:
        raise refuse("MarketTooEarly", timestamp=call.now, earliest=earliest)
    release_stored(it, round_)
    charge(it, facts, call.now)
    share, rest = equal_down(facts.pot, facts.reveal_count)
    it.escrow += rest
    facts.pot -= rest
    facts.flat, facts.flat_share = True, share
    end_without_result(it, round_)
    return [RoundFlattened(project, round_, share, facts.reveal_count)]


def release_stored(project: Project, round_: int) -> None:
    """Forgets a stored result, if there is one, and frees its lock; a banned poster has no pool left."""
    result = project.results.pop(round_, None)
    if result:
        unlock(project, result.poster)


def unlock(project: Project, poster: str) -> None:
    """Frees the bond of one result."""
    pool = project.aggregator(poster)
    if not pool.banned:
        pool.locked -= project.params.bond


def process_skip(state: State, project: int, call: Call) -> list[Event]:
    """Moves the tip, and the mark below which all is terminal, over a round without a result, one each."""
    it = project_at(state, project)
    tip = ended_without_result(it, it.tip + 1)
    terminal = ended_without_result(it, it.terminal_up_to + 1)
    if not tip and not terminal:
        raise refuse("MarketNothingToSkip", tip=it.tip, terminalUpTo=it.terminal_up_to)
    it.tip += tip
    it.terminal_up_to += terminal
    return [RoundSkipped(project, it.tip, it.terminal_up_to)]
