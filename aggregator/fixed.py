"""Fixed-point helpers of the rule and of pay. Every number is an exact Python integer.

Vectors and matrices are numpy arrays of dtype object, so nothing overflows and `//` floors towards minus
infinity, as everywhere in the protocol. Whole matrices are kept as `Words`, a fifth of the memory, of which
every part that is read is such an array. Shapes are written as (N,), (N, N); N is the seat limit.
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


class Words(np.ndarray[Any, np.dtype[np.int64]]):
    """Integers of 64 bits that leave as Python integers: an entry is an int, a part or a result an object array.

    So nothing that is computed from them can overflow; what is written into them and does not fit raises
    OverflowError. `np.asarray` gives the int64 themselves.
    """

    def __getitem__(self, key: Any) -> Any:
        part = np.asarray(self)[key]
        return part.astype(object) if isinstance(part, np.ndarray) else int(part)

    def __setitem__(self, key: Any, value: Any) -> None:
        np.asarray(self)[key] = value  # numpy's own would write into what `__getitem__` gives

    def __array_ufunc__(self, ufunc: Any, method: str, *inputs: Any, **options: Any) -> Any:
        if "out" in options:
            return NotImplemented
        return getattr(ufunc, method)(*_widened(inputs), **options)

    def __array_function__(self, function: Any, types: Any, args: Any, options: Any) -> Any:
        return function(*_widened(args), **{name: _widened(value) for name, value in options.items()})


def _widened(values: Any) -> Any:
    if isinstance(values, Words):
        return np.asarray(values).astype(object)
    return type(values)(map(_widened, values)) if isinstance(values, (list, tuple)) else values


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


def weighted_quantile(pairs: Iterable[tuple[int, int]], part: int, of: int) -> int:
    """The least value at which the cumulative weight reaches `part` / `of`, over (value, weight >= 0); else 0."""
    ordered = sorted(pairs)
    total, running = sum(weight for _, weight in ordered), 0
    for value, weight in ordered:
        running += weight
        if total > 0 and of * running >= part * total:
            return value
    return 0


def products(left: NDArray[np.int64], right: NDArray[np.int64]) -> NDArray[Any]:
    """Exact `left @ right.T` of int64 matrices (a, c) and (b, c), c <= 2^14: int64 (a, b) if no sum can be wider,
    else Ints (a, b).

    Values are split into signed limbs of 18 bits whose products are summed exactly in doubles, so that the
    work is BLAS calls: 1,000 rows of 256 take a fraction of a second instead of half a minute.
    """
    if left.shape[1] != right.shape[1] or left.shape[1] > 1 << 14:
        raise ValueError(f"cannot multiply {left.shape} by the transpose of {right.shape}")
    most = _largest(left) * _largest(right) * left.shape[1]
    if most < 1 << 53:
        return (left.astype(np.float64) @ right.astype(np.float64).T).astype(np.int64)
    out = np.zeros((len(left), len(right)), np.int64 if most < 1 << 63 else object)
    limbs = _limbs(right)
    # In strips, since a Python integer takes five times the memory of the product it comes from.
    for start in range(0, len(left), _STRIP):
        strip = out[start : start + _STRIP]
        for i, a in enumerate(_limbs(left[start : start + _STRIP])):
            for j, b in enumerate(limbs):
                part = (a @ b.T).astype(np.int64)
                if part.any():
                    # Of int64 only the last sum need fit: those on the way are right modulo 2^64.
                    strip += part.astype(out.dtype) << (_LIMB * (i + j))
    return out


def spread(values: NDArray[Any], places: Sequence[int], size: int) -> Any:
    """A (size, size) matrix, kept as it fits, with the (n, n) `values` at n rows and columns, else zero."""
    out = np.zeros((size, size), values.dtype)
    out[np.ix_(places, places)] = values
    return kept(out)


def kept(values: NDArray[Any]) -> Any:
    """A matrix that is done: `Words` of int64."""
    return values.view(Words) if values.dtype == np.int64 else values


def _largest(values: NDArray[np.int64]) -> int:
    return max(int(values.max()), -int(values.min())) if values.size else 0


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
