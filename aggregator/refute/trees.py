"""All trees of a judged round, each made when it is first opened; their roots are those of the judgement."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import cache
from pathlib import Path
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from aggregator.aggregate import GROUP, block_leaves
from aggregator.fixed import Ints
from aggregator.judge import File, Judgement, RoundInputs
from aggregator.refute.proof_tree import Bytes, Group, Leaves, ProofTree
from aggregator.rows import SEGMENT, Shape
from aggregator.sketch import Sketcher
from aggregator.state import State
from aggregator.steps import SCALAR_WIDTH, View, Width
from aggregator.trees import LEAF_BYTES, SCALARS, SLOTS, STEP_BITS, chunk_bits, entries_bytes
from market.codec import LEAF, MODEL, UPDATE, Kind, blocks, leaves_of, padded
from market.merkle import Hash, clog2, depth_for
from market.records import Account, Roots
from market.refutation import Tree
from market.result_document import account_bytes

_FILE_BITS: Final = 8
"""Levels of a file's tree that are read at once: 256 leaves."""


@dataclass(frozen=True)
class Case:
    """What the chain says about a posted result, as far as it decides what a check reads.

    `present`: rows of sketches that the bitmaps name. `first`, `sealed`: by seat. `start`: the result below is
    the start. `paid`: as posted. Amounts in smallest units.
    """

    shape: Shape
    poster: bytes
    seed: bytes
    included: frozenset[int]
    present: frozenset[int]
    first: Sequence[bool]
    sealed: Sequence[bool]
    start: bool
    merged: bool
    to_pay: int
    unit: int
    paid: int


@dataclass(frozen=True)
class Trees:
    """The trees of one result: as judged, or as posted (`update` and the trees below are facts in both).

    `columns` is None for at most 12 seats; `steps_below` and `accounts_below` are None at the start.
    """

    case: Case
    sketches: ProofTree
    gram: ProofTree
    steps: ProofTree
    accounts: ProofTree
    columns: ProofTree | None
    delta: ProofTree
    model: ProofTree
    update: Callable[[int], ProofTree]
    steps_below: ProofTree | None = None
    accounts_below: ProofTree | None = None
    model_below: ProofTree | None = None
    view: View | None = field(default=None, compare=False)
    """Every number of the round, in the judged trees."""

    def roots(self) -> Roots:
        """Roots of the trees of the result."""
        columns = bytes(32) if self.columns is None else self.columns.root
        own = (self.sketches, self.gram, self.steps, self.accounts, self.delta, self.model)
        sketches, gram, steps, accounts, delta, model = (tree.root for tree in own)
        return Roots(sketches, gram, steps, accounts, columns, delta, model)

    def of(self, tree: Tree, row: int = 0) -> ProofTree:
        """A tree by its number; `row` of the update tree. Raises KeyError for columns that there are none of."""
        if tree is Tree.Update:
            return self.update(row)
        found: ProofTree | None = getattr(self, tree.name.lower())
        if found is None:
            raise KeyError(tree.name)
        return found

    def with_tree(self, name: str, tree: ProofTree) -> Trees:
        """The same with another tree in one place."""
        changed: dict[str, Any] = {name: tree}
        return replace(self, **changed)


def judged_trees(
    inputs: RoundInputs,
    judgement: Judgement,
    *,
    start: bool,
    step_roots_below: Sequence[Hash] | None = None,
) -> Trees:
    """Trees of a judged round. `step_roots_below`: the 64 slots of the steps tree of the result below (`start`:
    there is none)."""
    shape, view = inputs.shape, judgement.view
    files = {**inputs.updates, **inputs.public}
    case = Case(
        shape=shape,
        poster=inputs.poster,
        seed=inputs.seed,
        included=frozenset(inputs.updates),
        present=frozenset(files),
        first=inputs.seats.first,
        sealed=inputs.seats.sealed,
        start=start,
        merged=inputs.merged,
        to_pay=inputs.pot - inputs.fee,
        unit=inputs.unit,
        paid=judgement.paid,
    )
    below = step_roots_below is not None and not start
    return Trees(
        case=case,
        sketches=sketches_tree(shape, files, inputs.seed, inputs.poster),
        gram=gram_tree(shape, view.gram, files),
        steps=steps_tree(view, judgement.step_roots),
        accounts=accounts_tree(judgement.accounts),
        columns=columns_tree(shape, inputs.updates) if shape.has_columns else None,
        delta=file_tree(judgement.delta, shape.d, UPDATE),
        model=file_tree(judgement.model, shape.d, MODEL),
        update=update_trees(shape, files),
        steps_below=state_tree(shape, inputs.state, step_roots_below) if below and step_roots_below else None,
        accounts_below=None if start else accounts_tree(inputs.accounts),
        model_below=file_tree(inputs.base.path, shape.d, MODEL),
        view=view,
    )


def update_trees(shape: Shape, files: Mapping[int, File]) -> Callable[[int], ProofTree]:
    """Update tree of a row of sketches that is present. Raises KeyError for others."""
    return cache(lambda row: file_tree(files[row].path, shape.d, UPDATE))


def file_tree(path: Path, d: int, kind: Kind) -> ProofTree:
    """Tree of an update, delta or model file, read in blocks of 256 leaves."""
    leaves, size = leaves_of(d), kind.leaf_bytes()
    depth = depth_for(leaves)
    bits = min(_FILE_BITS, depth)

    def block(number: int) -> ProofTree:
        count = min(1 << bits, leaves - (number << bits))
        data = np.fromfile(path, np.uint8, count * size, offset=(number << bits) * size)
        return Leaves(bits, number << bits, data.reshape(count, size))

    return Group(depth - bits, bits, -(-leaves >> bits), block)


def sketches_tree(shape: Shape, files: Mapping[int, File], seed: bytes, poster: bytes) -> ProofTree:
    """Running sums of present rows (row -> file)."""

    def row(number: int) -> ProofTree | None:
        if number not in files:
            return None
        sketcher = Sketcher(seed)
        pieces = [sketcher.push(b) for b in blocks(files[number].path, shape.d, UPDATE, 16 * SEGMENT)]
        sums = np.concatenate(pieces).astype(">i4")
        data = sums.view(np.uint8).reshape(len(sums), -1)
        return Leaves(shape.segment_bits, number << shape.segment_bits, data, tag=poster)

    kept = max(2, min(shape.rows, (64 << 20) // (shape.segments << 10)))
    return Group(shape.row_bits, shape.segment_bits, shape.rows, row, tag=poster, kept=kept)


def gram_tree(shape: Shape, gram: NDArray[Any], present: Mapping[int, object]) -> ProofTree:
    """Inner products (W, W) of present rows."""
    bits, gram = shape.row_bits, np.asarray(gram)
    there = np.array([row in present for row in range(shape.rows)])

    def row(number: int) -> ProofTree | None:
        if not there[number]:
            return None
        return Leaves(bits, number << bits, entries_bytes(gram[number], 16), there)

    return Group(bits, bits, shape.rows, row)


def steps_tree(view: View, slot_roots: Sequence[Hash]) -> ProofTree:
    """Every step of a computed round."""
    shape: Shape = view.shape
    scalars = np.array([[getattr(view, step.name) for step in SCALARS]], dtype=object)

    def slot(number: int) -> ProofTree | None:
        if number == 0:
            return _slot(shape, 0, scalars, SCALAR_WIDTH, [0])
        step = SLOTS[number - 1]
        values = getattr(view, step.name)
        if step.kind == "vector":
            return _slot(shape, number, values.reshape(1, -1), step.width, [0])
        rows = range(shape.seats) if step.carried else view.included
        return _slot(shape, number, values, step.width, rows)

    return _slots(shape, slot, slot_roots)


def state_tree(shape: Shape, state: State, slot_roots: Sequence[Hash]) -> ProofTree:
    """Steps tree of a result of which only the state is known: other slots cannot be opened (KeyError)."""

    def slot(number: int) -> ProofTree | None:
        step = SLOTS[number - 1]
        values = state[step.name]
        rows = values.reshape(1, -1) if step.kind == "vector" else values
        return _slot(shape, number, rows, step.width, range(len(rows)))

    return _slots(shape, slot, slot_roots)


def accounts_tree(accounts: Sequence[Account]) -> ProofTree:
    """Accounts of all seats."""
    data = np.frombuffer(b"".join(map(account_bytes, accounts)), np.uint8).reshape(len(accounts), -1)
    return Leaves(depth_for(len(accounts)), 0, data)


def columns_tree(shape: Shape, updates: Mapping[int, File]) -> ProofTree:
    """Coefficients of all seats, eight at a time."""
    run = block_leaves(shape.seats)
    groups = LEAF // GROUP
    depth, leaves = depth_for(padded(shape.d) // GROUP), leaves_of(shape.d)
    bits = min(depth, clog2(run * groups))

    def block(number: int) -> ProofTree:
        size = min(run, leaves - number * run) * LEAF
        values: Bytes = np.zeros((size, 2 * shape.seats), np.uint8)
        for seat, file in updates.items():
            coefficients = np.fromfile(file.path, np.uint8, 2 * size, offset=number * run * LEAF * 2)
            values[:, 2 * seat : 2 * seat + 2] = coefficients.reshape(size, 2)
        return Leaves(bits, number << bits, values.reshape(size // GROUP, -1))

    return Group(depth - bits, bits, -(-leaves // run), block, kept=4)


def _slots(shape: Shape, slot: Callable[[int], ProofTree | None], slot_roots: Sequence[Hash]) -> ProofTree:
    below = clog2(shape.seats) + chunk_bits(shape)
    used = len(SLOTS) + 1
    return Group(STEP_BITS, below, used, slot, list(slot_roots)[:used])


def _slot(shape: Shape, slot: int, values: Ints, width: Width, rows: Sequence[int]) -> ProofTree:
    """Subtree of one slot: `values` (rows, length), leaves of `rows` only, entries padded to whole leaves."""
    bits, there = chunk_bits(shape), frozenset(rows)

    def row(number: int) -> ProofTree | None:
        if number not in there:
            return None
        data = entries_bytes(values[number], width).reshape(-1)
        whole = np.zeros((-(-len(data) // LEAF_BYTES), LEAF_BYTES), np.uint8)
        whole.reshape(-1)[: len(data)] = data
        return Leaves(bits, (slot << clog2(shape.seats) | number) << bits, whole)

    return Group(clog2(shape.seats), bits, len(values), row)
