"""The default rule with trainers who follow its advice: up to twice the described learning rate while they agree.

`aggregator.rule.advice` moves one of its four numbers, the learning rate; this is that rule on the bench, where the
world trains with `rate`.
"""

from __future__ import annotations

import numpy as np

from aggregator.fixed import F
from aggregator.rule import CLEAR, FADED, MOST_RATE
from benchmarks.robustness.agreement import Agreement, Array, State


class Advised(Agreement):
    """`Agreement`; its state has the factor of the learning rate."""

    name = "agreement+advice"

    def start(self, n: int) -> State:
        """The description's rate."""
        return {**super().start(n), "rate": np.array([F])}

    def advice(self, state: State, median: int) -> dict[str, Array]:
        """A sixteenth up above a median agreement of 0.3, down below 0.15, between one and two."""
        rate = state["rate"]
        if median > CLEAR:
            rate = np.minimum(MOST_RATE, rate + rate // 16)
        elif median < FADED:
            rate = np.maximum(F, rate - rate // 16)
        return {"rate": rate}
