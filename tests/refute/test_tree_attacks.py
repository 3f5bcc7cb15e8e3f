"""The strongest evidence that can be made for what is not wrong, and numbers at the ends of their ranges."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from check_calls import Call, CheckContract, Refused
from noise_trees import drawn_case, given, noise
from tree_rounds import Plan, call, last_round, random

from aggregator.refute.evidence import SLOT_OF, Evidence
from aggregator.refute.proof_tree import Changed
from aggregator.refute.tree_reads import tree_of
from aggregator.refute.trees import Trees
from aggregator.rows import Shape
from market.codec import LEAF
from market.merkle import ABSENT
from market.refutation import Check, Tree

pytestmark = pytest.mark.chain

HUGE = (1 << 256) - 1
INT32 = (-(1 << 31), (1 << 31) - 1)


@pytest.fixture(scope="module")
def few(tmp_path_factory: pytest.TempPathFactory) -> Trees:
    """A second round of five seats without seat 3, two segments."""
    return last_round(Plan(5, 20_000, (0, 1, 2, 4), random, 2), tmp_path_factory.mktemp("few"), 7)


@pytest.fixture(scope="module")
def many(tmp_path_factory: pytest.TempPathFactory) -> Trees:
    """A second round of 14 seats without seat 0, with a tree of columns."""
    return last_round(Plan(14, 5000, tuple(range(1, 14)), random, 2), tmp_path_factory.mktemp("many"), 8)


def drawn(seats: int, d: int, **facts: object) -> Trees:
    """A result of which nothing is known yet; all seats and rows are there."""
    case = drawn_case(Shape(d, seats), np.random.default_rng(1), chance=2.0)
    return noise(replace(case, **facts))  # type: ignore[arg-type]


def refused(answers: list[bool | Refused]) -> bool:
    """Whether all of them reverted."""
    return all(isinstance(answer, Refused) for answer in answers)


# ----- seats and rows that are not there -----


def test_sketch_of_absent_row__is_refused_with_any_file(tree_checks: CheckContract, few: Trees) -> None:
    calls = []
    for row in (3, few.case.shape.reference, few.case.shape.past(1, 0)):
        assert row not in few.case.present
        index = row << few.case.shape.segment_bits
        evidence = Evidence(few)
        evidence.raw(few.sketches.node(0, index) + few.sketches.siblings(index))
        evidence.segment(0, 0)
        calls.append(Call(few, Check.Sketch, row, 0, 0, evidence.bytes(), [few.update(0).root]))

    assert refused(tree_checks.answers(calls))


def test_sketch_of_segment_past_the_end__is_refused(tree_checks: CheckContract, few: Trees) -> None:
    # segment 2 of row 0 would be segment 0 of row 1, the leaf before it segment 1 of row 0
    evidence = Evidence(few)
    evidence.raw(few.sketches.node(0, 2) + (few.sketches.leaf(1) or b""))
    evidence.raw(
        few.sketches.siblings(1, 0, 1) + few.sketches.siblings(2, 0, 1) + few.sketches.siblings(2, 2)
    )
    evidence.segment(0, 1)

    answers = tree_checks.answers(
        Call(few, Check.Sketch, 0, segment, 0, evidence.bytes(), [few.update(0).root])
        for segment in (2, HUGE)
    )
    assert refused(answers)


def test_presence_in_file_of_absent_row__is_refused(tree_checks: CheckContract, few: Trees) -> None:
    bad = Changed(few.update(0), {0: None})
    evidence, shape = bad.node(0, 0) + bad.siblings(0), few.case.shape

    def asked(row: int) -> Call:
        return Call(few, Check.Presence, int(Tree.Update), 0, row, evidence, [bad.root])

    assert tree_checks.answer(asked(0)) is True
    assert refused(tree_checks.answers(map(asked, (3, shape.reference, shape.past(1, 0), shape.rows, HUGE))))


def test_presence_with_a_row_it_does_not_need__is_refused(tree_checks: CheckContract, few: Trees) -> None:
    posted = few.with_tree("gram", Changed(few.gram, {0: None}))
    true = call(posted, Check.Presence, int(Tree.Gram), 0, 0)

    assert tree_checks.answer(true) is True
    assert refused(tree_checks.answers(replace(true, c=row) for row in (1, 3, HUGE)))


def test_update_of_absent_row__is_refused(tree_checks: CheckContract, few: Trees) -> None:
    last = bytearray(few.update(0).leaf(19) or b"")
    last[-1] = 1
    bad = Changed(few.update(0), {19: bytes(last)})
    evidence = bad.opened(19)

    assert tree_checks.answer(Call(few, Check.Update, 0, 0, 0, evidence, [bad.root])) is True
    rows = (3, few.case.shape.reference, few.case.shape.rows, HUGE)
    assert refused(
        tree_checks.answers(Call(few, Check.Update, row, 0, 0, evidence, [bad.root]) for row in rows)
    )


def test_gram_of_absent_row__is_refused_though_posted(tree_checks: CheckContract, few: Trees) -> None:
    shape = few.case.shape
    for i, j in ((0, 3), (3, 0)):
        index = i << shape.row_bits | j
        posted = few.with_tree("gram", Changed(few.gram, {index: bytes(16)}))
        other = 3 << shape.segment_bits | shape.segments - 1
        posted = posted.with_tree("sketches", Changed(few.sketches, {other: bytes(1023) + b"\1"}))

        assert refused([tree_checks.answer(call(posted, Check.Gram, i, j))])
        assert tree_checks.answer(call(posted, Check.Presence, int(Tree.Gram), index)) is True


# ----- ends of files -----


@pytest.mark.parametrize("free", [1, 512, 1023, 1024])
def test_update_padding__begins_after_the_last_coefficient(tree_checks: CheckContract, free: int) -> None:
    d = 2 * LEAF + free
    answers = {}
    for at in {0, free - 1, free, LEAF - 1} - {LEAF}:
        leaf = bytearray(2 * LEAF)
        leaf[2 * at + int(at % 2)] = 0x80  # in either byte
        trees = given(drawn(3, d), Tree.Update, {2: bytes(leaf)})
        answers[at] = tree_checks.answer(call(trees, Check.Update, 1))

    assert answers == {at: at >= free for at in answers}


def test_column_lane_past_the_leaf__is_refused(tree_checks: CheckContract, many: Trees) -> None:
    seat = 13
    for lane, leaf in ((8, 0), (9, 0), (1024, 1), (HUGE, 0)):
        evidence = Evidence(many)
        evidence.column(0)
        evidence.update(seat, leaf)
        question = Call(many, Check.Column, 0, lane, seat, evidence.bytes(), [many.update(seat).root])

        assert refused([tree_checks.answer(question)]), lane


def test_column_seat_past_the_last__is_refused(tree_checks: CheckContract, many: Trees) -> None:
    evidence = Evidence(many)
    evidence.column(0)  # seat 14 of lane 0 would be seat 0 of lane 1, seat 15 an included one
    evidence_of_seat = Evidence(many)
    evidence_of_seat.column(0)
    evidence_of_seat.update(1, 0)
    calls = [
        Call(many, Check.Column, 0, 0, seat, proof.bytes(), [many.update(1).root])
        for seat in (14, 15, 112, HUGE)
        for proof in (evidence, evidence_of_seat)
    ]

    assert refused(tree_checks.answers(calls))


def test_column_of_project_without_columns__is_refused(tree_checks: CheckContract, few: Trees) -> None:
    root = few.update(0).root
    proof = few.update(0).opened(0)

    assert refused([tree_checks.answer(Call(few, Check.Column, 0, 0, 0, proof + proof, [root]))])


@pytest.mark.parametrize("k", [LEAF, LEAF + 1, 2 * LEAF])
def test_delta_and_model_past_the_leaf__are_refused(
    tree_checks: CheckContract, few: Trees, many: Trees, k: int
) -> None:
    calls = []
    for honest in (few, many):
        for check in (Check.Delta, Check.Model):
            calls += [replace(call(honest, check, leaf, 0), b=k) for leaf in (0, 1)]
            calls.append(replace(call(honest, check, 1, k - LEAF), a=0, b=k))

    assert refused(tree_checks.answers(calls))


# ----- accounts, model -----


@pytest.mark.parametrize("start", [True, False])
def test_account_penalty__is_units_in_smallest_units(tree_checks: CheckContract, start: bool) -> None:
    unit, below = 7, (123, 10**20, 21)
    trees = drawn(3, 100, start=start, unit=unit)
    if start:
        trees = replace(trees, accounts_below=None)
        below = (0, 0, 0)
    else:
        trees = given(trees, Tree.Accounts, {1: account(*below)}, below=True)
    slots = trees.steps.depth - 6
    leaves = {
        SLOT_OF["reputation"] << slots: entries([-5, 77, 1], 8),
        SLOT_OF["pay"] << slots: entries([1, 10**30, 1], 16),
        SLOT_OF["penalty"] << slots: entries([1, 3, 1], 8),
    }
    trees = given(trees, Tree.Steps, dict(leaves))
    right = (77, below[1] + 10**30, below[2] + 3 * unit)
    answers = {}
    for off in ((0, 0, 0), (1, 0, 0), (-1, 0, 0), (0, 1, 0), (0, -1, 0), (0, 0, 1), (0, 0, -1), (0, 0, -18)):
        numbers = [one + other for one, other in zip(right, off, strict=True)]
        posted = given(trees, Tree.Accounts, {1: account(*numbers)})
        answers[off] = tree_checks.answer(call(posted, Check.Account, 1))

    assert answers == {off: any(off) for off in answers}


@pytest.mark.parametrize(
    ("below", "delta"),
    [(0, 0), (INT32[1] - 1, 0), (INT32[1] - 1, 1), (INT32[1] - 1, 2), (INT32[1], 1), (INT32[1] - 32766, 32767),
     (INT32[0] + 1, -1), (INT32[0] + 1, -2), (INT32[0], -1), (INT32[0], 0), (INT32[1], -1), (-1, 1)],
)  # fmt: skip
def test_model__saturates_at_both_ends(tree_checks: CheckContract, below: int, delta: int) -> None:
    trees = drawn(3, 3000)
    trees = given(trees, Tree.Delta, {2: words(7, delta, 2)})
    trees = given(trees, Tree.Model, {2: words(7, below, 4)}, below=True)
    right = min(max(below + delta, INT32[0]), INT32[1])
    answers = {}
    for posted in {right, right - 1, right + 1, below + delta} & set(range(right - 2, right + 3)):
        if INT32[0] <= posted <= INT32[1]:
            lie = given(trees, Tree.Model, {2: words(7, posted, 4)})
            answers[posted] = tree_checks.answer(call(lie, Check.Model, 2, 7))

    assert answers == {posted: posted != right for posted in answers}


def test_model_that_does_not_move__is_refused(tree_checks: CheckContract, few: Trees) -> None:
    still = replace(few, case=replace(few.case, merged=False))

    assert tree_checks.answer(call(few, Check.Model, 1, 1)) is False
    assert tree_checks.answer(call(still, Check.Model, 1, 1)) == Refused("MarketNothingMerged")


def test_paid__is_all_of_the_entry(tree_checks: CheckContract, few: Trees) -> None:
    for paid in (0, few.case.paid - 1, few.case.paid + 1, few.case.paid + (1 << 64)):
        lie = replace(few, case=replace(few.case, paid=paid))
        assert tree_checks.answer(call(lie, Check.Paid)) is True
    content = bytearray(few.steps.leaf(0) or b"")
    content[15 * 16] ^= 0x80
    assert (
        tree_checks.answer(call(few.with_tree("steps", Changed(few.steps, {0: bytes(content)})), Check.Paid))
        is True
    )


def test_presence_with_a_file_of_nothing__is_refused_without_its_root(
    tree_checks: CheckContract, few: Trees
) -> None:
    tree = tree_of(Evidence(few), Tree.Update, 0)
    evidence = ABSENT + tree.siblings(0)

    assert refused([tree_checks.answer(Call(few, Check.Presence, int(Tree.Update), 0, 0, evidence, []))])
    assert refused(
        [tree_checks.answer(Call(few, Check.Presence, int(Tree.Update), 0, 0, evidence, [tree.root]))]
    )


# ----- leaves -----


def account(reputation: int, pay: int, penalty: int) -> bytes:
    """An account leaf."""
    return reputation.to_bytes(8, "big", signed=True) + pay.to_bytes(16, "big") + penalty.to_bytes(16, "big")


def entries(values: list[int], width: int) -> bytes:
    """The first leaf of a step."""
    return b"".join(value.to_bytes(width, "big", signed=True) for value in values).ljust(256, b"\0")


def words(k: int, value: int, size: int) -> bytes:
    """A leaf of a file with one number in it."""
    return value.to_bytes(size, "big", signed=True).rjust(size * (k + 1), b"\0").ljust(size * LEAF, b"\0")
