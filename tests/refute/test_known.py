"""Trees that are not served: from roots and a few answers to the same refutation as with the whole trees."""

from itertools import islice
from pathlib import Path
from random import Random

import pytest
from refute_rounds import Made, made

from aggregator.refute.builder import evidence_for
from aggregator.refute.differences import Difference, differing, first_difference
from aggregator.refute.known import Hidden, Known, Question, answer_to, posted_trees
from aggregator.refute.mutate import changes
from aggregator.refute.proof_tree import Absent, Changed
from aggregator.refute.trees import Trees
from market.merkle import absent_root
from market.refutation import Check, Tree

MOST = 5
"""Asks until any lie is refuted."""


@pytest.fixture(scope="module")
def round_(tmp_path_factory: pytest.TempPathFactory) -> Made:
    return made(tmp_path_factory.mktemp("round"), 5, 20_000, 3, (0, 1, 2, 4))


def ask_until_refuted(honest: Trees, posted: Trees) -> tuple[Difference, bytes, list[Question]]:
    """What a watcher does that sees only roots, with a poster who answers everything."""
    shown, asked = posted_trees(honest, posted.roots(), posted.case.paid), list[Question]()
    assert honest.view is not None
    while True:
        try:
            found = first_difference(honest, shown)
            assert found is not None
            return found, evidence_for(found, shown, honest.view), asked
        except Hidden as hidden:
            question = hidden.question
            assert question not in asked
            asked.append(question)
            tree = shown.of(question.tree)
            assert isinstance(tree, Known)
            assert tree.learn(question.level, question.index, answer_to(posted.of(question.tree), question))


def test_changed_results_not_served__are_refuted_after_few_asks(round_: Made) -> None:
    """Exactly as with the whole trees; what is asked first is always nodes below the root."""
    honest = round_.trees
    assert honest.view is not None
    for wrong in islice(changes(honest, Random(3)), 60):
        found, evidence, asked = ask_until_refuted(honest, wrong.posted)

        whole = first_difference(honest, wrong.posted)
        assert found == whole, wrong.name
        assert evidence == evidence_for(found, wrong.posted, honest.view)
        assert len(asked) <= MOST, (wrong.name, asked)
        assert all(question.index == 0 for question in asked[:1])


def test_right_result__needs_no_ask(round_: Made) -> None:
    trees = round_.trees

    assert posted_trees(trees, trees.roots(), trees.case.paid).sketches is trees.sketches
    assert first_difference(trees, posted_trees(trees, trees.roots(), trees.case.paid)) is None


def test_wrong_sum_of_pay__needs_no_ask(round_: Made) -> None:
    trees = round_.trees
    found, _, asked = ask_until_refuted(trees, trees.with_tree("case", _paying(trees, 1)))  # type: ignore[arg-type]

    assert (found.check, asked) == (Check.Paid, [])


def _paying(trees: Trees, more: int) -> object:
    from dataclasses import replace

    return replace(trees.case, paid=trees.case.paid + more)


@pytest.mark.parametrize("depth", [1, 7, 8, 9, 16, 17, 28, 33])
@pytest.mark.parametrize("place", [0, -1, 0.3])
def test_any_leaf_of_deep_trees__is_found_with_an_ask_for_each_eight_levels(depth: int, place: float) -> None:
    index = int(place * (1 << depth)) % (1 << depth)
    honest, posted = (Changed(Absent(depth), {index: bytes([k]) * 40}) for k in (1, 2))
    known, asks = Known(Tree.Sketches, posted.root, honest), 0
    while True:
        try:
            leaf = next(differing(honest, known, depth, 0))
            content, siblings = known.leaf(leaf), known.siblings(leaf)
            break
        except Hidden as hidden:
            asks, question = asks + 1, hidden.question
            assert known.learn(question.level, question.index, answer_to(posted, question))

    assert (leaf, content, siblings) == (index, b"\x02" * 40, posted.siblings(index))
    assert asks == -(-depth // 8) + 1


def test_learn_a_wrong_answer__is_refused_and_nothing_is_known(round_: Made) -> None:
    honest = round_.trees.steps
    posted = Changed(honest, {0: bytes(256)})
    known, question = Known(Tree.Steps, posted.root, honest), Question(Tree.Steps, posted.depth, 0)
    right = answer_to(posted, question)

    for wrong in (right[:-32], right + bytes(32), right[32:] + right[:32], bytes(len(right)), b""):
        assert not known.learn(question.level, question.index, wrong)
    leaf = answer_to(posted, Question(Tree.Steps, 0, 0))
    assert not known.learn(0, 1, leaf)
    assert not known.learn(0, 0, leaf[1:])
    with pytest.raises(Hidden):
        known.node(posted.depth - 1, 0)
    assert known.learn(question.level, question.index, right)
    assert known.learn(0, 0, leaf)
    assert known.leaf(0) == bytes(256)


def test_answer_to_an_absent_leaf__is_refused(round_: Made) -> None:
    tree = round_.trees.gram
    with pytest.raises(KeyError):
        answer_to(tree, Question(Tree.Gram, 0, (1 << tree.depth) - 1))


def test_known_node_absent__says_that_its_leaf_is(tmp_path: Path) -> None:
    honest = Changed(Absent(4), {3: b"x"})
    known = Known(Tree.Gram, absent_root(4), honest)

    with pytest.raises(Hidden) as hidden:
        known.leaf(3)
    assert hidden.value.question == Question(Tree.Gram, 4, 0)
    assert known.learn(4, 0, answer_to(Absent(4), hidden.value.question))
    assert known.leaf(3) is None
