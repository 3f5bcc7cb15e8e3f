"""Mirrors of `contracts/src/checks/IChecks.sol` and of what `refute` and `ask` take, and what an answer costs."""

from __future__ import annotations

from dataclasses import dataclass
from enum import IntEnum

from market.abi import AbiRecord
from market.records import Roots
from market.units import ZERO32, ZERO_ADDRESS


class Check(IntEnum):
    """What is wrong with a posted result. In brackets: what the coordinates a, b, c mean."""

    Presence = 0
    """a leaf is there that should not be, or the reverse (tree, index, row of sketches: update tree only)"""
    Update = 1
    """an included file was not revealed, or its padding is not zero (row of sketches)"""
    Sketch = 2
    """a running sum (row, segment)"""
    Gram = 3
    """an inner product (i, j)"""
    Step = 4
    """an entry of a step of the rule (slot, i, j): vector (slot, seat, 0), scalar (0, number, 0)"""
    Account = 5
    """an account (seat)"""
    Column = 6
    """an entry of the columns (group, coefficient 0 .. 7 in it, seat)"""
    Delta = 7
    """a coefficient of the delta (leaf, coefficient 0 .. 1,023 in it)"""
    Model = 8
    """a coefficient of the model (leaf, coefficient 0 .. 1,023 in it)"""
    Paid = 9
    """the posted sum of pay"""


class Tree(IntEnum):
    """Trees of a result; `Update` is that of one row of sketches, its root is not part of the result."""

    Sketches = 0
    Gram = 1
    Steps = 2
    Accounts = 3
    Columns = 4
    Delta = 5
    Model = 6
    Update = 7


@dataclass(frozen=True)
class Below(AbiRecord):
    """Preimage of a result below: with the hash of its accounts and workings it is its commitment."""

    context: bytes
    roots: Roots


@dataclass(frozen=True)
class Refutation(AbiRecord):
    """Which number of a result is wrong, the preimage of the result, and the evidence."""

    check: Check
    a: int
    b: int
    c: int
    included: tuple[int, ...]
    rows: tuple[int, ...]
    roots: Roots
    below: tuple[Below, ...]
    evidence: bytes


@dataclass(frozen=True)
class Ask(AbiRecord):
    """A question about a result: one leaf (level 0), or what is eight levels below one node of one of its trees."""

    tree: Tree
    row: int
    """of sketches: whose update file, for `Tree.Update`; else 0"""
    level: int
    index: int
    """of the node in its level"""
    included: tuple[int, ...]
    rows: tuple[int, ...]
    roots: Roots
    below: tuple[Below, ...]
    """age + 1 of them for the file of a delta row"""


@dataclass(frozen=True)
class AskView(AbiRecord):
    """An ask without an answer; all zero once it is closed. `price` in wei, `due` in unix seconds."""

    project: int = 0
    round: int = 0
    counts: bool = False
    """its result still counts; else the price goes back to the asker"""
    root: bytes = ZERO32
    """of the tree"""
    tree: Tree = Tree.Sketches
    row: int = 0
    level: int = 0
    index: int = 0
    asker: str = ZERO_ADDRESS
    price: int = 0
    due: int = 0
    """from then on anyone may convict"""
    answer_bytes: int = 0
    """exact length of the answer"""


ANSWER_LEVELS = 8
"""An ask for a node is answered by its descendants this many levels below: 256 hashes."""
POSTER_BYTES = 20
"""Before the sums in a leaf of sketches; answers leave them out, the contract adds the poster's own."""
HASH_BYTES = 32
GAS_PER_BYTE = 60
CROWD = 64
"""So many open asks of a result double the price; what is above the base price is burned."""


def answer_size(tree: Tree, level: int, depth: int, leaf_size: int) -> int:
    """Exact bytes of an answer. `leaf_size`: bytes of a leaf as they are hashed behind its index."""
    siblings = HASH_BYTES * (depth - level)
    if level == 0:
        return leaf_size - (POSTER_BYTES if tree is Tree.Sketches else 0) + siblings
    return (HASH_BYTES << min(level, ANSWER_LEVELS)) + siblings


def ask_price(size: int, base_fee: int, floor: int, open_asks: int) -> tuple[int, int]:
    """(for whoever answers, burned), in wei, of an answer of `size` bytes at `base_fee` wei per gas."""
    base = size * max(GAS_PER_BYTE * base_fee, floor)
    return base, base * open_asks // CROWD


__all__ = [
    "ANSWER_LEVELS",
    "Ask",
    "AskView",
    "Below",
    "Check",
    "Refutation",
    "Tree",
    "answer_size",
    "ask_price",
]
