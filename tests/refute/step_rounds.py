"""Rounds from sketches alone with the trees that checks of steps read, and what may be asked about each entry."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from typing import Any

import numpy as np
from check_calls import STEP, Call
from numpy.typing import NDArray

from aggregator.accounts import next_accounts, start_accounts
from aggregator.refute.evidence import SCALAR_OF, SLOT_OF, Evidence
from aggregator.refute.proof_tree import Absent, Changed, ProofTree
from aggregator.refute.trees import Case, Trees, accounts_tree, gram_tree, steps_tree
from aggregator.rows import COLUMNS, Shape
from aggregator.state import state_of
from aggregator.steps import Step, View
from aggregator.trees import LEAF_BYTES, SCALARS, SLOTS, chunk_bits, step_roots
from market.merkle import clog2
from tests.aggregator.sample_rounds import FEE, POSTER, POT, UNIT, decided

Sketch = NDArray[np.int32]
Kind = Callable[[Shape, np.random.Generator], Sketch]
LIMIT = 2**31 - 1
STEP_BY_NAME = {step.name: step for step in (*SLOTS, *SCALARS)}


def agreeing(shape: Shape, rng: np.random.Generator) -> Sketch:
    """A common part, noise as long, and public rows that share it."""
    common = rng.normal(0, 1000, COLUMNS)
    return _ints(common + rng.normal(0, 1000, (shape.rows, COLUMNS)))


def twins(shape: Shape, rng: np.random.Generator) -> Sketch:
    """The upper half of the seats sends what the lower half does."""
    out = agreeing(shape, rng)
    half = shape.seats // 2
    out[half : 2 * half] = out[:half] + rng.integers(-20, 20, (half, COLUMNS))
    return out


def resent(shape: Shape, rng: np.random.Generator) -> Sketch:
    """Every third seat sends a public row again."""
    out = agreeing(shape, rng)
    for seat in range(0, shape.seats, 3):
        out[seat] = out[shape.delta(0)] if seat % 2 else out[shape.past(0, (seat + 1) % shape.seats)]
    return out


def opposed(shape: Shape, rng: np.random.Generator) -> Sketch:
    """Half of the seats pull the other way."""
    out = agreeing(shape, rng)
    out[: shape.seats // 2] *= -1
    return out


def zero(shape: Shape, rng: np.random.Generator) -> Sketch:
    """Nothing anywhere."""
    return np.zeros((shape.rows, COLUMNS), np.int32)


def some_zero(shape: Shape, rng: np.random.Generator) -> Sketch:
    """Every other seat sends nothing, and so does the newest delta."""
    out = agreeing(shape, rng)
    out[: shape.seats : 2] = 0
    out[shape.delta(0)] = 0
    return out


def equal(shape: Shape, rng: np.random.Generator) -> Sketch:
    """All rows are the same."""
    return np.tile(_ints(rng.normal(0, 1000, COLUMNS)), (shape.rows, 1))


def tiny(shape: Shape, rng: np.random.Generator) -> Sketch:
    """Sums of -1, 0 and 1."""
    return rng.integers(-1, 2, (shape.rows, COLUMNS)).astype(np.int32)


def limits(shape: Shape, rng: np.random.Generator) -> Sketch:
    """Every sum is the least or the greatest int32."""
    return np.where(rng.random((shape.rows, COLUMNS)) < 0.5, -LIMIT - 1, LIMIT).astype(np.int32)


def greatest(shape: Shape, rng: np.random.Generator) -> Sketch:
    """All rows at the limit in the same direction, public ones small."""
    out = np.full((shape.rows, COLUMNS), LIMIT, np.int32)
    out[shape.seats :] = rng.integers(-3, 4, (shape.rows - shape.seats, COLUMNS))
    return out


def kin(shape: Shape, rng: np.random.Generator) -> Sketch:
    """Neighbours share a part of their noise, from none to nearly all."""
    out, shared = agreeing(shape, rng), rng.normal(0, 1500, (shape.seats, COLUMNS))
    part = np.linspace(0, 1, shape.seats)[:, None]
    out[: shape.seats] += _ints(part * shared[np.arange(shape.seats) // 2])
    return out


def graded(shape: Shape, rng: np.random.Generator) -> Sketch:
    """Public rows with more and more of what is new added to them, from seat to seat."""
    public, new = rng.normal(0, 1000, (2, COLUMNS))
    part = np.linspace(0, 1, shape.rows)[:, None] * shape.rows / shape.seats
    part[shape.seats :] = 0
    return _ints(public + part * new + rng.normal(0, 250, (shape.rows, COLUMNS)))


KINDS = [agreeing, twins, resent, opposed, zero, some_zero, equal, tiny, limits, greatest]
PAY_KINDS = [*KINDS, kin, graded]
"""Likeness and novelty between none and full, too."""


def rounds(
    seats: int,
    number: int,
    kind: Kind,
    rng: np.random.Generator,
    missing: float = 0.2,
    reference: float = 0.5,
) -> Iterator[Trees]:
    """Trees of rounds that follow each other. Seats and public rows are missing with probability `missing`; a
    seat that was never in has its first round; now and then a seat changes hands. With probability `reference` the
    owner's reference is there."""
    shape, known = Shape(1, seats), np.zeros(seats, bool)
    accounts, state, reputation, below = start_accounts(seats), None, None, None
    for at in range(number):
        here = {row for row in range(shape.rows) if row != shape.reference and rng.random() >= missing}
        if at == 0:
            here = {row for row in here if row < seats}
        if np.random.default_rng([seats, number, at]).random() < reference:
            here.add(shape.reference)
        included = sorted(row for row in here if row < seats)
        sealed = sorted({*included, *rng.integers(0, seats, 1).tolist()})
        first = [seat for seat in range(seats) if seat in sealed and (not known[seat] or rng.random() < 0.1)]
        known[sealed] = True
        sketch = kind(shape, rng)
        sketch[[row for row in range(shape.rows) if row not in here]] = 0
        view = decided(sketch, shape, state, reputation, included, sealed, first)
        case = Case(
            shape=shape, poster=POSTER, seed=rng.bytes(32), included=frozenset(included),
            present=frozenset(here), first=[seat in first for seat in range(seats)],
            sealed=[seat in sealed for seat in range(seats)], start=at == 0, merged=True,
            to_pay=POT - FEE, unit=UNIT, paid=view.paid,
        )  # fmt: skip
        trees = trees_of(case, view, below, None if at == 0 else accounts_tree(accounts))
        yield trees
        accounts = next_accounts(accounts, view, UNIT)
        state, reputation, below = state_of(view), [a.reputation for a in accounts], trees.steps


def trees_of(
    case: Case, view: View, steps_below: ProofTree | None, accounts_below: ProofTree | None
) -> Trees:
    """Trees that checks of steps read; all others are absent."""
    none = Absent(1)
    return Trees(
        case=case, sketches=none, gram=gram_tree(case.shape, view.gram, dict.fromkeys(case.present)),
        steps=steps_tree(view, step_roots(view)), accounts=none, columns=None, delta=none, model=none,
        update=lambda row: none, steps_below=steps_below, accounts_below=accounts_below, view=view,
    )  # fmt: skip


# ----- entries -----


def coordinates(name: str, i: int = 0, j: int = 0) -> tuple[int, int, int]:
    """a, b, c of a refutation of an entry."""
    return (0, SCALAR_OF[name], 0) if name in SCALAR_OF else (SLOT_OF[name], i, j)


def evidence(trees: Trees, reads: Any, name: str, i: int = 0, j: int = 0) -> bytes:
    """The posted entry, then what its check reads."""
    e, step, view = Evidence(trees), STEP_BY_NAME[name], trees.view
    assert view is not None
    if step.kind == "scalar":
        e.scalar(name)
        reads(e, view, 0, 0)
        return e.bytes()
    e.entry(name, *((i, j) if step.kind == "matrix" else (0, i)))
    padding = (j if step.kind == "matrix" else i) >= step.length(trees.case.shape.seats)
    if not padding and (step.carried or i in trees.case.included):
        reads(e, view, i, j)
    return e.bytes()


def call(trees: Trees, reads: Any, name: str, i: int = 0, j: int = 0) -> Call:
    """The question whether an entry is wrong."""
    return Call(trees, STEP, *coordinates(name, i, j), evidence(trees, reads, name, i, j))


def with_entry(trees: Trees, name: str, i: int, j: int, change: Callable[[int], int]) -> Trees:
    """The trees with another number posted in one place; what does not fit its bytes wraps."""
    step, shape = STEP_BY_NAME[name], trees.case.shape
    index, at = _place(step, shape, i, j)
    leaf = trees.steps.leaf(index)
    assert leaf is not None
    number = int.from_bytes(leaf[at : at + step.width], "big", signed=True)
    changed = (change(number) % (1 << 8 * step.width)).to_bytes(step.width, "big")
    content = leaf[:at] + changed + leaf[at + step.width :]
    return trees.with_tree("steps", Changed(trees.steps, {index: content}))


def places(step: Step, trees: Trees, rng: np.random.Generator, most: int) -> list[tuple[int, int]]:
    """Some entries of a step that an honest result has, padding included: (i, j)."""
    if step.kind == "scalar":
        return [(0, 0)]
    seats = trees.case.shape.seats
    length, per_leaf = step.length(seats), LEAF_BYTES // step.width
    whole = -(-length // per_leaf) * per_leaf
    padding = sorted({length, whole - 1}) if length < whole else []
    columns = [*_some(list(range(length)), rng, most), *_some(padding, rng, 1)]
    if step.kind == "vector":
        return [(i, 0) for i in columns]
    rows = list(range(seats)) if step.carried else sorted(trees.case.included)
    diagonal = [(i, i) for i in _some(rows, rng, 1) if i < length]
    return [*diagonal, *((i, j) for i in _some(rows, rng, 3) for j in columns[-1 - most // 2 :])]


def honest(
    trees: Trees, reads: Any, steps: Sequence[Step], rng: np.random.Generator, most: int
) -> list[Call]:
    """True evidence about entries of some steps."""
    return [
        call(trees, reads[step.name], step.name, i, j)
        for step in steps
        for i, j in places(step, trees, rng, most)
    ]


def lies(trees: Trees, reads: Any, steps: Sequence[Step], rng: np.random.Generator, most: int) -> list[Call]:
    """True evidence about entries that are too large or too small by a little."""
    out = []
    for step in steps:
        for i, j in places(step, trees, rng, most):
            by = int(rng.choice([-1, 1, 2, -1000]))
            posted = with_entry(trees, step.name, i, j, lambda x, by=by: x + by)
            out.append(call(posted, reads[step.name], step.name, i, j))
    return out


def _place(step: Step, shape: Shape, i: int, j: int) -> tuple[int, int]:
    """Leaf of the steps tree, and where in it the entry begins."""
    if step.kind == "scalar":
        return 0, SCALAR_OF[step.name] * step.width
    row, column = (i, j) if step.kind == "matrix" else (0, i)
    per_leaf = LEAF_BYTES // step.width
    first = (SLOT_OF[step.name] << clog2(shape.seats) | row) << chunk_bits(shape)
    return first | column // per_leaf, column % per_leaf * step.width


def _some(values: list[int], rng: np.random.Generator, most: int) -> list[int]:
    return values if len(values) <= most else sorted(rng.choice(values, most, replace=False).tolist())


def _ints(values: NDArray[np.float64]) -> Sketch:
    return values.astype(np.int32)
