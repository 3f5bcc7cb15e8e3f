"""The specification: post, finalise, convict, clear, flatten. What each call does, refuses and leaves alone."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from market.keccak import keccak256
from market.phases import Phase
from market.records import ResultView
from market.spec import views
from market.units import NATIVE, ZERO32
from tests.stateful.world import World, someone


@pytest.fixture
def world() -> World:
    """A funded project with three trainers and two posters."""
    world = World.spec()
    world.start()
    return world


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
    world.refused("MarketBondTooLow", lambda: world.post(round_, poster=2), needed=world.params.bond)
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
        world.refused("MarketFirstRight", lambda: world.post(second, poster=1), until=end)
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
    world.refused("MarketBondTooLow", lambda: world.call("removeBond", 1, free + 1, caller=world.posters[0]))
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
    world.refused(error, lambda: post_with(world, round_, **changes))


def test_post_paid_up_to_pot_less_fee__is_accepted(world: World) -> None:
    post_with(world, world.to_aggregate(), paid=9_500)


@pytest.mark.parametrize(("seats", "zero"), [(12, True), (13, False)])
def test_post_columns_around_twelve_seats__zero_or_refuses(seats: int, zero: bool) -> None:
    world = World.spec()
    world.start(holders=2, expected_seats=2, pot=13_000, min_stake=6_500, seats=seats)
    round_ = world.to_aggregate()
    wrong = {"columns": keccak256(b"columns") if zero else ZERO32}
    world.refused("MarketColumnsRoot", lambda: post_with(world, round_, roots=wrong), seats=seats)
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
        world.refused("MarketNotBetter", lambda: world.post(second, poster=1, **changes))


@pytest.mark.parametrize(("offset", "allowed"), [(-1, True), (0, False), (1, False)])
def test_post_replacement_around_t_x__is_exact(world: World, offset: int, allowed: bool) -> None:
    round_ = world.to_aggregate()
    world.post(round_, included=[0])
    world.now = world.project.results[round_].stands_at + offset
    if allowed:
        world.post(round_, poster=1)
    else:
        world.refused("MarketWrongPhase", lambda: world.post(round_, poster=1), current=int(Phase.STANDING))


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

    world.refused(
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
        world.refused("MarketTooEarly", lambda: world.call("finalise", 1, round_), timestamp=world.now)
        return
    world.call("finalise", 1, round_)

    pot, fee, paid = world.params.pot, world.params.fee, 3 * (9_500 // 3)
    assert (world.project.bucket, world.project.escrow) == (paid, 10 * pot - fee - paid)
    assert views.credit_of(world.state, NATIVE, world.posters[0]) == fee
    assert views.aggregator_of(world.state, 1, world.posters[0]).locked == 0
    assert world.project.terminal_up_to == round_


def test_finalise_out_of_order__refuses(world: World) -> None:
    world.to_standing()
    second = world.to_standing()
    world.now += world.params.windows.challenge
    world.refused("MarketBelowNotFinal", lambda: world.call("finalise", 1, second), prev=1, lastFinal=0)
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
    assert world.balanced()


def test_banned_poster__cannot_post_bond_or_be_convicted_again(world: World) -> None:
    first = world.to_standing()
    world.to_standing()
    world.call("convict", 1, 2, world.anyone)

    world.refused("MarketBanned", lambda: world.post(2))
    world.refused("MarketBanned", lambda: world.bond(0))
    world.refused("MarketBanned", lambda: world.call("convict", 1, first, world.anyone))
    world.now += world.params.windows.challenge
    world.refused("MarketBanned", lambda: world.call("finalise", 1, first))
    world.call("clear", 1, first)
    assert world.phase(first) is Phase.AGGREGATE


def test_clear_honest_poster__refuses(world: World) -> None:
    round_ = world.to_standing()
    world.refused("MarketPosterNotConvicted", lambda: world.call("clear", 1, round_))


def test_release__frees_the_lock_of_a_result_above_a_cleared_one(world: World) -> None:
    first = world.to_standing(poster=0)
    second = world.to_aggregate()
    world.now += world.params.windows.first_right
    world.post(second, poster=1)
    world.refused("MarketNothingToRelease", lambda: world.call("release", 1, second))
    world.call("convict", 1, first, world.anyone)
    assert views.aggregator_of(world.state, 1, world.posters[1]).locked == world.params.bond

    world.call("release", 1, second)

    assert views.aggregator_of(world.state, 1, world.posters[1]).locked == 0
    world.refused("MarketNothingToRelease", lambda: world.call("release", 1, second))


def test_post_again_bottom_up__keeps_seals_reveals_and_seed(world: World) -> None:
    first, second = world.to_standing(), world.to_standing()
    sums = [world.project.rounds[number].reveal_sum for number in (first, second)]
    world.call("convict", 1, first, world.anyone)
    world.refused("MarketOutOfOrder", lambda: world.post(second, poster=1), round=2, tip=0)
    world.post(first, poster=1)
    world.post(second, poster=1)

    assert [world.project.rounds[number].reveal_sum for number in (first, second)] == sums
    assert world.phase(second) is Phase.STANDING
    assert world.balanced()


@pytest.mark.parametrize(("offset", "allowed"), [(-1, False), (0, True), (1, True)])
def test_flatten_around_t_dead__is_exact(world: World, offset: int, allowed: bool) -> None:
    round_ = world.to_aggregate()
    world.now = world.project.rounds[round_].reveal_end + world.params.windows.dead + offset
    if not allowed:
        world.refused("MarketTooEarly", lambda: world.call("flatten", 1, round_))
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
    world.refused("MarketTooEarly", lambda: world.call("flatten", 1, round_))
    world.now += world.params.windows.dead
    world.call("flatten", 1, round_)
    assert world.balanced()


def test_flatten_above_a_cleared_round__refuses_and_releases_in_turn(world: World) -> None:
    first = world.to_standing(poster=0)
    second = world.to_aggregate()
    world.now += world.params.windows.first_right
    world.post(second, poster=1)
    world.call("convict", 1, first, world.anyone)
    world.now += world.params.windows.dead
    world.refused("MarketOutOfOrder", lambda: world.call("flatten", 1, second), round=2, tip=0)
    world.call("flatten", 1, first)
    world.call("flatten", 1, second)

    assert views.aggregator_of(world.state, 1, world.posters[1]).locked == 0
    assert world.balanced()


def test_skip__moves_over_void_rounds_that_were_settled_out_of_order(world: World) -> None:
    first = world.to_standing()
    second = world.open()
    world.call("convict", 1, first, world.anyone)
    world.now = world.project.rounds[second].commit_end
    world.call("voidRound", 1, second)
    assert (world.project.tip, world.project.terminal_up_to) == (0, 0)
    world.refused("MarketNothingToSkip", lambda: world.call("skip", 1))
    world.post(first, poster=1)
    world.call("skip", 1)
    assert (world.project.tip, world.project.terminal_up_to) == (2, 0)
    world.now += world.params.windows.challenge
    world.call("finalise", 1, first)
    world.call("skip", 1)
    assert (world.project.tip, world.project.terminal_up_to) == (2, 2)
