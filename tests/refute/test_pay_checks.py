"""Every step of pay: the contract agrees with Python on honest entries, and on none that was changed."""

from collections.abc import Iterator

import numpy as np
import pytest
from check_calls import Call, CheckContract, check_contract
from step_rounds import KINDS, STEP_BY_NAME, Kind, call, places, rounds, with_entry

from aggregator.pay import STEPS
from aggregator.refute.pay_reads import READS
from aggregator.refute.trees import Trees
from market.devnet import Devnet

NAMES = [step.name for step in STEPS]


@pytest.fixture(scope="module")
def contract(session_anvil: Devnet, pytestconfig: pytest.Config) -> Iterator[CheckContract]:
    """PayChecks as it is in contracts/src."""
    kept = pytestconfig.cache.mkdir("checks")
    checks = check_contract(session_anvil, "PayChecks", "0x00000000000000000000000000000000000009a7", kept)
    yield checks
    checks.close()


def honest(trees: Trees, rng: np.random.Generator, most: int) -> list[Call]:
    """True evidence about entries of all steps."""
    return [
        call(trees, READS[name], name, i, j)
        for name in NAMES
        for i, j in places(STEP_BY_NAME[name], trees, rng, most)
    ]


def lies(trees: Trees, rng: np.random.Generator, most: int) -> list[Call]:
    """True evidence about entries that are too large or too small by a little."""
    out = []
    for name in NAMES:
        for i, j in places(STEP_BY_NAME[name], trees, rng, most):
            by = int(rng.choice([-1, 1, 2, -1000]))
            posted = with_entry(trees, name, i, j, lambda x, by=by: x + by)
            out.append(call(posted, READS[name], name, i, j))
    return out


def test_reads__are_there_for_every_step() -> None:
    assert list(READS) == NAMES


@pytest.mark.parametrize("kind", KINDS, ids=lambda kind: kind.__name__)
@pytest.mark.parametrize("seats", [1, 2, 3, 5, 8, 12])
def test_wrong_of_every_step__is_true_of_lies_alone(contract: CheckContract, seats: int, kind: Kind) -> None:
    rng = np.random.default_rng([seats, KINDS.index(kind)])
    for trees in rounds(seats, 3, kind, rng):
        assert set(contract.answers(honest(trees, rng, 4))) == {False}
        assert set(contract.answers(lies(trees, rng, 2))) == {True}
