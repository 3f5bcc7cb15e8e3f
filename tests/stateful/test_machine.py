"""Runs the machine. `FAIRTRAIN_PROFILE=deep` draws anew and long; the default is the same quick set each time."""

from __future__ import annotations

import os
from collections.abc import Iterator

import pytest
from hypothesis import HealthCheck, Phase, settings
from hypothesis.stateful import run_state_machine_as_test

from tests.stateful.machine import MarketMachine
from tests.stateful.pair import Chain, chain
from tests.stateful.stages import STAGES

pytestmark = pytest.mark.chain

DEEP = os.environ.get("FAIRTRAIN_PROFILE") == "deep"
PROFILE = settings(
    max_examples=60 if DEEP else 2,
    stateful_step_count=60 if DEEP else 16,
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


@pytest.mark.parametrize("stage", STAGES)
def test_market_random_play__contract_equals_specification(devchain: Chain, stage: str) -> None:
    MarketMachine.chain, MarketMachine.stage = devchain, stage

    run_state_machine_as_test(MarketMachine, settings=PROFILE)
