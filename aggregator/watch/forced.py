"""Files that nobody serves, from leaves that were answered on chain.

Whoever includes a file has to answer for each of its leaves. When all have been shown, the file needs no store:
it is right, or not zero after its last coefficient, or its tree has leaves where no file has any.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from aggregator.ledger import Ledger
from aggregator.refute.differences import Difference, differing
from aggregator.refute.known import Known, Question
from aggregator.refute.trees import file_tree
from market.codec import UPDATE, leaves_of
from market.errors import UpdateError
from market.refutation import Check, Tree


@dataclass(frozen=True)
class Answer:
    """What the chain says was answered about a tree with this root."""

    question: Question
    root: bytes
    content: bytes


@dataclass(frozen=True)
class Forced:
    """What is wrong with a file, and the evidence."""

    found: Difference
    evidence: bytes


def take_forced(
    ledger: Ledger, row: int, root: bytes, answers: Iterable[Answer], folder: Path
) -> Forced | None:
    """Keeps the file of a row whose leaves have all been answered, or says what is wrong with it; None also while
    leaves are missing. Raises Hidden where one more question tells."""
    mine = [a for a in answers if a.question.tree is Tree.Update and a.root == root]
    leaves = {a.question.index: a.content[: UPDATE.leaf_bytes()] for a in mine if a.question.level == 0}
    d = ledger.shape.d
    if len(leaves) < leaves_of(d):
        return None
    data = b"".join(leaves[k] for k in range(leaves_of(d)))
    try:
        ledger.files.adopt_update(data, root)
        return None
    except UpdateError as error:
        folder.mkdir(parents=True, exist_ok=True)
        path = folder / f"{root.hex()}.forced"
        path.write_bytes(data)
        known = Known(Tree.Update, root, file_tree(path, d, UPDATE), row)
        for answer in mine:
            known.learn(answer.question.level, answer.question.index, answer.content)
        if error.code == "E111":
            return Forced(
                Difference(Check.Update, row, what=f"padding of row {row}"), known.opened(leaves_of(d) - 1)
            )
    return _strange_leaf(known, row)


def _strange_leaf(known: Known, row: int) -> Forced:
    """All leaves of a file are right and its root is not: there are more."""
    honest = known.honest
    leaf = next(differing(honest, known, honest.depth, 0))
    found = Difference(Check.Presence, int(Tree.Update), leaf, row, f"leaf {leaf} of the file of row {row}")
    return Forced(found, known.node(0, leaf) + known.siblings(leaf))
