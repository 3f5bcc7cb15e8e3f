"""What is new in an update: the part that public vectors do not explain.

Public are the last three global deltas, the seat's own last two files and its peers' last two files. A ridge
fit on the first five picks the three peers' files that explain most of the rest; a second fit on all eight
leaves a residual sketch, whose inner products `aggregator.pay` reads. Fits are a fixed integer elimination,
so that two honest aggregators agree to the bit. Fractions of fits are Q48, coefficients Q20, residuals Q2.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from aggregator.fixed import Ints, bound, clip, ints, products, zeros
from aggregator.rows import COLUMNS, DELTAS, MEMORY
from aggregator.steps import Step, View, matrix, scalar

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


@matrix(columns=lambda _: _OWN * _OWN + _OWN)
def own_system(v: View, i: int) -> Ints:
    """The 5 x 5 and 5 inner products (as cosines, Q48) of the first fit, row by row."""
    return _system(v, i, _own_rows(v, i))


@matrix(columns=lambda _: _OWN)
def own_fit(v: View, i: int) -> Ints:
    """Coefficients (Q20) of the first fit."""
    return _coefficients(v, i, _own_rows(v, i), v.own_system[i])


@matrix(columns=lambda seats: MEMORY * seats, width=16)
def candidate(v: View, i: int) -> Ints:
    """How much of what the first fit leaves each past file of a peer explains (Q20 length); own files 0.

    Below 2^20 x 2^37 for the first term and 5 x 2^7 x 2^20 x 2^37 for the fit, hence 16 bytes.
    """
    past = slice(v.shape.first_past, v.shape.rows)
    explained = v.own_fit[i] @ v.gram[_own_rows(v, i), past]
    rest = np.abs((v.gram[i, past] << 20) - explained) // np.maximum(v.root[past], 1)
    rest[[v.shape.past(age, i) - v.shape.first_past for age in range(MEMORY)]] = 0
    return np.where(v.root[past] > 0, rest, 0)


@matrix(columns=lambda _: PICKS)
def picks(v: View, i: int) -> Ints:
    """Rows of the three best candidates, the lower row first among equals; -1 where none is above zero."""
    scores = v.candidate[i]
    best = sorted(range(len(scores)), key=lambda p: (-scores[p], p))[:PICKS]
    found = [v.shape.first_past + p if scores[p] > 0 else NO_ROW for p in best]
    return ints(found + [NO_ROW] * (PICKS - len(found)))


@matrix(columns=lambda _: _ALL * _ALL + _ALL)
def system(v: View, i: int) -> Ints:
    """The 8 x 8 and 8 inner products (as cosines, Q48) of the second fit, row by row."""
    return _system(v, i, _all_rows(v, i))


@matrix(columns=lambda _: _ALL, width=16)
def fit(v: View, i: int) -> Ints:
    """Coefficients (Q20) of the second fit: below 2^7 x 2^20 x 2^36."""
    return _coefficients(v, i, _all_rows(v, i), v.system[i])


def _gathered(v: View, i: int) -> NDArray[np.int64]:
    rows = [i, *_all_rows(v, i)]
    lines = v.sketch[rows]
    lines[[row == NO_ROW for row in rows]] = 0
    return np.asarray(lines.T.ravel(), dtype=np.int64)


def _gathered_of_all(v: View) -> Any:
    """int64 (N, 2304): too many to keep each as a Python integer."""
    out = np.zeros((v.shape.seats, _GATHERED * COLUMNS), np.int64)
    for i in v.included:
        out[i] = _gathered(v, i)
    return out


@matrix(columns=lambda _: _GATHERED * COLUMNS, width=4, whole=_gathered_of_all)
def gathered(v: View, i: int) -> Ints:
    """Sketches of i and of its eight rows, column by column: nine numbers each, 0 for a missing row.

    They stand in the tree of sketches, too, a row of 256 in each leaf; side by side here, so that an entry of
    `residual` is checked from one leaf or two and not from nine.
    """
    return ints(_gathered(v, i))


def _residual_of_all(v: View) -> Ints:
    """In machine words where the fit is small enough for them, as it nearly always is."""
    out = zeros(v.shape.seats, COLUMNS)
    for i in v.included:
        if max(map(abs, v.fit[i])) >= _WORD_FIT:
            out[i] = residual.entry(v, i)
            continue
        sums = np.asarray(v.gathered[i], dtype=np.int64).reshape(COLUMNS, _GATHERED)
        rest = (sums[:, 0] << 20) - sums[:, 1:] @ v.fit[i].astype(np.int64)
        out[i] = np.clip(rest + (1 << _REST_SHIFT - 1) >> _REST_SHIFT, -_REST_LIMIT, _REST_LIMIT - 1).tolist()
    return out


@matrix(columns=lambda _: COLUMNS, width=4, whole=_residual_of_all)
def residual(v: View, i: int) -> Ints:
    """Sketch of i less what the eight rows explain, Q2, rounded to the nearest and saturated to int32."""
    sums = v.gathered[i].reshape(COLUMNS, _GATHERED)
    rest = (sums[:, 0] << 20) - sums[:, 1:] @ v.fit[i]
    return clip(rest + (1 << _REST_SHIFT - 1) >> _REST_SHIFT, -_REST_LIMIT, _REST_LIMIT - 1)


def _residual_products(v: View) -> Ints:
    seats = v.included
    out = zeros(v.shape.seats, v.shape.seats)
    lines = v.residual[seats].astype(np.int64)
    out[np.ix_(seats, seats)] = products(lines, lines) >> 2 * _REST_BITS
    return out


@matrix(width=16, whole=_residual_products)
def residual_gram(v: View, i: int) -> Ints:
    """Inner products of residuals, back in the units of the Gram matrix."""
    return np.asarray(v.residual @ v.residual[i] >> 2 * _REST_BITS)


def solve(system: Sequence[int], size: int) -> list[int]:
    """Solve the `size` equations of a flattened system (matrix, then right side; Q48) with the ridge.

    Gaussian elimination without pivoting, every division a floor. The matrix is a Gram matrix of vectors of
    length about one plus the ridge, so pivots stay at least about RIDGE.
    """
    a = [[*system[k * size : (k + 1) * size], system[size * size + k]] for k in range(size)]
    for k in range(size):
        a[k][k] += RIDGE
    for k in range(size):
        for row in range(k + 1, size):
            factor = a[row][k] * ONE // a[k][k]
            for column in range(k, size + 1):
                a[row][column] -= factor * a[k][column] // ONE
    x = [0] * size
    for k in reversed(range(size)):
        known = sum(a[k][column] * x[column] // ONE for column in range(k + 1, size))
        x[k] = (a[k][size] - known) * ONE // a[k][k]
    return x


def _own_rows(v: View, i: int) -> list[int]:
    return [v.shape.delta(age) for age in range(DELTAS)] + [v.shape.past(age, i) for age in range(MEMORY)]


def _all_rows(v: View, i: int) -> list[int]:
    return _own_rows(v, i) + [int(row) for row in v.picks[i]]


def _system(v: View, i: int, rows: list[int]) -> Ints:
    """Cosines of the rows with each other, then with i; a missing row is zero."""
    present = np.array([row != NO_ROW for row in rows], dtype=object).astype(int).astype(object)
    lengths = np.maximum(v.root[rows], 1)
    matrix_ = v.gram[np.ix_(rows, rows)] * ONE // np.outer(lengths, lengths)
    right = v.gram[rows, i] * ONE // (lengths * max(v.root[i], 1))
    return np.concatenate([(matrix_ * np.outer(present, present)).ravel(), right * present])


def _coefficients(v: View, i: int, rows: list[int], system_: Ints) -> Ints:
    """From the fit between unit vectors to one between the vectors themselves, Q20."""
    length, lengths = max(v.root[i], 1), np.maximum(v.root[rows], 1)
    unit = (bound(x, -_FIT_LIMIT, _FIT_LIMIT) for x in solve(system_.tolist(), len(rows)))
    return ints([x * length // (other << 28) for x, other in zip(unit, lengths, strict=True)])


STEPS: Final[list[Step]] = [
    has_public, own_system, own_fit, candidate, picks, system, fit, gathered, residual, residual_gram,
]  # fmt: skip
