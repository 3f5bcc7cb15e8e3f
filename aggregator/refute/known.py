"""A posted tree of which only some nodes are known: its root, and what answers to asks brought.

Wherever a known posted node equals the honest one, everything below it is the honest tree. So from the root
alone it is enough to ask for nodes along the way to a difference, eight levels at a time, and for its leaf.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any, Final

from aggregator.refute.proof_tree import ProofTree
from aggregator.refute.trees import Trees
from market.merkle import ABSENT, Hash, leaf_hash, node_hash
from market.records import Roots
from market.refutation import Tree

ASK_LEVELS: Final = 8
"""An answer holds the nodes so many levels below the one that was asked for, or all leaf hashes below it."""
_HASH: Final = 32


@dataclass(frozen=True)
class Question:
    """What has to be asked: `level` 0 is leaf `index` with its content, else what is below a node. `row`: of
    sketches, whose update file it is."""

    tree: Tree
    level: int
    index: int
    row: int = 0


class Hidden(Exception):  # noqa: N818 - nobody's mistake
    """A place of a posted tree that nobody has shown yet. `question`: what to ask next on the way there."""

    def __init__(self, question: Question) -> None:
        super().__init__(f"{question.tree.name}: level {question.level}, index {question.index} is not known")
        self.question = question


class Known(ProofTree):
    """A posted tree with this root; `honest` is the tree that should stand there (same depth and tag). `row`: of
    sketches, whose update file it is."""

    def __init__(self, tree: Tree, root: Hash, honest: ProofTree, row: int = 0) -> None:
        self.tree, self.row = tree, row
        self.depth, self.tag = honest.depth, honest.tag
        self.honest = honest
        self._nodes: dict[tuple[int, int], Hash] = {(self.depth, 0): root}
        self._leaves: dict[int, bytes] = {}

    def learn(self, level: int, index: int, answer: bytes) -> bool:
        """Takes the answer to an ask for (level, index), see `answer_to`: False if it does not hash to the root."""
        proof = (self.depth - level) * _HASH
        shown, siblings = answer[: len(answer) - proof], _hashes(answer[len(answer) - proof :])
        hashes = _hashes(shown) if level else [leaf_hash(index, self.tag + shown)]
        low = max(0, level - ASK_LEVELS)
        if len(hashes) != 1 << level - low:
            return False
        found: dict[tuple[int, int], Hash] = {}
        for above in range(low, level):
            found |= _row(above, index << level - above, hashes)
            hashes = [node_hash(hashes[k], hashes[k + 1]) for k in range(0, len(hashes), 2)]
        top = hashes[0]
        for above, sibling in enumerate(siblings, start=level):
            at = index >> above - level
            found |= {(above, at): top, (above, at ^ 1): sibling}
            top = node_hash(sibling, top) if at & 1 else node_hash(top, sibling)
        if top != self._nodes[self.depth, 0]:
            return False
        self._nodes |= found
        if level == 0:
            self._leaves[index] = shown
        return True

    def leaf(self, index: int) -> bytes | None:
        """Raises Hidden where content or hash is not known."""
        if index in self._leaves:
            return self._leaves[index]
        hash_ = self.node(0, index)
        if hash_ == ABSENT:
            return None
        if hash_ == self.honest.node(0, index):
            return self.honest.leaf(index)
        raise Hidden(Question(self.tree, 0, index, self.row))

    def node(self, level: int, index: int) -> Hash:
        """Raises Hidden where it is not known."""
        if (level, index) in self._nodes:
            return self._nodes[level, index]
        above = self._known_above(level, index)
        at = above, index >> above - level
        if self._nodes[at] == self.honest.node(*at):
            return self.honest.node(level, index)
        raise Hidden(Question(self.tree, *at, self.row))

    def _known_above(self, level: int, index: int) -> int:
        """Level of the nearest known node above; the root is always known."""
        levels = range(level + 1, self.depth + 1)
        return next(above for above in levels if (above, index >> above - level) in self._nodes)


def answer_to(tree: ProofTree, question: Question) -> bytes:
    """The answer to an ask: content or nodes, then the siblings up to the root. KeyError for an absent leaf."""
    level, index = question.level, question.index
    if level == 0:
        return tree.opened(index)
    low = max(0, level - ASK_LEVELS)
    first = index << level - low
    shown = b"".join(tree.node(low, k) for k in range(first, first + (1 << level - low)))
    return shown + tree.siblings(first << low, level)


def posted_trees(honest: Trees, roots: Roots, paid: int) -> Trees:
    """Trees of a posted result of which nothing but its roots is known yet; right ones are the honest trees."""
    computed = honest.roots()
    unknown: dict[str, Any] = {}
    for tree in Tree:
        name = tree.name.lower()
        if tree is not Tree.Update and getattr(roots, name) != getattr(computed, name):
            unknown[name] = Known(tree, getattr(roots, name), honest.of(tree))
    return replace(honest, case=replace(honest.case, paid=paid), **unknown)


def _hashes(data: bytes) -> list[Hash]:
    return [data[at : at + _HASH] for at in range(0, len(data), _HASH)]


def _row(level: int, first: int, hashes: Sequence[Hash]) -> dict[tuple[int, int], Hash]:
    return {(level, first + k): hash_ for k, hash_ in enumerate(hashes)}
