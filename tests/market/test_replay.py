"""I-47: whoever reads only the events knows what the getters say."""

from __future__ import annotations

from typing import Any

import pytest

from market.events import Event, Withdrawn
from market.params import MINIMAL
from market.replay import HANDLERS, Replay
from market.spec import State, apply, views
from market.units import NATIVE
from tests.stateful.stages import STAGES
from tests.stateful.world import World


def replayed() -> tuple[World, Replay]:
    """A world whose events are replayed as they come."""
    world = World.spec()
    replay = Replay(world.state.chain_id, world.state.market, MINIMAL.limits)

    def driver(name: str, *args: Any, caller: str, now: int, value: int = 0) -> list[Event]:
        events = apply(world.state, name, *args, caller=caller, now=now, value=value)
        for event in events:
            replay.apply(event, now)
        return events

    world.driver = driver
    return world, replay


def views_of(state: State, world: World) -> list[Any]:
    """Every getter's answer."""
    rounds = range(world.project.head + 2)
    seats = range(world.params.seats)
    answers: list[Any] = [views.project_of(state, 1), views.held(state, NATIVE), state.credits]
    answers += [views.round_of(state, 1, round_, world.now) for round_ in rounds]
    answers += [views.result_of(state, 1, round_, world.now) for round_ in rounds]
    answers += [views.seat_of(state, 1, seat) for seat in seats]
    answers += [
        views.slot_of(state, 1, round_, seat) for round_ in rounds for seat in range(world.params.seats + 1)
    ]
    answers += [views.aggregator_of(state, 1, poster) for poster in world.posters]
    return answers


@pytest.mark.parametrize("stage", STAGES)
def test_replay__equals_the_getters_in_every_stage(stage: str) -> None:
    world, replay = replayed()
    world.start(**STAGES[stage].terms)
    STAGES[stage].go(world)

    assert views_of(replay.state, world) == views_of(world.state, world)


def test_replay_withdrawal__empties_the_credit() -> None:
    world, replay = replayed()
    world.start()
    STAGES["refunded"].go(world)
    world.call("withdraw", NATIVE, world.anyone, caller=world.owner)

    assert views_of(replay.state, world) == views_of(world.state, world)


def test_replay_penalty_above_the_stake__equals_the_getters() -> None:
    world, replay = replayed()
    world.start()
    world.to_final(included=[1, 2], penalty=world.params.min_stake + 1)
    world.call("leave", 1, 0, *world.claim_at(1, 0).args, caller=world.signer(0))

    assert views_of(replay.state, world) == views_of(world.state, world)


def test_replay_unknown_event__refuses() -> None:
    world, replay = replayed()
    world.start()

    class Odd(Event):
        project = 1

    with pytest.raises(KeyError):
        replay.apply(Odd(), world.now)


def test_handlers__cover_every_event() -> None:
    from market.events import EVENTS, ProjectCreated

    assert set(HANDLERS) | {ProjectCreated, Withdrawn} == set(EVENTS.values())
