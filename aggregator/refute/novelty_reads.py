"""What a check of a step of `aggregator.novelty` reads, like `rule_reads`, in the order of its Solidity function."""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

from aggregator.refute.evidence import Evidence
from aggregator.rows import DELTAS, MEMORY
from aggregator.steps import View

_OWN: Final = DELTAS + MEMORY
"""Public rows of the first fit; the second has the picks beside them."""
_ALL: Final = _OWN + 3
_GATHERED: Final = 1 + _ALL
"""Numbers of one column of a seat: its own, then those of its rows."""


def has_public(e: Evidence, v: View, i: int, j: int) -> None:
    """Squared lengths of the last deltas."""
    for age in range(DELTAS):
        row = v.shape.delta(age)
        e.gram(row, row)


def own_system(e: Evidence, v: View, i: int, j: int) -> None:
    """Inner product and lengths of two rows of the first fit."""
    rows = _own_rows(v, i)
    p, q = _pair(j, _OWN)
    _read_cosine(e, rows[p], i if q is None else rows[q])


def own_fit(e: Evidence, v: View, i: int, j: int) -> None:
    """The system, then the lengths of row `j` and of seat `i`."""
    row = _own_rows(v, i)[j]
    if row in e.case.present:
        e.row("own_system", i)
        e.gram(row, row)
        e.gram(i, i)


def candidate(e: Evidence, v: View, i: int, j: int) -> None:
    """Entries of the file's row of the Gram matrix, the fit between them; then the siblings of that row."""
    row = v.shape.first_past + j
    if j % v.shape.seats == i or row not in e.case.present:
        return
    _in_row(e, row, row)
    if v.root[row]:
        _in_row(e, row, i)
        e.row("own_fit", i)
        for own in _own_rows(v, i):
            if own in e.case.present:
                _in_row(e, row, own)
    bits = v.shape.row_bits
    e.raw(e.trees.gram.siblings(row << bits, bits))


def picks(e: Evidence, v: View, i: int, j: int) -> None:
    """All candidates."""
    e.row("candidate", i)


def system(e: Evidence, v: View, i: int, j: int) -> None:
    """The picks, where one is meant; then inner product and lengths of two rows of the second fit."""
    rows = _own_rows(v, i) + [int(row) for row in v.picks[i]]
    p, q = _pair(j, _ALL)
    if max(p, q or 0) >= _OWN:
        e.row("picks", i)
    _read_cosine(e, rows[p], i if q is None else rows[q])


def fit(e: Evidence, v: View, i: int, j: int) -> None:
    """The picks, where one is meant, and the system; then the lengths of row `j` and of seat `i`."""
    row = _own_rows(v, i)[j] if j < _OWN else int(v.picks[i, j - _OWN])
    if j >= _OWN:
        e.row("picks", i)
    if row in e.case.present:
        e.row("system", i)
        e.gram(row, row)
        e.gram(i, i)


def gathered(e: Evidence, v: View, i: int, j: int) -> None:
    """The picks, where one is meant; then the sketch of the row that the number is of."""
    k = j % _GATHERED
    if k > _OWN:
        e.row("picks", i)
    row = [i, *_own_rows(v, i), *(int(row) for row in v.picks[i])][k]
    if row in e.case.present:
        e.last(row)


def residual(e: Evidence, v: View, i: int, j: int) -> None:
    """The fit, then the nine numbers of the column."""
    e.row("fit", i)
    e.entries("gathered", i, _GATHERED * j, _GATHERED)


def residual_gram(e: Evidence, v: View, i: int, j: int) -> None:
    """Residuals of both seats."""
    if v.is_included[j]:
        e.row("residual", i)
        if i != j:
            e.row("residual", j)


def _own_rows(v: View, i: int) -> list[int]:
    return [v.shape.delta(age) for age in range(DELTAS)] + [v.shape.past(age, i) for age in range(MEMORY)]


def _pair(j: int, size: int) -> tuple[int, int | None]:
    """Rows of entry `j` of a system of `size` equations; None stands for the seat itself: the right side."""
    return divmod(j, size) if j < size * size else (j - size * size, None)


def _read_cosine(e: Evidence, p: int, q: int) -> None:
    if p in e.case.present and q in e.case.present:
        e.gram(p, q)
        if p != q:
            e.gram(p, p)
            e.gram(q, q)


def _in_row(e: Evidence, row: int, column: int) -> None:
    """A leaf of the Gram tree and the siblings up to its row."""
    bits = e.case.shape.row_bits
    index = row << bits | column
    content = e.trees.gram.leaf(index)
    assert content is not None, "only present rows are read"
    e.raw(content + e.trees.gram.siblings(index, 0, bits))


READS: Final[dict[str, Callable[[Evidence, View, int, int], None]]] = {
    reads.__name__: reads
    for reads in (
        has_public, own_system, own_fit, candidate, picks, system, fit, gathered, residual, residual_gram,
    )
}  # fmt: skip
