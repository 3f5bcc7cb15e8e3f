"""From any state to an empty market: time passes, anybody does what is due, everybody takes what is theirs."""

from __future__ import annotations

from collections import Counter

from market.duties import advance_duties
from market.errors import RefusedError
from market.seals import is_revealed
from market.units import BURNED, NATIVE
from tests.stateful.world import World

MANY = 500


def drain(world: World, reached: Counter[str]) -> None:
    """I-17: every round ends by time and calls of anybody. I-18: then every coin finds its way out."""
    if not world.project.stopped and world.now < world.params.end_date:
        world.call("stop", world.number, caller=world.owner)
        reached["stop"] += 1
    _settle(world, reached)
    _claim_flat(world, reached)
    _leave(world, reached)
    _take_back(world, reached)
    bystander = world.state.projects[0].escrow
    assert world.project.bucket == 0, "pay that nobody can claim"
    assert world.state.held[NATIVE] == bystander, "money without a way out"


def _settle(world: World, reached: Counter[str]) -> None:
    """Every duty that is due must succeed; where none is, time must lead to one."""
    for _ in range(MANY):
        due = advance_duties(world.snapshot())
        if due:
            world.call(str(due[0].kind), *due[0].arguments(world.number))
            reached[str(due[0].kind)] += 1
        elif world.project.open_count:
            world.now = min(at for at in world.moments() if at > world.now)
        else:
            break
    assert world.project.open_count == 0
    assert world.project.terminal_up_to == world.project.head


def _claim_flat(world: World, reached: Counter[str]) -> None:
    for number, facts in world.project.rounds.items():
        if not facts.flat:
            continue
        for seat in world.seats_in(number, is_revealed):
            if seat in facts.flat_taken:
                continue
            tenures = range(len(world.project.seats[seat].tenures) + 1)
            assert any(_paid(world, number, seat, tenure) for tenure in tenures)
            reached["claimFlat"] += 1


def _paid(world: World, number: int, seat: int, tenure: int) -> bool:
    try:
        world.call("claimFlat", world.number, number, seat, tenure)
    except RefusedError:
        return False
    return True


def _leave(world: World, reached: Counter[str]) -> None:
    for seat in world.held_seats():
        found = world.claim_at(world.project.last_final, seat)
        if found.account.pay > world.project.seats[seat].claimed:
            world.call("claim", world.number, world.project.last_final, seat, *found.args)
            reached["claim"] += 1
        world.call("leave", world.number, seat, *found.args, caller=world.signer(seat))
        reached["leave"] += 1


def _take_back(world: World, reached: Counter[str]) -> None:
    for account, pool in world.project.aggregators.items():
        assert pool.locked == 0
        if pool.bond:
            world.call("removeBond", world.number, pool.bond, caller=account)
            reached["removeBond"] += 1
    if world.project.escrow or world.project.penalty_pool:
        world.call("refund", world.number)
        reached["refund"] += 1
    for token, account in sorted(world.state.credits):
        if account == BURNED:
            world.call("burn", token)
            reached["burn"] += 1
        else:
            world.call("withdraw", token, world.anyone, caller=account)
            reached["withdraw"] += 1
