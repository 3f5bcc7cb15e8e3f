"""The executable specification: what each call does, refuses, and leaves alone. Numbers I-xx: threats.md."""

from __future__ import annotations

import copy
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest

from market.admission import admission_proof, admission_root
from market.errors import RefusedError
from market.events import MissDebited, RoundOpened, TrainerLeft
from market.keccak import keccak256
from market.params import ABSENT_ROUNDS
from market.phases import Phase
from market.records import Account, ResultView, RoundView
from market.spec import liabilities, views
from market.units import BURNED, NATIVE, ZERO32, ZERO_ADDRESS, bytes32
from tests.stateful.world import START_CLAIM, World, accounts_tree, someone


@pytest.fixture
def world() -> World:
    """A funded project with three trainers and two posters."""
    world = World.spec()
    world.start()
    return world


def refusal(world: World, call: Callable[[], Any]) -> tuple[str, dict[str, object]]:
    """Name and arguments of a refusal, which must leave the state as it was."""
    before = copy.deepcopy(world.state)
    with pytest.raises(RefusedError) as caught:
        call()
    assert world.state == before, "a refused call changed the state"
    return caught.value.name, caught.value.args_


def refused(world: World, name: str, call: Callable[[], Any], **args: object) -> None:
    """The call is refused with this error, and these arguments if any are given."""
    found, found_args = refusal(world, call)
    assert found == name
    assert {key: found_args[key] for key in args} == args


def balanced(world: World, token: str = NATIVE) -> bool:
    """The escrow equation (I-01, I-02)."""
    return liabilities(world.state, token) == world.state.held.get(token, 0)


# ----- creation and money -----


def test_create__counts_from_one_and_result_zero_is_final() -> None:
    world = World.spec()

    assert (world.create(), world.create()) == (1, 2)
    assert views.result_of(world.state, 1, 0, world.now).model_root == world.project.content.model_root
    assert views.round_of(world.state, 1, 0, world.now) == RoundView(phase=Phase.FINAL)


def test_call_unknown_project__refuses(world: World) -> None:
    refused(world, "MarketUnknownProject", lambda: world.call("open", 2), project=2, count=1)
    refused(world, "MarketUnknownProject", lambda: world.call("open", 0), project=0)
    refused(world, "MarketWrongPhase", lambda: world.call("flatten", 2, 1), current=0)


@pytest.mark.parametrize("offset", [-1, 1])
def test_fund_other_value_than_amount__refuses(world: World, offset: int) -> None:
    refused(
        world,
        "MarketWrongValue",
        lambda: world.call("fund", 1, 100, value=100 + offset),
        sent=100 + offset,
        expected=100,
    )


def test_fund_token_with_value__refuses() -> None:
    world = World.spec()
    token = someone(99)
    world.state.tokens = frozenset({token})
    world.create(token=token)
    world.call("fund", 1, 100)

    assert world.state.held[token] == 100
    refused(world, "MarketWrongValue", lambda: world.call("fund", 1, 100, value=1), expected=0)


@pytest.mark.parametrize("name", ["fund", "addBond", "removeBond"])
def test_money_call_zero_amount__refuses(world: World, name: str) -> None:
    refused(world, "MarketZeroAmount", lambda: world.call(name, 1, 0, caller=world.posters[0]))


def test_fund_beyond_96_bits__refuses(world: World) -> None:
    room = 2**96 - 1 - world.state.held[NATIVE]

    refused(world, "MarketTooMuchHeld", lambda: world.call("fund", 1, room + 1, value=room + 1))
    world.call("fund", 1, room, value=room)


def test_fund_after_stop_or_end__refuses(world: World) -> None:
    world.now = world.params.end_date - 1
    world.fund(1)
    world.now += 1
    refused(world, "MarketProjectEnded", lambda: world.fund(1))
    world.call("stop", 1, caller=world.owner)
    refused(world, "MarketProjectStopped", lambda: world.fund(1))


def test_stop_by_stranger_or_twice__refuses(world: World) -> None:
    refused(world, "MarketNotOwner", lambda: world.call("stop", 1), owner=world.owner)
    world.call("stop", 1, caller=world.owner)
    refused(world, "MarketProjectStopped", lambda: world.call("stop", 1, caller=world.owner))


def test_refund_while_running_or_round_open__refuses(world: World) -> None:
    refused(world, "MarketStillRunning", lambda: world.call("refund", 1))
    world.open()
    world.call("stop", 1, caller=world.owner)
    refused(world, "MarketRoundsOpen", lambda: world.call("refund", 1), openCount=1)


def test_refund_stopped__escrow_to_owner_once(world: World) -> None:
    world.call("stop", 1, caller=world.owner)

    world.call("refund", 1)

    assert views.credit_of(world.state, NATIVE, world.owner) == 10 * world.params.pot
    assert world.project.refunded
    refused(world, "MarketNothingDue", lambda: world.call("refund", 1))


@pytest.mark.parametrize(("offset", "allowed"), [(-1, False), (0, True), (1, True)])
def test_refund_around_the_end_date__is_exact(world: World, offset: int, allowed: bool) -> None:
    world.now = world.params.end_date + offset
    if allowed:
        world.call("refund", 1)
    else:
        refused(world, "MarketStillRunning", lambda: world.call("refund", 1))


def test_withdraw__sends_the_whole_credit_once(world: World) -> None:
    world.call("stop", 1, caller=world.owner)
    world.call("refund", 1)
    before = world.state.held[NATIVE]

    refused(world, "MarketZeroAddress", lambda: world.call("withdraw", NATIVE, ZERO_ADDRESS))
    world.call("withdraw", NATIVE, someone(50), caller=world.owner)

    assert before - world.state.held[NATIVE] == 10 * world.params.pot
    refused(
        world, "MarketNothingDue", lambda: world.call("withdraw", NATIVE, someone(50), caller=world.owner)
    )
    refused(world, "MarketNothingDue", lambda: world.call("burn", NATIVE))


# ----- seats -----


def test_register_taken_seat_or_second_seat__refuses(world: World) -> None:
    refused(
        world, "MarketSeatTaken", lambda: world.register(0, trainer=someone(70)), signer=world.trainers[0]
    )
    refused(world, "MarketAlreadySeated", lambda: world.register(3, trainer=world.trainers[0]), seat=0)


@pytest.mark.parametrize("seat", [4, 5])
def test_register_beyond_the_limit__refuses(world: World, seat: int) -> None:
    refused(world, "MarketSeatOutOfRange", lambda: world.register(seat), seat=seat, seats=4)


def test_register_low_stake_or_no_payout__refuses(world: World) -> None:
    least = world.params.min_stake
    refused(world, "MarketStakeTooLow", lambda: world.register(3, stake=least - 1), least=least)
    who = world.trainers[3]
    refused(
        world,
        "MarketZeroAddress",
        lambda: world.pay("register", 1, 3, ZERO_ADDRESS, least, [], amount=least, caller=who),
    )
    world.register(3, stake=least)


def test_register_not_admitted__refuses() -> None:
    world = World.spec()
    admitted = world.trainers[:3]
    world.create(admission_root=admission_root(admitted))
    stake = world.params.min_stake

    def join(seat: int, who: str, proof: list[bytes]) -> None:
        world.pay("register", 1, seat, world.payout(who), stake, proof, amount=stake, caller=who)

    proof = admission_proof(admitted, admitted[1])
    refused(world, "MarketNotAdmitted", lambda: join(3, world.trainers[3], proof))
    refused(world, "MarketNotAdmitted", lambda: join(1, admitted[1], proof[:-1]))
    join(1, admitted[1], proof)


def test_add_stake_free_seat__refuses(world: World) -> None:
    refused(world, "MarketSeatFree", lambda: world.call("addStake", 1, 3, 5, value=5), seat=3)
    world.call("addStake", 1, 0, 5, value=5)
    assert views.seat_of(world.state, 1, 0).stake == world.params.min_stake + 5


# ----- open -----


def test_open__reserves_the_pot_and_counts_active_seats(world: World) -> None:
    (event,) = world.call("open", 1)

    params = world.params
    assert isinstance(event, RoundOpened)
    assert (event.pot, event.commit_end) == (params.pot, world.now + params.windows.commit)
    assert world.project.escrow == 9 * params.pot
    assert world.project.rounds[1].active_left == 3


@pytest.mark.parametrize(("offset", "allowed"), [(-1, True), (0, False), (1, False)])
def test_open_around_the_end_date__is_exact(world: World, offset: int, allowed: bool) -> None:
    world.now = world.params.end_date + offset
    if allowed:
        world.open()
    else:
        refused(world, "MarketProjectEnded", world.open)


@pytest.mark.parametrize("short", [1, 0])
def test_open_escrow_around_one_pot__is_exact(short: int) -> None:
    world = World.spec()
    world.create()
    amount = world.params.pot - short
    world.call("fund", 1, amount, value=amount)
    if short:
        refused(world, "MarketEscrowTooLow", world.open, escrow=amount)
    else:
        world.open()


def test_open_second_round_before_the_first_stands__refuses(world: World) -> None:
    world.to_reveal()
    refused(world, "MarketWrongPhase", world.open, current=int(Phase.REVEAL))


def test_open_more_than_d_rounds__refuses(world: World) -> None:
    world.to_standing()
    world.to_standing()
    refused(world, "MarketTooManyOpenRounds", world.open, openCount=2, most=2)


def test_open_proposed_below__refuses_until_it_stands(world: World) -> None:
    round_ = world.to_aggregate()
    world.post(round_, included=[0])
    world.now = world.project.results[round_].stands_at - 1
    refused(world, "MarketWrongPhase", world.open, current=int(Phase.PROPOSED))
    world.now += 1
    world.open()


def test_open_unsealed_head_on_same_base__refuses(world: World) -> None:
    world.open()
    refused(world, "MarketBaseUnchanged", world.open)


def test_open_after_base_changed__restarts_commit(world: World) -> None:
    first = world.to_standing()
    second = world.open()
    world.call("convict", 1, first, world.anyone)
    refused(world, "MarketOutOfOrder", lambda: world.seal(second, 0), round=2, tip=0)
    world.now = world.project.rounds[first].reveal_end + world.params.windows.first_right
    world.post(first, poster=1, tag=b"other")
    refused(world, "MarketStaleBase", lambda: world.seal(second, 0))
    pot, active = world.project.rounds[second].pot, world.project.rounds[second].active_left

    assert world.open() == second

    again = world.project.rounds[second]
    assert again.base_root == world.project.results[first].model_root
    assert (again.pot, again.active_left) == (pot, active)
    assert again.commit_end == world.now + world.params.windows.commit
    world.seal(second, 0)


# ----- seal and reveal -----


@pytest.mark.parametrize(("offset", "allowed"), [(-1, True), (0, False), (1, False)])
def test_seal_around_the_end_of_commit__is_exact(world: World, offset: int, allowed: bool) -> None:
    round_ = world.open()
    world.now = world.project.rounds[round_].commit_end + offset
    if allowed:
        world.seal(round_, 0)
    else:
        refused(world, "MarketWrongPhase", lambda: world.seal(round_, 0))


@pytest.mark.parametrize("value", [0, 2**216, 2**256 - 1])
def test_seal_out_of_range__refuses(world: World, value: int) -> None:
    world.open()
    seal = bytes32(value)
    refused(world, "MarketBadSeal", lambda: world.call("seal", 1, 1, 0, seal, caller=world.trainers[0]))


def test_seal_by_stranger_twice_or_free_seat__refuses(world: World) -> None:
    world.open()
    seal = world.seal_of(1, 0)
    refused(world, "MarketNotSigner", lambda: world.call("seal", 1, 1, 0, seal), signer=world.trainers[0])
    refused(world, "MarketNotSigner", lambda: world.call("seal", 1, 1, 3, seal), signer=ZERO_ADDRESS)
    refused(world, "MarketSeatOutOfRange", lambda: world.call("seal", 1, 1, 1024, seal))
    world.seal(1, 0)
    refused(world, "MarketAlreadySealed", lambda: world.seal(1, 0))


def test_seal_all_active__ends_commit_from_round_two_on(world: World) -> None:
    world.to_standing()
    world.register(3)
    second = world.open()
    for seat in (0, 1, 2):
        world.seal(second, seat)
    assert world.phase(second) is Phase.COMMIT, "the newcomer is active"

    world.seal(second, 3)

    assert world.phase(second) is Phase.REVEAL
    assert world.project.rounds[second].reveal_end == world.now + world.params.windows.reveal


def test_seal_expected_seats__ends_commit_of_round_one() -> None:
    world = World.spec()
    world.start(holders=4, expected_seats=3)
    world.open()
    world.seal(1, 0)
    world.seal(1, 1)
    assert world.phase(1) is Phase.COMMIT
    world.seal(1, 2)
    assert world.phase(1) is Phase.REVEAL


def test_seal_newcomer_in_its_own_round__counts_once(world: World) -> None:
    world.open()
    world.register(3)
    assert world.project.rounds[1].active_left == 3
    world.seal(1, 3)

    assert world.project.rounds[1].active_left == 3
    assert world.project.active_next == 1


@pytest.mark.parametrize(("offset", "allowed"), [(-1, True), (0, False), (1, False)])
def test_reveal_around_the_end_of_reveal__is_exact(world: World, offset: int, allowed: bool) -> None:
    round_ = world.to_reveal()
    world.now = world.project.rounds[round_].reveal_end + offset
    if allowed:
        world.reveal(round_, 0)
    else:
        refused(world, "MarketWrongPhase", lambda: world.reveal(round_, 0))


def test_reveal_before_commit_closed__refuses(world: World) -> None:
    world.open()
    world.seal(1, 0)
    refused(world, "MarketWrongPhase", lambda: world.reveal(1, 0))


def test_reveal_copied_seal__refuses(world: World) -> None:
    world.open()
    copied = world.seal_of(1, 0)
    world.seal(1, 0)
    world.call("seal", 1, 1, 1, copied, caller=world.trainers[1])
    world.now = world.project.rounds[1].commit_end
    args = (*world.update(1, 0), ZERO32)
    refused(
        world, "MarketSealMismatch", lambda: world.call("reveal", 1, 1, 1, *args, caller=world.trainers[1])
    )


def test_reveal_without_seal_twice_or_small_root__refuses(world: World) -> None:
    round_ = world.to_reveal([0, 1])
    refused(world, "MarketNotSealed", lambda: world.reveal(round_, 2))
    world.reveal(round_, 0)
    refused(world, "MarketNotSealed", lambda: world.reveal(round_, 0))
    small = (bytes32(2**216 - 1), ZERO32, ZERO32)
    refused(
        world,
        "MarketRootTooSmall",
        lambda: world.call("reveal", 1, round_, 1, *small, caller=world.trainers[1]),
    )


def test_reveal_last_seal__ends_reveal(world: World) -> None:
    round_ = world.to_reveal([0, 1])
    world.now += 3
    world.reveal(round_, 0)
    assert world.phase(round_) is Phase.REVEAL
    world.reveal(round_, 1)

    assert world.phase(round_) is Phase.AGGREGATE
    assert world.project.rounds[round_].reveal_end == world.now


# ----- missed reveals -----


def test_missed_reveal__joins_the_pot_and_is_debited_at_the_next_seal(world: World) -> None:
    round_ = world.to_aggregate(revealing=[0, 1])
    unit, stake = world.params.unit, world.params.min_stake

    view = views.round_of(world.state, 1, round_, world.now)
    assert (view.pot, view.uncharged) == (world.params.pot + unit, unit)
    world.post(round_)
    assert world.project.rounds[round_].pot == world.params.pot + unit
    assert views.project_of(world.state, 1).misses_owed == unit
    second = world.open()
    debited, _ = world.seal(second, 2)

    assert debited == MissDebited(1, 2, round_, unit)
    assert views.seat_of(world.state, 1, 2).stake == stake - unit
    assert views.project_of(world.state, 1).misses_owed == 0
    assert balanced(world)


@pytest.mark.parametrize(("revealing", "missed"), [([0], 0), ([0, 1], 2), ([0, 1, 2], 1)])
def test_missed_reveal_below_half__costs_nothing(revealing: list[int], missed: int) -> None:
    world = World.spec()
    world.start(holders=4)

    round_ = world.to_aggregate(revealing=revealing)

    view = views.round_of(world.state, 1, round_, world.now)
    assert view.uncharged == missed * world.params.unit


def test_seal_stake_below_one_unit_after_debit__refuses(world: World) -> None:
    unit = world.params.unit
    world.project.seats[2].stake = 2 * unit - 1
    world.state.held[NATIVE] -= world.params.min_stake - (2 * unit - 1)
    round_ = world.to_aggregate(revealing=[0, 1])
    world.post(round_)
    second = world.open()

    refused(world, "MarketStakeTooLow", lambda: world.seal(second, 2), stake=unit - 1, least=unit)
    world.call("addStake", 1, 2, 1, value=1)
    world.seal(second, 2)
    assert views.seat_of(world.state, 1, 2).stake == unit


# ----- void -----


@pytest.mark.parametrize("seals", [0, 1])
def test_void_few_seals__pot_returns_and_next_round_opens(world: World, seals: int) -> None:
    round_ = world.open()
    for seat in range(seals):
        world.seal(round_, seat)
    world.now = world.project.rounds[round_].commit_end - 1
    refused(world, "MarketWrongPhase", lambda: world.call("voidRound", 1, round_))
    world.now += 1
    world.call("voidRound", 1, round_)

    assert world.project.escrow == 10 * world.params.pot
    refused(world, "MarketAlreadySettled", lambda: world.call("voidRound", 1, round_))
    assert world.open() == round_ + 1


def test_void_nobody_revealed__no_slash(world: World) -> None:
    round_ = world.to_reveal()
    world.now = world.project.rounds[round_].reveal_end
    world.call("voidRound", 1, round_)
    second = world.open()
    world.seal(second, 0)

    assert views.seat_of(world.state, 1, 0).stake == world.params.min_stake
    assert balanced(world)


# ----- post -----


def test_post_complete__stands_at_once(world: World) -> None:
    round_ = world.to_aggregate()
    world.post(round_)

    result = views.result_of(world.state, 1, round_, world.now)
    assert world.phase(round_) is Phase.STANDING
    assert (result.included_count, result.row_count, result.merged) == (3, 0, True)
    assert views.aggregator_of(world.state, 1, world.posters[0]).locked == world.params.bond


def test_post_by_poster_without_bond__refuses(world: World) -> None:
    round_ = world.to_aggregate()
    refused(world, "MarketBondTooLow", lambda: world.post(round_, poster=2), needed=world.params.bond)
    world.bond(2, results=1)
    world.post(round_, poster=2)


@pytest.mark.parametrize(("offset", "allowed"), [(-1, False), (0, True), (1, True)])
def test_post_around_the_first_right__is_exact(world: World, offset: int, allowed: bool) -> None:
    world.to_standing(poster=0)
    second = world.to_aggregate()
    end = world.project.rounds[second].reveal_end + world.params.windows.first_right
    world.now = end + offset
    if allowed:
        world.post(second, poster=1)
    else:
        refused(world, "MarketFirstRight", lambda: world.post(second, poster=1), until=end)
        world.post(second, poster=0)


def test_post_first_in_line_without_bond__anyone_may(world: World) -> None:
    world.to_standing(poster=0)
    free = world.project.aggregators[world.posters[0]].bond - world.params.bond
    world.call("removeBond", 1, free, caller=world.posters[0])
    second = world.to_aggregate()

    world.post(second, poster=1)


def test_remove_bond_locked_part__refuses(world: World) -> None:
    world.to_standing(poster=0)
    free = world.project.aggregators[world.posters[0]].bond - world.params.bond
    refused(world, "MarketBondTooLow", lambda: world.call("removeBond", 1, free + 1, caller=world.posters[0]))
    world.call("removeBond", 1, free, caller=world.posters[0])
    assert views.credit_of(world.state, NATIVE, world.posters[0]) == free


def post_with(world: World, round_: int, **changes: Any) -> None:
    post, accounts = world.draft(round_)
    roots = changes.pop("roots", {})
    post = replace(post, roots=replace(post.roots, **roots), **changes)
    world.send_post(round_, world.posters[0], post, accounts)


@pytest.mark.parametrize(
    ("error", "changes"),
    [
        ("MarketStalePrevious", {"prev_commitment": keccak256(b"old")}),
        ("MarketStaleReveals", {"reveal_sum": 1}),
        ("MarketStaleReveals", {"reveal_count": 2}),
        ("MarketZeroHash", {"roots": {"sketches": ZERO32}}),
        ("MarketZeroHash", {"roots": {"accounts": ZERO32}}),
        ("MarketZeroHash", {"roots": {"model": ZERO32}}),
        ("MarketColumnsRoot", {"roots": {"columns": keccak256(b"columns")}}),
        ("MarketPaidTooHigh", {"paid": 9_501}),
        ("MarketBitmapLength", {"included": (7, 0)}),
        ("MarketBitmapLength", {"included": ()}),
        ("MarketBitmapRange", {"included": (1 << 4,)}),
        ("MarketIncludedCount", {"included": (0,)}),
        ("MarketIncludedCount", {"included": (15,)}),
        ("MarketBitmapLength", {"rows": (0, 0)}),
        ("MarketBitmapLength", {"rows": (0, 0, 0, 0)}),
        ("MarketBitmapRange", {"rows": (1, 0, 0)}),
        ("MarketTooManyFiles", {"rows": (0, 1, 0)}),
        ("MarketBitmapRange", {"rows": (0, 16, 0)}),
    ],
)
def test_post_wrong_content__refuses(world: World, error: str, changes: dict[str, Any]) -> None:
    round_ = world.to_aggregate()
    refused(world, error, lambda: post_with(world, round_, **changes))


def test_post_paid_up_to_pot_less_fee__is_accepted(world: World) -> None:
    post_with(world, world.to_aggregate(), paid=9_500)


@pytest.mark.parametrize(("seats", "zero"), [(12, True), (13, False)])
def test_post_columns_around_twelve_seats__zero_or_refuses(seats: int, zero: bool) -> None:
    world = World.spec()
    world.start(holders=2, expected_seats=2, pot=13_000, min_stake=6_500, seats=seats)
    round_ = world.to_aggregate()
    wrong = {"columns": keccak256(b"columns") if zero else ZERO32}
    refused(world, "MarketColumnsRoot", lambda: post_with(world, round_, roots=wrong), seats=seats)
    post_with(world, round_)


def test_post_rows__complete_needs_all_deltas_and_files(world: World) -> None:
    world.to_standing()
    second = world.to_aggregate()
    world.post(second, files=False)

    assert world.phase(second) is Phase.PROPOSED
    assert views.result_of(world.state, 1, second, world.now).row_count == 1
    world.post(second)
    assert world.phase(second) is Phase.STANDING
    assert views.result_of(world.state, 1, second, world.now).row_count == 1 + 3


@pytest.mark.parametrize(
    ("better", "changes"),
    [
        (True, {"included": [0, 1]}),
        (True, {"included": [1], "deltas": True}),
        (False, {"included": [1], "deltas": False, "files": False}),
        (False, {"included": [0], "deltas": False}),
    ],
)
def test_post_replacement__needs_more_seats_or_rows(
    world: World, better: bool, changes: dict[str, Any]
) -> None:
    world.to_standing()
    second = world.to_aggregate()
    world.post(second, included=[0], deltas=False)
    first_stands = world.project.results[second].stands_at
    world.now += 1
    if better:
        world.post(second, poster=1, **changes)
        assert world.project.results[second].stands_at == first_stands, "T_x is not restarted"
        assert views.aggregator_of(world.state, 1, world.posters[0]).locked == world.params.bond
        assert views.aggregator_of(world.state, 1, world.posters[1]).locked == world.params.bond
    else:
        refused(world, "MarketNotBetter", lambda: world.post(second, poster=1, **changes))


@pytest.mark.parametrize(("offset", "allowed"), [(-1, True), (0, False), (1, False)])
def test_post_replacement_around_t_x__is_exact(world: World, offset: int, allowed: bool) -> None:
    round_ = world.to_aggregate()
    world.post(round_, included=[0])
    world.now = world.project.results[round_].stands_at + offset
    if allowed:
        world.post(round_, poster=1)
    else:
        refused(world, "MarketWrongPhase", lambda: world.post(round_, poster=1), current=int(Phase.STANDING))


def test_post_own_replacement__uses_the_lock_of_the_old_result() -> None:
    world = World.spec()
    world.start()
    world.bond(2, results=1)
    round_ = world.to_aggregate()
    world.post(round_, poster=2, included=[0])

    world.post(round_, poster=2)

    assert views.aggregator_of(world.state, 1, world.posters[2]).locked == world.params.bond


def test_post_round_with_stale_base__is_paid_not_merged(world: World) -> None:
    first = world.to_standing()
    second = world.to_aggregate()
    world.call("convict", 1, first, world.anyone)
    world.post(first, poster=1, tag=b"truth")
    model = world.project.results[first].model_root

    refused(
        world,
        "MarketNotMerged",
        lambda: post_with_poster(world, second, 1, model=keccak256(b"moved")),
        standingRoot=model,
    )
    world.post(second, poster=1)

    result = views.result_of(world.state, 1, second, world.now)
    assert (result.merged, result.model_root) == (False, model)


def post_with_poster(world: World, round_: int, poster: int, model: bytes) -> None:
    post, accounts = world.draft(round_)
    post = replace(post, roots=replace(post.roots, model=model))
    world.send_post(round_, world.posters[poster], post, accounts)


# ----- finalise, convict, clear, flatten -----


@pytest.mark.parametrize(("offset", "allowed"), [(-1, False), (0, True), (1, True)])
def test_finalise_around_the_window__is_exact(world: World, offset: int, allowed: bool) -> None:
    round_ = world.to_standing()
    world.now += world.params.windows.challenge + offset
    if not allowed:
        refused(world, "MarketTooEarly", lambda: world.call("finalise", 1, round_), timestamp=world.now)
        return
    world.call("finalise", 1, round_)

    pot, fee = world.params.pot, world.params.fee
    assert (world.project.bucket, world.project.escrow) == (pot - fee, 9 * pot)
    assert views.credit_of(world.state, NATIVE, world.posters[0]) == fee
    assert views.aggregator_of(world.state, 1, world.posters[0]).locked == 0
    assert world.project.terminal_up_to == round_


def test_finalise_out_of_order__refuses(world: World) -> None:
    world.to_standing()
    second = world.to_standing()
    world.now += world.params.windows.challenge
    refused(world, "MarketBelowNotFinal", lambda: world.call("finalise", 1, second), prev=1, lastFinal=0)
    world.call("finalise", 1, 1)
    world.call("finalise", 1, second)


def test_convict__splits_in_thirds_and_clears_upward(world: World) -> None:
    first, second = world.to_standing(), world.to_standing()
    bond = world.project.aggregators[world.posters[0]].bond
    escrow = world.project.escrow
    world.call("convict", 1, first, someone(80))

    third = bond // 3
    assert views.credit_of(world.state, NATIVE, someone(80)) == third
    assert world.project.rounds[first].pot == world.params.pot + third
    assert world.project.escrow == escrow + bond - 2 * third
    assert (world.phase(first), world.phase(second)) == (Phase.AGGREGATE, Phase.AGGREGATE)
    assert views.result_of(world.state, 1, second, world.now) == ResultView()
    pool = views.aggregator_of(world.state, 1, world.posters[0])
    assert (pool.bond, pool.locked, pool.banned) == (0, 0, True)
    assert balanced(world)


def test_banned_poster__cannot_post_bond_or_be_convicted_again(world: World) -> None:
    first = world.to_standing()
    world.to_standing()
    world.call("convict", 1, 2, world.anyone)

    refused(world, "MarketBanned", lambda: world.post(2))
    refused(world, "MarketBanned", lambda: world.bond(0))
    refused(world, "MarketBanned", lambda: world.call("convict", 1, first, world.anyone))
    world.now += world.params.windows.challenge
    refused(world, "MarketBanned", lambda: world.call("finalise", 1, first))
    world.call("clear", 1, first)
    assert world.phase(first) is Phase.AGGREGATE


def test_clear_honest_poster__refuses(world: World) -> None:
    round_ = world.to_standing()
    refused(world, "MarketPosterNotConvicted", lambda: world.call("clear", 1, round_))


def test_release__frees_the_lock_of_a_result_above_a_cleared_one(world: World) -> None:
    first = world.to_standing(poster=0)
    second = world.to_aggregate()
    world.now += world.params.windows.first_right
    world.post(second, poster=1)
    refused(world, "MarketNothingToRelease", lambda: world.call("release", 1, second))
    world.call("convict", 1, first, world.anyone)
    assert views.aggregator_of(world.state, 1, world.posters[1]).locked == world.params.bond

    world.call("release", 1, second)

    assert views.aggregator_of(world.state, 1, world.posters[1]).locked == 0
    refused(world, "MarketNothingToRelease", lambda: world.call("release", 1, second))


def test_post_again_bottom_up__keeps_seals_reveals_and_seed(world: World) -> None:
    first, second = world.to_standing(), world.to_standing()
    sums = [world.project.rounds[number].reveal_sum for number in (first, second)]
    world.call("convict", 1, first, world.anyone)
    refused(world, "MarketOutOfOrder", lambda: world.post(second, poster=1), round=2, tip=0)
    world.post(first, poster=1)
    world.post(second, poster=1)

    assert [world.project.rounds[number].reveal_sum for number in (first, second)] == sums
    assert world.phase(second) is Phase.STANDING
    assert balanced(world)


@pytest.mark.parametrize(("offset", "allowed"), [(-1, False), (0, True), (1, True)])
def test_flatten_around_t_dead__is_exact(world: World, offset: int, allowed: bool) -> None:
    round_ = world.to_aggregate()
    world.now = world.project.rounds[round_].reveal_end + world.params.windows.dead + offset
    if not allowed:
        refused(world, "MarketTooEarly", lambda: world.call("flatten", 1, round_))
        return
    world.call("flatten", 1, round_)

    share, rest = divmod(world.params.pot, 3)
    assert (world.project.rounds[round_].flat_share, world.project.escrow) == (
        share,
        9 * world.params.pot + rest,
    )
    assert world.project.last_result == 0
    assert world.open() == 2


def test_flatten_after_conviction__waits_t_dead_again(world: World) -> None:
    round_ = world.to_standing()
    world.now += world.params.windows.dead
    world.call("convict", 1, round_, world.anyone)
    refused(world, "MarketTooEarly", lambda: world.call("flatten", 1, round_))
    world.now += world.params.windows.dead
    world.call("flatten", 1, round_)
    assert balanced(world)


def test_flatten_above_a_cleared_round__refuses_and_releases_in_turn(world: World) -> None:
    first = world.to_standing(poster=0)
    second = world.to_aggregate()
    world.now += world.params.windows.first_right
    world.post(second, poster=1)
    world.call("convict", 1, first, world.anyone)
    world.now += world.params.windows.dead
    refused(world, "MarketOutOfOrder", lambda: world.call("flatten", 1, second), round=2, tip=0)
    world.call("flatten", 1, first)
    world.call("flatten", 1, second)

    assert views.aggregator_of(world.state, 1, world.posters[1]).locked == 0
    assert balanced(world)


def test_skip__moves_over_void_rounds_that_were_settled_out_of_order(world: World) -> None:
    first = world.to_standing()
    second = world.open()
    world.call("convict", 1, first, world.anyone)
    world.now = world.project.rounds[second].commit_end
    world.call("voidRound", 1, second)
    assert (world.project.tip, world.project.terminal_up_to) == (0, 0)
    refused(world, "MarketNothingToSkip", lambda: world.call("skip", 1))
    world.post(first, poster=1)
    world.call("skip", 1)
    assert (world.project.tip, world.project.terminal_up_to) == (2, 0)
    world.now += world.params.windows.challenge
    world.call("finalise", 1, first)
    world.call("skip", 1)
    assert (world.project.tip, world.project.terminal_up_to) == (2, 2)


# ----- claims -----


def claim(world: World, round_: int, seat: int, changes: Callable[[Any], Any] = lambda x: x) -> None:
    found = changes(world.claim_at(round_, seat))
    world.call("claim", 1, round_, seat, *found.args)


def test_claim__is_cumulative_and_names_any_final_round(world: World) -> None:
    for _ in range(3):
        world.to_final()
    share = (world.params.pot - world.params.fee) // 3
    payout = world.payout(world.trainers[0])

    claim(world, 2, 0)
    assert views.credit_of(world.state, NATIVE, payout) == 2 * share
    refused(world, "MarketNothingDue", lambda: claim(world, 2, 0))
    refused(world, "MarketNothingDue", lambda: claim(world, 1, 0))
    claim(world, 3, 0)

    assert views.credit_of(world.state, NATIVE, payout) == 3 * share
    assert balanced(world)


def test_claim_not_final_or_wrong_proof__refuses(world: World) -> None:
    round_ = world.to_standing()
    refused(world, "MarketWrongPhase", lambda: claim(world, round_, 0), current=int(Phase.STANDING))
    world.now += world.params.windows.challenge
    world.call("finalise", 1, round_)

    more = Account(1 << 13, 10**6, 0)
    refused(world, "MarketWrongProof", lambda: claim(world, round_, 0, lambda c: replace(c, account=more)))
    short = lambda c: replace(c, proof=c.proof[:-1])  # noqa: E731
    refused(world, "MarketProofLength", lambda: claim(world, round_, 0, short), length=1, depth=2)
    other = lambda c: replace(c, opening=replace(c.opening, workings=ZERO32))  # noqa: E731
    refused(world, "MarketWrongOpening", lambda: claim(world, round_, 0, other))
    refused(world, "MarketSeatFree", lambda: claim(world, round_, 3))
    refused(world, "MarketWrongOpening", lambda: world.call("claim", 1, 0, 0, *START_CLAIM.args))


def test_claim_above_the_bucket__refuses(world: World) -> None:
    round_ = world.to_aggregate()
    post, accounts = world.draft(round_)
    accounts[0] = replace(accounts[0], pay=10**9)
    lie = replace(post, roots=replace(post.roots, accounts=accounts_tree(accounts).root))
    world.send_post(round_, world.posters[0], lie, accounts)
    world.now += world.params.windows.challenge
    world.call("finalise", 1, round_)

    refused(world, "MarketBucketTooLow", lambda: claim(world, round_, 0), due=10**9)


def test_claim_flat__pays_each_revealed_seat_once(world: World) -> None:
    round_ = world.to_aggregate(revealing=[0, 1])
    world.now += world.params.windows.dead
    refused(world, "MarketWrongPhase", lambda: world.call("claimFlat", 1, round_, 0, 0))
    world.call("flatten", 1, round_)
    share = (world.params.pot + world.params.unit) // 2
    world.call("claimFlat", 1, round_, 0, 0)

    assert views.credit_of(world.state, NATIVE, world.payout(world.trainers[0])) == share
    refused(world, "MarketAlreadyTaken", lambda: world.call("claimFlat", 1, round_, 0, 0))
    refused(world, "MarketNotRevealed", lambda: world.call("claimFlat", 1, round_, 2, 0))
    refused(world, "MarketWrongTenure", lambda: world.call("claimFlat", 1, round_, 1, 1), tenure=1)
    assert balanced(world)


def test_claim_flat_after_leaving__pays_the_holder_of_then(world: World) -> None:
    round_ = world.to_aggregate()
    world.now += world.params.windows.dead
    world.call("flatten", 1, round_)
    old = world.trainers[0]
    world.call("leave", 1, 0, *START_CLAIM.args, caller=old)
    world.register(0, trainer=someone(70))

    refused(world, "MarketWrongTenure", lambda: world.call("claimFlat", 1, round_, 0, 1))
    before = views.credit_of(world.state, NATIVE, world.payout(old))
    world.call("claimFlat", 1, round_, 0, 0)

    assert views.credit_of(world.state, NATIVE, world.payout(old)) - before == world.params.pot // 3


# ----- leave and evict -----


def test_leave__returns_pay_and_stake_and_frees_the_seat(world: World) -> None:
    round_ = world.to_standing()
    refused(
        world,
        "MarketStakeBound",
        lambda: world.call("leave", 1, 0, *START_CLAIM.args, caller=world.trainers[0]),
        lastSealed=1,
        terminalUpTo=0,
    )
    world.now += world.params.windows.challenge
    world.call("finalise", 1, round_)
    found = world.claim_at(round_, 0)
    refused(world, "MarketNotSigner", lambda: world.call("leave", 1, 0, *found.args))
    (left,) = world.call("leave", 1, 0, *found.args, caller=world.trainers[0])

    assert isinstance(left, TrainerLeft)
    assert (left.pay, left.stake_returned, left.penalty) == (found.account.pay, world.params.min_stake, 0)
    assert views.seat_of(world.state, 1, 0).signer == ZERO_ADDRESS
    assert views.tenure_count_of(world.state, 1, 0) == 1
    assert balanced(world)


def test_leave_before_any_final_round__needs_the_start_account(world: World) -> None:
    paid = (Account(1 << 13, 1, 0), *START_CLAIM.args[1:])
    refused(
        world, "MarketNotStartAccount", lambda: world.call("leave", 1, 0, *paid, caller=world.trainers[0])
    )
    world.call("leave", 1, 0, *START_CLAIM.args, caller=world.trainers[0])


@pytest.mark.parametrize("units", [1, 3, 4])
def test_leave_with_penalty__takes_at_most_the_stake_into_the_next_pot(world: World, units: int) -> None:
    penalty = units * world.params.unit
    world.to_final(included=[1, 2], penalty=penalty)
    round_ = world.project.last_final
    args = world.claim_at(round_, 0).args
    (left,) = world.call("leave", 1, 0, *args, caller=world.trainers[0])

    taken = min(penalty, world.params.min_stake)
    assert isinstance(left, TrainerLeft)
    assert (left.penalty, world.project.penalty_pool) == (taken, taken)
    world.open()
    assert world.project.rounds[2].pot == world.params.pot + taken
    assert balanced(world)


def test_refund_with_penalties__burns_them(world: World) -> None:
    world.to_final(included=[1, 2], penalty=world.params.unit)
    world.call("leave", 1, 0, *world.claim_at(1, 0).args, caller=world.trainers[0])
    world.call("stop", 1, caller=world.owner)
    world.call("refund", 1)

    assert views.credit_of(world.state, NATIVE, BURNED) == world.params.unit
    world.call("burn", NATIVE)
    assert balanced(world)


def test_leave_during_commit__no_longer_waited_for(world: World) -> None:
    world.to_final()
    second = world.open()
    world.call("leave", 1, 2, *world.claim_at(1, 2).args, caller=world.trainers[2])
    assert world.project.rounds[second].active_left == 2
    world.seal(second, 0)
    world.seal(second, 1)

    assert world.phase(second) is Phase.REVEAL


def test_evict__after_sixteen_opened_rounds_without_a_seal() -> None:
    world = World.spec()
    world.create(open_rounds=3)
    world.fund(40)
    for seat in range(3):
        world.register(seat)
    world.bond(0)
    for _ in range(ABSENT_ROUNDS):
        round_ = world.to_aggregate(seats=[0, 1])
        args = world.claim_at(world.project.last_final, 2).args
        if round_ < ABSENT_ROUNDS:
            refused(world, "MarketNotEvictable", lambda args=args: world.call("evict", 1, 2, *args))  # type: ignore[misc]
        world.post(round_)
        world.now += world.params.windows.challenge
        world.call("finalise", 1, round_)
    world.call("evict", 1, 2, *world.claim_at(world.project.last_final, 2).args)

    payout = world.payout(world.trainers[2])
    assert views.credit_of(world.state, NATIVE, payout) == world.params.min_stake
    assert balanced(world)


def test_stop_with_open_rounds__they_end_as_usual(world: World) -> None:
    round_ = world.to_reveal()
    world.call("stop", 1, caller=world.owner)
    for seat in range(3):
        world.reveal(round_, seat)
    world.post(round_)
    world.now += world.params.windows.challenge
    world.call("finalise", 1, round_)
    world.call("refund", 1)

    assert world.project.bucket == world.params.pot - world.params.fee
    assert views.credit_of(world.state, NATIVE, world.owner) == 9 * world.params.pot
