"""Every step of the rule and of novelty: the contract agrees with Python on honest entries alone."""

from collections.abc import Iterator
from dataclasses import replace

import numpy as np
import pytest
from check_calls import Call, CheckContract, check_contract
from step_rounds import KINDS, STEP_BY_NAME, Kind, call, places, rounds, with_entry

from aggregator import novelty, rule
from aggregator.refute.proof_tree import Group, Leaves, ProofTree
from aggregator.refute.rule_reads import READS
from aggregator.refute.trees import Trees
from aggregator.rows import COLUMNS, Shape
from market.devnet import Devnet

NAMES = [step.name for step in rule.STEPS + novelty.STEPS]


@pytest.fixture(scope="module")
def contract(session_anvil: Devnet, pytestconfig: pytest.Config) -> Iterator[CheckContract]:
    """RuleChecks as it is in contracts/src."""
    kept = pytestconfig.cache.mkdir("checks")
    checks = check_contract(session_anvil, "RuleChecks", "0x00000000000000000000000000000000000009a8", kept)
    yield checks
    checks.close()


def sketched(trees: Trees, d: int, rng: np.random.Generator) -> Trees:
    """The same round with running sums of files of `d` coefficients; all but the last sums are arbitrary."""
    case = replace(trees.case, shape=Shape(d, trees.case.shape.seats))
    shape, sketch = case.shape, trees.view.sketch  # type: ignore[union-attr]

    def row(number: int) -> ProofTree | None:
        if number not in case.present:
            return None
        sums = rng.integers(-(2**31), 2**31, (shape.segments, COLUMNS))
        sums[-1] = sketch[number]
        data = sums.astype(">i4").view(np.uint8).reshape(shape.segments, -1)
        return Leaves(shape.segment_bits, number << shape.segment_bits, data, tag=case.poster)

    tree = Group(shape.row_bits, shape.segment_bits, shape.rows, row, tag=case.poster, kept=shape.rows)
    return replace(trees, case=case, sketches=tree)


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


def assert_answers(contract: CheckContract, calls: list[Call], expected: bool) -> None:
    """Every call has this answer; those that have not are listed as (slot, i, j, answer)."""
    answers = zip(calls, contract.answers(calls), strict=True)
    assert [(c.a, c.b, c.c, answer) for c, answer in answers if answer is not expected] == []


def test_reads__are_there_for_every_step() -> None:
    assert list(READS) == NAMES


@pytest.mark.parametrize("kind", KINDS, ids=lambda kind: kind.__name__)
@pytest.mark.parametrize("seats", [1, 2, 3, 5, 8, 12])
def test_wrong_of_every_step__is_true_of_lies_alone(contract: CheckContract, seats: int, kind: Kind) -> None:
    rng = np.random.default_rng([seats, KINDS.index(kind)])
    for trees in rounds(seats, 3, kind, rng):
        trees = sketched(trees, int(rng.choice([1, 20_000, 40_000])), rng)

        assert_answers(contract, honest(trees, rng, 4), False)
        assert_answers(contract, lies(trees, rng, 2), True)
