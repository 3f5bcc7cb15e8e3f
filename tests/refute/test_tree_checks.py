"""Checks of trees: the contract agrees with Python on every honest number, and convicts each that was changed."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from check_calls import Call, CheckContract, Refused
from tree_rounds import (
    Plan,
    call,
    changed,
    equal,
    files_of,
    last_round,
    limits,
    noise,
    places,
    random,
    with_leaf,
    zeros,
)

from aggregator.aggregate import GROUP
from aggregator.refute.evidence import SLOT_OF, Evidence
from aggregator.refute.layout import depth, is_present
from aggregator.refute.proof_tree import Changed
from aggregator.refute.tree_reads import READS, tree_of
from aggregator.refute.trees import Trees
from market.codec import LEAF, leaves_of
from market.merkle import ABSENT
from market.refutation import Check, Tree

pytestmark = pytest.mark.chain

NUMBERS = [check for check in READS if check is not Check.Presence]
PLANS = [
    Plan(1, 1, (0,), noise),
    Plan(1, 1024, (0,), limits, rounds=2),
    Plan(2, 1025, (1,), random, rounds=2),
    Plan(2, 2000, (0, 1), equal, merged=False),
    Plan(3, 17 * 1024 + 5, (0, 2), limits, rounds=2),
    Plan(4, 16 * 1024, (0, 1, 2, 3), random, rounds=3),
    Plan(4, 3000, (0, 1, 3, 4), zeros, rounds=2),
    Plan(12, 100 * 1024 + 1, (0, 1, 2, 5, 8, 11), noise, rounds=2),
    Plan(12, 8 * 1024, tuple(range(13)), limits),
    Plan(13, 3000, (*range(12), 13), limits, rounds=2),
    Plan(13, 9 * 1024, (12,), random),
    Plan(40, 40_000, tuple(range(38)), noise, rounds=3),
    Plan(100, 2048, tuple(range(0, 100, 3)), random, rounds=2),
]


@pytest.fixture(scope="module", params=PLANS, ids=str)
def trees(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Trees:
    """An honest result."""
    return last_round(request.param, tmp_path_factory.mktemp("round"), PLANS.index(request.param))


@pytest.fixture(scope="module")
def few(tmp_path_factory: pytest.TempPathFactory) -> Trees:
    """A second round of five seats, one of them absent, two segments."""
    return last_round(Plan(5, 20_000, (0, 1, 2, 4), random, 2), tmp_path_factory.mktemp("few"), 7)


@pytest.fixture(scope="module")
def many(tmp_path_factory: pytest.TempPathFactory) -> Trees:
    """A second round of a project with a tree of columns."""
    return last_round(Plan(14, 5000, tuple(range(1, 14)), random, 2), tmp_path_factory.mktemp("many"), 8)


# ----- numbers -----


@pytest.mark.parametrize("check", NUMBERS, ids=lambda check: check.name)
def test_wrong_honest_number__is_false(tree_checks: CheckContract, trees: Trees, check: Check) -> None:
    at = places(trees, check, np.random.default_rng(1), 24)

    assert tree_checks.answers(call(trees, check, *place) for place in at) == [False] * len(at)


@pytest.mark.parametrize("check", NUMBERS, ids=lambda check: check.name)
def test_wrong_changed_number__is_true(tree_checks: CheckContract, trees: Trees, check: Check) -> None:
    rng = np.random.default_rng(2)
    at = places(trees, check, rng, 24)
    if check is Check.Update and trees.case.shape.d % LEAF == 0:
        at = []  # no padding
    posted = [(changed(trees, check, *place, rng), place) for place in at]

    assert tree_checks.answers(call(lie, check, *place) for lie, place in posted) == [True] * len(at)


def test_wrong_sketch_of_many_seeds__agrees_with_python(
    tree_checks: CheckContract, tmp_path_factory: pytest.TempPathFactory
) -> None:
    rng = np.random.default_rng(3)
    for seed in range(40):
        kind = (random, limits, noise)[seed % 3]
        plan = Plan(1, int(rng.integers(1, 40 * LEAF)), (0,), kind)
        drawn = last_round(plan, tmp_path_factory.mktemp("seed"), seed)
        at = places(drawn, Check.Sketch, rng, 3)
        lies = [changed(drawn, Check.Sketch, *place, rng) for place in at]

        assert tree_checks.answers(call(drawn, Check.Sketch, *place) for place in at) == [False] * len(at)
        assert tree_checks.answers(
            call(lie, Check.Sketch, *place) for lie, place in zip(lies, at, strict=True)
        ) == [True] * len(at)


def test_wrong_sketch_whose_sums_wrap__is_modulo_2_32(tree_checks: CheckContract, few: Trees) -> None:
    rng, bits = np.random.default_rng(4), few.case.shape.segment_bits
    first, second = (np.frombuffer(few.sketches.leaf(k) or b"", ">u4").astype(np.uint32) for k in (0, 1))
    before = rng.choice(np.array([0, 1 << 31, (1 << 31) - 1, (1 << 32) - 1], np.uint32), 256)
    now = before + (second - first)  # modulo 2^32
    assert bits == 1

    posted = with_leaf(few, "sketches", 0, before.astype(">u4").tobytes())
    assert tree_checks.answer(call(posted, Check.Sketch, 0, 1)) is True  # only the leaf before has moved
    posted = with_leaf(posted, "sketches", 1, now.astype(">u4").tobytes())
    assert tree_checks.answer(call(posted, Check.Sketch, 0, 1)) is False


def test_wrong_hidden_sketch__is_true(tree_checks: CheckContract, few: Trees) -> None:
    for hash_ in (ABSENT, b"\x01" * 32):
        posted = few.with_tree("sketches", Changed(few.sketches, {}, {1: hash_}))

        assert tree_checks.answer(call(posted, Check.Sketch, 0, 1)) is True


def test_wrong_sketch_of_another_poster__is_refused(tree_checks: CheckContract, few: Trees) -> None:
    copied = replace(few, case=replace(few.case, poster=bytes(20)))

    # the leaf itself is wrong for who copies it; with another before it, it cannot even be opened
    assert tree_checks.answer(call(copied, Check.Sketch, 0, 0)) is True
    assert tree_checks.answer(call(copied, Check.Sketch, 0, 1)) == Refused("MarketWrongLeaf")
    assert tree_checks.answer(call(copied, Check.Gram, 0, 1)) == Refused("MarketWrongLeaf")


@pytest.mark.parametrize("field", ["reputation", "pay", "penalty"])
@pytest.mark.parametrize("start", [True, False])
def test_wrong_account_whose_step_moves__is_true(
    tree_checks: CheckContract, tmp_path_factory: pytest.TempPathFactory, field: str, start: bool
) -> None:
    plan = Plan(3, 100, (0, 1, 2), noise, rounds=1 if start else 2)
    honest = last_round(plan, tmp_path_factory.mktemp("account"), 9)
    bits = honest.steps.depth - 6

    index = SLOT_OF[field] << bits
    content = bytearray(honest.steps.leaf(index) or b"")
    width = 16 if field == "pay" else 8
    content[width - 1] ^= 1

    assert (
        tree_checks.answer(call(with_leaf(honest, "steps", index, bytes(content)), Check.Account, 0)) is True
    )
    if not start:
        assert honest.accounts_below is not None
        below = bytearray(honest.accounts_below.leaf(1) or b"")
        below[8 if field == "pay" else 39] ^= 1
        moved = replace(honest, accounts_below=Changed(honest.accounts_below, {1: bytes(below)}))
        assert tree_checks.answer(call(moved, Check.Account, 1)) is True


def test_wrong_delta_whose_factors_move__is_true(tree_checks: CheckContract, few: Trees, many: Trees) -> None:

    for honest, seat in ((few, 4), (many, 13)):
        index = SLOT_OF["coefficient"] << (honest.steps.depth - 6)
        content = bytearray(honest.steps.leaf(index) or b"")
        content[8 * seat + 6] ^= 64  # by 16,384 of 65,536
        posted = with_leaf(honest, "steps", index, bytes(content))
        at = places(honest, Check.Delta, np.random.default_rng(5), 12)
        values = tree_checks.answers(call(posted, Check.Delta, *place) for place in at)
        update = np.concatenate(
            [
                np.frombuffer(honest.update(seat).leaf(k) or b"", ">i2")
                for k in range(leaves_of(honest.case.shape.d))
            ]
        )

        assert values == [abs(int(update[leaf * LEAF + k])) > 8 for leaf, k, _ in at]


# ----- presence -----


@pytest.mark.parametrize("tree", list(Tree), ids=lambda tree: tree.name)
def test_presence_of_honest_leaves__is_false(tree_checks: CheckContract, trees: Trees, tree: Tree) -> None:
    if tree is Tree.Columns and not trees.case.shape.has_columns:
        return
    calls = [call(trees, Check.Presence, tree, index, row) for index, row in leaves(trees, tree, 60)]

    assert tree_checks.answers(calls) == [False] * len(calls)


@pytest.mark.parametrize("tree", list(Tree), ids=lambda tree: tree.name)
def test_presence_of_moved_leaves__is_true(tree_checks: CheckContract, trees: Trees, tree: Tree) -> None:
    if tree is Tree.Columns and not trees.case.shape.has_columns:
        return
    calls = []
    for index, row in leaves(trees, tree, 16):
        honest = tree_of(Evidence(trees), tree, row)
        for hash_ in (ABSENT,) if honest.leaf(index) is not None else (b"\x01" * 32, bytes(31) + b"\x01"):
            lie = Changed(honest, {}, {index: hash_})
            posted = (
                replace(trees, update=lambda row, lie=lie: lie)
                if tree is Tree.Update
                else trees.with_tree(tree.name.lower(), lie)
            )
            calls.append(call(posted, Check.Presence, tree, index, row))

    assert tree_checks.answers(calls) == [True] * len(calls)


def leaves(trees: Trees, tree: Tree, most: int) -> list[tuple[int, int]]:
    """(index, row) of leaves there and not there, those on either side of an end among them."""
    rng, case = np.random.default_rng(int(tree)), trees.case
    size = 1 << depth(tree, case.shape)
    rows = sorted(case.present) if tree is Tree.Update else [0]
    there = [is_present(tree, k, case.shape, case.included, case.present) for k in range(min(size, 1 << 16))]
    ends = [k for k in range(1, len(there)) if there[k] != there[k - 1]]
    ends = [ends[int(k)] for k in rng.permutation(len(ends))[: most // 4]]
    drawn = [0, size - 1, *ends, *(k - 1 for k in ends), *map(int, rng.integers(0, size, most // 2))]
    return [(index, rows[k % len(rows)]) for k, index in enumerate(dict.fromkeys(drawn))]


# ----- what proves nothing -----


def variants(evidence: bytes) -> list[bytes]:
    """Evidence cut, extended, shifted, with a byte changed or two words swapped."""
    size = len(evidence)
    out = [evidence[:-1], evidence[:-32], evidence[:32], b"", evidence[1:], evidence[32:]]
    out += [evidence + tail for tail in (b"\0", bytes(32), evidence[-32:], b"\1")]
    out += [b"\0" + evidence, bytes(32) + evidence, evidence[1:] + b"\0", b"\0" + evidence[:-1]]
    out += [evidence[:-32] + bytes(32), evidence[: size // 2]]
    for at in (0, size // 3, size // 2, size - 1):
        out.append(evidence[:at] + bytes([evidence[at] ^ 1]) + evidence[at + 1 :])
    out.append(evidence[:-64] + evidence[-32:] + evidence[-64:-32])
    return [variant for variant in out if variant != evidence]


@pytest.mark.parametrize("check", list(READS), ids=lambda check: check.name)
def test_wrong_evidence_of_other_bytes__is_refused(
    tree_checks: CheckContract, few: Trees, many: Trees, check: Check
) -> None:
    calls = []
    for honest in (few, many):
        at = [(int(Tree.Delta), 1, 0), (int(Tree.Update), 2, 4)]
        if check is not Check.Presence:
            at = places(honest, check, np.random.default_rng(6), 4)
        for place in at:
            true = call(honest, check, *place)
            calls += [replace(true, evidence=variant) for variant in variants(true.evidence)]

    assert [answer for answer in tree_checks.answers(calls) if not isinstance(answer, Refused)] == []


@pytest.mark.parametrize("check", list(READS), ids=lambda check: check.name)
def test_wrong_evidence_of_another_place__is_never_true(
    tree_checks: CheckContract, few: Trees, many: Trees, check: Check
) -> None:
    calls = []
    for honest in (few, many):
        at = [(int(tree), k, 0) for tree in (Tree.Delta, Tree.Accounts, Tree.Steps) for k in range(3)]
        if check is not Check.Presence:
            at = places(honest, check, np.random.default_rng(7), 8)
        proofs = [call(honest, check, *place) for place in at]
        for one in proofs:
            for other in proofs:
                files = files_of(honest, check, other.a, other.b, other.c)
                calls.append(Call(honest, check, other.a, other.b, other.c, one.evidence, files))

    assert True not in tree_checks.answers(calls)


def outside(honest: Trees) -> dict[Check, list[tuple[int, int, int]]]:
    """Coordinates next to those that name something."""
    shape = honest.case.shape
    count, rows, huge = leaves_of(shape.d), shape.rows, (1 << 256) - 1
    absent = next(row for row in range(shape.seats) if row not in honest.case.included)
    groups, there = count * LEAF // GROUP, max(honest.case.included)
    files = [
        (shape.reference, 0, 0),
        (absent, 0, 0),
        (rows, 0, 0),
        (huge, 0, 0),
        (there, 1, 0),
        (there, 0, 1),
    ]
    numbers = [(count, 0, 0), (0, LEAF, 0), (0, huge, 0), (huge, 0, 0), (0, 0, 1), (1 << count, 0, 0)]
    return {
        Check.Presence: [
            *((int(tree), 1 << depth(tree, shape), 0) for tree in Tree if tree is not Tree.Update),
            (int(Tree.Update), 1 << depth(Tree.Update, shape), there),
            *((int(Tree.Update), 0, row) for row in (absent, shape.reference, rows, huge)),
            (int(Tree.Gram), huge, 0),
            (int(Tree.Gram), 0, 1),
            (len(Tree), 0, 0),
            (huge, 0, 0),
        ],
        Check.Update: files,
        Check.Sketch: [*((row, 0, 0) for row, _, _ in files[:4]), (there, shape.segments, 0), (there, 0, 1)],
        Check.Gram: [
            (there, absent, 0),
            (absent, there, 0),
            (there, rows, 0),
            (there, there, 1),
            (there, huge, 0),
        ],
        Check.Account: [(shape.seats, 0, 0), (huge, 0, 0), (0, 1, 0), (0, 0, 1)],
        Check.Column: [
            (groups, 0, there),
            (0, GROUP, there),
            (0, 0, shape.seats),
            (huge, 0, there),
            (0, huge, 0),
        ],
        Check.Delta: numbers,
        Check.Model: numbers,
        Check.Paid: [(0, 0, 1), (0, 1, 0), (1, 0, 0)],
        Check.Step: [(0, 0, 0), (0, 15, 0), (1, 0, 0)],
    }


@pytest.mark.parametrize("check", [*READS, Check.Step], ids=lambda check: check.name)
def test_wrong_coordinates_that_name_nothing__is_refused(
    tree_checks: CheckContract, few: Trees, many: Trees, check: Check
) -> None:
    calls = []
    for honest in (few, many):
        near = [(int(Tree.Delta), 0, 0)] if check is Check.Presence else [(0, 0, 0)]
        if check not in (Check.Presence, Check.Step):
            near = places(honest, check, np.random.default_rng(8), 2)
        proofs = [call(honest, Check.Paid if check is Check.Step else check, *place) for place in near] or [
            call(honest, Check.Paid)
        ]
        roots = [honest.update(seat).root for seat in sorted(honest.case.included)]
        for a, b, c in outside(honest)[check]:
            calls += [Call(honest, check, a, b, c, proof.evidence, roots) for proof in proofs]
            calls.append(Call(honest, check, a, b, c, bytes(32), roots))

    assert [answer for answer in tree_checks.answers(calls) if not isinstance(answer, Refused)] == []
