"""Every call in every stage, and the timed ones a second before, at and after each moment at which things change.

Systematic where the machine is random: each try starts from the same state, on specification and contract.
"""

from __future__ import annotations

import copy
from collections import Counter
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from market.devnet import dev_account
from market.errors import RefusedError
from market.params import MINIMAL
from market.spec import PROCESS, State
from tests.stateful.menu import menu, timed
from tests.stateful.pair import Chain, Pair, chain
from tests.stateful.stages import STAGES
from tests.stateful.world import World

pytestmark = pytest.mark.chain

REACHED: Counter[str] = Counter()
LEAST_REFUSALS = 45
"""Of the contract's 72 errors; creation, tokens and admission are tested elsewhere."""


@pytest.fixture(scope="module")
def devchain() -> Iterator[Chain]:
    with chain() as running:
        yield running


@pytest.fixture
def world(devchain: Chain) -> Iterator[World]:
    """A market on the chain; everything is undone afterwards."""
    saved = devchain.request("evm_snapshot")
    people: list[str] = [dev_account(number).address for number in range(12)]
    state = State(devchain.chain_id, devchain.market, MINIMAL.limits)
    pair = Pair(devchain, state, people, quiet=True)
    world = World(state, pair, devchain.start, people[:6], people[6:9], people[9], people[10])
    pair.people = [*people, *(world.payout(who) for who in people[:6])]
    devchain.fund(pair.people)
    yield world
    devchain.request("evm_revert", saved)


class Bench:
    """Tries calls from one state: what succeeds is undone on both sides."""

    def __init__(self, world: World) -> None:
        assert isinstance(world.driver, Pair)
        self.world, self.pair = world, world.driver
        self._save()

    def _save(self) -> None:
        self._chain = self.pair.chain.request("evm_snapshot")
        self._states = copy.deepcopy((self.pair.state, self.pair.replay.state))

    def attempt(self, name: str, call: Callable[[], Any]) -> None:
        """One try; any difference between contract and specification is an AssertionError."""
        try:
            call()
        except RefusedError as refusal:
            REACHED[f"{name}: {refusal.name}"] += 1
            return
        REACHED[name] += 1
        self.pair.chain.request("evm_revert", self._chain)
        self.pair.state.__dict__.update(self._states[0].__dict__)
        self.pair.replay.state.__dict__.update(self._states[1].__dict__)
        self._save()


@pytest.mark.parametrize("stage", STAGES)
def test_every_call_in_every_stage__contract_equals_specification(world: World, stage: str) -> None:
    world.start(**STAGES[stage].terms)
    STAGES[stage].go(world)
    bench = Bench(world)
    bench.pair.compare(world.now)
    bench.pair.quiet = False

    for name, call in list(menu(world)):
        bench.attempt(name, call)
    times = {moment + offset for moment in world.moments() for offset in (-1, 0, 1)}
    for at in sorted(at for at in times if at > world.now):
        world.now = at
        for name, call in list(timed(world)):
            bench.attempt(name, call)
    REACHED[f"stage {stage}"] += 1


def test_matrix__reached_every_call_and_most_refusals() -> None:
    if not {f"stage {stage}" for stage in STAGES} <= set(REACHED):
        pytest.skip("only after all stages in one process")

    missing = set(PROCESS) - {"create"} - set(REACHED)
    refusals = {name.split(": ")[1] for name in REACHED if ": " in name}

    assert not missing, f"never succeeded: {sorted(missing)}"
    assert len(refusals) >= LEAST_REFUSALS, f"{len(refusals)} errors met: {sorted(refusals)}"
