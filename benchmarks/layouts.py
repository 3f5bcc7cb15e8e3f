"""Layouts of the residual that lost, beside the one that is built: what the dearest refutation of an entry costs.

    python -m benchmarks.layouts

Computed, not run: bytes of evidence in which no byte is zero, at 40 gas each (EIP-7623's floor, which decides
here), for projects of 100 and 1,000 seats and 10^9 coefficients. Siblings above a slot count once a transaction.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Final

from aggregator.rows import COLUMNS, Shape
from aggregator.trees import LEAF_BYTES, STEP_BITS
from market.merkle import clog2

D: Final = 10**9
FIT_ROWS: Final = 8
"""Public rows of the second fit."""
HASH: Final = 32
BYTE_GAS: Final = 40
BASE_GAS: Final = 21_000


@dataclass(frozen=True)
class Layout:
    """`evidence`: bytes of the dearest refutation by step; `tree`: bytes of leaves for each seat."""

    evidence: Mapping[str, int]
    tree: float


def entry(shape: Shape, row_bytes: int) -> int:
    """A leaf of a row of this length, and siblings up to its slot."""
    return LEAF_BYTES + HASH * (clog2(-(-row_bytes // LEAF_BYTES)) + clog2(shape.seats))


def row(shape: Shape, row_bytes: int) -> int:
    """A whole row, and siblings up to its slot."""
    return -(-row_bytes // LEAF_BYTES) * LEAF_BYTES + HASH * clog2(shape.seats)


def sketch(shape: Shape) -> int:
    """The last sums of a row; siblings after the last segment are absent."""
    return 4 * COLUMNS + HASH * ((shape.segments - 1).bit_count() + shape.row_bits)


def products(shape: Shape, width: int) -> int:
    """An entry of `residual_gram`: itself and two rows of residuals."""
    return entry(shape, 16 * shape.seats) + 2 * row(shape, width * COLUMNS)


def nine_sketches(shape: Shape) -> Layout:
    """Read what an entry follows from: fit, picks and nine sketches; residuals of eight bytes."""
    fits = row(shape, 16 * FIT_ROWS) + row(shape, 8 * 3)
    residual = entry(shape, 8 * COLUMNS) + fits + (1 + FIT_ROWS) * sketch(shape)
    return Layout({"residual": residual, "residual_gram": products(shape, 8)}, 8 * COLUMNS)


def partial_sums(shape: Shape) -> Layout:
    """What is left after each of the eight rows in turn, sixteen bytes each."""
    part = 16 * FIT_ROWS * COLUMNS
    read = 2 * entry(shape, part) + row(shape, 16 * FIT_ROWS) + row(shape, 8 * 3) + sketch(shape)
    return Layout({"part": read, "residual_gram": products(shape, 8)}, part + 8 * COLUMNS)


def transposed(shape: Shape) -> Layout:
    """One matrix for all seats: column c of all sketches, 64 numbers a leaf. A column reads up to seven leaves."""
    leaf = LEAF_BYTES + HASH * clog2(-(-4 * shape.rows // LEAF_BYTES))
    line = leaf + HASH * clog2(COLUMNS)
    fits = row(shape, 16 * FIT_ROWS) + row(shape, 8 * 3)
    residual = entry(shape, 4 * COLUMNS) + fits + 7 * leaf + HASH * clog2(COLUMNS)
    evidence = {"line": line + sketch(shape), "residual": residual, "residual_gram": products(shape, 4)}
    return Layout(evidence, 4 * COLUMNS * (shape.rows / shape.seats + 1))


def gathered(shape: Shape) -> Layout:
    """For each seat the nine numbers of a column side by side, four bytes each; a column in one leaf or two."""
    nine = 4 * (1 + FIT_ROWS) * COLUMNS
    number = entry(shape, nine) + row(shape, 8 * 3) + sketch(shape)
    residual = entry(shape, 4 * COLUMNS) + row(shape, 16 * FIT_ROWS) + 2 * entry(shape, nine)
    evidence = {"gathered": number, "residual": residual, "residual_gram": products(shape, 4)}
    return Layout(evidence, nine + 4 * COLUMNS)


LAYOUTS: Final[list[Callable[[Shape], Layout]]] = [nine_sketches, partial_sums, transposed, gathered]


def main() -> None:
    """Prints a line for each layout and number of seats."""
    for layout in LAYOUTS:
        for seats in (100, 1_000):
            made = layout(Shape(D, seats))
            costs = [
                f"{name} {BASE_GAS + BYTE_GAS * (size + HASH * STEP_BITS):,}"
                for name, size in made.evidence.items()
            ]
            print(f"{layout.__name__:14} {seats:5} seats  {made.tree:9,.0f} bytes a seat  {', '.join(costs)}")


if __name__ == "__main__":
    main()
