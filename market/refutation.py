"""Mirrors of `contracts/src/checks/IChecks.sol` and of what `Market.refute` takes: which number is wrong, and why."""

from __future__ import annotations

from dataclasses import dataclass
from enum import IntEnum

from market.abi import AbiRecord
from market.records import Roots


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
