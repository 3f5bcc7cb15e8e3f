"""A posted tree of which only some nodes are known: its root, and what answers to asks brought.

Wherever a known posted node equals the honest one, everything below it is the honest tree. So from the root
alone it is enough to ask for nodes along the way to a difference, eight levels at a time, and for its leaf.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Final

from aggregator.refute.proof_tree import ProofTree
from market.merkle import ABSENT, Hash, leaf_hash, node_hash

ASK_LEVELS: Final = 8
"""An answer holds the nodes so many levels below the one that was asked for, or all leaf hashes below it."""


@dataclass(frozen=True)
class Question:
    """What has to be asked: `level` 0 is the content of leaf `index`, else the nodes below a node."""

    name: str
    level: int
    index: int


class Hidden(Exception):  # noqa: N818 - not an error of anybody but the poster
    """A place of a posted tree that nobody has shown yet. `question`: what to ask next on the way there."""

    def __init__(self, question: Question) -> None:
        super().__init__(f"{question.name}: level {question.level}, index {question.index} is not known")
        self.question = question


class Known(ProofTree):
    """A posted tree with this root; `honest` is the tree that should stand there (same depth and tag)."""

    def __init__(self, name: str, root: Hash, honest: ProofTree) -> None:
        self.name = name
        self.depth, self.tag = honest.depth, honest.tag
        self._honest = honest
        self._nodes: dict[tuple[int, int], Hash] = {(self.depth, 0): root}
        self._leaves: dict[int, bytes] = {}

    def learn_nodes(self, level: int, index: int, hashes: Iterable[Hash]) -> bool:
        """Takes the answer to an ask for the nodes below (level, index): True if they hash to it."""
        low = max(0, level - ASK_LEVELS)
        row = list(hashes)
        if len(row) != 1 << (level - low):
            return False
        found = {(low, (index << level - low) + k): hash_ for k, hash_ in enumerate(row)}
        for above in range(low + 1, level + 1):
            row = [node_hash(row[k], row[k + 1]) for k in range(0, len(row), 2)]
            found |= {(above, (index << level - above) + k): hash_ for k, hash_ in enumerate(row)}
        if self._known(level, index) != row[0]:
            return False
        self._nodes |= found
        return True

    def learn_leaf(self, index: int, content: bytes, siblings: Iterable[Hash]) -> bool:
        """Takes the answer to an ask for a leaf: True if it hashes to the root."""
        hash_, found = leaf_hash(index, self.tag + content), {}
        levels = 0
        for level, sibling in enumerate(siblings):
            at = index >> level
            found[level, at], found[level, at ^ 1] = hash_, sibling
            hash_ = node_hash(sibling, hash_) if at & 1 else node_hash(hash_, sibling)
            levels += 1
        if levels != self.depth or hash_ != self._nodes[self.depth, 0]:
            return False
        self._nodes |= found
        self._leaves[index] = content
        return True

    def leaf(self, index: int) -> bytes | None:
        """Raises Hidden where content or hash is not known."""
        if index in self._leaves:
            return self._leaves[index]
        hash_ = self.node(0, index)
        if hash_ == ABSENT:
            return None
        if hash_ == self._honest.node(0, index):
            return self._honest.leaf(index)
        raise Hidden(Question(self.name, 0, index))

    def node(self, level: int, index: int) -> Hash:
        """Raises Hidden where it is not known."""
        hash_ = self._known(level, index)
        if hash_ is not None:
            return hash_
        above = self._known_above(level, index)
        raise Hidden(Question(self.name, above, index >> above - level))

    def _known(self, level: int, index: int) -> Hash | None:
        if (level, index) in self._nodes:
            return self._nodes[level, index]
        above = self._known_above(level, index)
        at = above, index >> above - level
        return self._honest.node(level, index) if self._nodes[at] == self._honest.node(*at) else None

    def _known_above(self, level: int, index: int) -> int:
        """Level of the nearest known node above; the root is always known."""
        return next(
            above
            for above in range(level + 1, self.depth + 1)
            if (above, index >> above - level) in self._nodes
        )
