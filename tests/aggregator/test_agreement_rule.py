"""The default rule as a named one: the numbers that the market's own program gives, over rounds and labels."""

from __future__ import annotations

import numpy as np
import pytest
from sample_rounds import decided, random_sketch

from aggregator.decide import gram_of
from aggregator.rows import Shape
from aggregator.rules.form import Params
from aggregator.rules.registry import named
from aggregator.state import state_of


@pytest.mark.parametrize("n", [1, 3, 4, 9])
def test_weigh_agreement_over_rounds__as_the_markets_program(n: int) -> None:
    rule, shape, rng = named("agreement"), Shape(1024, n), np.random.default_rng(n)
    state, carried, reputation = rule.start(n), None, None
    for number in range(4):
        sketch = random_sketch(shape, rng)
        sketch[n - 1] = -sketch[:n].mean(axis=0) * (n > 3)  # one that pulls against all

        view = decided(sketch, shape, carried, reputation, first=range(n) if number == 0 else ())
        verdict = rule.weigh(gram_of(sketch)[:n, :n], state, Params())

        state, carried, reputation = verdict.state, state_of(view), list(view.reputation)
        assert verdict.weights.tolist() == view.weight.tolist()
        assert verdict.coefficients().tolist() == view.coefficient.tolist()
        assert verdict.state["reputation"].tolist() == view.reputation.tolist()
        assert verdict.state["strikes"].tolist() == view.strikes.tolist()
    # Three others are a majority of four.
    assert (verdict.labels[-1] == "malicious") == (n > 3)
