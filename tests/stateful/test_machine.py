"""Runs the machine. `FAIRTRAIN_PROFILE=deep` draws anew and long; the default is the same quick set each time."""

from __future__ import annotations

import os
from collections.abc import Iterator

import pytest
from hypothesis import HealthCheck, Phase, settings
from hypothesis.stateful import run_state_machine_as_test

from market.spec import PROCESS
from tests.stateful.machine import MarketMachine
from tests.stateful.pair import Chain, chain
from tests.stateful.stages import STAGES

pytestmark = pytest.mark.chain

DEEP = os.environ.get("FAIRTRAIN_PROFILE") == "deep"
PROFILE = settings(
    max_examples=1000 if DEEP else 45,
    stateful_step_count=60 if DEEP else 22,
    deadline=None,
    derandomize=not DEEP,
    database=None,
    suppress_health_check=list(HealthCheck),
    phases=[Phase.explicit, Phase.generate, *([Phase.shrink] if DEEP else [])],
    print_blob=DEEP,
)


@pytest.fixture(scope="module")
def devchain() -> Iterator[Chain]:
    with chain() as running:
        yield running


def test_market_random_play__contract_equals_specification(devchain: Chain) -> None:
    MarketMachine.chain = devchain
    MarketMachine.reached.clear()

    run_state_machine_as_test(MarketMachine, settings=PROFILE)

    reached = MarketMachine.reached
    calls = set(PROCESS) - {"create"}
    assert calls <= set(reached), f"never succeeded: {sorted(calls - set(reached))}"
    assert {f"stage {stage}" for stage in STAGES} <= set(reached)
    refusals = {name.split(": ")[1] for name in reached if ": " in name}
    assert len(refusals) >= 35, sorted(refusals)
