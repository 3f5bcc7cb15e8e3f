"""The specification: open, seal, reveal, missed reveals, void. What each call does, refuses and leaves alone."""

from __future__ import annotations

import pytest

from market.events import MissDebited, RoundOpened
from market.phases import Phase
from market.spec import views
from market.units import NATIVE, ZERO32, ZERO_ADDRESS, bytes32
from tests.stateful.world import World


@pytest.fixture
def world() -> World:
    """A funded project with three trainers and two posters."""
    world = World.spec()
    world.start()
    return world


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
        world.refused("MarketProjectEnded", world.open)


@pytest.mark.parametrize("short", [1, 0])
def test_open_escrow_around_one_pot__is_exact(short: int) -> None:
    world = World.spec()
    world.create()
    amount = world.params.pot - short
    world.call("fund", 1, amount, value=amount)
    if short:
        world.refused("MarketEscrowTooLow", world.open, escrow=amount)
    else:
        world.open()


def test_open_second_round_before_the_first_stands__refuses(world: World) -> None:
    world.to_reveal()
    world.refused("MarketWrongPhase", world.open, current=int(Phase.REVEAL))


def test_open_more_than_d_rounds__refuses(world: World) -> None:
    world.to_standing()
    world.to_standing()
    world.refused("MarketTooManyOpenRounds", world.open, openCount=2, most=2)


def test_open_proposed_below__refuses_until_it_stands(world: World) -> None:
    round_ = world.to_aggregate()
    world.post(round_, included=[0])
    world.now = world.project.results[round_].stands_at - 1
    world.refused("MarketWrongPhase", world.open, current=int(Phase.PROPOSED))
    world.now += 1
    world.open()


def test_open_unsealed_head_on_same_base__refuses(world: World) -> None:
    world.open()
    world.refused("MarketBaseUnchanged", world.open)


def test_open_after_base_changed__restarts_commit(world: World) -> None:
    first = world.to_standing()
    second = world.open()
    world.call("convict", 1, first, world.anyone)
    world.refused("MarketOutOfOrder", lambda: world.seal(second, 0), round=2, tip=0)
    world.now = world.project.rounds[first].reveal_end + world.params.windows.first_right
    world.post(first, poster=1, tag=b"other")
    world.refused("MarketStaleBase", lambda: world.seal(second, 0))
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
        world.refused("MarketWrongPhase", lambda: world.seal(round_, 0))


@pytest.mark.parametrize("value", [0, 2**216, 2**256 - 1])
def test_seal_out_of_range__refuses(world: World, value: int) -> None:
    world.open()
    seal = bytes32(value)
    world.refused("MarketBadSeal", lambda: world.call("seal", 1, 1, 0, seal, caller=world.trainers[0]))


def test_seal_by_stranger_twice_or_free_seat__refuses(world: World) -> None:
    world.open()
    seal = world.seal_of(1, 0)
    world.refused("MarketNotSigner", lambda: world.call("seal", 1, 1, 0, seal), signer=world.trainers[0])
    world.refused("MarketNotSigner", lambda: world.call("seal", 1, 1, 3, seal), signer=ZERO_ADDRESS)
    world.refused("MarketNotSigner", lambda: world.call("seal", 1, 1, 1024, seal), signer=ZERO_ADDRESS)
    world.seal(1, 0)
    world.refused("MarketAlreadySealed", lambda: world.seal(1, 0))


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
        world.refused("MarketWrongPhase", lambda: world.reveal(round_, 0))


def test_reveal_before_commit_closed__refuses(world: World) -> None:
    world.open()
    world.seal(1, 0)
    world.refused("MarketWrongPhase", lambda: world.reveal(1, 0))


def test_reveal_copied_seal__refuses(world: World) -> None:
    world.open()
    copied = world.seal_of(1, 0)
    world.seal(1, 0)
    world.call("seal", 1, 1, 1, copied, caller=world.trainers[1])
    world.now = world.project.rounds[1].commit_end
    args = (*world.update(1, 0), ZERO32)
    world.refused(
        "MarketSealMismatch", lambda: world.call("reveal", 1, 1, 1, *args, caller=world.trainers[1])
    )


def test_reveal_without_seal_twice_or_small_root__refuses(world: World) -> None:
    round_ = world.to_reveal([0, 1])
    world.refused("MarketNotSealed", lambda: world.reveal(round_, 2))
    world.reveal(round_, 0)
    world.refused("MarketNotSealed", lambda: world.reveal(round_, 0))
    small = (bytes32(2**216 - 1), ZERO32, ZERO32)
    world.refused(
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
    assert world.balanced()


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

    world.refused("MarketStakeTooLow", lambda: world.seal(second, 2), stake=unit - 1, least=unit)
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
    world.refused("MarketWrongPhase", lambda: world.call("voidRound", 1, round_))
    world.now += 1
    world.call("voidRound", 1, round_)

    assert world.project.escrow == 10 * world.params.pot
    world.refused("MarketAlreadySettled", lambda: world.call("voidRound", 1, round_))
    assert world.open() == round_ + 1


def test_void_nobody_revealed__no_slash(world: World) -> None:
    round_ = world.to_reveal()
    world.now = world.project.rounds[round_].reveal_end
    world.call("voidRound", 1, round_)
    second = world.open()
    world.seal(second, 0)

    assert views.seat_of(world.state, 1, 0).stake == world.params.min_stake
    assert world.balanced()
