"""Money: every coin that enters is in exactly one place until it is withdrawn.

Nothing is pushed; what somebody may take is a credit. `liabilities` is the escrow equation's right side.
"""

from __future__ import annotations

from market.events import (
    BondAdded,
    BondRemoved,
    Event,
    ProjectCreated,
    ProjectFunded,
    ProjectRefunded,
    ProjectStopped,
    Withdrawn,
)
from market.params import Content, Params
from market.result_hash import start_commitment
from market.spec.state import Aggregator, Call, Project, Result, State, misses_owed, project_at, refuse
from market.units import BURNED, NATIVE, ZERO_ADDRESS

MAX_HELD = 2**96 - 1
"""All amounts have 96 bits, so no sum of them may leave these."""


def pay_in(state: State, token: str, amount: int, call: Call) -> None:
    """Take `amount` from the caller: as value for the native coin, else by a token transfer and no value."""
    check_pay_in(state, token, amount, call)
    state.held[token] = state.held.get(token, 0) + amount


def check_pay_in(state: State, token: str, amount: int, call: Call) -> None:
    """What is refused about money that comes in; asked before anything else."""
    if amount == 0:
        raise refuse("MarketZeroAmount")
    check_room(state, token, amount)
    expected = amount if token == NATIVE else 0
    if call.value != expected:
        raise refuse("MarketWrongValue", sent=call.value, expected=expected)


def check_room(state: State, token: str, amount: int) -> None:
    """MarketTooMuchHeld where a sum of amounts would leave 96 bits."""
    total = state.held.get(token, 0) + amount
    if total > MAX_HELD:
        raise refuse("MarketTooMuchHeld", total=total, most=MAX_HELD)


def process_create(state: State, params: Params, content: Content, call: Call) -> list[Event]:
    """A project with frozen parameters; result 0, the first model, is FINAL at once."""
    params.check(state.limits, call.now, token_has_code=params.token in state.tokens)
    content.check()
    number = len(state.projects) + 1
    commitment = start_commitment(state.chain_id, state.market, number, content.model_root)
    start = Result(commitment, content.model_root)
    state.projects.append(Project(call.caller, params, content, {0: start}))
    return [ProjectCreated(number, call.caller, params, content)]


def is_over(project: Project, now: int) -> bool:
    """Whether no further round opens."""
    return project.stopped or now >= project.params.end_date


def require_running(project: Project, number: int, now: int) -> None:
    """Refuses after `stop` and from the end date on."""
    if project.stopped:
        raise refuse("MarketProjectStopped", project=number)
    if now >= project.params.end_date:
        raise refuse("MarketProjectEnded", project=number, endDate=project.params.end_date)


def process_fund(state: State, project: int, amount: int, call: Call) -> list[Event]:
    """Anybody adds to the escrow."""
    it = project_at(state, project)
    check_pay_in(state, it.params.token, amount, call)
    require_running(it, project, call.now)
    pay_in(state, it.params.token, amount, call)
    it.escrow += amount
    return [ProjectFunded(project, call.caller, amount)]


def process_stop(state: State, project: int, call: Call) -> list[Event]:
    """The owner: no further round opens. Open ones end as if nothing had happened."""
    it = project_at(state, project)
    if call.caller != it.owner:
        raise refuse("MarketNotOwner", caller=call.caller, owner=it.owner)
    if it.stopped:
        raise refuse("MarketProjectStopped", project=project)
    it.stopped = True
    return [ProjectStopped(project)]


def process_refund(state: State, project: int, call: Call) -> list[Event]:
    """Anyone, once nothing can open and nothing is open: escrow to the owner, penalties to 0x...dEaD."""
    it = project_at(state, project)
    if not is_over(it, call.now):
        raise refuse("MarketStillRunning", project=project, endDate=it.params.end_date)
    if it.open_count:
        raise refuse("MarketRoundsOpen", openCount=it.open_count)
    if it.escrow == 0 and it.penalty_pool == 0:
        raise refuse("MarketNothingDue")
    escrow, burned = it.escrow, it.penalty_pool
    it.escrow = it.penalty_pool = 0
    it.refunded = True
    state.add_credit(it.params.token, it.owner, escrow)
    state.add_credit(it.params.token, BURNED, burned)
    return [ProjectRefunded(project, it.owner, escrow, burned)]


def process_add_bond(state: State, project: int, amount: int, call: Call) -> list[Event]:
    """An aggregator adds to its pool."""
    it = project_at(state, project)
    check_pay_in(state, it.params.token, amount, call)
    if it.aggregator(call.caller).banned:
        raise refuse("MarketBanned", account=call.caller)
    pay_in(state, it.params.token, amount, call)
    it.aggregators.setdefault(call.caller, Aggregator()).bond += amount
    return [BondAdded(project, call.caller, amount)]


def process_remove_bond(state: State, project: int, amount: int, call: Call) -> list[Event]:
    """An aggregator takes back what no open result needs (its lock, and the floor); it becomes its credit."""
    it = project_at(state, project)
    if amount == 0:
        raise refuse("MarketZeroAmount")
    pool = it.aggregator(call.caller)
    kept = max(pool.locked, it.params.bond_floor) if pool.locked else 0
    if pool.bond < kept + amount:
        raise refuse("MarketBondTooLow", bond=pool.bond, needed=kept + amount)
    pool.bond -= amount
    state.add_credit(it.params.token, call.caller, amount)
    return [BondRemoved(project, call.caller, amount)]


def _pay_out(state: State, token: str, account: str, to: str) -> list[Event]:
    amount = state.credits.get((token, account), 0)
    if amount == 0:
        raise refuse("MarketNothingDue")
    del state.credits[token, account]
    state.held[token] -= amount
    return [Withdrawn(token, account, to, amount)]


def process_withdraw(state: State, token: str, to: str, call: Call) -> list[Event]:
    """The caller's whole credit goes to `to`."""
    if to == ZERO_ADDRESS:
        raise refuse("MarketZeroAddress")
    return _pay_out(state, token, call.caller, to)


def process_burn(state: State, token: str, call: Call) -> list[Event]:
    """Anyone sends the credit of 0x...dEaD there."""
    return _pay_out(state, token, BURNED, BURNED)


def project_liabilities(project: Project) -> int:
    """All that a project holds: escrow, bucket, penalties, pots (flat shares too), stakes and bonds."""
    pots = sum(round_.pot for round_ in project.rounds.values())
    stakes = sum(seat.stake for seat in project.seats.values())
    bonds = sum(pool.bond for pool in project.aggregators.values())
    reserved = project.escrow + project.bucket + project.penalty_pool
    return reserved + pots + stakes + bonds - misses_owed(project)


def liabilities(state: State, token: str) -> int:
    """What the market owes in `token`; equals `held` in every state (I-01, I-02)."""
    credits = sum(amount for (of, _), amount in state.credits.items() if of == token)
    if token == NATIVE:
        credits += sum(ask.event.price for ask in state.asks.values())
    return credits + sum(project_liabilities(p) for p in state.projects if p.params.token == token)
