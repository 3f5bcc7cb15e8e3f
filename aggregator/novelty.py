"""What is new in an update: the part that public vectors do not explain.

Public are the last three global deltas, the seat's own last two files and its peers' last two files. A ridge
fit on the first five picks the three peers' files that explain most of the rest; a second fit on all eight
leaves a residual sketch, whose inner products `aggregator.pay` reads. Fits are a fixed integer elimination,
so that two honest aggregators agree to the bit. Fractions of fits are Q48, coefficients Q20, residuals Q2.
"""

from __future__ import annotations

from collections.abc import Sequence
from heapq import nlargest
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from aggregator.fixed import Ints, clip, ints, products, spread, zeros
from aggregator.rows import COLUMNS, DELTAS, MEMORY
from aggregator.steps import Step, View, matrix, rows, scalar

ONE: Final = 1 << 48
RIDGE: Final = ONE // 10_000
"""Added to the diagonal; keeps every pivot positive, zero rows included."""
PICKS: Final = 3
NO_ROW: Final = -1
_OWN: Final = DELTAS + MEMORY
_ALL: Final = _OWN + PICKS
_FIT_LIMIT: Final = ONE << 7
"""A ridge fit of a unit vector is below 1 / (2 sqrt(RIDGE)) = 50; 128 leaves room for rounding."""
_GATHERED: Final = 1 + _ALL
"""Numbers of one column that a residual is made of: the seat's own, then those of its eight rows."""
_REST_BITS: Final = 2
"""Fraction of a residual: finer than the rounding of any update to int16, and four bytes are enough."""
_REST_SHIFT: Final = 20 - _REST_BITS
_REST_LIMIT: Final = 1 << 31
"""int32 in Q2: sums of 2^30 coefficients at the limit of int16 stay below it by a factor of eight, unless they
are aligned with signs that nobody knows before."""
_WORD_FIT: Final = 1 << 28
"""Below it eight products with sums of 32 bits fit 63 bits."""


@scalar
def has_public(v: View) -> int:
    """1 if a global delta that is not zero exists: only then can novelty be told from agreement."""
    return int(any(v.root[v.shape.delta(age)] > 0 for age in range(DELTAS)))


@rows(columns=lambda _: _OWN * _OWN + _OWN)
def own_system(v: View, seats: Sequence[int]) -> Ints:
    """The 5 x 5 and 5 inner products (as cosines, Q48) of the first fit, row by row."""
    return _systems(v, seats, _own_rows(v, seats))


@rows(columns=lambda _: _OWN)
def own_fit(v: View, seats: Sequence[int]) -> Ints:
    """Coefficients (Q20) of the first fit."""
    return _fits(v, seats, _own_rows(v, seats), v.own_system[seats])


@rows(columns=lambda seats: MEMORY * seats, width=16)
def candidate(v: View, seats: Sequence[int]) -> Ints:
    """How much of what the first fit leaves each past file of a peer explains (Q20 length); own files 0.

    Below 2^20 x 2^37 for the first term and 5 x 2^7 x 2^20 x 2^37 for the fit, hence 16 bytes.
    """
    first, own = v.shape.first_past, _own_rows(v, seats)
    there = first + np.flatnonzero(v.root[first:])
    explained = (v.own_fit[seats][:, None] @ v.gram[own[:, :, None], there])[:, 0]
    out = zeros(len(seats), MEMORY * v.shape.seats)
    out[:, there - first] = np.abs((v.gram[np.ix_(seats, there)] << 20) - explained) // v.root[there]
    np.put_along_axis(out, own[:, DELTAS:] - first, 0, axis=1)
    return out


@matrix(columns=lambda _: PICKS)
def picks(v: View, i: int) -> Ints:
    """Rows of the three best candidates, the lower row first among equals; -1 where none is above zero."""
    scores = v.candidate[i].tolist()
    best = nlargest(PICKS, range(len(scores)), key=scores.__getitem__)
    found = [v.shape.first_past + p if scores[p] > 0 else NO_ROW for p in best]
    return ints(found + [NO_ROW] * (PICKS - len(found)))


@rows(columns=lambda _: _ALL * _ALL + _ALL)
def system(v: View, seats: Sequence[int]) -> Ints:
    """The 8 x 8 and 8 inner products (as cosines, Q48) of the second fit, row by row."""
    return _systems(v, seats, _all_rows(v, seats))


@rows(columns=lambda _: _ALL, width=16)
def fit(v: View, seats: Sequence[int]) -> Ints:
    """Coefficients (Q20) of the second fit: below 2^7 x 2^20 x 2^36."""
    return _fits(v, seats, _all_rows(v, seats), v.system[seats])


@rows(columns=lambda _: _GATHERED * COLUMNS, width=4, dtype=np.int64)
def gathered(v: View, seats: Sequence[int]) -> NDArray[np.int64]:
    """Sketches of i and of its eight rows, column by column: nine numbers each, 0 for a missing row.

    They stand in the tree of sketches, too, a row of 256 in each leaf; side by side here, so that an entry of
    `residual` is checked from one leaf or two and not from nine.
    """
    numbers = np.column_stack([np.array(seats, np.int64), _all_rows(v, seats)])
    lines = v.sketch[numbers]
    lines[numbers == NO_ROW] = 0
    return np.asarray(lines.swapaxes(1, 2).reshape(len(seats), -1), dtype=np.int64)


@rows(columns=lambda _: COLUMNS, width=4, dtype=np.int64)
def residual(v: View, seats: Sequence[int]) -> NDArray[Any]:
    """Sketch of i less what the eight rows explain, Q2, rounded to the nearest and saturated to int32."""
    sums, fits = np.asarray(v.gathered)[seats].reshape(-1, COLUMNS, _GATHERED), v.fit[seats]
    if max(map(abs, fits.ravel().tolist())) < _WORD_FIT:  # as nearly always
        fits = fits.astype(np.int64)
    rest = (sums[..., 0] << 20) - (sums[..., 1:] @ fits[..., None])[..., 0]
    rounded: NDArray[Any] = rest + (1 << _REST_SHIFT - 1) >> _REST_SHIFT
    return np.asarray(np.clip(rounded, -_REST_LIMIT, _REST_LIMIT - 1))


def _residual_products(v: View) -> Any:
    lines = np.asarray(v.residual, dtype=np.int64)[v.included]
    return spread(products(lines, lines) >> 2 * _REST_BITS, v.included, v.shape.seats)


@matrix(width=16, whole=_residual_products)
def residual_gram(v: View, i: int) -> Ints:
    """Inner products of residuals, back in the units of the Gram matrix."""
    return np.asarray(v.residual @ v.residual[i] >> 2 * _REST_BITS)


def solve(system: Sequence[int], size: int) -> list[int]:
    """Solve the `size` equations of a flattened system (matrix, then right side; Q48) with the ridge.

    Gaussian elimination without pivoting, every division a floor. The matrix is a Gram matrix of vectors of
    length about one plus the ridge, so pivots stay at least about RIDGE.
    """
    if not any(system[size * size :]):
        return [0] * size
    a = [[*system[k * size : (k + 1) * size], system[size * size + k]] for k in range(size)]
    for k in range(size):
        a[k][k] += RIDGE
    for k, top in enumerate(a):
        right = top[k + 1 :]
        for row in a[k + 1 :]:
            if factor := row[k] * ONE // top[k]:
                row[k + 1 :] = [x - (factor * y >> 48) for x, y in zip(row[k + 1 :], right, strict=True)]
    x = [0] * size
    for k in reversed(range(size)):
        known = sum(a[k][column] * x[column] // ONE for column in range(k + 1, size))
        x[k] = (a[k][size] - known) * ONE // a[k][k]
    return x


def _own_rows(v: View, seats: Sequence[int]) -> NDArray[np.int64]:
    deltas = [v.shape.delta(age) for age in range(DELTAS)]
    past = [[v.shape.past(age, i) for age in range(MEMORY)] for i in seats]
    return np.array([[*deltas, *rows_] for rows_ in past], np.int64).reshape(-1, _OWN)


def _all_rows(v: View, seats: Sequence[int]) -> NDArray[np.int64]:
    return np.column_stack([_own_rows(v, seats), v.picks[seats].astype(np.int64)])


def _systems(v: View, seats: Sequence[int], numbers: NDArray[np.int64]) -> Ints:
    """Cosines of the rows of each seat (`numbers`, (seats, rows)) with each other, then with the seat; a missing row
    is zero."""
    columns = np.column_stack([numbers, seats])
    lengths = np.maximum(v.root[columns], 1)
    cosines = (
        v.gram[numbers[:, :, None], columns[:, None]] * ONE // (lengths[:, :-1, None] * lengths[:, None])
    )
    missing = columns == NO_ROW
    cosines[missing[:, :-1, None] | missing[:, None]] = 0
    return np.column_stack([cosines[..., :-1].reshape(len(seats), -1), cosines[..., -1]])


def _fits(v: View, seats: Sequence[int], numbers: NDArray[np.int64], systems: Ints) -> Ints:
    """From fits between unit vectors to ones between the vectors themselves, Q20."""
    size = numbers.shape[1]
    unit = np.array([solve(system_, size) for system_ in systems.tolist()], dtype=object).reshape(-1, size)
    own, lengths = np.maximum(v.root[seats], 1), np.maximum(v.root[numbers], 1)
    return np.asarray(clip(unit, -_FIT_LIMIT, _FIT_LIMIT) * own[:, None] // (lengths << 28))


STEPS: Final[list[Step]] = [
    has_public, own_system, own_fit, candidate, picks, system, fit, gathered, residual, residual_gram,
]  # fmt: skip
