"""Trees that can be opened: any leaf, any node, each computed when it is first asked for.

`aggregator.trees` computes only roots. Here a tree is made of the same numbers and files in such a way that
opening one place costs about the subtree it stands in. The layout of every leaf is in `market.merkle`.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections import OrderedDict
from collections.abc import Callable, Mapping, Sequence
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from market.bulk import leaf_hashes, parents
from market.merkle import Hash, absent_root, leaf_hash, node_hash

Bytes = NDArray[np.uint8]

_KEPT: Final = 64
"""Subtrees of a tree that are held at once."""


class ProofTree(ABC):
    """A Merkle tree of 2^depth leaves. `tag`: bytes between index and content of every leaf when hashed."""

    depth: int
    tag: bytes = b""

    @abstractmethod
    def leaf(self, index: int) -> bytes | None:
        """Content of a leaf (without the tag); None if it is absent."""

    @abstractmethod
    def node(self, level: int, index: int) -> Hash:
        """Hash of node `index` of a level; level 0 holds the hashes of leaves."""

    @property
    def root(self) -> Hash:
        """Root hash."""
        return self.node(self.depth, 0)

    def siblings(self, index: int, low: int = 0, high: int | None = None) -> bytes:
        """Sibling hashes on the way of leaf `index` from level `low` up to level `high` (else the root)."""
        levels = range(low, self.depth if high is None else high)
        return b"".join(self.node(level, index >> level ^ 1) for level in levels)

    def opened(self, index: int) -> bytes:
        """A leaf that is there, then all its siblings. Raises KeyError for an absent leaf."""
        content = self.leaf(index)
        if content is None:
            raise KeyError(f"leaf {index} is absent")
        return content + self.siblings(index)


class Absent(ProofTree):
    """A tree without leaves."""

    def __init__(self, depth: int) -> None:
        self.depth = depth

    def leaf(self, index: int) -> bytes | None:
        """See `ProofTree.leaf`."""
        return None

    def node(self, level: int, index: int) -> Hash:
        """See `ProofTree.node`."""
        return absent_root(level)


class Leaves(ProofTree):
    """A subtree whose contents are all at hand: uint8 (n, size) from leaf number `first` of the whole tree on.

    `present`: bool (n,), else all are. Memory is the contents and 64 bytes a leaf.
    """

    def __init__(
        self, depth: int, first: int, data: Bytes, present: NDArray[np.bool_] | None = None, tag: bytes = b""
    ) -> None:
        if len(data) > 1 << depth:
            raise ValueError(f"{len(data)} leaves do not fit depth {depth}")
        self.depth, self.tag = depth, tag
        self._data, self._present = data, present
        hashes = leaf_hashes(first, data, tag)
        if present is not None:
            hashes[~present] = 0
        self._levels = _levels(hashes, 0, depth)

    def leaf(self, index: int) -> bytes | None:
        """See `ProofTree.leaf`."""
        there = index < len(self._data) and (self._present is None or bool(self._present[index]))
        return self._data[index].tobytes() if there else None

    def node(self, level: int, index: int) -> Hash:
        """See `ProofTree.node`."""
        return _at(self._levels[level], level, index)


class Group(ProofTree):
    """2^top subtrees of 2^below leaves, `count` of them made when they are first needed, the rest absent.

    `child(k)` gives subtree k, None if it is absent; `roots`: their roots where these are known already, so
    that siblings cost no subtree. `kept` subtrees are held.
    """

    def __init__(
        self,
        top: int,
        below: int,
        count: int,
        child: Callable[[int], ProofTree | None],
        roots: Sequence[Hash] | None = None,
        tag: bytes = b"",
        kept: int = _KEPT,
    ) -> None:
        self.depth, self.tag = top + below, tag
        self._below, self._count, self._make, self._roots = below, count, child, roots
        self._held: OrderedDict[int, ProofTree] = OrderedDict()
        self._kept = kept
        self._top: list[Bytes] | None = None

    def leaf(self, index: int) -> bytes | None:
        """See `ProofTree.leaf`."""
        return self.child(index >> self._below).leaf(index & (1 << self._below) - 1)

    def node(self, level: int, index: int) -> Hash:
        """See `ProofTree.node`."""
        if level < self._below:
            bits = self._below - level
            return self.child(index >> bits).node(level, index & (1 << bits) - 1)
        if self._top is None:
            self._top = _levels(self._child_roots(), self._below, self.depth - self._below)
        return _at(self._top[level - self._below], level, index)

    def child(self, number: int) -> ProofTree:
        """One subtree."""
        if number not in self._held:
            made = self._make(number) if number < self._count else None
            self._held[number] = made or Absent(self._below)
            while len(self._held) > self._kept:
                self._held.popitem(last=False)
        self._held.move_to_end(number)
        return self._held[number]

    def _child_roots(self) -> Bytes:
        roots = self._roots or [self.child(k).root for k in range(self._count)]
        return np.frombuffer(b"".join(roots), np.uint8).reshape(-1, 32)


class Changed(ProofTree):
    """A tree with other contents at some leaves (None: absent); everything above them follows.

    `hashes`: other leaf hashes whose content nobody knows (KeyError).
    """

    def __init__(
        self,
        tree: ProofTree,
        leaves: Mapping[int, bytes | None],
        hashes: Mapping[int, Hash] | None = None,
    ) -> None:
        self.depth, self.tag = tree.depth, tree.tag
        self._tree, self._leaves = tree, dict(leaves)
        self._nodes: dict[tuple[int, int], Hash] = {}
        for index, content in leaves.items():
            self._nodes[0, index] = (
                absent_root(0) if content is None else leaf_hash(index, self.tag + content)
            )
        for index, hash_ in (hashes or {}).items():
            self._nodes[0, index] = hash_
        self._touched = [{index >> level for _, index in self._nodes} for level in range(self.depth + 1)]

    def leaf(self, index: int) -> bytes | None:
        """See `ProofTree.leaf`."""
        if (0, index) in self._nodes and index not in self._leaves:
            raise KeyError(f"content of leaf {index} is not known")
        return self._leaves[index] if index in self._leaves else self._tree.leaf(index)

    def node(self, level: int, index: int) -> Hash:
        """See `ProofTree.node`."""
        if index not in self._touched[level]:
            return self._tree.node(level, index)
        if (level, index) not in self._nodes:
            left, right = self.node(level - 1, 2 * index), self.node(level - 1, 2 * index + 1)
            self._nodes[level, index] = node_hash(left, right)
        return self._nodes[level, index]


def _levels(hashes: Bytes, level: int, height: int) -> list[Bytes]:
    """Levels above hashes (n, 32) of level `level`, `height` of them; missing right neighbours are absent."""
    out = [hashes]
    for above in range(level, level + height):
        row = out[-1]
        if not len(row):
            out.append(row)
            continue
        if len(row) % 2:
            row = np.concatenate([row, np.frombuffer(absent_root(above), np.uint8)[None]])
        out.append(parents(row))
    return out


def _at(row: NDArray[Any], level: int, index: int) -> Hash:
    return row[index].tobytes() if index < len(row) else absent_root(level)
