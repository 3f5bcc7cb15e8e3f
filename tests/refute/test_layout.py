"""Sizes of trees, and which leaves there are: as trees of judged rounds have them, and as the contract says."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from check_calls import CheckContract, Refused
from noise_trees import drawn_case, noise
from tree_rounds import Plan, call, last_round
from tree_rounds import noise as ordinary

from aggregator.refute.evidence import Evidence
from aggregator.refute.layout import depth, is_present, leaf_size
from aggregator.refute.proof_tree import Changed
from aggregator.refute.tree_reads import tree_of
from aggregator.refute.trees import Case
from aggregator.rows import Shape
from aggregator.trees import LEAF_BYTES, SCALARS, SLOTS, chunk_bits
from market.codec import leaves_of
from market.merkle import ABSENT, clog2
from market.refutation import Check, Tree

SHAPES = [(1, 1), (2, 1024), (3, 1025), (5, 16_384), (12, 16_385), (13, 40_000), (30, 2000)]
LARGE = [1, 2, 13, 85, 256, 341, 1024]
SIZES = [1, 1024, 1025, 2048, 8192, 8193, 16_384, 16_385, 10**6, 10**9, (1 << 30) - 1, 1 << 30]


@pytest.mark.parametrize(("seats", "d"), SHAPES)
def test_layout__is_that_of_judged_trees(tmp_path: Path, seats: int, d: int) -> None:
    included = tuple(
        range(0, seats, 2)
    )  # of an even number of seats, the owner's reference stands behind the last
    included += (seats,) if seats % 2 == 0 else ()
    trees = last_round(Plan(seats, d, included, ordinary, rounds=2), tmp_path, seats)
    case = trees.case
    for tree in Tree:
        if tree is Tree.Columns and not case.shape.has_columns:
            continue
        honest = tree_of(Evidence(trees), tree)
        assert honest.depth == depth(tree, case.shape)
        indices = range(1 << honest.depth)
        if len(indices) > 20_000:
            indices = sorted(map(int, np.random.default_rng(d).integers(0, len(indices), 20_000)))
        for index in indices:
            content = honest.leaf(index)
            there = is_present(tree, index, case.shape, case.included, case.present)
            assert (content is not None) == there, (tree, index)
            assert content is None or len(honest.tag + content) == leaf_size(tree, case.shape)


def test_scalars__fill_their_leaf() -> None:
    """No check reads what would stand behind the last one, so a lie there could not be refuted."""
    assert sum(step.width for step in SCALARS) == LEAF_BYTES


@pytest.mark.chain
@pytest.mark.parametrize("seats", LARGE)
def test_presence_of_any_size__is_that_of_the_layout(tree_checks: CheckContract, seats: int) -> None:
    rng, calls, expected = np.random.default_rng(seats), [], []
    for d in rng.choice(SIZES, 3, replace=False):
        trees = noise(drawn_case(Shape(int(d), seats), rng))
        for tree in Tree:
            if tree is Tree.Columns and not trees.case.shape.has_columns:
                continue
            for index in indices_of(tree, trees.case, rng):
                hash_ = ABSENT if rng.random() < 0.5 else rng.bytes(32)
                row = min(trees.case.present) if tree is Tree.Update else 0
                other = Changed(tree_of(Evidence(trees), tree, row), {}, {index: hash_})
                posted = (
                    replace(trees, update=lambda row, other=other: other)
                    if tree is Tree.Update
                    else trees.with_tree(tree.name.lower(), other)
                )
                case = trees.case
                there = is_present(tree, index, case.shape, case.included, case.present)
                calls.append(call(posted, Check.Presence, int(tree), index, row))
                expected.append((hash_ != ABSENT) != there)
            one_more = calls[-1].evidence + bytes(32)
            calls.append(replace(calls[-1], evidence=one_more))
            expected.append(Refused("MarketEvidenceLength"))

    assert tree_checks.answers(calls) == expected
    assert {True, False} <= set(expected)


def indices_of(tree: Tree, case: Case, rng: np.random.Generator) -> list[int]:
    """Leaves at both sides of the ends of what is there, and some anywhere."""
    shape, size = case.shape, 1 << depth(tree, case.shape)
    found = [0, size - 1, *(int(index) for index in rng.integers(0, size, 3))]
    if tree is Tree.Steps:
        bits, rows = chunk_bits(shape), clog2(shape.seats)
        for slot in (0, len(SLOTS), len(SLOTS) + 1, *map(int, rng.integers(1, len(SLOTS), 6))):
            step = SLOTS[min(max(slot, 1), len(SLOTS)) - 1]
            chunks = -(-step.length(shape.seats) * step.width // LEAF_BYTES)
            for row in (0, shape.seats - 1, shape.seats, int(rng.integers(shape.seats))):
                found += [(slot << rows | row) << bits | chunk for chunk in (0, chunks - 1, chunks)]
    elif tree in (Tree.Sketches, Tree.Gram):
        bits = shape.segment_bits if tree is Tree.Sketches else shape.row_bits
        count = shape.segments if tree is Tree.Sketches else shape.rows
        for row in (int(rng.choice(sorted(case.present))), shape.rows - 1, shape.rows, shape.reference):
            found += [row << bits | k for k in (0, count - 1, count)]
    else:
        count = {Tree.Accounts: shape.seats, Tree.Columns: leaves_of(shape.d) * 128}.get(tree)
        count = leaves_of(shape.d) if count is None else count
        found += [count - 1, count]
    return [index for index in dict.fromkeys(found) if index < size]
