"""Flag Aggregator: the mean projected on the subspace that most updates nearly lie in, from the Gram matrix alone."""

from __future__ import annotations

from math import isqrt
from typing import Final

import numpy as np

from aggregator.fixed import Ints, ints, zeros
from aggregator.rules.form import Rows, Rule, State, Verdict, verdict
from aggregator.rules.numbers import cosines, lengths, shares, shortened, typical

_ONE: Final = 1 << 48
"""Finer than elsewhere: fourth roots of small residuals."""
_EPSILON: Final = _ONE // 10_000_000
_ROUNDS: Final = 3
"""Times that weights and subspace are found from each other."""
_SWEEPS: Final = 10
_NOISE: Final = 1 << 10
"""Entries of this size are what floors leave behind."""


class Flag(Rule):
    """Dual form: eigenvectors of n x n cosines instead of singular vectors of d x n updates; (n + 1) div 2 of them.

    A coefficient below zero counts as zero, since aggregates take no negative weights.
    """

    name = "flag"
    paper = "Almasi et al. 2024, Flag aggregator: scalable distributed training under failures and augmented losses"

    def judge(self, rows: Rows, state: State) -> Verdict:
        """Weights of the projected mean of unit vectors, at the median length."""
        size = lengths(rows.trainers.diagonal())
        parts = _projected(cosines(rows.trainers) << 18, (rows.n + 1) // 2)
        return verdict(shares(parts), shortened(size, typical(size)))


def _projected(cosine: Ints, columns: int) -> Ints:
    """Coefficients (Q48) of the unit vectors in the projection of their sum. `cosine`: Q48."""
    n = len(cosine)
    stress = ints([_ONE] * n)
    for last in range(_ROUNDS):
        scaled = cosine * np.multiply.outer(stress, stress) // (_ONE * _ONE)
        values, vectors = eigen(scaled)
        top = sorted(range(n), key=lambda k: (-values[k], k))[:columns]
        if last == _ROUNDS - 1:
            break
        inside = sum(max(int(values[k]), 0) * vectors[:, k] ** 2 // _ONE for k in top)
        stress = _stress(np.asarray(inside // (stress * stress // _ONE)))
    along = [int((vectors[:, k] * _ONE // stress).sum()) for k in top]
    return np.asarray(stress * sum(vectors[:, k] * a for k, a in zip(top, along, strict=True)) >> 96)


def _stress(inside: Ints) -> Ints:
    """(1 - squared length inside the subspace)^(-1/4) of each unit vector."""
    outside = np.maximum(_ONE - inside, 0) + _EPSILON
    return ints([_ONE * _ONE // isqrt(isqrt(int(x) * _ONE) * _ONE) for x in outside])


def eigen(matrix: Ints) -> tuple[Ints, Ints]:
    """Eigenvalues (n,) and eigenvectors (columns, n x n) of a symmetric matrix, all Q48, by ten sweeps of Jacobi's
    rotations (Golub, Van Loan, Matrix computations, 8.5)."""
    a, n = matrix.copy(), len(matrix)
    vectors = zeros(n, n)
    np.fill_diagonal(vectors, _ONE)
    for _ in range(_SWEEPS):
        for p in range(n):
            for q in range(p + 1, n):
                if abs(a[p, q]) > _NOISE:
                    _rotate(a, vectors, p, q)
    return a.diagonal().copy(), vectors


def _rotate(a: Ints, vectors: Ints, p: int, q: int) -> None:
    """Make a[p, q] zero, in place."""
    apart, twice = int(a[q, q] - a[p, p]), 2 * int(a[p, q])
    reach = abs(apart) + isqrt(apart * apart + twice * twice)
    tangent = (twice if apart >= 0 else -twice) * _ONE // reach
    c = _ONE * _ONE // isqrt(_ONE * _ONE + tangent * tangent)
    s = tangent * c // _ONE
    for table in (a.T, a, vectors.T):
        one, two = table[p].copy(), table[q].copy()
        table[p] = (c * one - s * two) // _ONE
        table[q] = (s * one + c * two) // _ONE
