"""Ways out for trainers: claim pay, claim a flat share, leave; and `evict`, which anyone may call."""

from __future__ import annotations

from collections.abc import Sequence

from market.events import Claimed, Event, FlatClaimed, TrainerLeft
from market.merkle import depth_for, leaf_hash, node_hash
from market.params import ABSENT_ROUNDS
from market.records import START_ACCOUNT, Account, Opening
from market.result_hash import commitment_of
from market.seals import is_revealed
from market.spec.state import (
    Call,
    Project,
    Seat,
    State,
    Tenure,
    check_seat,
    is_settled,
    project_at,
    refuse,
    round_in_phase,
)
from market.spec.trainers import debit_miss, held_seat, own_seat
from market.units import ZERO32, ZERO_ADDRESS

MAX_AMOUNT = 2**96 - 1


def account_leaf(seat: int, account: Account) -> bytes:
    """Leaf hash of a seat's account."""
    return leaf_hash(seat, account_bytes(account))


def account_bytes(account: Account) -> bytes:
    """An account as its leaf holds it, laid out as `market/merkle.py` says."""
    body = account.reputation.to_bytes(8, "big", signed=True)
    return body + account.pay.to_bytes(16, "big") + account.penalty.to_bytes(16, "big")


def _root_above(leaf: bytes, index: int, proof: Sequence[bytes]) -> bytes:
    node = leaf
    for level, sibling in enumerate(proof):
        node = node_hash(sibling, node) if index >> level & 1 else node_hash(node, sibling)
    return node


def _require_account(
    project: Project, round_: int, seat: int, account: Account, opening: Opening, proof: Sequence[bytes]
) -> None:
    """The account stands in the accounts tree of the result of `round_`."""
    computed, commitment = commitment_of(opening), project.results[round_].commitment
    if computed != commitment:
        raise refuse("MarketWrongOpening", computed=computed, commitment=commitment)
    depth = depth_for(project.params.seats)
    if len(proof) != depth:
        raise refuse("MarketProofLength", length=len(proof), depth=depth)
    root = _root_above(account_leaf(seat, account), seat, proof)
    if root != opening.accounts:
        raise refuse("MarketWrongProof", computed=root, accounts=opening.accounts)


def process_claim(
    state: State,
    project: int,
    round_: int,
    seat: int,
    account: Account,
    opening: Opening,
    proof: Sequence[bytes],
    call: Call,
) -> list[Event]:
    """Anyone: pay of a seat up to a FINAL round becomes credit of its holder's payout address."""
    it, _ = round_in_phase(state, project, round_, "claim", call.now)
    place = held_seat(it, seat)
    _require_account(it, round_, seat, account, opening, proof)
    due = account.pay - place.claimed
    if due <= 0:
        raise refuse("MarketNothingDue")
    if due > it.bucket:
        raise refuse("MarketBucketTooLow", due=due, bucket=it.bucket)
    place.claimed = account.pay
    it.bucket -= due
    state.add_credit(it.params.token, place.payout, due)
    return [Claimed(project, seat, place.payout, due)]


def process_claim_flat(
    state: State, project: int, round_: int, seat: int, tenure: int, call: Call
) -> list[Event]:
    """Anyone: the share of a revealed seat in a FLAT round becomes credit of who held the seat then."""
    it, facts = round_in_phase(state, project, round_, "claimFlat", call.now)
    check_seat(it, seat)
    if not is_revealed(facts.slots.get(seat, ZERO32)):
        raise refuse("MarketNotRevealed", round=round_, seat=seat)
    if seat in facts.flat_taken:
        raise refuse("MarketAlreadyTaken", round=round_, seat=seat)
    payout = _holder_then(it.seat(seat), round_, tenure)
    facts.flat_taken.add(seat)
    facts.pot -= facts.flat_share
    state.add_credit(it.params.token, payout, facts.flat_share)
    return [FlatClaimed(project, round_, seat, payout, facts.flat_share)]


def _holder_then(place: Seat, round_: int, tenure: int) -> str:
    if tenure == len(place.tenures):
        if 0 < place.first_round <= round_:
            return place.payout
    elif tenure < len(place.tenures):
        past = place.tenures[tenure]
        if 0 < past.first_round <= round_ <= past.last_round:
            return past.payout
    raise refuse("MarketWrongTenure", tenure=tenure, round=round_)


def process_leave(
    state: State,
    project: int,
    seat: int,
    account: Account,
    opening: Opening,
    proof: Sequence[bytes],
    call: Call,
) -> list[Event]:
    """The seat's signer goes, with pay and stake less penalty, once every round that it sealed is settled."""
    it = project_at(state, project)
    own_seat(it, seat, call.caller)
    return _depart(state, project, seat, account, opening, proof, call)


def process_evict(
    state: State,
    project: int,
    seat: int,
    account: Account,
    opening: Opening,
    proof: Sequence[bytes],
    call: Call,
) -> list[Event]:
    """Anyone frees a seat without a seal in the last 16 opened rounds; its holder gets what is its own."""
    it = project_at(state, project)
    place = held_seat(it, seat)
    earliest = max(place.last_sealed, place.joined) + ABSENT_ROUNDS
    if it.head < earliest:
        raise refuse("MarketNotEvictable", head=it.head, earliestHead=earliest)
    return _depart(state, project, seat, account, opening, proof, call)


def _depart(
    state: State,
    project: int,
    seat: int,
    account: Account,
    opening: Opening,
    proof: Sequence[bytes],
    call: Call,
) -> list[Event]:
    it = project_at(state, project)
    place = it.seat(seat)
    if place.last_sealed > it.terminal_up_to:
        raise refuse("MarketStakeBound", lastSealed=place.last_sealed, terminalUpTo=it.terminal_up_to)
    if it.last_final:
        _require_account(it, it.last_final, seat, account, opening, proof)
    elif account != START_ACCOUNT:
        values = {"reputation": account.reputation, "pay": account.pay, "penalty": account.penalty}
        raise refuse("MarketNotStartAccount", **values)
    events = debit_miss(it, project, seat, place)
    pay, penalty = _settle(it, place, account)
    payout, back, evicted = place.payout, place.stake - penalty, call.caller != place.signer
    state.add_credit(it.params.token, payout, pay + back)
    free_seat(it, place)
    sums = (place.claimed, place.penalty_taken)
    return [*events, TrainerLeft(project, seat, payout, evicted, pay, back, penalty, *sums)]


def _settle(project: Project, place: Seat, account: Account) -> tuple[int, int]:
    """(pay, penalty). A lie that became FINAL blocks nobody: pay is what the bucket has, sums never fall."""
    pay = min(max(account.pay - place.claimed, 0), project.bucket)
    total = min(account.penalty, MAX_AMOUNT)
    penalty = min(max(total - place.penalty_taken, 0), place.stake)
    place.claimed = max(place.claimed, account.pay)
    place.penalty_taken = max(place.penalty_taken, total)
    project.bucket -= pay
    project.penalty_pool += penalty
    return pay, penalty


def free_seat(project: Project, place: Seat) -> None:
    """Empties a seat; who held it is remembered for flat shares."""
    head = project.rounds.get(project.head)
    if head and place.active_for(head.number) and not is_settled(head):
        head.active_left -= 1
    place.tenures.append(Tenure(place.payout, place.first_round, place.last_sealed))
    place.signer = place.payout = ZERO_ADDRESS
    place.stake = place.joined = place.last_sealed = place.first_round = 0
