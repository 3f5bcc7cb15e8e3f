"""Multi-metrics: several distances at once, weighted by what they have in common, the typical third kept."""

from __future__ import annotations

from typing import Final

import numpy as np

from aggregator.fixed import Ints, ints, lower_median
from aggregator.rules.form import Params, Rows, Rule, State, Verdict, verdict
from aggregator.rules.krum import equal_over
from aggregator.rules.numbers import ONE, cosines, distances, lengths, nearest

_RIDGE: Final = 1 << 20
"""A part of the variances is added to them, so that features which agree completely still have an inverse."""


class MultiMetrics(Rule):
    """Its part that a Gram matrix gives: cosine, Euclidean distance and difference of lengths.

    The paper's Manhattan distance of two updates is no inner product; the Euclidean one stands in its place.
    """

    name = "multi-metrics"
    paper = "Huang et al. 2023, Multi-metrics adaptively identifies backdoors in federated learning"

    def least(self, params: Params) -> int:
        """Four: with fewer, three features always fit exactly."""
        return 4

    def judge(self, rows: Rows, state: State) -> Verdict:
        """Equal weight for the three tenths with the least scores, one seat at least."""
        kept = nearest(_scores(_features(rows.trainers)), max(1, 3 * rows.n // 10))
        return verdict(equal_over(kept, rows.n))


def _features(gram: Ints) -> Ints:
    """Ints (n, 3), Q30: sums over the others of (1 - cosine)^2, of distances and of differences of lengths, the last
    two in median lengths."""
    size = lengths(gram.diagonal())
    unit = max(lower_median(size), 1)
    apart = ints([lengths(row) for row in distances(gram)])
    unlike = (ONE - cosines(gram)) ** 2 // ONE
    np.fill_diagonal(unlike, 0)
    uneven = np.abs(size[:, None] - size[None])
    sums = [unlike.sum(axis=1), apart.sum(axis=1) * ONE // unit, uneven.sum(axis=1) * ONE // unit]
    return np.stack(sums, axis=1)


def _scores(x: Ints) -> Ints:
    """`x^T inverse(covariance) x` of each row up to a factor that all share: the adjugate needs no division."""
    n = len(x)
    centred = n * x - x.sum(axis=0)
    spread = centred.T @ centred
    for k in range(3):
        spread[k, k] += spread[k, k] // _RIDGE + 1
    adjugate = ints([[_cofactor(spread, j, i) for j in range(3)] for i in range(3)])
    return ints([int(row @ adjugate @ row) for row in x])


def _cofactor(m: Ints, i: int, j: int) -> int:
    a, b = ((i + 1) % 3, (i + 2) % 3), ((j + 1) % 3, (j + 2) % 3)
    return int(m[a[0], b[0]] * m[a[1], b[1]] - m[a[0], b[1]] * m[a[1], b[0]])
