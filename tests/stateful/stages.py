"""Where a run may start: each stage takes a project with three trainers and two bonded posters some way on."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from market.params import ABSENT_ROUNDS
from market.refutation import Tree
from market.seals import is_sealed
from tests.stateful.world import REFERENCE, World


def fresh(world: World) -> None:
    """Nothing open."""


def commit(world: World) -> None:
    """COMMIT runs, one seat has sealed."""
    world.seal(world.open(), 0)


def reveal(world: World) -> None:
    """REVEAL runs, one seat has revealed."""
    world.reveal(world.to_reveal(), 0)


def aggregate(world: World) -> None:
    """AGGREGATE, one of three missed its reveal."""
    world.to_aggregate(revealing=[0, 1])


def proposed(world: World) -> None:
    """A result with one of three seats."""
    world.post(world.to_aggregate(), included=[0])


def standing(world: World) -> None:
    """A complete result, second round in REVEAL."""
    world.to_standing()
    world.to_reveal()


def missed_then_next(world: World) -> None:
    """A seat that missed its reveal, whose round stands; the next COMMIT runs."""
    world.post(world.to_aggregate(revealing=[0, 1]))
    world.open()


def cleared(world: World) -> None:
    """Two results by two posters, the lower convicted: the upper is stale and holds a lock."""
    _two_posters(world)
    world.call("convict", world.number, 1, world.anyone)


def flat_below_stale(world: World) -> None:
    """The same, and the lower round is due to be flat."""
    cleared(world)
    world.now += world.params.windows.dead


def not_merged(world: World) -> None:
    """The lower round posted again with another model: the upper round's base no longer stands."""
    cleared(world)
    world.post(1, poster=1, tag=b"truth")


def _two_posters(world: World) -> None:
    world.to_standing(poster=0)
    second = world.to_aggregate()
    world.now += world.params.windows.first_right
    world.post(second, poster=1)


def stale_head(world: World) -> None:
    """An unsealed head whose base was convicted away and posted anew."""
    world.to_standing()
    world.open()
    world.call("convict", world.number, 1, world.anyone)
    world.now += world.params.windows.first_right
    world.post(1, poster=1, tag=b"truth")


def void_above_cleared(world: World) -> None:
    """A VOID round settled above a cleared one: the tip has to skip it later."""
    world.to_standing()
    second = world.open()
    world.call("convict", world.number, 1, world.anyone)
    world.now = world.project.rounds[second].commit_end
    world.call("voidRound", world.number, second)


def final(world: World) -> None:
    """Two FINAL rounds, the first with a penalty for seat 0."""
    world.to_final(included=[1, 2], penalty=world.params.unit)
    world.to_final()


def flat(world: World) -> None:
    """A FLAT round."""
    round_ = world.to_aggregate(revealing=[0, 1])
    world.now += world.params.windows.dead
    world.call("flatten", world.number, round_)


def absent(world: World) -> None:
    """Sixteen VOID rounds: who sealed in none of them may be evicted."""
    for _ in range(ABSENT_ROUNDS):
        round_ = world.open()
        world.seal(round_, 0)
        world.now = world.project.rounds[round_].commit_end
        world.call("voidRound", world.number, round_)


def clearable(world: World) -> None:
    """Two results by one poster, the upper convicted: the lower may be cleared by anyone."""
    world.to_standing()
    world.to_standing()
    world.call("convict", world.number, 2, world.anyone)


def skippable(world: World) -> None:
    """The VOID round above a cleared one, after the latter has a result again."""
    void_above_cleared(world)
    world.now += world.params.windows.first_right
    world.post(1, poster=1)


def over(world: World) -> None:
    """Stopped and settled; a seat has left with a penalty."""
    final(world)
    claim = world.claim_at(world.project.last_final, 0)
    world.call("leave", world.number, 0, *claim.args, caller=world.signer(0))
    world.call("stop", world.number, caller=world.owner)


def refunded(world: World) -> None:
    """The owner has its credit, the penalty is to be burned."""
    over(world)
    world.call("refund", world.number)


def vouched(world: World) -> None:
    """A result that vouches for a seat that never revealed."""
    world.post(world.to_aggregate(revealing=[0, 1]), included=[0, 2])


def asked(world: World) -> None:
    """Two asks about a standing result: one that can be answered, one that nobody can answer."""
    round_ = world.to_standing()
    world.ask(round_, Tree.Accounts, 1, 1)
    world.ask(round_, Tree.Steps, 0, 0)


def answered(world: World) -> None:
    """An ask about a standing result, answered."""
    round_ = world.to_standing()
    world.answer(world.ask(round_, Tree.Accounts, 0, 2))


def silent(world: World) -> None:
    """The same, and the time to answer is over."""
    asked(world)
    world.now += world.params.windows.answer


def asked_and_gone(world: World) -> None:
    """An ask about a result that has been replaced."""
    round_ = world.to_aggregate()
    world.post(round_, included=[0])
    world.ask(round_, Tree.Accounts, 0, 0)
    world.post(round_, poster=1)


def reference_sealed(world: World) -> None:
    """COMMIT runs, one seat and the reference have sealed."""
    round_ = world.open()
    world.seal(round_, 0)
    world.seal_reference(round_)


def reference_awaited(world: World) -> None:
    """The second round, in which all active seats have sealed and the reference has not."""
    world.to_standing()
    round_ = world.open()
    for seat in world.held_seats():
        world.seal(round_, seat)


def reference_closed(world: World) -> None:
    """REVEAL runs, all seats have revealed and the reference has not."""
    round_ = world.to_reveal()
    for seat in world.seats_in(round_, is_sealed):
        world.reveal(round_, seat)


def reference_left_out(world: World) -> None:
    """A result of all seats without the reference, which has revealed."""
    world.post(world.to_aggregate(), reference=False)


def reference_standing(world: World) -> None:
    """A complete result with the reference; the next round is open on it."""
    world.to_standing()
    world.open()


@dataclass(frozen=True)
class Stage:
    """A way to begin. `needs_two_rounds`: the project must allow two open rounds; `terms`: its parameters."""

    go: Callable[[World], None]
    needs_two_rounds: bool
    terms: dict[str, Any] = field(default_factory=dict)


TWO = (
    standing,
    missed_then_next,
    cleared,
    flat_below_stale,
    not_merged,
    stale_head,
    void_above_cleared,
    clearable,
    skippable,
)
ONE = (
    *(fresh, commit, reveal, aggregate, proposed, final, flat, absent, over, refunded),
    *(vouched, asked, answered, silent, asked_and_gone),
)
WITH_REFERENCE = (
    reference_sealed,
    reference_awaited,
    reference_closed,
    reference_left_out,
    reference_standing,
)
STAGES = {go.__name__: Stage(go, go in TWO) for go in (*ONE, *TWO)}
STAGES |= {go.__name__: Stage(go, True, {"reference_key": REFERENCE}) for go in WITH_REFERENCE}
