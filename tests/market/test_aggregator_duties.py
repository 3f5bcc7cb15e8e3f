"""Duties of aggregators: who may post when, and what waits."""

from __future__ import annotations

import pytest

from market.duties import (
    Duty,
    Kind,
    aggregator_duties,
)
from tests.market.conftest import kinds
from tests.stateful.world import World


def of_poster(world: World, poster: int = 0) -> list[Duty]:
    return aggregator_duties(world.snapshot(world.posters[poster]))


def test_aggregator_duties_first_round__anyone_may_post(world: World) -> None:
    round_ = world.to_aggregate()
    (duty,) = of_poster(world)

    flat = world.project.rounds[round_].reveal_end + world.params.windows.dead
    assert (duty.kind, duty.round, duty.reason, duty.deadline) == (Kind.POST, 1, "anyone", flat)


@pytest.mark.parametrize(("offset", "others"), [(-1, []), (0, ["after T1"]), (1, ["after T1"])])
def test_aggregator_duties_around_t1__first_right_then_anyone(
    world: World, offset: int, others: list[str]
) -> None:
    world.to_standing(poster=0)
    second = world.to_aggregate()
    world.now = world.project.rounds[second].reveal_end + world.params.windows.first_right + offset

    assert [duty.reason for duty in of_poster(world, 0)] == ["first right"]
    assert [duty.reason for duty in of_poster(world, 1)] == others


def test_aggregator_duties_first_in_line_lost_its_bond__anyone(world: World) -> None:
    world.to_standing(poster=0)
    free = world.project.aggregators[world.posters[0]].bond - world.params.bond
    world.call("removeBond", 1, free, caller=world.posters[0])
    world.to_aggregate()

    assert [duty.reason for duty in of_poster(world, 1)] == ["anyone"]
    assert [duty.kind for duty in of_poster(world, 0)] == [Kind.WARN]


def test_aggregator_duties_without_bond_or_banned__warns(world: World) -> None:
    round_ = world.to_aggregate()
    assert [duty.kind for duty in of_poster(world, 2)] == [Kind.WARN]
    world.post(round_)
    world.call("convict", 1, round_, world.anyone)

    assert [duty.kind for duty in of_poster(world, 0)] == [Kind.WARN]
    assert [duty.reason for duty in of_poster(world, 1)] == ["again, after a conviction"]


def test_aggregator_duties_proposed__replacement_before_it_stands(world: World) -> None:
    round_ = world.to_aggregate()
    world.post(round_, included=[0])
    (duty,) = of_poster(world, 1)
    assert (duty.kind, duty.round) == (Kind.POST, round_)
    assert duty.deadline == world.project.results[round_].stands_at
    world.now = duty.deadline

    assert of_poster(world, 1) == []


def test_aggregator_duties_own_proposed__needs_no_second_bond() -> None:
    world = World.spec()
    world.start()
    world.bond(2, results=1)
    round_ = world.to_aggregate()
    world.post(round_, poster=2, included=[0])

    assert kinds(of_poster(world, 2)) == [(Kind.POST, round_)]
    assert kinds(aggregator_duties(world.snapshot(world.anyone))) == [(Kind.WARN, round_)]


def test_aggregator_duties_above_a_proposed_result__waits_until_it_stands(world: World) -> None:
    first = world.to_standing(poster=0)
    second = world.to_aggregate()
    world.call("convict", 1, first, world.anyone)
    world.post(first, poster=1, included=[0])
    assert kinds(of_poster(world, 1)) == [(Kind.POST, first)]
    world.now = world.project.results[first].stands_at

    assert kinds(of_poster(world, 1)) == [(Kind.POST, second)]
