"""Trees of any size of which only a few leaves are given; all else that honest trees have is hashes from nowhere.

A path of siblings is all that a check sees of a tree, so this is enough for projects too large to be judged.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import numpy as np

from aggregator.refute.layout import depth, is_present
from aggregator.refute.proof_tree import Changed, ProofTree
from aggregator.refute.trees import Case, Trees
from aggregator.rows import Shape
from market.keccak import keccak256
from market.merkle import Hash, absent_root
from market.refutation import Tree

NAMES = {tree: tree.name.lower() for tree in Tree if tree is not Tree.Update}


class Noise(ProofTree):
    """Some tree of a result: absent where honest ones are absent, elsewhere of unknown content."""

    def __init__(self, tree: Tree, case: Case, tag: bytes = b"") -> None:
        self.depth, self.tag = depth(tree, case.shape), tag
        self._tree, self._case = tree, case

    def leaf(self, index: int) -> bytes | None:
        if self._has(0, index):
            raise KeyError(f"{self._tree.name}: leaf {index} is not given")
        return None

    def node(self, level: int, index: int) -> Hash:
        if not self._has(level, index):
            return absent_root(level)
        return keccak256(bytes([self._tree, level]) + index.to_bytes(8, "big"))

    def _has(self, level: int, index: int) -> bool:
        """Whether a subtree has a leaf. In rows and chunks the first leaf tells; rows of pairs and of sketches
        may begin with an absent one, which makes a few more siblings unknown or absent: both are siblings."""
        case = self._case
        return is_present(self._tree, index << level, case.shape, case.included, case.present)


def drawn_case(shape: Shape, rng: np.random.Generator, chance: float = 0.7) -> Case:
    """Facts of a round in which each seat and public row is there with this chance; at least one seat is."""
    included = {seat for seat in range(shape.seats) if rng.random() < chance} or {0}
    public = {row for row in range(shape.reference, shape.rows) if rng.random() < chance}
    return Case(
        shape=shape,
        poster=rng.bytes(20),
        seed=rng.bytes(32),
        included=frozenset(included),
        present=frozenset(included | public),
        first=[False] * shape.seats,
        sealed=[True] * shape.seats,
        start=False,
        merged=True,
        to_pay=10**18,
        unit=10**17,
        paid=10**18,
    )


def noise(case: Case) -> Trees:
    """All trees of a result of which nothing is given yet; the same below it."""
    own = {name: _tree(tree, case) for tree, name in NAMES.items()}
    if not case.shape.has_columns:
        own["columns"] = None
    files: Callable[[int], ProofTree] = lambda row: Noise(Tree.Update, case)  # noqa: E731 - typed
    below = {f"{name}_below": _tree(tree, case) for tree, name in NAMES.items() if name in BELOW}
    return Trees(case=case, update=files, **own, **below)


BELOW = ("steps", "accounts", "model")


def given(trees: Trees, tree: Tree, leaves: dict[int, bytes | None], below: bool = False) -> Trees:
    """The same with known leaves in one tree; of updates, in the files of all rows."""
    if tree is Tree.Update:
        file = Changed(trees.update(0), leaves)
        return replace(trees, update=lambda row: file)
    name = NAMES[tree] + ("_below" if below else "")
    return trees.with_tree(name, Changed(getattr(trees, name), leaves))


def _tree(tree: Tree, case: Case) -> ProofTree:
    return Noise(tree, case, case.poster if tree is Tree.Sketches else b"")
