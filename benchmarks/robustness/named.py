"""The named Gram rules of the aggregator as rules of the bench, `gram:NAME`."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from functools import partial

import numpy as np

from aggregator.rules.form import Judge as Named
from aggregator.rules.form import Params as NamedParams
from aggregator.rules.registry import named, names
from benchmarks.robustness.agreement import Array, Params, State, Verdict
from benchmarks.robustness.rules import GramRule

AGREEMENT = "agreement"
"""The default rule: the bench has its own, faster form of it."""


class Adapted:
    """A named rule behind the bench's interface."""

    def __init__(self, rule: Named) -> None:
        self.rule, self.name, self.paper = rule, f"gram:{rule.name}", rule.paper
        self.uses_reference, self.uses_deltas, self.uses_f = rule.uses_reference, True, rule.uses_f

    def start(self, n: int) -> State:
        """The rule's own."""
        return dict(self.rule.start(n))

    def weigh(self, gram: Array, state: State, params: Params) -> Verdict:
        """The rule's verdict in int64."""
        told = NamedParams(params.f, params.reference, params.deltas, params.past)
        found = self.rule.weigh(gram, state, told)
        weights, factors = found.weights.astype(np.int64), found.factors.astype(np.int64)
        return Verdict(weights, factors, found.state, list(found.labels))


def rules() -> Iterator[tuple[str, Callable[[], GramRule]]]:
    """(name, factory) of each but the default rule."""
    for name in names():
        if name != AGREEMENT:
            yield f"gram:{name}", partial(_made, name)


def _made(name: str) -> GramRule:
    return GramRule(Adapted(named(name)), public=True)
