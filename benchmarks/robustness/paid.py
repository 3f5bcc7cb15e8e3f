"""Pay of a run under the default rule, by the whole program of the aggregator."""

from __future__ import annotations

import numpy as np

from aggregator.decide import Seats, decide
from aggregator.rows import COLUMNS, Shape
from aggregator.state import empty_state, state_of
from benchmarks.robustness.rules import Decision, Posted, sketches
from market.records import START_REPUTATION

POT = 10**18


class Paymaster:
    """Runs `aggregator.decide` beside the bench's rule, and holds the two to the same coefficients."""

    def __init__(self, d: int, n: int) -> None:
        self.shape, self.n = Shape(d, n), n
        self.state, self.reputation = empty_state(n), [START_REPUTATION] * n
        self.pay: list[list[int]] = []

    def round(self, posted: Posted, decision: Decision) -> None:
        """Adds the pay of a round. Raises AssertionError if the bench's weights are not the aggregator's."""
        rows = dict(enumerate(posted.updates))
        rows |= {self.shape.delta(age): delta for age, delta in enumerate(posted.around.deltas)}
        for age, files in enumerate(posted.around.past):
            rows |= {self.shape.past(age, seat): update for seat, update in enumerate(files)}
        sketch = np.zeros((self.shape.rows, COLUMNS), np.int32)
        sketch[list(rows)] = sketches(np.stack(list(rows.values())), posted.seed)
        everyone, first = [True] * self.n, [not self.pay] * self.n
        seats = Seats(everyone, everyone, first)
        view = decide(self.shape, sketch, seats, self.state, self.reputation, POT)
        assert decision.shares is not None
        assert [round(share * 65535) for share in decision.shares] == view.coefficient.tolist()
        self.state, self.reputation = state_of(view), [int(r) for r in view.reputation]
        self.pay.append([int(p) for p in view.pay])
