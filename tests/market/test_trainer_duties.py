"""Duties of trainers: what to do in each state, at the exact second."""

from __future__ import annotations

from dataclasses import replace

import pytest

from market.duties import (
    CLAIM_SHARES,
    Duty,
    Kind,
    may_leave,
    trainer_duties,
)
from tests.market.conftest import kinds
from tests.stateful.stages import STAGES
from tests.stateful.world import World


def of_trainer(world: World, seat: int = 0, **changes: object) -> list[Duty]:
    snapshot = world.snapshot(world.trainers[seat])
    return trainer_duties(replace(snapshot, **changes))  # type: ignore[arg-type]


def test_trainer_duties_without_a_seat__none(world: World) -> None:
    world.open()
    assert trainer_duties(world.snapshot(world.anyone)) == []
    assert trainer_duties(world.snapshot()) == []


def test_trainer_duties_commit__seal_once_with_its_deadline(world: World) -> None:
    round_ = world.open()
    (duty,) = of_trainer(world)
    assert (duty.kind, duty.round, duty.deadline) == (Kind.SEAL, 1, world.project.rounds[1].commit_end)
    world.seal(round_, 0)

    assert of_trainer(world) == []


@pytest.mark.parametrize(("left", "warned"), [(3, False), (2, True), (1, True)])
def test_trainer_duties_commit_nearly_over__warns(world: World, left: int, warned: bool) -> None:
    world.open()
    world.now = world.project.rounds[1].commit_end - left

    assert kinds(of_trainer(world)) == [(Kind.SEAL, 1), *([(Kind.WARN, 1)] if warned else [])]


@pytest.mark.parametrize(("left", "warned"), [(10, False), (3, False), (2, True)])
def test_trainer_duties_reveal__reveal_and_warn(world: World, left: int, warned: bool) -> None:
    round_ = world.to_reveal([0, 1])
    world.now = world.project.rounds[round_].reveal_end - left

    assert kinds(of_trainer(world)) == [(Kind.REVEAL, 1), *([(Kind.WARN, 1)] if warned else [])]
    assert of_trainer(world, seat=2) == [], "did not seal"
    world.reveal(round_, 0)
    assert of_trainer(world) == []


def test_trainer_duties_stale_base__waits_until_it_is_opened_again(world: World) -> None:
    STAGES["stale_head"].go(world)
    assert of_trainer(world) == []
    world.open()

    assert kinds(of_trainer(world)) == [(Kind.SEAL, 2)]


@pytest.mark.parametrize(("stake", "kind"), [(4_999, Kind.WARN), (5_000, Kind.SEAL)])
def test_trainer_duties_stake_around_one_unit__warns_below(world: World, stake: int, kind: Kind) -> None:
    world.open()
    world.project.seats[0].stake = stake

    assert [duty.kind for duty in of_trainer(world)] == [kind]


def test_trainer_duties_owed_miss__counts_against_the_stake(world: World) -> None:
    STAGES["missed_then_next"].go(world)
    world.project.seats[2].stake = 2 * world.params.unit - 1

    assert [duty.kind for duty in of_trainer(world, seat=2)] == [Kind.WARN]


@pytest.mark.parametrize(("shares", "extra", "claims"), [(CLAIM_SHARES, 0, False), (CLAIM_SHARES, 1, True)])
def test_trainer_duties_open_pay__claims_above_twenty_mean_shares(
    world: World, shares: int, extra: int, claims: bool
) -> None:
    snapshot = world.snapshot(world.trainers[0])
    mean = (world.params.pot - world.params.fee) // world.params.seats
    rich = replace(snapshot.project, bucket=10**6, last_final=3)
    found = trainer_duties(replace(snapshot, project=rich, earned=shares * mean + extra))

    assert kinds(found) == ([(Kind.CLAIM, 3)] if claims else [])


def test_trainer_duties_project_over__claims_what_is_left(world: World) -> None:
    world.to_final()
    earned = world.claim_at(1, 0).account.pay
    assert of_trainer(world, earned=earned) == []
    world.call("stop", world.number, caller=world.owner)

    assert kinds(of_trainer(world, earned=earned)) == [(Kind.CLAIM, 1)]
    assert of_trainer(world, earned=0) == []


def test_trainer_duties_flat_share__claimed_at_once(world: World) -> None:
    assert kinds(of_trainer(world, flat_due=frozenset({3, 1}))) == [
        (Kind.CLAIM_FLAT, 1),
        (Kind.CLAIM_FLAT, 3),
    ]


def test_may_leave__when_the_last_sealed_round_is_terminal(world: World) -> None:
    assert may_leave(world.snapshot(world.trainers[0])), "never sealed"
    round_ = world.to_standing()
    assert not may_leave(world.snapshot(world.trainers[0]))
    world.now = world.project.results[round_].stands_at + world.params.windows.challenge
    world.call("finalise", 1, round_)

    assert may_leave(world.snapshot(world.trainers[0]))
    assert not may_leave(world.snapshot(world.anyone))
