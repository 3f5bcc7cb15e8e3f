"""The specification: claims, leaving, evictions. What each call does, refuses and leaves alone."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest

from market.events import TrainerLeft
from market.params import ABSENT_ROUNDS
from market.phases import Phase
from market.records import Account
from market.spec import views
from market.units import BURNED, NATIVE, ZERO32, ZERO_ADDRESS
from tests.stateful.posted import START_CLAIM, accounts_tree
from tests.stateful.world import World, someone


@pytest.fixture
def world() -> World:
    """A funded project with three trainers and two posters."""
    world = World.spec()
    world.start()
    return world


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
    world.refused("MarketNothingDue", lambda: claim(world, 2, 0))
    world.refused("MarketNothingDue", lambda: claim(world, 1, 0))
    claim(world, 3, 0)

    assert views.credit_of(world.state, NATIVE, payout) == 3 * share
    assert world.balanced()


def test_claim_not_final_or_wrong_proof__refuses(world: World) -> None:
    round_ = world.to_standing()
    world.refused("MarketWrongPhase", lambda: claim(world, round_, 0), current=int(Phase.STANDING))
    world.now += world.params.windows.challenge
    world.call("finalise", 1, round_)

    more = Account(1 << 13, 10**6, 0)
    world.refused("MarketWrongProof", lambda: claim(world, round_, 0, lambda c: replace(c, account=more)))
    short = lambda c: replace(c, proof=c.proof[:-1])  # noqa: E731
    world.refused("MarketProofLength", lambda: claim(world, round_, 0, short), length=1, depth=2)
    other = lambda c: replace(c, opening=replace(c.opening, workings=ZERO32))  # noqa: E731
    world.refused("MarketWrongOpening", lambda: claim(world, round_, 0, other))
    world.refused("MarketSeatFree", lambda: claim(world, round_, 3))
    world.refused("MarketWrongOpening", lambda: world.call("claim", 1, 0, 0, *START_CLAIM.args))


def test_claim_above_the_bucket__refuses(world: World) -> None:
    round_ = world.to_aggregate()
    post, accounts = world.draft(round_)
    accounts[0] = replace(accounts[0], pay=10**9)
    lie = replace(post, roots=replace(post.roots, accounts=accounts_tree(accounts).root))
    world.send_post(round_, world.posters[0], lie, accounts)
    world.now += world.params.windows.challenge
    world.call("finalise", 1, round_)

    world.refused("MarketBucketTooLow", lambda: claim(world, round_, 0), due=10**9)


def test_claim_flat__pays_each_revealed_seat_once(world: World) -> None:
    round_ = world.to_aggregate(revealing=[0, 1])
    world.now += world.params.windows.dead
    world.refused("MarketWrongPhase", lambda: world.call("claimFlat", 1, round_, 0, 0))
    world.call("flatten", 1, round_)
    share = (world.params.pot + world.params.unit) // 2
    world.call("claimFlat", 1, round_, 0, 0)

    assert views.credit_of(world.state, NATIVE, world.payout(world.trainers[0])) == share
    world.refused("MarketAlreadyTaken", lambda: world.call("claimFlat", 1, round_, 0, 0))
    world.refused("MarketNotRevealed", lambda: world.call("claimFlat", 1, round_, 2, 0))
    world.refused("MarketWrongTenure", lambda: world.call("claimFlat", 1, round_, 1, 1), tenure=1)
    assert world.balanced()


def test_claim_flat_after_leaving__pays_the_holder_of_then(world: World) -> None:
    round_ = world.to_aggregate()
    world.now += world.params.windows.dead
    world.call("flatten", 1, round_)
    old = world.trainers[0]
    world.call("leave", 1, 0, *START_CLAIM.args, caller=old)
    world.register(0, trainer=someone(70))

    world.refused("MarketWrongTenure", lambda: world.call("claimFlat", 1, round_, 0, 1))
    before = views.credit_of(world.state, NATIVE, world.payout(old))
    world.call("claimFlat", 1, round_, 0, 0)

    assert views.credit_of(world.state, NATIVE, world.payout(old)) - before == world.params.pot // 3


# ----- leave and evict -----


def test_leave__returns_pay_and_stake_and_frees_the_seat(world: World) -> None:
    round_ = world.to_standing()
    world.refused(
        "MarketStakeBound",
        lambda: world.call("leave", 1, 0, *START_CLAIM.args, caller=world.trainers[0]),
        lastSealed=1,
        terminalUpTo=0,
    )
    world.now += world.params.windows.challenge
    world.call("finalise", 1, round_)
    found = world.claim_at(round_, 0)
    world.refused("MarketNotSigner", lambda: world.call("leave", 1, 0, *found.args))
    (left,) = world.call("leave", 1, 0, *found.args, caller=world.trainers[0])

    assert isinstance(left, TrainerLeft)
    assert (left.pay, left.stake_returned, left.penalty) == (found.account.pay, world.params.min_stake, 0)
    assert views.seat_of(world.state, 1, 0).signer == ZERO_ADDRESS
    assert views.tenure_count_of(world.state, 1, 0) == 1
    assert world.balanced()


def test_leave_before_any_final_round__needs_the_start_account(world: World) -> None:
    paid = (Account(1 << 13, 1, 0), *START_CLAIM.args[1:])
    world.refused("MarketNotStartAccount", lambda: world.call("leave", 1, 0, *paid, caller=world.trainers[0]))
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
    assert world.balanced()


def test_refund_with_penalties__burns_them(world: World) -> None:
    world.to_final(included=[1, 2], penalty=world.params.unit)
    world.call("leave", 1, 0, *world.claim_at(1, 0).args, caller=world.trainers[0])
    world.call("stop", 1, caller=world.owner)
    world.call("refund", 1)

    assert views.credit_of(world.state, NATIVE, BURNED) == world.params.unit
    world.call("burn", NATIVE)
    assert world.balanced()


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
            world.refused("MarketNotEvictable", lambda args=args: world.call("evict", 1, 2, *args))  # type: ignore[misc]
        world.post(round_)
        world.now += world.params.windows.challenge
        world.call("finalise", 1, round_)
    world.call("evict", 1, 2, *world.claim_at(world.project.last_final, 2).args)

    payout = world.payout(world.trainers[2])
    assert views.credit_of(world.state, NATIVE, payout) == world.params.min_stake
    assert world.balanced()


def test_stop_with_open_rounds__they_end_as_usual(world: World) -> None:
    round_ = world.to_reveal()
    world.call("stop", 1, caller=world.owner)
    for seat in range(3):
        world.reveal(round_, seat)
    world.post(round_)
    world.now += world.params.windows.challenge
    world.call("finalise", 1, round_)
    world.call("refund", 1)

    assert world.project.bucket == world.project.results[1].paid
    dust = world.params.pot - world.params.fee - world.project.bucket
    assert views.credit_of(world.state, NATIVE, world.owner) == 9 * world.params.pot + dust
