"""What each check but those of steps reads: the posted number and its inputs, in the order of `TreeChecks`.

One function for each check; it appends the whole evidence for coordinates (a, b, c), see `Check`.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Final

from aggregator.aggregate import GROUP
from aggregator.refute.evidence import Evidence, siblings_of_two
from aggregator.refute.proof_tree import ProofTree
from market.codec import LEAF, leaves_of
from market.refutation import Check, Tree

Reads = Callable[[Evidence, int, int, int], None]


def tree_of(e: Evidence, tree: Tree, row: int = 0) -> ProofTree:
    """A tree of the posted result by its name on chain. `row`: of sketches, whose file the update tree is."""
    if tree is Tree.Update:
        return e.trees.update(row)
    found = getattr(e.trees, tree.name.lower())
    assert isinstance(found, ProofTree), f"this project has no tree of {tree.name.lower()}"
    return found


def presence(e: Evidence, a: int, b: int, c: int) -> None:
    """Hash of leaf b of tree a, whatever it hides, and all siblings."""
    tree = tree_of(e, Tree(a), c)
    e.raw(tree.node(0, b) + tree.siblings(b))


def update(e: Evidence, a: int, b: int, c: int) -> None:
    """The last leaf of the file of row a."""
    e.update(a, leaves_of(e.case.shape.d) - 1)


def sketch(e: Evidence, a: int, b: int, c: int) -> None:
    """Hash of the sums of row a up to segment b, the sums before it, siblings of both, the segment."""
    tree, index = e.trees.sketches, a << e.case.shape.segment_bits | b
    e.raw(tree.node(0, index))
    if b == 0:
        e.raw(tree.siblings(index))
    else:
        before = tree.leaf(index - 1)
        if before is None:
            raise KeyError(f"leaf {index - 1} is absent")
        e.raw(before + siblings_of_two(tree, index - 1, index))
    e.segment(a, b)


def gram(e: Evidence, a: int, b: int, c: int) -> None:
    """Inner product of rows a and b, then their sketches."""
    e.gram_leaf(a, b)
    e.last_two(a, b)


def account(e: Evidence, a: int, b: int, c: int) -> None:
    """Account of seat a, the one below, and what the steps say of it."""
    e.account(a)
    e.account_below(a)
    for name in ("reputation", "pay", "penalty"):
        e.at(name, a)


def column(e: Evidence, a: int, b: int, c: int) -> None:
    """Group a of the columns; of an included seat c, the leaf of its file."""
    e.column(a)
    if c in e.case.included:
        e.update(c, a * GROUP // LEAF)


def delta(e: Evidence, a: int, b: int, c: int) -> None:
    """Leaf a of the delta, then coefficient b of all updates, then all factors."""
    e.delta(a)
    if e.case.shape.has_columns:
        e.column((a * LEAF + b) // GROUP)
    else:
        for seat in sorted(e.case.included):
            e.update(seat, a)
    e.vector("coefficient")


def model(e: Evidence, a: int, b: int, c: int) -> None:
    """Leaf a of the model, of the model below and of the delta."""
    e.model(a)
    e.model_below(a)
    e.delta(a)


def paid(e: Evidence, a: int, b: int, c: int) -> None:
    """The sum of pay in the steps."""
    e.scalar("paid")


READS: Final[Mapping[Check, Reads]] = {
    Check.Presence: presence,
    Check.Update: update,
    Check.Sketch: sketch,
    Check.Gram: gram,
    Check.Account: account,
    Check.Column: column,
    Check.Delta: delta,
    Check.Model: model,
    Check.Paid: paid,
}
"""Everything but `Check.Step`."""
