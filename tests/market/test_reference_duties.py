"""What the key of the owner's reference does, and when: after the first seal, in time, and nobody else."""

from __future__ import annotations

from typing import Any

import pytest

from market.duties import Duty, Kind, reference_duties
from market.phases import Phase
from market.units import ZERO_ADDRESS
from tests.stateful.stages import STAGES
from tests.stateful.world import REFERENCE, World


@pytest.fixture
def world() -> World:
    """A funded project with a reference key, three trainers and two posters."""
    world = World.spec()
    world.start(reference_key=REFERENCE)
    return world


def duties(world: World, me: str = REFERENCE) -> list[tuple[Kind, int]]:
    return [(duty.kind, duty.round) for duty in found(world, me)]


def found(world: World, me: str = REFERENCE) -> list[Duty]:
    return reference_duties(world.snapshot(me))


def test_before_the_first_round__nothing(world: World) -> None:
    assert duties(world) == []


@pytest.mark.parametrize(("seals", "kind"), [(0, Kind.TRAIN), (1, Kind.SEAL), (2, Kind.SEAL)])
def test_commit__trains_until_a_trainer_has_sealed_then_seals(world: World, seals: int, kind: Kind) -> None:
    round_ = world.open()
    for seat in range(seals):
        world.seal(round_, seat)

    (duty,) = found(world)
    assert (duty.kind, duty.round, duty.deadline) == (kind, 1, world.project.rounds[1].commit_end)


def test_whole_round__each_duty_succeeds_and_is_not_due_again(world: World) -> None:
    round_ = world.open()
    world.seal(round_, 0)
    world.seal_reference(round_)
    assert duties(world) == []
    world.seal(round_, 1)
    world.now = max(world.now, world.project.rounds[1].commit_end)
    assert world.phase(round_) is Phase.REVEAL
    assert duties(world) == [(Kind.REVEAL, 1)]

    world.reveal_reference(round_)

    assert duties(world) == []


@pytest.mark.parametrize(("left", "warned"), [(3, False), (2, True), (1, True)])
def test_commit_nearly_over__warns_once_it_may_seal(world: World, left: int, warned: bool) -> None:
    round_ = world.open()
    world.now = world.project.rounds[1].commit_end - left
    assert duties(world) == [(Kind.TRAIN, 1)]
    world.seal(round_, 0)

    assert duties(world) == [(Kind.SEAL, 1), *([(Kind.WARN, 1)] if warned else [])]


@pytest.mark.parametrize(("left", "warned"), [(3, False), (2, True)])
def test_reveal_nearly_over__warns_without_naming_a_unit(world: World, left: int, warned: bool) -> None:
    round_ = world.open()
    world.seal(round_, 0)
    world.seal(round_, 1)
    world.seal_reference(round_)
    world.now = max(world.now, world.project.rounds[1].commit_end)
    world.now = world.project.rounds[1].reveal_end - left

    assert duties(world) == [(Kind.REVEAL, 1), *([(Kind.WARN, 1)] if warned else [])]
    assert not any("unit" in duty.reason for duty in found(world))


def test_not_sealed__nothing_to_reveal(world: World) -> None:
    round_ = world.open()
    world.seal(round_, 0)
    world.seal(round_, 1)
    world.now = world.project.rounds[round_].commit_end
    assert world.phase(round_) is Phase.REVEAL

    assert duties(world) == []


def test_stale_base__waits_until_it_is_opened_again(world: World) -> None:
    STAGES["stale_head"].go(world)
    assert duties(world) == []
    world.open()

    assert duties(world) == [(Kind.TRAIN, 2)]


@pytest.mark.parametrize("who", ["trainer", "owner", "anyone"])
def test_other_keys__nothing(world: World, who: str) -> None:
    round_ = world.open()
    world.seal(round_, 1)
    others: dict[str, Any] = {
        "trainer": world.trainers[0],
        "owner": world.owner,
        "anyone": world.anyone,
    }

    assert duties(world, others[who]) == []


@pytest.mark.parametrize("me", [REFERENCE, ZERO_ADDRESS])
def test_project_without_a_reference__nothing_for_anybody(me: str) -> None:
    world = World.spec()
    world.start()
    world.seal(world.open(), 0)

    assert duties(world, me) == []
