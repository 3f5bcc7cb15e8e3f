"""Depth of each tree of a result, bytes of its leaves, and which leaves an honest one has.

Mirror of `contracts/src/checks/Layout.sol`; the layout of every leaf is in `market.merkle`.
"""

from __future__ import annotations

from collections.abc import Collection

from aggregator.aggregate import GROUP
from aggregator.rows import COLUMNS, Shape
from aggregator.trees import LEAF_BYTES, SLOTS, STEP_BITS, chunk_bits
from market.codec import LEAF, leaves_of
from market.merkle import clog2, depth_for
from market.refutation import Tree

POSTER_BYTES = 20
GRAM_BYTES = 16
ACCOUNT_BYTES = 40


def depth(tree: Tree, shape: Shape) -> int:
    """Levels above the leaves."""
    match tree:
        case Tree.Sketches:
            return shape.row_bits + shape.segment_bits
        case Tree.Gram:
            return 2 * shape.row_bits
        case Tree.Steps:
            return STEP_BITS + clog2(shape.seats) + chunk_bits(shape)
        case Tree.Accounts:
            return depth_for(shape.seats)
        case Tree.Columns:
            return depth_for(_groups(shape))
        case _:
            return depth_for(leaves_of(shape.d))


def leaf_size(tree: Tree, shape: Shape) -> int:
    """Bytes of a leaf as they are hashed behind its index."""
    sizes = {
        Tree.Sketches: POSTER_BYTES + 4 * COLUMNS,
        Tree.Gram: GRAM_BYTES,
        Tree.Steps: LEAF_BYTES,
        Tree.Accounts: ACCOUNT_BYTES,
        Tree.Columns: 2 * GROUP * shape.seats,
        Tree.Model: 4 * LEAF,
    }
    return sizes.get(tree, 2 * LEAF)


def is_present(
    tree: Tree, index: int, shape: Shape, included: Collection[int], present: Collection[int]
) -> bool:
    """Whether honest trees have leaf `index`. `included`: seats; `present`: rows of sketches that are there."""
    match tree:
        case Tree.Sketches:
            row, segment = divmod(index, 1 << shape.segment_bits)
            return row in present and segment < shape.segments
        case Tree.Gram:
            i, j = divmod(index, 1 << shape.row_bits)
            return i in present and j in present
        case Tree.Steps:
            return _has_step(index, shape, included)
        case Tree.Accounts:
            return index < shape.seats
        case Tree.Columns:
            return shape.has_columns and index < _groups(shape)
        case _:
            return index < leaves_of(shape.d)


def _has_step(index: int, shape: Shape, included: Collection[int]) -> bool:
    above, chunk = divmod(index, 1 << chunk_bits(shape))
    slot, row = divmod(above, 1 << clog2(shape.seats))
    if slot == 0:
        return row == chunk == 0
    if slot > len(SLOTS):
        return False
    step = SLOTS[slot - 1]
    if chunk >= -(-step.length(shape.seats) * step.width // LEAF_BYTES):
        return False
    if step.kind == "vector":
        return row == 0
    return row < shape.seats if step.carried else row in included


def _groups(shape: Shape) -> int:
    return leaves_of(shape.d) * LEAF // GROUP
