"""Every step of pay: the contract agrees with Python on honest entries, and on none that was changed."""

from collections.abc import Iterator
from dataclasses import replace

import numpy as np
import pytest
from check_calls import STEP, Call, CheckContract, Refused, check_contract
from random_views import random_trees
from step_rounds import (
    PAY_KINDS,
    STEP_BY_NAME,
    Kind,
    call,
    honest,
    kin,
    lies,
    rounds,
    trees_of,
    with_entry,
)

from aggregator.pay import STEPS
from aggregator.refute.evidence import SLOT_OF, Evidence
from aggregator.refute.pay_reads import READS
from aggregator.refute.trees import Trees
from aggregator.steps import Step
from market.devnet import Devnet

NAMES = [step.name for step in STEPS]
VECTORS = [step.name for step in STEPS if step.kind == "vector"]
MATRICES = [step.name for step in STEPS if step.kind == "matrix"]
HINTS = 16
"""Bytes at the end of the evidence about `newness`, from seven included seats on."""


@pytest.fixture(scope="module")
def contract(session_anvil: Devnet, pytestconfig: pytest.Config) -> Iterator[CheckContract]:
    """PayChecks as it is in contracts/src."""
    kept = pytestconfig.cache.mkdir("checks")
    checks = check_contract(session_anvil, "PayChecks", "0x00000000000000000000000000000000000009a7", kept)
    yield checks
    checks.close()


@pytest.fixture(scope="module")
def usual() -> Trees:
    """A third round of twelve seats in which one is missing."""
    *_, trees = rounds(12, 3, kin, np.random.default_rng(6))
    assert 7 <= len(trees.case.included) < 12
    return trees


def within(step: Step, trees: Trees, rng: np.random.Generator) -> list[tuple[int, int]]:
    """Some entries of a step that its function gives: of included seats, or of any if it is carried."""
    seats = range(trees.case.shape.seats)
    rows = seats if step.carried else sorted(trees.case.included)
    columns = seats if step.kind == "matrix" else [0]
    rows = [0] if step.kind == "scalar" else rows
    most = {"scalar": 1, "vector": 2, "matrix": 6}[step.kind]
    return [(int(rng.choice(rows)), int(rng.choice(columns))) for _ in range(most)]


def computed(step: Step, trees: Trees, i: int, j: int) -> int:
    """What Python makes of the inputs that the trees hold."""
    if step.kind == "scalar":
        return int(step.entry(trees.view))
    entry = step.entry(trees.view, i)
    return int(entry[j] if step.kind == "matrix" else entry)


def one_each(trees: Trees) -> dict[str, Call]:
    """The question about one entry of each step, of two included seats."""
    _, i, j, *_ = sorted(trees.case.included)
    return {name: call(trees, READS[name], name, i, j if name in MATRICES else 0) for name in NAMES}


def missing(trees: Trees) -> int:
    """A seat that is not included."""
    return min(set(range(trees.case.shape.seats)) - trees.case.included)


def test_reads__are_there_for_every_step() -> None:
    assert list(READS) == NAMES


# ----- agreement with Python -----


@pytest.mark.parametrize("kind", PAY_KINDS, ids=lambda kind: kind.__name__)
def test_wrong_of_every_step__is_true_of_lies_alone(contract: CheckContract, kind: Kind) -> None:
    rng = np.random.default_rng(PAY_KINDS.index(kind))
    for seats, number in [(1, 2), (2, 3), (4, 2), (7, 3), (12, 6)]:
        for trees in list(rounds(seats, number, kind, rng))[-2:]:
            assert set(contract.answers(honest(trees, READS, STEPS, rng, 2))) == {False}
            assert set(contract.answers(lies(trees, READS, STEPS, rng, 1))) == {True}


@pytest.mark.parametrize("seats", [40, 260])
def test_wrong_with_many_seats__is_true_of_lies_alone(contract: CheckContract, seats: int) -> None:
    rng = np.random.default_rng(seats)
    *_, trees = rounds(seats, 2, kin, rng, missing=0.2 if seats == 40 else 0.85)

    assert set(contract.answers(honest(trees, READS, STEPS, rng, 2))) == {False}
    assert set(contract.answers(lies(trees, READS, STEPS, rng, 1))) == {True}


@pytest.mark.parametrize("seed", range(3))
def test_wrong_whatever_the_inputs__is_what_python_computes_from_them(
    contract: CheckContract, seed: int
) -> None:
    rng, calls, expected = np.random.default_rng(seed), [], []
    for _ in range(8):
        trees = random_trees(int(rng.choice([1, 3, 4, 6, 9, 21])), rng)
        for step in STEPS:
            for i, j in within(step, trees, rng):
                for by in (0, int(rng.choice([-1, 1]))):
                    right = computed(step, trees, i, j)
                    posted = with_entry(trees, step.name, i, j, lambda _, x=right + by: x)
                    calls.append(call(posted, READS[step.name], step.name, i, j))
                    expected.append(by != 0)

    assert contract.answers(calls) == expected


# ----- refusals -----


@pytest.mark.parametrize("cut", [1, 8, 32, 256])
def test_wrong_of_evidence_that_is_too_short__is_refused(
    contract: CheckContract, usual: Trees, cut: int
) -> None:
    calls = [replace(call, evidence=call.evidence[:-cut]) for call in one_each(usual).values()]

    assert all(isinstance(answer, Refused) for answer in contract.answers(calls))


@pytest.mark.parametrize("tail", [b"\0", bytes(32), bytes(256), b"\1" * 32], ids=len)
def test_wrong_of_evidence_that_is_too_long__is_refused(
    contract: CheckContract, usual: Trees, tail: bytes
) -> None:
    calls = [replace(call, evidence=call.evidence + tail) for call in one_each(usual).values()]

    assert set(contract.answers(calls)) == {Refused("MarketEvidenceLength")}


@pytest.mark.parametrize("by", [-32, -8, -1, 1, 8, 32])
def test_wrong_of_evidence_that_is_shifted__is_refused(
    contract: CheckContract, usual: Trees, by: int
) -> None:
    calls = [
        replace(call, evidence=call.evidence[by:] + call.evidence[:by]) for call in one_each(usual).values()
    ]

    assert all(isinstance(answer, Refused) for answer in contract.answers(calls))


def test_wrong_of_evidence_with_one_bit_changed__is_refused(contract: CheckContract, usual: Trees) -> None:
    rng, calls = np.random.default_rng(1), []
    for question in one_each(usual).values():
        for _ in range(8):
            changed = bytearray(question.evidence)
            changed[rng.integers(len(changed))] ^= 1 << int(rng.integers(8))
            calls.append(replace(question, evidence=bytes(changed)))

    assert all(isinstance(answer, Refused) for answer in contract.answers(calls))


def test_wrong_of_evidence_for_another_entry__is_never_true(contract: CheckContract, usual: Trees) -> None:
    questions = one_each(usual)
    swapped = [
        replace(a, evidence=b.evidence)
        for name, a in questions.items()
        for other, b in questions.items()
        if name != other
    ]

    assert True not in contract.answers(swapped)


def test_wrong_of_evidence_from_the_round_before__is_refused(contract: CheckContract) -> None:
    *_, before, now = rounds(12, 3, kin, np.random.default_rng(1), missing=0.0)
    questions = one_each(before)
    calls = [replace(call, evidence=questions[name].evidence) for name, call in one_each(now).items()]

    assert all(isinstance(answer, Refused) for answer in contract.answers(calls))


@pytest.mark.parametrize("name", [step.name for step in STEPS if step.carried])
@pytest.mark.parametrize("where", ["start", "first"])
def test_wrong_of_evidence_below_where_start_values_count__is_refused(
    contract: CheckContract, usual: Trees, name: str, where: str
) -> None:
    question = one_each(usual)[name]
    case = usual.case
    fresh = replace(case, start=True) if where == "start" else replace(case, first=[True] * 12)
    bare = call(replace(usual, case=fresh), READS[name], name, question.b, question.c)

    assert isinstance(contract.answer(bare), bool)
    for wrong in (replace(question, trees=bare.trees), replace(bare, trees=usual)):
        assert isinstance(contract.answer(wrong), Refused)


@pytest.mark.parametrize(
    ("low", "high"), [(-1, 0), (1, 0), (0, -1), (0, 1), (1, -1), (-1, 1), (10**9, 0), (0, -(10**9))]
)
@pytest.mark.parametrize("by", [0, 1])
def test_newness_with_other_hints__is_refused(
    contract: CheckContract, usual: Trees, by: int, low: int, high: int
) -> None:
    i = min(usual.case.included)
    question = call(with_entry(usual, "newness", i, 0, lambda x: x + by), READS["newness"], "newness", i)
    body, hints = question.evidence[:-HINTS], np.frombuffer(question.evidence[-HINTS:], ">i8")
    other = np.add(hints, [low, high]).astype(">i8").tobytes()

    assert contract.answer(replace(question, evidence=body + other)) == Refused("MarketWrongHint")
    assert contract.answer(question) is bool(by)


@pytest.mark.parametrize("seats", [1, 2, 6, 7, 13, 14, 19, 20, 26, 27])
def test_newness_where_one_more_is_trimmed__is_right(contract: CheckContract, seats: int) -> None:
    *_, trees = rounds(seats, 2, kin, np.random.default_rng(seats), missing=0.0)
    questions = [call(trees, READS["newness"], "newness", i) for i in range(seats)]

    assert set(contract.answers(questions)) == {False}


@pytest.mark.parametrize("typical", [-2, -1, 0, 1])
def test_twin_bar_at_a_median_near_zero__is_right(contract: CheckContract, typical: int) -> None:
    trees = random_trees(6, np.random.default_rng(1))
    assert trees.view is not None
    trees.view.twin_typical[sorted(trees.case.included)] = typical
    trees.view.twin_bar = 9830 + max(typical, 0)
    trees = trees_of(trees.case, trees.view, None, None)

    assert contract.answer(call(trees, READS["twin_bar"], "twin_bar")) is False


@pytest.mark.parametrize("bar", [-1, 0, 1, 2])
def test_gate_at_a_bar_near_zero__is_right(contract: CheckContract, bar: int) -> None:
    """A judged seat whose agreement is nothing but chance: closed from a bar of one on."""
    trees = random_trees(8, np.random.default_rng(1))
    view = trees.view
    assert view is not None
    seat = sorted(trees.case.included)[0]
    view.age[seat], view.agreed_sum[seat], view.newness[seat] = 65536, 65536, -1
    view.ratio_bar, view.doubt_median = bar, 0
    view.gate[seat] = computed(STEP_BY_NAME["gate"], trees, seat, 0)
    trees = trees_of(trees.case, view, None, None)

    assert view.gate[seat] == (0 if bar > 0 else 65536)
    assert contract.answer(call(trees, READS["gate"], "gate", seat)) is False


@pytest.mark.parametrize(("posted", "is_wrong"), [(2, True), (3, False), (4, True)])
def test_ratio_bar_where_three_fifths_of_the_weight_are_reached_exactly__is_the_least(
    contract: CheckContract, posted: int, is_wrong: bool
) -> None:
    trees = random_trees(8, np.random.default_rng(1))
    view = trees.view
    assert view is not None
    five = sorted(trees.case.included)[:5]
    view.ratio_weight[:] = 0
    view.ratio[five], view.ratio_weight[five] = [1, 2, 3, 4, 5], 7
    view.ratio_bar = posted
    trees = trees_of(trees.case, view, None, None)

    assert computed(STEP_BY_NAME["ratio_bar"], trees, 0, 0) == 3
    assert contract.answer(call(trees, READS["ratio_bar"], "ratio_bar")) is is_wrong


@pytest.mark.parametrize("name", ["pay_echo", "agreed"])
def test_wrong_with_a_product_of_a_seat_that_is_missing__is_refused(
    contract: CheckContract, usual: Trees, name: str
) -> None:
    question = one_each(usual)[name]
    row = Evidence(usual)
    row.gram_row(question.b)
    at = question.evidence.index(row.bytes()) + 16 * missing(usual)
    changed = question.evidence[:at] + (1).to_bytes(16, "big") + question.evidence[at + 16 :]

    assert contract.answer(replace(question, evidence=changed)) == Refused("MarketNotIncluded")


def test_newness_of_few_seats__takes_no_hints(contract: CheckContract) -> None:
    *_, trees = rounds(6, 2, kin, np.random.default_rng(1), missing=0.0)
    question = call(trees, READS["newness"], "newness", 0)

    assert contract.answer(question) is False
    assert contract.answer(replace(question, evidence=question.evidence + bytes(HINTS))) == Refused(
        "MarketEvidenceLength"
    )


# ----- coordinates -----


def test_wrong_of_a_vector_with_a_column__is_refused(contract: CheckContract, usual: Trees) -> None:
    questions = one_each(usual)
    calls = [replace(questions[name], c=c) for name in VECTORS for c in (1, 2**255)]

    assert set(contract.answers(calls)) == {Refused("MarketNoSuchEntry")}


def test_wrong_of_a_row_past_the_seats__is_refused(contract: CheckContract, usual: Trees) -> None:
    questions = one_each(usual)
    calls = [replace(questions[name], b=b) for name in MATRICES for b in (12, 13, 16, 2**64, 2**256 - 1)]

    assert set(contract.answers(calls)) == {Refused("MarketNoSuchEntry")}


def test_wrong_of_a_row_of_a_seat_that_is_missing__is_refused(contract: CheckContract, usual: Trees) -> None:
    questions = one_each(usual)
    calls = [replace(questions[name], b=missing(usual)) for name in ("twin_mean", "alike")]

    assert set(contract.answers(calls)) == {Refused("MarketNoSuchEntry")}


@pytest.mark.parametrize("past", [0, 1, 2**200])
def test_wrong_of_an_entry_past_the_last_leaf__is_refused(
    contract: CheckContract, usual: Trees, past: int
) -> None:
    questions = one_each(usual)
    ends = {name: 256 // STEP_BY_NAME[name].width for name in NAMES}  # of one leaf: there are twelve seats
    calls = [replace(questions[name], b=ends[name] + past) for name in VECTORS]
    calls += [replace(questions[name], c=ends[name] + past) for name in MATRICES]

    assert set(contract.answers(calls)) == {Refused("MarketNoSuchEntry")}


@pytest.mark.parametrize(("a", "b", "c"), [(0, 7, 0), (0, 16, 0), (0, 2**200, 0), (0, 8, 1), (0, 15, 2**128)])
def test_wrong_of_another_scalar__is_refused(
    contract: CheckContract, usual: Trees, a: int, b: int, c: int
) -> None:
    question = one_each(usual)["twin_bar"]

    assert contract.answer(replace(question, a=a, b=b, c=c)) == Refused("MarketNoSuchEntry")


@pytest.mark.parametrize(
    "slot", [1, SLOT_OF["residual_gram"], len(SLOT_OF) + 1, 64, SLOT_OF["pay"] + 256, 2**255]
)
def test_wrong_of_another_slot__is_refused(contract: CheckContract, usual: Trees, slot: int) -> None:
    assert contract.answer(replace(one_each(usual)["pay"], a=slot)) == Refused("MarketNoSuchEntry")


@pytest.mark.parametrize("check", [other for other in range(10) if other != STEP])
def test_wrong_of_another_check__is_refused(contract: CheckContract, usual: Trees, check: int) -> None:
    assert contract.answer(replace(one_each(usual)["pay"], check=check)) == Refused("MarketNotHere")


# ----- gas -----


def test_gas_of_every_step_with_a_hundred_seats__is_at_most_two_hundred_thousand(
    contract: CheckContract,
) -> None:
    *_, trees = rounds(100, 2, kin, np.random.default_rng(1), missing=0.01)
    gas = {name: contract.gas(question)[0] for name, question in one_each(trees).items()}

    assert {name: used for name, used in gas.items() if used > 200_000} == {}
