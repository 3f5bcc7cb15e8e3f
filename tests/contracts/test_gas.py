"""Gas as a node counts it: the figures of `contracts/snapshots`, which Foundry measures, hold for real transactions."""

from __future__ import annotations

import json
from collections import defaultdict
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest

from market.devnet import dev_account, start_devnet
from market.params import MINIMAL
from market.phases import Phase
from market.spec.state import State
from tests.stateful.pair import Chain, Pair
from tests.stateful.world import World

SNAPSHOT = Path(__file__).resolve().parents[2] / "contracts" / "snapshots" / "gas-10.json"
BOUNDS = {"seal": 55_000, "reveal": 45_000, "post": 150_000, "finalise": 70_000, "claim": 80_000}
ROUNDS = 5

pytestmark = pytest.mark.chain


class MeteredChain(Chain):
    """Keeps what each receipt says."""

    used: defaultdict[str, list[int]]

    def send(self, name: str, args: tuple[Any, ...], caller: str, now: int, value: int) -> list[Any]:
        self.name = name
        return super().send(name, args, caller, now, value)

    def _receipt(self, tx: str) -> dict[str, Any]:
        receipt = super()._receipt(tx)
        if receipt["to"]:
            self.used[self.name].append(int(receipt["gasUsed"], 16))
        return receipt


@pytest.fixture(scope="module")
def used() -> dict[str, list[int]]:
    """Gas of every call in five rounds of three trainers, all claimed at once by seat 0."""
    MeteredChain.used = defaultdict(list)
    with start_devnet() as devnet, closing(MeteredChain(devnet, MINIMAL.limits)) as chain:
        people: list[str] = [dev_account(number).address for number in range(12)]
        state = State(chain.chain_id, chain.market, MINIMAL.limits)
        pair = Pair(chain, state, people, quiet=True)
        world = World(state, pair, chain.start, people[:6], people[6:9], people[9], people[10])
        pair.people = [*people, *(world.payout(who) for who in people[:6])]
        chain.fund(pair.people)
        world.start(3)
        for _ in range(ROUNDS):
            assert world.phase(world.to_final()) is Phase.FINAL
        claim = world.claim_at(ROUNDS, 0)
        world.call("claim", world.number, ROUNDS, 0, *claim.args)
    return MeteredChain.used


@pytest.mark.parametrize("name", BOUNDS)
def test_gas_real_transactions__stay_within_bounds(name: str, used: dict[str, list[int]]) -> None:
    in_last_round = used[name][-2:] if name in ("seal", "reveal") else used[name][-1:]

    assert all(gas <= BOUNDS[name] for gas in in_last_round), in_last_round


@pytest.mark.parametrize("name", ["seal", "reveal", "finalise"])
def test_gas_real_transactions__are_those_of_the_snapshot(name: str, used: dict[str, list[int]]) -> None:
    expected = json.loads(SNAPSHOT.read_text())[name]

    assert used[name][-2] == pytest.approx(expected, rel=0.01)
