"""The default rule of the market, `aggregator.rule`, in the form of the others."""

from __future__ import annotations

import numpy as np

from aggregator.decide import Seats, view_of
from aggregator.fixed import ints, zeros
from aggregator.rows import COLUMNS, Shape
from aggregator.rule import START_REPUTATION, STEPS
from aggregator.rules.form import Label, Rows, Rule, State, Verdict, verdict
from aggregator.state import empty_state
from aggregator.steps import run
from aggregator.verdicts import verdict as words


class Agreement(Rule):
    """Long-run agreement x agreement now x coherence discount, each capped at the median. The only one with checks on
    chain."""

    name = "agreement"
    paper = "docs/protocol.md"

    def start(self, n: int) -> State:
        """Everybody at the start reputation."""
        return {
            "reputation": ints([START_REPUTATION] * n),
            "kinship": zeros(n, n),
            "strikes": zeros(n),
            "rounds": zeros(1),
        }

    def judge(self, rows: Rows, state: State) -> Verdict:
        """All trainers are in; reference and other rows are not read."""
        n, shape = rows.n, Shape(1, rows.n)
        gram = zeros(shape.rows, shape.rows)
        gram[:n, :n] = rows.trainers
        seats = Seats([True] * n, [True] * n, [not state["rounds"][0]] * n)
        before = {**empty_state(n), "kinship": state["kinship"], "strikes": state["strikes"]}
        sketch = np.zeros((shape.rows, COLUMNS), np.int32)
        view = run(STEPS, view_of(shape, sketch, gram, seats, before, list(state["reputation"]), 0))
        labels: list[Label] = [_label(words(view, seat)) for seat in range(n)]
        after = {name: getattr(view, name) for name in ("reputation", "kinship", "strikes")}
        return verdict(view.weight, view.clipping, {**after, "rounds": state["rounds"] + 1}, labels)


def _label(word: str) -> Label:
    return "malicious" if word == "malicious" else "unreliable" if word == "unreliable" else "honest"
