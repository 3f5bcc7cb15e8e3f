"""What trainers do in rounds: register, seal and reveal."""

from __future__ import annotations

from collections.abc import Sequence

from market.admission import is_admitted
from market.events import Event, MissDebited, Revealed, Sealed, StakeAdded, TrainerRegistered, round_seat
from market.seals import SEAL_MASK, add_reveal, is_revealed, is_sealed, seal_hash, short_seal
from market.spec.money import check_pay_in, pay_in, require_running
from market.spec.state import (
    Call,
    Project,
    Round,
    Seat,
    State,
    awaits_reference,
    check_seat,
    miss_due,
    project_at,
    refuse,
    round_in_phase,
)
from market.units import ZERO32, ZERO_ADDRESS


def process_register(
    state: State, project: int, seat: int, payout: str, stake: int, admission: Sequence[bytes], call: Call
) -> list[Event]:
    """The caller takes a free seat. It may seal at once; COMMIT waits for it from the next round on."""
    it = project_at(state, project)
    check_pay_in(state, it.params.token, stake, call)
    require_running(it, project, call.now)
    check_seat(it, seat)
    _require_free(it, seat, call.caller)
    if stake < it.params.min_stake:
        raise refuse("MarketStakeTooLow", stake=stake, least=it.params.min_stake)
    if payout == ZERO_ADDRESS:
        raise refuse("MarketZeroAddress")
    if not is_admitted(it.params.admission_root, call.caller, admission):
        raise refuse("MarketNotAdmitted", signer=call.caller)
    pay_in(state, it.params.token, stake, call)
    place = it.seat(seat)
    place.signer, place.payout, place.stake, place.joined = call.caller, payout, stake, it.head
    place.last_sealed = place.first_round = 0
    return [TrainerRegistered(project, seat, call.caller, payout, stake)]


def _require_free(project: Project, seat: int, caller: str) -> None:
    signer = project.seats.get(seat, Seat()).signer
    if signer != ZERO_ADDRESS:
        raise refuse("MarketSeatTaken", seat=seat, signer=signer)
    for number, other in project.seats.items():
        if other.signer == caller:
            raise refuse("MarketAlreadySeated", signer=caller, seat=number)
    if caller == project.params.reference_key:
        raise refuse("MarketAlreadySeated", signer=caller, seat=project.params.seats)


def process_add_stake(state: State, project: int, seat: int, amount: int, call: Call) -> list[Event]:
    """Anybody adds to the stake of a held seat."""
    it = project_at(state, project)
    check_pay_in(state, it.params.token, amount, call)
    place = held_seat(it, seat)
    pay_in(state, it.params.token, amount, call)
    place.stake += amount
    return [StakeAdded(project, seat, amount)]


def held_seat(project: Project, seat: int) -> Seat:
    """The seat if somebody holds it, else MarketSeatFree."""
    check_seat(project, seat)
    place = project.seats.get(seat)
    if place is None or place.signer == ZERO_ADDRESS:
        raise refuse("MarketSeatFree", seat=seat)
    return place


def own_seat(project: Project, seat: int, caller: str) -> Seat:
    """The seat if `caller` signs for it, else MarketNotSigner: a seat beyond the limit has no signer."""
    place = project.seats.get(seat, Seat())
    if place.signer != caller:
        raise refuse("MarketNotSigner", caller=caller, signer=place.signer)
    return place


def process_seal(state: State, project: int, round_: int, seat: int, seal: bytes, call: Call) -> list[Event]:
    """A seat commits to its update; what it owes for a missed reveal is debited first."""
    it, facts = round_in_phase(state, project, round_, "seal", call.now)
    if seal == ZERO32 or int.from_bytes(seal, "big") > SEAL_MASK:
        raise refuse("MarketBadSeal", seal=seal)
    place = own_seat(it, seat, call.caller)
    if facts.slots.get(seat, ZERO32) != ZERO32:
        raise refuse("MarketAlreadySealed", round=round_, seat=seat)
    if facts.seal_count == 0:
        _require_fresh_base(it, facts)
    unit = it.params.unit
    stake = place.stake - (unit if miss_due(it, place, seat) else 0)
    if stake < unit:
        raise refuse("MarketStakeTooLow", stake=stake, least=unit)
    events = debit_miss(it, project, seat, place)
    facts.active_left -= place.active_for(round_)
    facts.slots[seat] = seal
    facts.seal_count += 1
    place.last_sealed = round_
    end_commit_early(it, facts, call.now)
    return [*events, Sealed(project, round_seat(round_, seat), seal)]


def _require_fresh_base(project: Project, facts: Round) -> None:
    if project.tip != facts.number - 1:
        raise refuse("MarketOutOfOrder", round=facts.number, tip=project.tip)
    base = project.results[project.last_result].model_root
    if facts.base_root != base:
        raise refuse("MarketStaleBase", baseRoot=facts.base_root, standingRoot=base)


def end_commit_early(project: Project, facts: Round, now: int) -> None:
    """Ends COMMIT with a seal after which nobody is waited for (round 1: after the expected number of seals)."""
    expected = project.params.expected_seats
    # more than expected may have sealed, where the reference comes last
    complete = facts.seal_count >= expected if facts.number == 1 else facts.active_left == 0
    if awaits_reference(project, facts) or facts.seal_count < project.params.min_seals:
        return
    if complete:
        facts.commit_end = now
        facts.reveal_end = now + project.params.windows.reveal


def end_reveal_early(facts: Round, now: int) -> None:
    """Ends REVEAL with a reveal after which no seal is closed, that of the reference included."""
    if facts.reveal_count == facts.seal_count and not is_sealed(facts.reference):
        facts.reveal_end = now


def debit_miss(project: Project, number: int, seat: int, place: Seat) -> list[Event]:
    """Takes the unit that a seat owes; the pot of its round has counted it already."""
    if not miss_due(project, place, seat):
        return []
    place.stake -= project.params.unit
    return [MissDebited(number, seat, place.last_sealed, project.params.unit)]


def process_reveal(
    state: State,
    project: int,
    round_: int,
    seat: int,
    update_root: bytes,
    salt: bytes,
    file_digest: bytes,
    call: Call,
) -> list[Event]:
    """Opens the caller's seal; from here on the file is public."""
    it, facts = round_in_phase(state, project, round_, "reveal", call.now)
    if not is_revealed(update_root):
        raise refuse("MarketRootTooSmall", updateRoot=update_root)
    place = own_seat(it, seat, call.caller)
    slot = facts.slots.get(seat, ZERO32)
    if slot == ZERO32 or is_revealed(slot):
        raise refuse("MarketNotSealed", round=round_, seat=seat, slot=slot)
    place_in_chain = (state.chain_id, state.market, project, round_, call.caller)
    opened = short_seal(seal_hash(*place_in_chain, facts.base_root, update_root, salt))
    if slot != opened:
        raise refuse("MarketSealMismatch", computed=opened, stored=slot)
    place.first_round = place.first_round or round_
    facts.slots[seat] = update_root
    facts.reveal_count += 1
    facts.reveal_sum = add_reveal(facts.reveal_sum, call.caller, update_root, salt)
    end_reveal_early(facts, call.now)
    return [Revealed(project, round_seat(round_, seat), update_root, salt, file_digest)]
