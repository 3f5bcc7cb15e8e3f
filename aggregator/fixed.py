"""Fixed-point helpers of the rule and of pay. Every number is an exact Python integer.

Vectors and matrices are numpy arrays of dtype object, so nothing overflows and `//` floors towards minus
infinity, as everywhere in the protocol. Shapes are written as (N,), (N, N); N is the seat limit.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from math import isqrt
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

F: Final = 1 << 14
"""One, in the rule."""
O: Final = 1 << 16  # noqa: E741 - the name of the design
"""One, in pay."""

Ints = NDArray[np.object_]

_LIMB: Final = 18
"""Bits of a limb: products of two limbs, summed over 2^14 terms, stay below 2^50 and exact in a double."""
_STRIP: Final = 64
"""Rows multiplied at once."""


def ints(values: Any) -> Ints:
    """An object array of Python integers from anything numpy can read."""
    table = np.asarray(values)
    # Of a list with numbers on both sides of 2^63 numpy makes doubles.
    table = np.asarray(values, dtype=object) if table.dtype.kind == "f" else table
    return np.array(table.tolist(), dtype=object)


def zeros(*shape: int) -> Ints:
    """An object array of zeros."""
    out = np.empty(shape, dtype=object)
    out[...] = 0
    return out


def bound(x: int, low: int, high: int) -> int:
    """`x` moved into [low, high]."""
    return max(low, min(high, x))


def clip(x: Ints, low: int, high: int) -> Ints:
    """Entries of `x` moved into [low, high]."""
    return np.asarray(np.minimum(np.maximum(x, low), high), dtype=object)


def ramp(x: int, start: int, width: int) -> int:
    """0 below `start`, one (2^16) from `start + width` on, linear between; all in Q16."""
    return bound((x - start) * O // width, 0, O)


def decayed(x: Any) -> Any:
    """`x` less a sixteenth (floor): what a running sum keeps from one round to the next."""
    return x - x // 16


def lower_median(values: Iterable[int]) -> int:
    """The ((n-1) div 2)-th smallest, counted from 0; 0 of nothing."""
    ordered = sorted(values)
    return int(ordered[(len(ordered) - 1) // 2]) if ordered else 0


def weighted_median(pairs: Iterable[tuple[int, int]]) -> int:
    """The least value at which the cumulative weight reaches one half, over (value, weight >= 0); else 0."""
    ordered = sorted(pairs)
    total, running = sum(weight for _, weight in ordered), 0
    for value, weight in ordered:
        running += weight
        if total > 0 and 2 * running >= total:
            return value
    return 0


def products(left: NDArray[np.int64], right: NDArray[np.int64]) -> Ints:
    """Exact `left @ right.T` of int64 matrices (a, c) and (b, c), c <= 2^14, as Python integers (a, b).

    Values are split into signed limbs of 18 bits whose products are summed exactly in doubles, so that the
    work is BLAS calls: 1,000 rows of 256 take a fraction of a second instead of half a minute.
    """
    if left.shape[1] != right.shape[1] or left.shape[1] > 1 << 14:
        raise ValueError(f"cannot multiply {left.shape} by the transpose of {right.shape}")
    out = zeros(len(left), len(right))
    limbs = _limbs(right)
    # In strips, since a Python integer takes five times the memory of the product it comes from.
    for start in range(0, len(left), _STRIP):
        strip = out[start : start + _STRIP]
        for i, a in enumerate(_limbs(left[start : start + _STRIP])):
            for j, b in enumerate(limbs):
                part = (a @ b.T).astype(np.int64)
                if part.any():
                    strip += part.astype(object) << (_LIMB * (i + j))
    return out


def _limbs(values: NDArray[np.int64]) -> Sequence[NDArray[np.float64]]:
    """`values` as a sum of limb << 18 k; the last limb keeps the sign."""
    limbs: list[NDArray[np.float64]] = []
    rest = values
    while True:
        if not rest.size or (rest.min() >= -(1 << _LIMB - 1) and rest.max() < 1 << _LIMB - 1):
            return [*limbs, rest.astype(np.float64)]
        limbs.append((rest & (1 << _LIMB) - 1).astype(np.float64))
        rest = rest >> _LIMB


def floor_sqrt(x: int) -> int:
    """Floor of the square root of max(x, 0)."""
    return isqrt(max(x, 0))
