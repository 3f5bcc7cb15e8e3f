"""Judged rounds with extreme files, questions to `TreeChecks` about them, and the trees with one number changed."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
from check_calls import Call
from numpy.typing import NDArray

from aggregator.aggregate import GROUP
from aggregator.judge import Judgement, judge
from aggregator.refute.evidence import Evidence
from aggregator.refute.proof_tree import Changed, ProofTree
from aggregator.refute.tree_reads import READS
from aggregator.refute.trees import Trees, judged_trees
from market.codec import LEAF, leaves_of
from market.refutation import Check, Tree
from tests.aggregator.sample_rounds import Project, honest_updates

Files = Mapping[int, NDArray[np.int16]]
Kind = Callable[[int, Sequence[int], np.random.Generator], Files]
LIMITS = (-(1 << 15), (1 << 15) - 1)
AMOUNTS = {"reputation": (0, 8), "pay": (8, 16), "penalty": (24, 16)}
"""Place and bytes of each number of an account leaf."""


def noise(d: int, seats: Sequence[int], rng: np.random.Generator) -> Files:
    """Ordinary updates."""
    return honest_updates(d, seats, rng)


def limits(d: int, seats: Sequence[int], rng: np.random.Generator) -> Files:
    """Nothing but the smallest and the largest coefficient; some files of one of them alone."""
    kinds = [lambda: np.full(d, LIMITS[0]), lambda: np.full(d, LIMITS[1]), lambda: rng.choice(LIMITS, d)]
    return {seat: kinds[seat % 3]().astype(np.int16) for seat in seats}


def zeros(d: int, seats: Sequence[int], rng: np.random.Generator) -> Files:
    """Nothing at all."""
    return {seat: np.zeros(d, np.int16) for seat in seats}


def equal(d: int, seats: Sequence[int], rng: np.random.Generator) -> Files:
    """The same file from all."""
    one = rng.integers(*LIMITS, d, endpoint=True, dtype=np.int16)
    return dict.fromkeys(seats, one)


def random(d: int, seats: Sequence[int], rng: np.random.Generator) -> Files:
    """Every word alike."""
    return {seat: rng.integers(*LIMITS, d, endpoint=True, dtype=np.int16) for seat in seats}


@dataclass(frozen=True)
class Plan:
    """A project of `seats` and `d`, of which `included` take part in `rounds` rounds; the number of seats among them
    is the owner's reference."""

    seats: int
    d: int
    included: Sequence[int]
    kind: Kind
    rounds: int = 1
    merged: bool = True

    def __str__(self) -> str:
        return f"N={self.seats},d={self.d},{self.kind.__name__},{self.rounds}"


def last_round(plan: Plan, folder: Path, seed: int) -> Trees:
    """Trees of the last round, under a drawn seed and poster."""
    rng = np.random.default_rng(seed)
    project, before = Project(folder, plan.d, plan.seats), None
    model = rng.integers(-(1 << 31), 1 << 31, plan.d)
    model[::3] = (1 << 31) - 1
    model[1::3] = -(1 << 31)
    project.base = project.keep_model(model.astype(np.int32))
    for _ in range(plan.rounds - 1):
        before = project.round(plan.kind(plan.d, plan.included, rng))
    return _judged(project, plan, before, rng)


def _judged(project: Project, plan: Plan, before: Judgement | None, rng: np.random.Generator) -> Trees:
    inputs = project.inputs(plan.kind(plan.d, plan.included, rng), plan.merged)
    inputs = replace(inputs, seed=rng.bytes(32), poster=rng.bytes(20))
    out = project.folder / "last"
    out.mkdir()
    slots = before.step_roots if before else None
    return judged_trees(inputs, judge(inputs, out), start=before is None, step_roots_below=slots)


def call(trees: Trees, check: Check, a: int = 0, b: int = 0, c: int = 0) -> Call:
    """The question with true evidence."""
    evidence = Evidence(trees)
    READS[check](evidence, a, b, c)
    return Call(trees, int(check), a, b, c, evidence.bytes(), files_of(trees, check, a, b, c))


def files_of(trees: Trees, check: Check, a: int, b: int, c: int) -> list[bytes]:
    """Roots of the files that the court hands over."""
    case = trees.case
    if check in (Check.Update, Check.Sketch):
        seats = [a] if a in case.present else []
    elif check is Check.Presence:
        seats = [c] if a == Tree.Update and c in case.present else []
    elif check is Check.Column:
        seats = [c] if c in case.included else []
    else:
        seats = sorted(case.included) if check is Check.Delta and not case.shape.has_columns else []
    return [trees.update(seat).root for seat in seats]


def places(trees: Trees, check: Check, rng: np.random.Generator, most: int) -> list[tuple[int, int, int]]:
    """Up to `most` coordinates of a check, the last ones of each kind among them."""
    case, shape = trees.case, trees.case.shape
    leaves, rows, seats = leaves_of(shape.d), sorted(case.present), range(shape.seats)
    of = {
        Check.Update: [rows, [0], [0]],
        Check.Sketch: [rows, range(shape.segments), [0]],
        Check.Gram: [rows, rows, [0]],
        Check.Account: [seats, [0], [0]],
        Check.Column: [range(leaves * LEAF // GROUP), range(GROUP), seats] if shape.has_columns else [[]] * 3,
        Check.Delta: [range(leaves), range(LEAF), [0]],
        Check.Model: [range(leaves), range(LEAF), [0]] if case.merged else [[]] * 3,
        Check.Paid: [[0], [0], [0]],
    }[check]
    if not all(of):
        return []
    drawn = {tuple(int(axis[int(rng.integers(len(axis)))]) for axis in of) for _ in range(3 * most)}
    ends = [tuple(int(axis[-1]) for axis in of), tuple(int(axis[0]) for axis in of)]
    found = dict.fromkeys([*ends, *sorted(drawn)])
    return [(a, b, c) for a, b, c in list(found)[:most]]


# ----- one number changed -----


def with_leaf(trees: Trees, name: str, index: int, content: bytes | None) -> Trees:
    """The same result with another leaf in one tree."""
    return trees.with_tree(name, Changed(getattr(trees, name), {index: content}))


def with_file(trees: Trees, row: int, leaf: int, content: bytes | None) -> Trees:
    """The same with another leaf in the file of a row."""
    changed = Changed(trees.update(row), {leaf: content})
    return replace(trees, update=lambda other: changed if other == row else trees.update(other))


def changed(trees: Trees, check: Check, a: int, b: int, c: int, rng: np.random.Generator) -> Trees:
    """The result with the number at these coordinates off by a little."""
    shape = trees.case.shape
    if check is Check.Paid:
        return replace(trees, case=replace(trees.case, paid=trees.case.paid + 1))
    if check is Check.Update:
        last = leaves_of(shape.d) - 1
        free = shape.d - last * LEAF
        at = int(rng.integers(free, LEAF)) if free < LEAF else 0
        return with_file(trees, a, last, _off(_leaf(trees.update(a), last), 2 * at, 2, rng))
    name, index, at, size = {
        Check.Sketch: ("sketches", a << shape.segment_bits | b, 4 * int(rng.integers(256)), 4),
        Check.Gram: ("gram", a << shape.row_bits | b, 0, 16),
        Check.Account: ("accounts", a, *AMOUNTS[str(rng.choice(list(AMOUNTS)))]),
        Check.Column: ("columns", a, 2 * (b * shape.seats + c), 2),
        Check.Delta: ("delta", a, 2 * b, 2),
        Check.Model: ("model", a, 4 * b, 4),
    }[check]
    tree: ProofTree = getattr(trees, name)
    return with_leaf(trees, name, index, _off(_leaf(tree, index), at, size, rng))


def _leaf(tree: ProofTree, index: int) -> bytes:
    content = tree.leaf(index)
    assert content is not None
    return content


def _off(content: bytes, at: int, size: int, rng: np.random.Generator) -> bytes:
    """Bytes with the number at `at` changed by a power of two."""
    value = int.from_bytes(content[at : at + size], "big") ^ 1 << int(rng.integers(8 * size))
    return content[:at] + value.to_bytes(size, "big") + content[at + size :]
