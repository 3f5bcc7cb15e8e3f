"""Fixed-point geometry that the named rules share. Cosines and weights of combinations are in Q30, lengths too."""

from __future__ import annotations

from collections.abc import Sequence
from math import isqrt
from typing import Any, Final

import numpy as np

from aggregator.fixed import F, Ints, clip, ints, lower_median
from aggregator.rules.form import FULL_WEIGHT

ONE: Final = 1 << 30
"""One: with inner products below 2^70, products of two lengths stay below 2^130."""
_MEDIAN_STEPS: Final = 32
_SMOOTHING: Final = 1 << 10
"""Distances are taken for at least this part of the typical one: the step is defined on a data point."""


def lengths(squares: Any) -> Ints:
    """Square roots of squared lengths, Q30 (floor)."""
    return ints([isqrt(int(x) << 60) for x in squares])


def cosines(gram: Ints) -> Ints:
    """Ints (n, n) -> cosines in Q30, clipped; one on the diagonal; rows of zero vectors are zero."""
    size = lengths(gram.diagonal())
    safe = np.maximum(size, 1)
    out = clip((gram << 90) // np.multiply.outer(safe, safe), -ONE, ONE)
    np.fill_diagonal(out, np.where(size > 0, ONE, 0))
    return out


def distances(gram: Ints) -> Ints:
    """Squared distances of all pairs, exact."""
    squares = gram.diagonal()
    return np.asarray(squares[:, None] + squares[None] - 2 * gram)


def nearest(row: Sequence[int] | Ints, count: int) -> list[int]:
    """Indices of the `count` smallest entries, the lower index first among equals."""
    return sorted(range(len(row)), key=lambda j: (row[j], j))[:count]


def shares(parts: Any) -> Ints:
    """Parts (negative ones count as 0) -> weights that sum to at most 65535; all zero if no part is positive."""
    positive = np.maximum(ints(parts), 0)
    total = int(positive.sum())
    return np.asarray(positive * FULL_WEIGHT // max(total, 1))


def shortened(size: Ints, target: int) -> Ints:
    """Factors in F that bring lengths down to `target` (both Q30); shorter vectors are never lengthened, since
    coefficients must not exceed weights."""
    return np.asarray(np.minimum(F, F * target // np.maximum(size, 1)))


def typical(size: Ints) -> int:
    """Lower median of the lengths that are not zero."""
    return lower_median(int(x) for x in size if x)


def from_combination(gram: Ints, weights: Ints) -> Ints:
    """Lengths (Q30) of `u_i - sum_j a_j u_j` for weights a in Q30."""
    products = gram @ weights
    own = gram.diagonal() * (ONE * ONE)
    squares = own - 2 * ONE * products + int(weights @ products)
    return ints([isqrt(max(int(x), 0)) for x in squares])


def geometric_median(gram: Ints) -> Ints:
    """Weights (Q30) of the point with the least sum of distances, by 32 smoothed steps from the mean.

    Weiszfeld 1937; smoothing as in Pillutla, Kakade, Harchaoui (2022), but relative to the typical distance, so
    that the unit of the updates does not matter.
    """
    n = len(gram)
    weights = ints([ONE // n] * n)
    least = max(lower_median(from_combination(gram, weights)) // _SMOOTHING, 1)
    for _ in range(_MEDIAN_STEPS):
        away = np.maximum(from_combination(gram, weights), least)
        pull = (int(away.max()) << 30) // away
        weights = np.asarray(pull * ONE // int(pull.sum()))
    return weights


def log2(x: int) -> int:
    """Binary logarithm of x > 0, both in Q30 (within 2^-29): the integer part by length, the rest by squaring."""
    whole = x.bit_length() - 31
    mantissa = x << 30 >> (x.bit_length() - 1)
    out = whole << 30
    for place in reversed(range(30)):
        mantissa = mantissa * mantissa >> 30
        if mantissa >= 2 * ONE:
            mantissa >>= 1
            out += 1 << place
    return out
