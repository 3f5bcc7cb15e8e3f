"""Merkle trees, byte-equal with the contracts.

Hashes (`||` is concatenation, `keccak` is Keccak-256)::

    leaf   = keccak(0x00 || uint64 index, big-endian || bytes of the leaf)     9 + len(bytes) bytes hashed
    node   = keccak(0x01 || left hash || right hash)                          65 bytes hashed
    absent leaf = bytes32(0), in place of a leaf hash; nodes above absent leaves are hashed like any others

A tree has a fixed depth, `depth_for(capacity) = max(1, ceil(log2(capacity)))`, so 2^depth leaves; those
past the data are absent. The index stands in the leaf, so leaves cannot be moved; the tags keep a leaf from
being read as a node; depth is at least 1, so a root is always a node and never zero. A proof is the list of
sibling hashes from the leaf upwards, exactly `depth` of them; bit `l` of the index (from the least
significant) says whether the path is the right child at level `l`::

    h = leaf
    for l in 0 .. depth-1:   h = (index >> l) & 1 ? node(proof[l], h) : node(h, proof[l])
    accept iff index < 2^depth, len(proof) == depth, len(bytes) is the exact leaf length, h == root

Trees of the market. `d` coefficients, `d_pad = ceil(d / 1024) * 1024`, `L = d_pad / 1024` leaves, `N` the
seat limit, all integers big-endian and two's complement, `clog2(x) = ceil(log2(x))`:

========  =====================================  ===================================  =======================
tree      index                                  bytes of a leaf                      depth
========  =====================================  ===================================  =======================
update    leaf number                            1,024 int16 = 2,048                  depth_for(L)
delta     leaf number                            1,024 int16 = 2,048                  depth_for(L)
model     leaf number                            1,024 int32 = 4,096                  depth_for(L)
accounts  seat                                   int64 reputation || uint128          depth_for(N)
                                                 cumulative pay || uint128
                                                 cumulative penalty = 40
sketches  row << clog2(G) | segment              address of the poster (20) ||        clog2(W) + clog2(G)
                                                 256 int32 running sums = 1,044
gram      i << clog2(W) | j                      int128 = 16                          2 * clog2(W)
steps     (step << clog2(N) | row)               64 int32, 32 int64 or 16 int128      6 + clog2(N) + clog2(Q)
          << clog2(Q) | chunk                    = 256
columns   group of 8 coefficients                8 coefficients x N seats int16,      depth_for(d_pad / 8)
                                                 coefficient-major = 16 N
========  =====================================  ===================================  =======================

- accounts: every seat below N has a leaf, occupied or not; only indices N .. 2^depth - 1 are absent.
  `abi.encodePacked(int64 reputation, uint128 pay, uint128 penalty)`, pay and penalty in smallest units.
- sketches: `G = ceil(L / 16)` segments of 16 leaves, leaf (row, g) holds the sums over segments 0 .. g: the
  last is the sketch. Rows (`W = 3 N + 4` of them) are numbered in `aggregator/rows.py`:
  0 .. N-1 seats, N reference, N+1 .. N+3 last deltas (newest first), N+4+vN+seat files of the last rounds.
- gram: present iff both rows are.
- steps: `aggregator/steps.py` numbers the steps (at most 64); `Q` is the number of leaves in the longest row.
- columns: bytes of coefficient `c` (of 8), seat `s` begin at `2 * (c * N + s)`; a seat not included is zero.
  Only if N > 12; else there is no such tree and bytes32(0) stands in place of its root.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from functools import cache
from typing import Final

from market.keccak import keccak256

ABSENT: Final = bytes(32)
"""Stands in place of the hash of a leaf that does not exist."""

Hash = bytes
Proof = list[bytes]


def clog2(x: int) -> int:
    """ceil(log2(x)) for x >= 1."""
    return (x - 1).bit_length()


def depth_for(capacity: int) -> int:
    """Depth of the tree for up to `capacity` >= 1 leaves; at least 1."""
    return max(1, clog2(capacity))


def leaf_hash(index: int, data: bytes) -> Hash:
    """Hash of leaf `index` (uint64) with content `data`."""
    return keccak256(b"\x00" + index.to_bytes(8, "big") + data)


def node_hash(left: Hash, right: Hash) -> Hash:
    """Hash of the node above `left` and `right`."""
    return keccak256(b"\x01" + left + right)


@cache
def absent_root(level: int) -> Hash:
    """Root of a subtree with 2^level leaves, all absent."""
    return ABSENT if level == 0 else node_hash(absent_root(level - 1), absent_root(level - 1))


class TreeBuilder:
    """Root of a tree whose leaves arrive in order; memory O(depth).

    Subtree roots may be pushed in place of single leaves, as long as each is aligned.
    """

    def __init__(self, depth: int) -> None:
        self._depth = depth
        self._pending: list[Hash | None] = [None] * (depth + 1)
        self._count = 0

    def push(self, hash_: Hash, level: int = 0) -> None:
        """Append a subtree of 2^level leaves with root `hash_`.

        Raises ValueError if it is not aligned or goes past 2^depth leaves.
        """
        if self._count % (1 << level) or self._count + (1 << level) > 1 << self._depth:
            raise ValueError(f"no subtree of 2^{level} leaves at leaf {self._count} of 2^{self._depth}")
        self._count += 1 << level
        left = self._pending[level]
        while left is not None:
            self._pending[level] = None
            hash_ = node_hash(left, hash_)
            level += 1
            left = self._pending[level]
        self._pending[level] = hash_

    def root(self) -> Hash:
        """Root with all further leaves absent. The builder may go on afterwards."""
        below: Hash | None = None
        for level in range(self._depth):
            left = self._pending[level]
            if left is not None:
                below = node_hash(left, absent_root(level) if below is None else below)
            elif below is not None:
                below = node_hash(below, absent_root(level))
        done = self._pending[self._depth]
        return done or below or absent_root(self._depth)


def root_of(hashes: Iterable[Hash], depth: int) -> Hash:
    """Root of the tree with these leaf hashes (`ABSENT` for a missing one) and absent ones after them."""
    builder = TreeBuilder(depth)
    for hash_ in hashes:
        builder.push(hash_)
    return builder.root()


class Tree:
    """A small tree kept whole, for proofs: memory 64 bytes a leaf."""

    def __init__(self, leaves: Sequence[Hash], depth: int) -> None:
        """`leaves`: hashes of leaves 0 .. len-1 (`ABSENT` for a missing one), at most 2^depth."""
        if len(leaves) > 1 << depth:
            raise ValueError(f"{len(leaves)} leaves do not fit depth {depth}")
        self.depth = depth
        self._levels: list[list[Hash]] = [list(leaves)]
        for level in range(depth):
            row = self._levels[-1]
            if len(row) % 2:
                row = [*row, absent_root(level)]
            self._levels.append([node_hash(row[i], row[i + 1]) for i in range(0, len(row), 2)])

    @property
    def root(self) -> Hash:
        """Root hash."""
        return self._levels[-1][0] if self._levels[-1] else absent_root(self.depth)

    def proof(self, index: int) -> Proof:
        """The `depth` sibling hashes of leaf `index`, lowest first. Raises IndexError past 2^depth."""
        if not 0 <= index < 1 << self.depth:
            raise IndexError(f"leaf {index} of a tree of depth {self.depth}")
        siblings = []
        for level in range(self.depth):
            row, at = self._levels[level], (index >> level) ^ 1
            siblings.append(row[at] if at < len(row) else absent_root(level))
        return siblings


def verify(root: Hash, depth: int, index: int, leaf: Hash, proof: Sequence[Hash]) -> bool:
    """Whether `leaf` (a leaf hash, see `leaf_hash`) stands at `index` of the tree with this root and depth.

    The caller checks the exact length of the leaf's bytes before it hashes them.
    """
    if not 0 <= index < 1 << depth or len(proof) != depth:
        return False
    hash_ = leaf
    for level, sibling in enumerate(proof):
        hash_ = node_hash(sibling, hash_) if index >> level & 1 else node_hash(hash_, sibling)
    return hash_ == root
