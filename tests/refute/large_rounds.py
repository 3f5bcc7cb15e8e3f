"""Rounds as large as the protocol allows, for gas: of their trees only what a refutation of two seats opens is real.

Numbers have the size of those of a real round, drawn from one of 40 seats; they do not follow from each other,
so what a check answers means nothing here.
"""

from __future__ import annotations

from copy import copy
from dataclasses import replace

import numpy as np
from step_rounds import Sketch, rounds

from aggregator.fixed import Ints, ints, zeros
from aggregator.refute.proof_tree import Absent, Group, Leaves, ProofTree
from aggregator.refute.trees import Case, Trees, accounts_tree, steps_tree
from aggregator.rows import COLUMNS, DELTAS, MEMORY, Shape
from aggregator.steps import Step, View
from aggregator.trees import SCALARS, SLOTS, entries_bytes
from market.keccak import keccak256
from market.merkle import Hash, absent_root, leaf_hash, node_hash
from market.records import Account

SMALL = 40
SCALE = 600_000
"""Length of one of the 256 sums of an update of 10^9 coefficients of about 300."""


class Lonely(ProofTree):
    """A tree of which only the last leaf is known; all other hashes are arbitrary, or absent after it."""

    def __init__(self, depth: int, number: int, first: int, content: bytes, tag: bytes) -> None:
        self.depth, self.tag, self._number, self._content = depth, tag, number, content
        self._hash = leaf_hash(first + number, tag + content)

    def leaf(self, index: int) -> bytes | None:
        return self._content if index == self._number else None

    def node(self, level: int, index: int) -> Hash:
        if index > self._number >> level:
            return absent_root(level)
        if index < self._number >> level:
            return keccak256(level.to_bytes(8, "big") + index.to_bytes(8, "big"))
        if level == 0:
            return self._hash
        return node_hash(self.node(level - 1, 2 * index), self.node(level - 1, 2 * index + 1))


def agreeing_at_scale(shape: Shape, rng: np.random.Generator) -> Sketch:
    """A common part, noise as long, and public rows that share it."""
    common = rng.normal(0, SCALE, COLUMNS)
    return (common + rng.normal(0, SCALE, (shape.rows, COLUMNS))).astype(np.int32)


def large(seats: int, d: int, i: int = 3, j: int = 5, seed: int = 1, reference: bool = True) -> Trees:
    """All seats and public rows are there, with the `reference` or without it; entries of rows `i` and `j`, vectors,
    scalars, Gram entries of those seats, of the reference and of the public rows that fits of seat `i` use, and
    their sketches can be opened."""
    rng = np.random.default_rng(seed)
    *_, small = rounds(SMALL, 3, agreeing_at_scale, rng, missing=0.0)
    shape, view = Shape(d, seats), _view(small, Shape(d, seats), i, j, rng)
    view.root[shape.reference] = int(reference)
    rows = {
        i,
        j,
        shape.reference,
        *(shape.delta(age) for age in range(DELTAS)),
        *(int(row) for row in view.picks[i]),
    }
    rows |= {shape.past(age, i) for age in range(MEMORY)}
    case = replace(
        small.case, shape=shape, included=frozenset(range(seats)), first=[False] * seats, sealed=[True] * seats,
        present=frozenset(row for row in range(shape.rows) if reference or row != shape.reference),
    )  # fmt: skip
    steps = steps_tree(view, [])
    accounts = [Account(int(x), 10**18 + int(x), 0) for x in rng.integers(4000, 16000, seats)]
    return replace(
        small, case=case, sketches=_sketches(case, rows, small, rng), gram=_gram(case, rows, small, rng),
        steps=steps, steps_below=copy(steps), accounts=Absent(1), accounts_below=accounts_tree(accounts), view=view,
    )  # fmt: skip


def _view(small: Trees, shape: Shape, i: int, j: int, rng: np.random.Generator) -> View:
    known = small.view
    assert known is not None
    seats = shape.seats
    values = {step.name: getattr(known, step.name) for step in SCALARS}
    values |= {step.name: _values(getattr(known, step.name), step, seats, (i, j), rng) for step in SLOTS}
    # Seat j leads, so that voices read most.
    values["outlook_median"][j] = max(1, *values["outlook_median"], values["pull_median"]) + 1
    values["picks"][i] = [shape.past(0, j), shape.past(1, j + 2), shape.past(0, j + 4)]
    return View(
        shape=shape, included=[i, j], n=seats, is_included=ints([1] * seats),
        is_sealed=ints([1] * seats), is_first=zeros(seats), root=ints([1] * shape.rows),
        before_age=values["age"], **values,
    )  # fmt: skip


def _values(known: Ints, step: Step, seats: int, rows: tuple[int, int], rng: np.random.Generator) -> Ints:
    """Entries of a step: vectors and rows of N (or 2 N) are drawn from those that are known, others copied."""
    if step.kind == "vector":
        return known if step.begin else np.asarray(rng.choice(known, seats))
    out = zeros(seats, step.length(seats))
    for row in rows:
        line = known[row]
        out[row] = line if step.length(SMALL) == step.length(seats) else rng.choice(line, step.length(seats))
    return out


def _gram(case: Case, rows: set[int], small: Trees, rng: np.random.Generator) -> ProofTree:
    shape, view = case.shape, small.view
    assert view is not None
    bits, there = shape.row_bits, np.array([row in case.present for row in range(shape.rows)])
    made: dict[int, ProofTree] = {}
    for row in sorted(rows):
        line = rng.choice(view.gram[0, :SMALL], shape.rows)
        line[row] = view.gram[0, 0]
        made[row] = Leaves(bits, row << bits, entries_bytes(line, 16), there)
    return Group(bits, bits, shape.rows, made.get)


def _sketches(case: Case, rows: set[int], small: Trees, rng: np.random.Generator) -> ProofTree:
    shape, view = case.shape, small.view
    assert view is not None
    made: dict[int, ProofTree] = {}
    for row in sorted(rows):
        sums = view.sketch[int(rng.integers(0, SMALL))].astype(">i4").tobytes()
        first = row << shape.segment_bits
        made[row] = Lonely(shape.segment_bits, shape.segments - 1, first, sums, case.poster)
    return Group(shape.row_bits, shape.segment_bits, shape.rows, made.get, tag=case.poster)
