"""What the mock checks of the harness say, and the layout of trees as the checks have it."""

from __future__ import annotations

from dataclasses import dataclass

from aggregator.refute import layout
from aggregator.rows import Shape
from market.params import Params
from market.refutation import Ask, Refutation, Tree
from market.spec.refute import is_row

WRONG, RIGHT = b"\x01", b"\x00"
"""Evidence that makes a mock check find the number wrong, or right."""


@dataclass(frozen=True)
class MockOracle:
    """Checks that do as evidence says; trees as they are."""

    def is_wrong(self, refutation: Refutation) -> bool:
        """The one byte of evidence."""
        assert len(refutation.evidence) == 1, "mock checks refuse this with an error of their own"
        return refutation.evidence == WRONG

    def depth(self, tree: Tree, params: Params) -> int:
        """Levels of a tree."""
        return layout.depth(tree, _shape(params))

    def leaf_size(self, tree: Tree, params: Params) -> int:
        """Bytes of its leaves."""
        return layout.leaf_size(tree, _shape(params))

    def has_leaf(self, ask: Ask, params: Params) -> bool:
        """Whether honest trees have the leaf that is asked for."""
        rows = range(3 * params.seats + 4)
        present = {row for row in rows if is_row(params.seats, ask.included, ask.rows, row)}
        included = [row for row in present if row < params.seats]
        return layout.is_present(ask.tree, ask.index, _shape(params), included, present)


def _shape(params: Params) -> Shape:
    return Shape(params.coefficients, params.seats)
