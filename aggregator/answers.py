"""Answers to asks about results that were posted honestly, from trees that are recomputed when they are needed."""

from __future__ import annotations

import shutil
from pathlib import Path

from aggregator.ledger import Ledger
from aggregator.refute.known import Question, answer_to
from aggregator.refute.proof_tree import ProofTree
from aggregator.refute.trees import Trees
from market.errors import VerificationError
from market.events import Asked, ResultPosted
from market.refutation import Tree

_KEPT = 2
"""Results whose trees are held at once."""


class Answers:
    """Trees of results of one project. `folder` takes their files; it may be deleted at any time."""

    def __init__(self, ledger: Ledger, folder: Path) -> None:
        self._ledger, self._folder = ledger, folder
        shutil.rmtree(folder, ignore_errors=True)  # of a process that was killed: all is computed again
        self._trees: dict[bytes, Trees] = {}

    def answer(self, asked: Asked, posted: ResultPosted) -> bytes:
        """Bytes that hash to the root that was asked about.

        Raises VerificationError if the recomputed tree has another root (whoever posted did not compute it so), and
        StoreError or UpdateError if a file cannot be had.
        """
        tree = self._tree(posted, asked.tree, asked.row)
        if tree.root != asked.root:
            where = f"round {posted.round}: root of {asked.tree.name.lower()}"
            raise VerificationError(where, f"0x{asked.root.hex()}", f"0x{tree.root.hex()}")
        return answer_to(tree, Question(asked.tree, asked.level, asked.index, asked.row))

    def _tree(self, posted: ResultPosted, tree: Tree, row: int) -> ProofTree:
        if posted.commitment not in self._trees:
            _, made = self._ledger.workings(posted, self._folder / posted.commitment.hex())
            self._trees[posted.commitment] = made
            while len(self._trees) > _KEPT:
                gone = next(iter(self._trees))
                del self._trees[gone]
                shutil.rmtree(self._folder / gone.hex(), ignore_errors=True)
        return self._trees[posted.commitment].of(tree, row)
