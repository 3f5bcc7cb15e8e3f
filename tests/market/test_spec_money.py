"""The specification: creation, money in and out, seats. What each call does, refuses and leaves alone."""

from __future__ import annotations

import pytest

from market.admission import admission_proof, admission_root
from market.phases import Phase
from market.records import RoundView
from market.spec import views
from market.units import NATIVE, ZERO_ADDRESS
from tests.stateful.world import World, someone


@pytest.fixture
def world() -> World:
    """A funded project with three trainers and two posters."""
    world = World.spec()
    world.start()
    return world


# ----- creation and money -----


def test_create__counts_from_one_and_result_zero_is_final() -> None:
    world = World.spec()

    assert (world.create(), world.create()) == (1, 2)
    assert views.result_of(world.state, 1, 0, world.now).model_root == world.project.content.model_root
    assert views.round_of(world.state, 1, 0, world.now) == RoundView(phase=Phase.FINAL)


def test_call_unknown_project__refuses(world: World) -> None:
    world.refused("MarketUnknownProject", lambda: world.call("open", 2), project=2, count=1)
    world.refused("MarketUnknownProject", lambda: world.call("open", 0), project=0)
    world.refused("MarketWrongPhase", lambda: world.call("flatten", 2, 1), current=0)


@pytest.mark.parametrize("offset", [-1, 1])
def test_fund_other_value_than_amount__refuses(world: World, offset: int) -> None:
    world.refused(
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
    world.refused("MarketWrongValue", lambda: world.call("fund", 1, 100, value=1), expected=0)


@pytest.mark.parametrize("name", ["fund", "addBond", "removeBond"])
def test_money_call_zero_amount__refuses(world: World, name: str) -> None:
    world.refused("MarketZeroAmount", lambda: world.call(name, 1, 0, caller=world.posters[0]))


def test_fund_beyond_96_bits__refuses(world: World) -> None:
    room = 2**96 - 1 - world.state.held[NATIVE]

    world.refused("MarketTooMuchHeld", lambda: world.call("fund", 1, room + 1, value=room + 1))
    world.call("fund", 1, room, value=room)


def test_fund_after_stop_or_end__refuses(world: World) -> None:
    world.now = world.params.end_date - 1
    world.fund(1)
    world.now += 1
    world.refused("MarketProjectEnded", lambda: world.fund(1))
    world.call("stop", 1, caller=world.owner)
    world.refused("MarketProjectStopped", lambda: world.fund(1))


def test_stop_by_stranger_or_twice__refuses(world: World) -> None:
    world.refused("MarketNotOwner", lambda: world.call("stop", 1), owner=world.owner)
    world.call("stop", 1, caller=world.owner)
    world.refused("MarketProjectStopped", lambda: world.call("stop", 1, caller=world.owner))


def test_refund_while_running_or_round_open__refuses(world: World) -> None:
    world.refused("MarketStillRunning", lambda: world.call("refund", 1))
    world.open()
    world.call("stop", 1, caller=world.owner)
    world.refused("MarketRoundsOpen", lambda: world.call("refund", 1), openCount=1)


def test_refund_stopped__escrow_to_owner_once(world: World) -> None:
    world.call("stop", 1, caller=world.owner)

    world.call("refund", 1)

    assert views.credit_of(world.state, NATIVE, world.owner) == 10 * world.params.pot
    assert world.project.refunded
    world.refused("MarketNothingDue", lambda: world.call("refund", 1))


@pytest.mark.parametrize(("offset", "allowed"), [(-1, False), (0, True), (1, True)])
def test_refund_around_the_end_date__is_exact(world: World, offset: int, allowed: bool) -> None:
    world.now = world.params.end_date + offset
    if allowed:
        world.call("refund", 1)
    else:
        world.refused("MarketStillRunning", lambda: world.call("refund", 1))


def test_withdraw__sends_the_whole_credit_once(world: World) -> None:
    world.call("stop", 1, caller=world.owner)
    world.call("refund", 1)
    before = world.state.held[NATIVE]

    world.refused("MarketZeroAddress", lambda: world.call("withdraw", NATIVE, ZERO_ADDRESS))
    world.call("withdraw", NATIVE, someone(50), caller=world.owner)

    assert before - world.state.held[NATIVE] == 10 * world.params.pot
    world.refused("MarketNothingDue", lambda: world.call("withdraw", NATIVE, someone(50), caller=world.owner))
    world.refused("MarketNothingDue", lambda: world.call("burn", NATIVE))


# ----- seats -----


def test_register_taken_seat_or_second_seat__refuses(world: World) -> None:
    world.refused("MarketSeatTaken", lambda: world.register(0, trainer=someone(70)), signer=world.trainers[0])
    world.refused("MarketAlreadySeated", lambda: world.register(3, trainer=world.trainers[0]), seat=0)


@pytest.mark.parametrize("seat", [4, 5])
def test_register_beyond_the_limit__refuses(world: World, seat: int) -> None:
    world.refused("MarketSeatOutOfRange", lambda: world.register(seat), seat=seat, seats=4)


def test_register_low_stake_or_no_payout__refuses(world: World) -> None:
    least = world.params.min_stake
    world.refused("MarketStakeTooLow", lambda: world.register(3, stake=least - 1), least=least)
    who = world.trainers[3]
    world.refused(
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
    world.refused("MarketNotAdmitted", lambda: join(3, world.trainers[3], proof))
    world.refused("MarketNotAdmitted", lambda: join(1, admitted[1], proof[:-1]))
    join(1, admitted[1], proof)


def test_add_stake_free_seat__refuses(world: World) -> None:
    world.refused("MarketSeatFree", lambda: world.call("addStake", 1, 3, 5, value=5), seat=3)
    world.call("addStake", 1, 0, 5, value=5)
    assert views.seat_of(world.state, 1, 0).stake == world.params.min_stake + 5
