"""Duties of anyone: what the project needs in each state, at the exact second, and that doing it succeeds."""

from __future__ import annotations

from dataclasses import replace

import pytest

from market.duties import (
    Duty,
    Kind,
    advance_duties,
    answer_duties,
)
from market.phases import Phase
from market.refutation import Tree
from market.snapshot import take_snapshot
from tests.market.conftest import kinds
from tests.stateful.getters import SpecGetters
from tests.stateful.stages import STAGES
from tests.stateful.world import World


def due(world: World) -> list[tuple[str, int]]:
    """Duties of anyone, by kind and round."""
    return [(str(duty.kind), duty.round) for duty in advance_duties(world.snapshot())]


# ----- anyone -----


@pytest.mark.parametrize("stage", STAGES)
def test_advance_duties_in_every_stage__each_first_duty_succeeds(stage: str) -> None:
    world = World.spec()
    world.start(**STAGES[stage].terms)
    STAGES[stage].go(world)

    for _ in range(200):
        duties = advance_duties(world.snapshot())
        if duties:
            world.call(str(duties[0].kind), *duties[0].arguments(world.number))
        elif not world.project.stopped:
            world.call("stop", world.number, caller=world.owner)
        elif world.project.open_count:
            world.now = min(at for at in world.moments() if at > world.now)
        else:
            break

    assert world.project.terminal_up_to == world.project.head
    assert len(advance_duties(world.snapshot())) == 0


def test_advance_duties_fresh_project__opens_the_first_round(world: World) -> None:
    assert due(world) == [("open", 1)]


@pytest.mark.parametrize(("holders", "expected"), [(0, []), (1, []), (2, [("open", 1)])])
def test_advance_duties_few_trainers__waits_to_open_round_one(
    holders: int, expected: list[tuple[str, int]]
) -> None:
    world = World.spec()
    world.start(holders=holders)

    assert due(world) == expected


def test_advance_duties_no_escrow_or_stopped__nothing_to_open(world: World) -> None:
    snapshot = world.snapshot()
    poor = replace(snapshot, project=replace(snapshot.project, escrow=world.params.pot - 1))
    stopped = replace(snapshot, project=replace(snapshot.project, stopped=True))

    assert advance_duties(poor) == []
    assert advance_duties(stopped) == []
    assert advance_duties(replace(snapshot, now=world.params.end_date)) == []
    assert len(advance_duties(replace(snapshot, now=world.params.end_date - 1))) == 1


@pytest.mark.parametrize(
    ("offset", "expected"),
    [(-1, []), (0, [("voidRound", 1), ("open", 2)]), (1, [("voidRound", 1), ("open", 2)])],
)
def test_advance_duties_around_the_end_of_commit__voids_and_opens(
    world: World, offset: int, expected: list[tuple[str, int]]
) -> None:
    round_ = world.open()
    world.seal(round_, 0)
    world.now = world.project.rounds[round_].commit_end + offset

    assert due(world) == expected


@pytest.mark.parametrize(("offset", "flat"), [(-1, False), (0, True), (1, True)])
def test_advance_duties_around_t_dead__flattens_and_opens(world: World, offset: int, flat: bool) -> None:
    round_ = world.to_aggregate()
    world.now = world.project.rounds[round_].reveal_end + world.params.windows.dead + offset

    assert due(world) == ([("flatten", 1), ("open", 2)] if flat else [])


@pytest.mark.parametrize(("offset", "final"), [(-1, False), (0, True), (1, True)])
def test_advance_duties_around_the_window__finalises_in_order(world: World, offset: int, final: bool) -> None:
    world.to_standing()
    second = world.to_standing()
    world.now = world.project.results[second].stands_at + world.params.windows.challenge + offset

    if final:
        assert due(world) == [("finalise", 1), ("finalise", 2), ("open", 3)]
    else:
        assert [duty for duty in due(world) if duty == ("finalise", 2)] == []


def test_advance_duties_banned_poster__clears_alone(world: World) -> None:
    STAGES["clearable"].go(world)

    assert due(world) == [("clear", 1)]


def test_advance_duties_stale_head__opens_again_in_place_of_void(world: World) -> None:
    STAGES["stale_head"].go(world)
    assert due(world) == [("open", 2)]
    world.now = world.project.rounds[2].commit_end
    assert world.phase(2) is Phase.VOID
    assert due(world) == [("finalise", 1), ("open", 2)]

    world.call("stop", world.number, caller=world.owner)
    assert due(world) == [("voidRound", 2), ("finalise", 1)]


def test_advance_duties_cleared_below__releases_the_stale_lock(world: World) -> None:
    STAGES["cleared"].go(world)

    assert due(world) == [("release", 2)]


def test_advance_duties_void_above_result__skips(world: World) -> None:
    STAGES["skippable"].go(world)
    assert due(world)[0] == ("skip", 2)
    world.call("skip", world.number)
    world.now = world.project.results[1].stands_at + world.params.windows.challenge
    world.call("finalise", world.number, 1)

    assert due(world)[0] == ("skip", 2), "the mark that binds stakes waits below a VOID round"


def test_arguments__are_the_contracts() -> None:
    assert Duty(Kind.OPEN, 4).arguments(7) == (7,)
    assert Duty(Kind.SKIP, 4).arguments(7) == (7,)
    assert Duty(Kind.FINALISE, 4).arguments(7) == (7, 4)


# ----- snapshots -----


def test_take_snapshot__reads_again_when_the_project_moves(world: World) -> None:
    moves = iter([world.open])

    def now() -> int:
        for move in moves:
            move()
        return world.now

    snapshot = take_snapshot(SpecGetters(world.state, now), 1, world.trainers[0])

    assert snapshot.project.head == 1
    assert snapshot.phase(1) is Phase.COMMIT


def test_snapshot_phase_of_unread_round__is_settled(world: World) -> None:
    world.to_final()
    world.to_final()
    world.open()
    snapshot = world.snapshot()

    assert set(snapshot.rounds) == {3}
    assert snapshot.settled(1)
    assert snapshot.stands(2)
    assert snapshot.phase(4) is Phase.NONE
    assert not snapshot.settled(4)


# ----- asks -----


@pytest.mark.parametrize(("offset", "final"), [(-1, False), (0, True), (1, True)])
def test_advance_duties_after_an_answered_ask__finalises_later(
    world: World, offset: int, final: bool
) -> None:
    round_ = world.to_standing()
    windows = world.params.windows
    end = world.now + windows.challenge + windows.answer + windows.refute
    world.answer(world.ask(round_, Tree.Accounts, 0, 0))
    world.now = end + offset
    assert (("finalise", round_) in due(world)) is final


@pytest.mark.parametrize(("offset", "silent"), [(-1, False), (0, True), (1, True)])
def test_advance_duties_around_the_time_to_answer__convicts_alone(
    world: World, offset: int, silent: bool
) -> None:
    round_ = world.to_standing()
    id_ = world.ask(round_, Tree.Steps, 0, 0)
    world.now = world.state.asks[id_].event.due + offset
    duties = advance_duties(world.snapshot())
    assert (kinds(duties) == [(Kind.CONVICT_SILENT, round_)]) is silent
    if silent:
        assert duties[0].arguments(world.number) == (id_,)


def test_advance_duties_open_ask_about_a_finished_window__does_not_finalise(world: World) -> None:
    round_ = world.to_standing()
    world.now += world.params.windows.challenge - 1
    world.ask(round_, Tree.Accounts, 0, 0)
    world.now += 2 * world.params.windows.challenge
    assert ("finalise", round_) not in due(world)


def test_advance_duties_ask_about_a_result_that_is_gone__settles(world: World) -> None:
    round_ = world.to_aggregate()
    world.post(round_, included=[0])
    id_ = world.ask(round_, Tree.Accounts, 0, 0)
    world.post(round_, poster=1)
    (duty,) = [duty for duty in advance_duties(world.snapshot()) if duty.kind is Kind.SETTLE_ASK]
    assert duty.arguments(world.number) == (id_,)


def test_answer_duties__mine_alone_the_most_urgent_first_with_a_warning(world: World) -> None:
    round_ = world.to_standing()
    first = world.ask(round_, Tree.Accounts, 0, 0)
    found = answer_duties(world.snapshot(world.posters[0]))
    assert (found[0].kind, found[0].ask) == (Kind.ANSWER, first)
    assert found[0].deadline == world.state.asks[first].event.due
    assert answer_duties(world.snapshot(world.posters[1])) == []
    world.now = found[0].deadline
    late = answer_duties(world.snapshot(world.posters[0]))
    assert [duty.kind for duty in late] == [Kind.ANSWER, Kind.WARN]
    world.answer(first)
    assert answer_duties(world.snapshot(world.posters[0])) == []
