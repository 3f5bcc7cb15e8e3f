"""Trees that can be opened have the roots that the judgement names, and every leaf verifies under them."""

from pathlib import Path

import numpy as np
import pytest
from refute_rounds import Made, made

from aggregator.refute.proof_tree import Changed, Leaves
from aggregator.refute.trees import Trees
from market.merkle import absent_root, leaf_hash, verify

NAMES = ("sketches", "gram", "steps", "accounts", "columns", "delta", "model")

CASES = [
    # seats, d, rounds, included
    (1, 1, 1, (0,)),
    (2, 1024, 2, (1,)),
    (5, 20_000, 3, (0, 1, 2, 4)),
    (13, 3000, 2, tuple(range(12))),
    (40, 300_000, 1, tuple(range(38))),
]


@pytest.fixture(scope="module", params=CASES, ids=lambda case: f"N={case[0]},d={case[1]}")
def round_(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Made:
    seats, d, rounds, included = request.param
    return made(tmp_path_factory.mktemp("round"), seats, d, rounds, included)


def test_roots__are_those_of_the_judgement(round_: Made) -> None:
    assert round_.trees.roots() == round_.judgement.roots


def test_any_leaf__verifies_under_the_root_with_its_siblings(round_: Made) -> None:
    rng = np.random.default_rng(5)
    for name in NAMES:
        tree = getattr(round_.trees, name)
        if tree is None:
            assert round_.trees.case.shape.seats <= 12
            continue
        for index in {0, (1 << tree.depth) - 1, *map(int, rng.integers(0, 1 << tree.depth, 60))}:
            content, siblings = tree.leaf(index), tree.siblings(index)
            hash_ = absent_root(0) if content is None else leaf_hash(index, tree.tag + content)
            proof = [siblings[at : at + 32] for at in range(0, len(siblings), 32)]
            assert verify(tree.root, tree.depth, index, hash_, proof), (name, index)


def test_trees_below__have_the_roots_of_the_round_before(round_: Made) -> None:
    trees, before = round_.trees, round_.before
    if before is None:
        assert trees.steps_below is None
        assert trees.accounts_below is None
        return
    assert trees.steps_below is not None
    assert trees.accounts_below is not None
    assert trees.model_below is not None
    assert trees.steps_below.root == before.roots.steps
    assert trees.accounts_below.root == before.roots.accounts
    assert trees.model_below.root == before.roots.model
    # slot 4 (kinship) is carried: its own rows make the root that the slots claim
    slot = 4 << (trees.steps_below.depth - 6)
    assert trees.steps_below.leaf(slot) is not None
    assert trees.steps_below.node(trees.steps_below.depth - 6, 4) == before.step_roots[4]


def test_update__is_the_tree_of_the_file_and_absent_rows_have_none(round_: Made) -> None:
    for row in round_.trees.case.present:
        assert round_.trees.update(row).root == {**round_.inputs.updates, **round_.inputs.public}[row].root
    with pytest.raises(KeyError):
        round_.trees.update(round_.trees.case.shape.reference)


@pytest.mark.parametrize("name", ["gram", "steps", "sketches", "delta"])
def test_changed_leaf__moves_the_root_and_only_its_path(round_: Made, name: str) -> None:
    tree = getattr(round_.trees, name)
    index = next(i for i in range(1 << tree.depth) if tree.leaf(i) is not None)
    content = tree.leaf(index)
    other = Changed(tree, {index: content[:-1] + bytes([content[-1] ^ 1])})
    siblings = other.siblings(index)
    proof = [siblings[at : at + 32] for at in range(0, len(siblings), 32)]

    assert other.root != tree.root
    assert siblings == tree.siblings(index)
    assert verify(other.root, tree.depth, index, leaf_hash(index, tree.tag + other.leaf(index)), proof)
    assert Changed(tree, {index: content}).root == tree.root


def test_changed_to_absent__is_the_tree_without_that_leaf(tmp_path: Path) -> None:
    data = np.arange(15, dtype=np.uint8).reshape(5, 3)
    there = np.array([True, True, False, True, True])
    whole, without = Leaves(3, 0, data), Leaves(3, 0, data, there)

    assert Changed(whole, {2: None}).root == without.root
    assert without.leaf(2) is None
    assert whole.leaf(5) is None
    assert Changed(without, {2: data[2].tobytes()}).root == whole.root
    with pytest.raises(KeyError):
        without.opened(2)


def test_with_tree__changes_one_root(round_: Made) -> None:
    tree = round_.trees.accounts
    trees: Trees = round_.trees.with_tree("accounts", Changed(tree, {0: bytes(40)}))

    assert trees.roots().accounts != round_.trees.roots().accounts
    assert trees.roots().gram == round_.trees.roots().gram
