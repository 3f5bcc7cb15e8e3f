"""Who counts as one: seats whose residuals resemble each other beyond what is typical of the project."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

import numpy as np

from aggregator.fixed import Ints, O, clip, decayed, floor_sqrt, lower_median
from aggregator.steps import Step, View, matrix, rows, scalar, vector

# Fractions in Q16.
_TWIN_START: Final = 9830
"""0.15: what the residual cosine of two seats exceeds the typical one by when they begin to count as one."""
_TWIN_WIDTH: Final = 9830
_TWIN_PRIOR: Final = 1
"""Rounds of no resemblance that every pair starts with: more lets twins earn twice for longer."""


@vector()
def residual_norm(v: View, i: int) -> int:
    """Length of the residual sketch (floor)."""
    return floor_sqrt(v.residual_gram[i, i])


@vector()
def live(v: View, i: int) -> int:
    """1 if norm and residual are long enough for cosines of residuals to mean anything."""
    return int(1000 * length(v, i) > v.norm_median and 100 * v.residual_norm[i] > 3 * length(v, i))


@vector(carried=True)
def age(v: View, i: int) -> int:
    """Rounds (O each, decaying) of i in which residuals could tell what is new."""
    return int(decayed(v.before_age[i]) + (O if counts(v, i) else 0))


@matrix(carried=True)
def twin(v: View, i: int) -> Ints:
    """Decaying sum of residual cosines (O) of each pair."""
    kept = decayed(v.before_twin[i])
    if not (counts(v, i) and v.live[i]):
        return np.asarray(kept)
    e = np.maximum(v.residual_norm, 1)
    now = clip(O * v.residual_gram[i] // (e[i] * e), -O, O) * v.live
    now[i] = 0
    return np.asarray(kept + now)


@rows()
def twin_mean(v: View, seats: Sequence[int]) -> Ints:
    """Residual cosine (O) of each pair, averaged over rounds."""
    ages = np.minimum.outer(v.age[seats], v.age)
    return np.asarray(v.twin[seats] * O // (ages + _TWIN_PRIOR * O) * v.is_included)


@vector()
def twin_typical(v: View, i: int) -> int:
    """Lower median of i's averages with the other included seats."""
    return lower_median(v.of_others(v.twin_mean[i], i))


@scalar
def twin_bar(v: View) -> int:
    """Average from which two seats begin to count as one: 0.15 above what is typical for this project.

    Who trains long on the same distribution leaves residuals that resemble each other; only those who
    resemble each other much more than that are twins.
    """
    return _TWIN_START + max(lower_median(v.twin_typical[i] for i in v.included), 0)


@rows()
def alike(v: View, seats: Sequence[int]) -> Ints:
    """How far (O) two seats count as one."""
    out = clip((v.twin_mean[seats] - v.twin_bar) * O // _TWIN_WIDTH, 0, O) * v.is_included
    out[range(len(seats)), seats] = 0
    return np.asarray(out)


@vector()
def crowd(v: View, i: int) -> int:
    """Number (O) of seats that i counts as one with, itself included."""
    return int(O + v.alike[i].sum())


def length(v: View, i: int) -> int:
    """Norm of the sketch of i, at least 1."""
    return max(int(v.norm[i]), 1)


def counts(v: View, i: int) -> bool:
    """Whether i is included in a round in which residuals can tell what is new."""
    return bool(v.is_included[i] and v.has_public)


STEPS: Final[list[Step]] = [
    residual_norm, live, age, twin, twin_mean, twin_typical, twin_bar, alike, crowd,
]  # fmt: skip
