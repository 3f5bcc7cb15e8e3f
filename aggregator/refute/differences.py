"""The first wrong number of a posted result, in the order in which numbers depend on each other.

What is before it equals the honest numbers, so its inputs can be opened in the posted trees and say that it
is wrong. Posted trees may be known in part only: `known.Hidden` then says what to ask.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from aggregator.refute.evidence import SCALAR_OF, SLOT_OF
from aggregator.refute.proof_tree import ProofTree
from aggregator.refute.trees import Trees
from aggregator.state import STEPS
from aggregator.steps import SCALAR_WIDTH, Step
from aggregator.trees import LEAF_BYTES, SLOTS, STEP_BITS, chunk_bits
from market.merkle import ABSENT, absent_root, clog2
from market.refutation import Check, Tree


@dataclass(frozen=True)
class Difference:
    """What is wrong, as a refutation names it (see `Check`), and in words."""

    check: Check
    a: int = 0
    b: int = 0
    c: int = 0
    what: str = ""


def first_difference(honest: Trees, posted: Trees) -> Difference | None:
    """The first wrong number of `posted`; None if all roots and the sum of pay are right.

    Raises Hidden where it depends on places of posted trees that are not known.
    """
    for find in (_sketches, _gram, _steps, _accounts, _columns, _delta, _model):
        found = find(honest, posted)
        if found is not None:
            return found
    if posted.case.paid != honest.case.paid:
        return Difference(Check.Paid, what=f"paid {posted.case.paid}, the steps give {honest.case.paid}")
    return None


def differing(honest: ProofTree, posted: ProofTree, level: int, index: int) -> Iterator[int]:
    """Leaves below node (level, index) whose hashes differ, ascending."""
    if honest.node(level, index) == posted.node(level, index):
        return
    if level == 0:
        yield index
        return
    yield from differing(honest, posted, level - 1, 2 * index)
    yield from differing(honest, posted, level - 1, 2 * index + 1)


def _first_leaf(honest: ProofTree, posted: ProofTree) -> int | None:
    return next(differing(honest, posted, honest.depth, 0), None)


def _presence(tree: Tree, honest: ProofTree, posted: ProofTree, leaf: int) -> Difference | None:
    """Whether a leaf stands where none should, or the reverse."""
    there, due = posted.node(0, leaf) != ABSENT, honest.node(0, leaf) != ABSENT
    if there == due:
        return None
    what = f"{tree.name}: leaf {leaf} {'should be absent' if there else 'is missing'}"
    return Difference(Check.Presence, int(tree), leaf, 0, what)


def _sketches(honest: Trees, posted: Trees) -> Difference | None:
    leaf = _first_leaf(honest.sketches, posted.sketches)
    if leaf is None:
        return None
    bits = honest.case.shape.segment_bits
    row, segment = leaf >> bits, leaf & (1 << bits) - 1
    return _presence(Tree.Sketches, honest.sketches, posted.sketches, leaf) or Difference(
        Check.Sketch, row, segment, what=f"sketch of row {row}, segment {segment}"
    )


def _gram(honest: Trees, posted: Trees) -> Difference | None:
    leaf = _first_leaf(honest.gram, posted.gram)
    if leaf is None:
        return None
    bits = honest.case.shape.row_bits
    i, j = leaf >> bits, leaf & (1 << bits) - 1
    return _presence(Tree.Gram, honest.gram, posted.gram, leaf) or Difference(
        Check.Gram, i, j, what=f"inner product of rows {i} and {j}"
    )


def _steps(honest: Trees, posted: Trees) -> Difference | None:
    one, two = honest.steps, posted.steps
    if one.root == two.root:
        return None
    level = one.depth - STEP_BITS
    wrong = {slot for slot in range(1 << STEP_BITS) if one.node(level, slot) != two.node(level, slot)}
    if 0 in wrong and (strange := _presence(Tree.Steps, one, two, 0) or _beside(one, two, 0)):
        return strange
    for step in STEPS:
        found = None
        if step.kind == "scalar":
            found = _scalar(one, two, step) if 0 in wrong else None
        elif SLOT_OF[step.name] in wrong:
            leaf = next(differing(one, two, level, SLOT_OF[step.name]))
            strange = _presence(Tree.Steps, one, two, leaf) or _beside(one, two, leaf)
            found = strange or _entry(honest, posted, leaf)
        if found is not None:
            return found
    leaf = next(leaf for slot in sorted(wrong) for leaf in differing(one, two, level, slot))
    return _presence(Tree.Steps, one, two, leaf)


def _beside(honest: ProofTree, posted: ProofTree, leaf: int) -> Difference | None:
    """A leaf that is there beside the way from another to its slot, where evidence takes for granted that none is."""
    for level in range(honest.depth - STEP_BITS):
        at = leaf >> level ^ 1
        if honest.node(level, at) == absent_root(level) != posted.node(level, at):
            return _presence(Tree.Steps, honest, posted, next(differing(honest, posted, level, at)))
    return None


def _scalar(honest: ProofTree, posted: ProofTree, step: Step) -> Difference | None:
    number = SCALAR_OF[step.name]
    place = slice(number * SCALAR_WIDTH, (number + 1) * SCALAR_WIDTH)
    if _content(honest, 0)[place] == _content(posted, 0)[place]:
        return None
    return Difference(Check.Step, 0, number, what=f"step {step.name}")


def _entry(honest: Trees, posted: Trees, leaf: int) -> Difference:
    """The first entry that differs in a leaf of a vector or matrix."""
    shape = honest.case.shape
    bits, row_bits = chunk_bits(shape), clog2(shape.seats)
    row = leaf >> bits & (1 << row_bits) - 1
    slot = leaf >> bits + row_bits
    step = SLOTS[slot - 1]
    byte = _first_byte(_content(honest.steps, leaf), _content(posted.steps, leaf))
    column = (leaf & (1 << bits) - 1) * (LEAF_BYTES // step.width) + byte // step.width
    if step.kind == "vector":
        return Difference(Check.Step, slot, column, what=f"step {step.name}, seat {column}")
    return Difference(Check.Step, slot, row, column, f"step {step.name}, row {row}, column {column}")


def _accounts(honest: Trees, posted: Trees) -> Difference | None:
    seat = _first_leaf(honest.accounts, posted.accounts)
    if seat is None:
        return None
    return _presence(Tree.Accounts, honest.accounts, posted.accounts, seat) or Difference(
        Check.Account, seat, what=f"account of seat {seat}"
    )


def _columns(honest: Trees, posted: Trees) -> Difference | None:
    if honest.columns is None or posted.columns is None:
        return None
    group = _first_leaf(honest.columns, posted.columns)
    if group is None:
        return None
    if missing := _presence(Tree.Columns, honest.columns, posted.columns, group):
        return missing
    byte = _first_byte(_content(honest.columns, group), _content(posted.columns, group))
    lane, seat = divmod(byte // 2, honest.case.shape.seats)
    return Difference(Check.Column, group, lane, seat, f"column {8 * group + lane}, seat {seat}")


def _delta(honest: Trees, posted: Trees) -> Difference | None:
    return _coefficient(Check.Delta, Tree.Delta, honest.delta, posted.delta, 2)


def _model(honest: Trees, posted: Trees) -> Difference | None:
    return _coefficient(Check.Model, Tree.Model, honest.model, posted.model, 4)


def _coefficient(
    check: Check, tree: Tree, honest: ProofTree, posted: ProofTree, size: int
) -> Difference | None:
    leaf = _first_leaf(honest, posted)
    if leaf is None:
        return None
    if missing := _presence(tree, honest, posted, leaf):
        return missing
    k = _first_byte(_content(honest, leaf), _content(posted, leaf)) // size
    return Difference(check, leaf, k, what=f"{tree.name.lower()}, coefficient {1024 * leaf + k}")


def _content(tree: ProofTree, leaf: int) -> bytes:
    content = tree.leaf(leaf)
    assert content is not None, "presence is compared before contents"
    return content


def _first_byte(one: bytes, two: bytes) -> int:
    return next(k for k, (a, b) in enumerate(zip(one, two, strict=True)) if a != b)
