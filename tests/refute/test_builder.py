"""From differences to records: what goes into evidence, and how many results below a check looks at."""

from pathlib import Path

import pytest
from refute_rounds import Made, made

from aggregator.refute.builder import READS, evidence_for, refutation, results_needed
from aggregator.refute.differences import Difference, first_difference
from aggregator.refute.evidence import SLOT_OF
from aggregator.refute.mutate import bumped, changed_leaf
from aggregator.refute.proof_tree import Changed
from aggregator.rows import Shape
from aggregator.trees import SCALARS, SLOTS, chunk_bits
from market.events import ResultPosted
from market.merkle import clog2
from market.records import Post
from market.refutation import Below, Check, Tree

SHAPE = Shape(5_000, 4)
"""Deltas are rows 5, 6 and 7."""


@pytest.fixture(scope="module")
def round_(tmp_path_factory: pytest.TempPathFactory) -> Made:
    return made(tmp_path_factory.mktemp("round"), 5, 20_000, 3, (0, 1, 2, 4))


@pytest.mark.parametrize(
    ("found", "needed"),
    [
        (Difference(Check.Step, 3, 1), 1),
        (Difference(Check.Account, 2), 1),
        (Difference(Check.Model, 0, 5), 1),
        (Difference(Check.Delta, 0, 5), 0),
        (Difference(Check.Gram, 5, 6), 0),
        (Difference(Check.Paid), 0),
        (Difference(Check.Sketch, 3), 0),
        (Difference(Check.Sketch, 5), 1),
        (Difference(Check.Sketch, 6), 2),
        (Difference(Check.Update, 7), 3),
        (Difference(Check.Sketch, 8), 0),
        (Difference(Check.Presence, Tree.Update, 9, 6), 2),
        (Difference(Check.Presence, Tree.Gram, 9), 0),
    ],
)
def test_results_needed__for_inputs_from_below_and_rows_of_deltas(found: Difference, needed: int) -> None:
    assert results_needed(found, SHAPE) == needed


def test_reads__are_there_for_all_steps() -> None:
    assert READS.keys() == {step.name for step in (*SLOTS, *SCALARS)}


def step_leaf(made_: Made, name: str, row: int = 0) -> int:
    shape = made_.trees.case.shape
    slot = next(k for k, step in enumerate(SLOTS, start=1) if step.name == name)
    return (slot << clog2(shape.seats) | row) << chunk_bits(shape)


@pytest.mark.parametrize(
    ("name", "row", "at", "expected"),
    [
        ("weight", 0, 8 * 4, Difference(Check.Step, SLOT_OF["weight"], 4, 0, "step weight, seat 4")),
        ("kinship", 3, 8 * 2, Difference(Check.Step, 4, 3, 2, "step kinship, row 3, column 2")),
        ("pay", 0, 16 * 5, Difference(Check.Step, SLOT_OF["pay"], 5, 0, "step pay, seat 5")),
    ],
)
def test_first_difference_in_steps__is_the_entry(
    round_: Made, name: str, row: int, at: int, expected: Difference
) -> None:
    trees, leaf = round_.trees, step_leaf(round_, name, row)
    content = trees.steps.leaf(leaf)
    assert content is not None
    posted = changed_leaf(trees, Tree.Steps, leaf, bumped(content, at + 7, 1, 1))

    assert first_difference(trees, posted) == expected


def test_first_difference_of_two_lies__is_the_one_that_the_other_may_follow_from(round_: Made) -> None:
    """Sketches before inner products before steps; a scalar in its place of the program, though its slot is 0."""
    trees = round_.trees
    scalar = trees.steps.leaf(0)
    weight = trees.steps.leaf(step_leaf(round_, "weight"))
    assert scalar is not None
    assert weight is not None
    paid = bumped(scalar, 16 * 15, 16, 1)
    both = Changed(trees.steps, {0: paid, step_leaf(round_, "weight"): bumped(weight, 0, 8, 1)})
    posted = trees.with_tree("steps", both)
    found = first_difference(trees, posted)
    assert found is not None
    assert found.what == "step weight, seat 0"

    earlier = bumped(scalar, 0, 16, 1)
    posted = trees.with_tree(
        "steps", Changed(trees.steps, {0: earlier, step_leaf(round_, "weight"): bumped(weight, 0, 8, 1)})
    )
    found = first_difference(trees, posted)
    assert found is not None
    assert found.what == "step norm_median"

    gram = trees.gram.leaf(0)
    assert gram is not None
    posted = changed_leaf(posted, Tree.Gram, 0, bumped(gram, 15, 1, 1))
    found = first_difference(trees, posted)
    assert found is not None
    assert found.check is Check.Gram


def test_first_difference_of_a_leaf_too_many__is_its_presence(round_: Made) -> None:
    trees = round_.trees
    for tree, index in ((Tree.Steps, 1), (Tree.Accounts, 6), (Tree.Gram, 3), (Tree.Delta, 20)):
        size = len(trees.of(tree).leaf(0) or b"")
        found = first_difference(trees, changed_leaf(trees, tree, index, bytes(size)))
        assert found is not None
        assert (found.check, found.a, found.b) == (Check.Presence, tree, index)


def test_evidence_of_presence__is_a_hash_and_its_siblings(round_: Made) -> None:
    trees = round_.trees
    assert trees.view is not None
    posted = changed_leaf(trees, Tree.Accounts, 2, None)
    found = first_difference(trees, posted)
    assert found is not None

    assert evidence_for(found, posted, trees.view) == bytes(32) + trees.accounts.siblings(2)


def test_evidence_of_an_absent_seat__is_its_entry_alone(round_: Made) -> None:
    """Seat 3 is not included: its weight is zero and follows from nothing."""
    trees, leaf = round_.trees, step_leaf(round_, "weight")
    assert trees.view is not None
    content = trees.steps.leaf(leaf)
    assert content is not None
    posted = changed_leaf(trees, Tree.Steps, leaf, bumped(content, 8 * 3, 8, 1))
    found = first_difference(trees, posted)
    assert found is not None

    assert len(evidence_for(found, posted, trees.view)) == 256 + 6 * 32


def test_refutation__names_the_preimage_of_the_post(round_: Made) -> None:
    post = Post(
        bytes(32), 7, 4, 9, bytes(32), bytes(32), bytes(32), round_.judgement.roots, (0b10111,), (7, 15, 15)
    )
    posted = ResultPosted(1, 3, "0x" + "11" * 20, bytes(32), 100, True, post)
    below = (Below(bytes(32), round_.judgement.roots),)
    made_ = refutation(Difference(Check.Step, 17, 4), b"evidence", posted, below)

    assert (made_.check, made_.a, made_.b, made_.c) == (Check.Step, 17, 4, 0)
    assert (made_.included, made_.rows, made_.roots) == (post.included, post.rows, post.roots)
    assert (made_.below, made_.evidence) == (below, b"evidence")


def test_tree_of_no_columns__is_refused(round_: Made, tmp_path: Path) -> None:
    with pytest.raises(KeyError):
        round_.trees.of(Tree.Columns)


@pytest.mark.parametrize("name", ["weight", "kinship"])
def test_first_difference_with_a_leaf_beside_it__is_that_leaf(round_: Made, name: str) -> None:
    """Evidence of an entry takes for granted that nothing stands where honest trees have nothing."""
    trees, leaf = round_.trees, step_leaf(round_, name)
    content = trees.steps.leaf(leaf)
    assert content is not None
    beside = leaf | 1 << chunk_bits(trees.case.shape) - 1
    changed = Changed(trees.steps, {leaf: bumped(content, 0, 8, 1), beside: bytes(256)})
    found = first_difference(trees, trees.with_tree("steps", changed))

    assert found is not None
    assert (found.check, found.a, found.b) == (Check.Presence, Tree.Steps, beside)


def test_first_difference_with_a_leaf_beside_the_scalars__is_that_leaf(round_: Made) -> None:
    trees, leaf = round_.trees, step_leaf(round_, "clipping")
    content = trees.steps.leaf(leaf)
    assert content is not None
    changed = Changed(trees.steps, {leaf: bumped(content, 0, 8, 1), 3: bytes(256)})
    found = first_difference(trees, trees.with_tree("steps", changed))

    assert found is not None
    assert (found.check, found.a, found.b) == (Check.Presence, Tree.Steps, 3)
