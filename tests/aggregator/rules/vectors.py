"""Updates for tests of the named rules: integers whose Gram matrix is exact."""

from __future__ import annotations

import numpy as np
from hypothesis import strategies as st
from numpy.typing import NDArray

from aggregator.fixed import Ints, ints
from aggregator.rules.form import Params, Verdict
from aggregator.rules.registry import named

DIMENSIONS = 24
Updates = NDArray[np.int64]


def drawn(seed: int, n: int, attackers: int = 0) -> Updates:
    """n updates (n, 24) around a common direction, of uneven length; the last `attackers` go elsewhere together."""
    rng = np.random.default_rng(seed)
    common = rng.normal(size=DIMENSIONS)
    x = common + rng.normal(size=(n, DIMENSIONS))
    if attackers:
        x[n - attackers :] = rng.normal(size=DIMENSIONS) * 2 + rng.normal(size=(attackers, DIMENSIONS)) / 4
    return np.asarray(np.round(x * rng.uniform(0.5, 2, (n, 1)) * 10_000), dtype=np.int64)


def gram_of_rows(*groups: Updates) -> Ints:
    """Exact inner products of all rows of the groups, in order."""
    x = ints(np.concatenate(groups))
    return np.asarray(x @ x.T)


def weighed(name: str, gram: Ints, **params: int | bool) -> Verdict:
    """The first round of a rule."""
    told = Params(**params)  # type: ignore[arg-type]
    n = (len(gram) - told.reference - told.deltas) // (1 + told.past)
    rule = named(name)
    return rule.weigh(gram, rule.start(n), told)


def parts(verdict: Verdict) -> NDArray[np.float64]:
    """Coefficients of the updates as floats that sum to at most one."""
    exact = verdict.weights * verdict.factors
    return np.array([float(x) for x in exact]) / (1 << 14) / 65535


seeds = st.integers(0, 2**32 - 1)
sizes = st.integers(5, 12)
