"""Evidence of a refutation: leaves and siblings, one after another in the order in which the check reads them.

The methods mirror the readers of `contracts/src/checks/` (Evidence, StepTree, RowsOf): each appends what the
contract's function of that name takes, and nothing where the contract reads nothing. Leaves and siblings come
from the trees as posted; what is absent in every honest tree is not part of the evidence.
"""

from __future__ import annotations

from typing import Final, TypeAlias

from aggregator.refute.proof_tree import ProofTree
from aggregator.refute.trees import Case, Trees
from aggregator.rows import SEGMENT
from aggregator.steps import Step
from aggregator.trees import LEAF_BYTES, SCALARS, SLOTS, STEP_BITS, chunk_bits
from market.codec import leaves_of
from market.merkle import clog2

Content: TypeAlias = bytes
"""`bytes` by a name that the method of that name does not hide."""

SLOT_OF: Final = {step.name: number for number, step in enumerate(SLOTS, start=1)}
"""Slot in the steps tree by name of a vector or matrix."""
SCALAR_OF: Final = {step.name: number for number, step in enumerate(SCALARS)}
"""Number in slot 0 by name of a scalar."""
_STEP: Final = {step.name: step for step in SLOTS}


class Evidence:
    """Bytes of evidence about one posted result, appended in order."""

    def __init__(self, posted: Trees) -> None:
        self.trees = posted
        self.case: Case = posted.case
        self._shape = posted.case.shape
        self._parts: list[Content] = []
        self._opened = {1}

    def bytes(self) -> bytes:
        """Everything appended so far."""
        return b"".join(self._parts)

    def raw(self, data: Content) -> None:
        """Bytes as they are: hints, a bare leaf hash."""
        self._parts.append(data)

    # ----- steps -----

    def at(self, name: str, seat: int) -> None:
        """Entry of a vector."""
        self.entry(name, 0, seat)

    def entry(self, name: str, row: int, column: int) -> None:
        """Entry of a matrix (of a vector: row 0), also of the zeros that fill the last leaf of a row."""
        self._entry(self.trees.steps, _STEP[name], row, column)

    def entries(self, name: str, row: int, first: int, count: int) -> None:
        """Entries `first` .. `first + count - 1` of a row of a matrix: each leaf that holds some, once."""
        per_leaf = LEAF_BYTES // _STEP[name].width
        for chunk in range(first // per_leaf, (first + count - 1) // per_leaf + 1):
            self.entry(name, row, chunk * per_leaf)

    def vector(self, name: str) -> None:
        """A whole vector."""
        self.row(name, 0)

    def row(self, name: str, row: int) -> None:
        """A whole row of a matrix."""
        step, tree, bits = _STEP[name], self.trees.steps, chunk_bits(self._shape)
        first = self._row_of(step, row) << bits
        for chunk in range(self._chunks(step)):
            self.raw(_content(tree, first | chunk))
        self._above_row(tree, step, first)

    def scalar(self, name: str) -> None:
        """A scalar; all of them share one leaf."""
        if name not in SCALAR_OF:
            raise KeyError(name)
        self.raw(_content(self.trees.steps, 0))
        self._above_slot(self.trees.steps, 0)

    def before(self, name: str, i: int, j: int | None = None) -> None:
        """Entry of a carried step as the result below left it: nothing where start values count."""
        case = self.case
        if case.start or case.first[i] or (j is not None and case.first[j]):
            return
        assert self.trees.steps_below is not None
        row, column = (0, i) if j is None else (i, j)
        self._entry(self.trees.steps_below, _STEP[name], row, column)

    def before_round(self, name: str, k: int) -> None:
        """Entry of a carried vector that is not of seats, as the result below left it; nothing at the start."""
        if not self.case.start:
            assert self.trees.steps_below is not None
            self._entry(self.trees.steps_below, _STEP[name], 0, k)

    # ----- sketches and Gram -----

    def gram(self, i: int, j: int) -> None:
        """Inner product of two rows; nothing where one of them is absent."""
        if i in self.case.present and j in self.case.present:
            self.gram_leaf(i, j)

    def gram_leaf(self, i: int, j: int) -> None:
        """A leaf of the Gram tree with all siblings."""
        self.raw(self.trees.gram.opened(i << self._shape.row_bits | j))

    def gram_row(self, i: int) -> None:
        """Inner products of included seat i with all seats, right siblings up to its row, then the row's."""
        tree, bits, seats = self.trees.gram, self._shape.row_bits, self._shape.seats
        for j in range(seats):
            self.raw(_content(tree, i << bits | j) if j in self.case.included else bytes(16))
        count = seats
        for level in range(bits):
            if count & 1:
                self.raw(tree.node(level, (i << bits >> level) + count))
            count = (count + 1) // 2
        self.raw(tree.siblings(i << bits, bits))

    def last(self, row: int) -> None:
        """The last running sums of a row: its sketch, without the poster that its hash holds."""
        self._last_of_row(row)
        bits = self._shape.segment_bits
        self.raw(self.trees.sketches.siblings(row << bits, bits))

    def last_two(self, i: int, j: int) -> None:
        """The sketches of two rows, with one proof."""
        if i == j:
            self.last(i)
            return
        self._last_of_row(i)
        self._last_of_row(j)
        bits = self._shape.segment_bits
        self.raw(siblings_of_two(self.trees.sketches, i << bits, j << bits, bits))

    # ----- accounts -----

    def account(self, seat: int) -> None:
        """Account leaf of a seat."""
        self.raw(self.trees.accounts.opened(seat))

    def account_below(self, seat: int) -> None:
        """The same under the result below; nothing at the start."""
        if not self.case.start:
            assert self.trees.accounts_below is not None
            self.raw(self.trees.accounts_below.opened(seat))

    def before_reputation(self, i: int) -> None:
        """The leaf that holds the reputation of seat i before this round; nothing where it is the start's."""
        if not self.case.first[i]:
            self.account_below(i)

    # ----- files -----

    def delta(self, leaf: int) -> None:
        """Leaf of the delta."""
        self.raw(self.trees.delta.opened(leaf))

    def model(self, leaf: int) -> None:
        """Leaf of the model."""
        self.raw(self.trees.model.opened(leaf))

    def model_below(self, leaf: int) -> None:
        """Leaf of the model under the result below."""
        assert self.trees.model_below is not None
        self.raw(self.trees.model_below.opened(leaf))

    def column(self, group: int) -> None:
        """Leaf of the columns: eight coefficients of all seats."""
        assert self.trees.columns is not None
        self.raw(self.trees.columns.opened(group))

    def update(self, row: int, leaf: int) -> None:
        """Leaf of the file of a row of sketches."""
        self.raw(self.trees.update(row).opened(leaf))

    def segment(self, row: int, segment: int) -> None:
        """The leaves of a segment of a file, then the siblings above their subtree."""
        tree, first = self.trees.update(row), segment * SEGMENT
        for leaf in range(first, min(first + SEGMENT, leaves_of(self._shape.d))):
            self.raw(_content(tree, leaf))
        self.raw(tree.siblings(first, min(clog2(SEGMENT), tree.depth)))

    # ----- inside -----

    def _entry(self, tree: ProofTree, step: Step, row: int, column: int) -> None:
        bits, chunk = chunk_bits(self._shape), column // (LEAF_BYTES // step.width)
        index = self._row_of(step, row) << bits | chunk
        self.raw(_content(tree, index))
        self.raw(tree.siblings(index, 0, clog2(self._chunks(step))))
        self._above_row(tree, step, index)

    def _above_row(self, tree: ProofTree, step: Step, index: int) -> None:
        """Siblings above the root of a row: those of rows only in a matrix, then those of slots."""
        if step.kind == "matrix":
            self.raw(tree.siblings(index, chunk_bits(self._shape), self._slot_level()))
        self._above_slot(tree, SLOT_OF[step.name])

    def _above_slot(self, tree: ProofTree, slot: int) -> None:
        """Siblings above a slot, up to a node that the evidence has opened before. Numbers of nodes: the root is 1,
        the children of k are 2 k and 2 k + 1. Readings of the result below stand alone."""
        opened = self._opened if tree is self.trees.steps else {1}
        place = 1 << STEP_BITS | slot
        for level in range(self._slot_level(), tree.depth):
            if place in opened:
                break
            self.raw(tree.node(level, slot >> level - self._slot_level() ^ 1))
            opened |= {place, place ^ 1}
            place >>= 1

    def _last_of_row(self, row: int) -> None:
        """The last leaf of a row and its siblings up to the row, but for absent ones."""
        tree, place = self.trees.sketches, self._shape.segments - 1
        index = row << self._shape.segment_bits | place
        self.raw(_content(tree, index))
        for level in range(self._shape.segment_bits):
            if place >> level & 1:
                self.raw(tree.siblings(index, level, level + 1))

    def _row_of(self, step: Step, row: int) -> int:
        return SLOT_OF[step.name] << clog2(self._shape.seats) | row

    def _chunks(self, step: Step) -> int:
        return -(-step.length(self._shape.seats) * step.width // LEAF_BYTES)

    def _slot_level(self) -> int:
        return clog2(self._shape.seats) + chunk_bits(self._shape)


def _content(tree: ProofTree, index: int) -> bytes:
    content = tree.leaf(index)
    if content is None:
        raise KeyError(f"leaf {index} is absent")
    return content


def siblings_of_two(tree: ProofTree, i: int, j: int, low: int = 0) -> bytes:
    """Siblings of two leaves from level `low` on, where their nodes differ: in turn up to where they meet."""
    out, level = b"", low
    while i >> level ^ j >> level != 1:
        out += tree.siblings(i, level, level + 1) + tree.siblings(j, level, level + 1)
        level += 1
    return out + tree.siblings(i, level + 1)
