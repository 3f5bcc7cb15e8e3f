"""Results behind a file that nobody serves: every number that follows from sketches is checked without it.

Who includes a file that only it has cannot be recomputed as a whole. But its sketch is a posted number like any other,
the chain gives it on demand, and Gram matrix, steps, accounts and pay follow from sketches alone: a hidden file shields
its own sketch and the model, not the money.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable
from contextlib import suppress
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np

from aggregator.judge import File, RoundInputs, judgement_on
from aggregator.ledger import Ledger, choice_of
from aggregator.refute.differences import Difference, differing
from aggregator.refute.known import Hidden, Known, Question
from aggregator.refute.proof_tree import ProofTree
from aggregator.refute.trees import Trees, judged_trees, sketches_tree
from aggregator.rows import COLUMNS
from aggregator.steps import View
from aggregator.watch.forced import Answer
from aggregator.watch.spot import served_sums, sums_tree, view_on
from market.errors import FairtrainError
from market.events import ResultPosted
from market.history import Reveal
from market.merkle import Hash
from market.ports import Store
from market.refutation import Check, Tree

_NOWHERE = Path("not served")


@dataclass(frozen=True)
class Shielded:
    """A posted result and the rows of sketches (`hidden`) whose file cannot be had."""

    ledger: Ledger
    store: Store
    posted: ResultPosted
    hidden: Collection[int]
    folder: Path

    def trees(self, answers: Iterable[Answer]) -> tuple[Trees, Difference | None]:
        """What should stand on the posted sketches, with delta, model and columns as posted; or what is wrong with
        a sketch whose file is there.

        Raises Hidden for a posted sketch that is needed and not shown, VerificationError or StoreError as
        `Ledger.below`.
        """
        inputs, below = self._inputs()
        files = {
            row: file for row, file in {**inputs.updates, **inputs.public}.items() if file.path != _NOWHERE
        }
        honest = sketches_tree(inputs.shape, files, inputs.seed, inputs.poster)
        posted = self._posted_sketches(inputs, honest, answers)
        view = _view_from(inputs, posted)
        made = judgement_on(inputs, view, _NOWHERE, _NOWHERE)
        trees = judged_trees(inputs, made, start=not below, step_roots_below=below or None)
        roots, given = self.posted.post.roots, {"sketches": posted}
        for name in ("delta", "model", "columns"):
            if (own := getattr(trees, name)) is not None:
                given[name] = Given(own.depth, getattr(roots, name))
        return replace(trees, **given), self._wrong_sketch(inputs, honest, posted)  # type: ignore[arg-type]

    def _inputs(self) -> tuple[RoundInputs, tuple[Hash, ...]]:
        """Files that are not there lie nowhere; and the slots of the steps tree below."""
        ledger, posted = self.ledger, self.posted
        choice, below = choice_of(posted), ledger.below(posted.post.prev_commitment)
        ledger.check_choice(posted.round, choice, below)
        return ledger.inputs(posted.round, choice, below, posted.poster, self._file), tuple(below.step_roots)

    def _file(self, reveal: Reveal) -> File:
        with suppress(FairtrainError):
            return self.ledger.files.update(reveal)
        return File(_NOWHERE, reveal.root)

    def _posted_sketches(
        self, inputs: RoundInputs, honest: ProofTree, answers: Iterable[Answer]
    ) -> ProofTree:
        """From the poster's file of running sums if it serves one, else from answers."""
        shape, root = inputs.shape, self.posted.post.roots.sketches
        present = sorted({**inputs.updates, **inputs.public})
        with suppress(FairtrainError, OSError):
            self.folder.mkdir(parents=True, exist_ok=True)
            sums = served_sums(self.store, self.posted, shape, len(present), self.folder)
            served = sums_tree(shape, present, sums, inputs.poster)
            if served.root == root:
                return served
        known = Known(Tree.Sketches, root, honest)
        shown = set()
        for answer in answers:
            question = answer.question
            if question.tree is Tree.Sketches and answer.root == root:
                known.learn(question.level, question.index, answer.content)
                shown.add((question.level, question.index))
        for row in sorted(self.hidden):
            last = row << shape.segment_bits | shape.segments - 1
            if (0, last) not in shown:
                raise Hidden(Question(Tree.Sketches, 0, last))
        return known

    def _wrong_sketch(self, inputs: RoundInputs, honest: ProofTree, posted: ProofTree) -> Difference | None:
        """The first segment of a file that is there whose running sums are not those that were posted."""
        bits = inputs.shape.segment_bits
        for row in sorted({**inputs.updates, **inputs.public}.keys() - set(self.hidden)):
            leaf = next(differing(honest, posted, bits, row), None)
            if leaf is not None:
                segment = leaf & (1 << bits) - 1
                return Difference(Check.Sketch, row, segment, what=f"sketch of row {row}, segment {segment}")
        return None


class Given(ProofTree):
    """A tree of which the root is believed and nothing else is asked."""

    def __init__(self, depth: int, root: Hash) -> None:
        self.depth, self._root = depth, root

    def leaf(self, index: int) -> bytes | None:
        """Raises KeyError."""
        raise KeyError(f"leaf {index} is not known")

    def node(self, level: int, index: int) -> Hash:
        """The root; KeyError for anything else."""
        if level != self.depth:
            raise KeyError(f"node {index} of level {level} is not known")
        return self._root


def _view_from(inputs: RoundInputs, sketches: ProofTree) -> View:
    """Every number that follows from posted sketches."""
    shape = inputs.shape
    sketch = np.zeros((shape.rows, COLUMNS), np.int32)
    for row in {**inputs.updates, **inputs.public}:
        content = sketches.leaf(row << shape.segment_bits | shape.segments - 1)
        if content is not None:
            sketch[row] = np.frombuffer(content, ">i4", COLUMNS)
    return view_on(inputs, sketch)
