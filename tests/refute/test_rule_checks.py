"""Every step of the rule and of novelty: the contract agrees with Python on honest entries alone."""

from collections.abc import Callable, Iterator
from copy import copy
from dataclasses import replace

import numpy as np
import pytest
from check_calls import STEP, Call, CheckContract, Refused, check_contract
from large_rounds import large
from rule_rounds import MATRICES, NAMES, STEPS, flat_before, recomputed, sketched, with_any_inputs
from step_rounds import (
    KINDS,
    STEP_BY_NAME,
    Kind,
    agreeing,
    call,
    equal,
    honest,
    lies,
    rounds,
    some_zero,
    tiny,
    with_entry,
    zero,
)

from aggregator.fixed import ints
from aggregator.refute.evidence import SLOT_OF
from aggregator.refute.rule_reads import READS
from aggregator.refute.trees import Trees, gram_tree, steps_tree
from aggregator.rows import DELTAS
from aggregator.rule import RATE, F
from aggregator.steps import recompute
from market.devnet import Devnet


@pytest.fixture(scope="module")
def contract(session_anvil: Devnet, pytestconfig: pytest.Config) -> Iterator[CheckContract]:
    """RuleChecks as it is in contracts/src."""
    kept = pytestconfig.cache.mkdir("checks")
    checks = check_contract(session_anvil, "RuleChecks", "0x00000000000000000000000000000000000009a8", kept)
    yield checks
    checks.close()


@pytest.fixture(scope="module")
def usual() -> Trees:
    """A third round of twelve seats in which some are missing, and nobody is new."""
    rng = np.random.default_rng(6)
    *_, trees = rounds(12, 3, agreeing, rng)
    assert 4 <= len(trees.case.included) < 12
    return sketched(trees, 40_000, rng)


def one_each(trees: Trees, i: int | None = None, j: int | None = None, by: int = 0) -> dict[str, Call]:
    """The question about one entry of each step, of two included seats, and of the learning rate in advice; the posted
    number is `by` too large."""
    first, second, *_ = sorted(trees.case.included)
    i, j = first if i is None else i, second if j is None else j
    out = {}
    for name in NAMES:
        column = min(j, STEP_BY_NAME[name].length(trees.case.shape.seats) - 1) if name in MATRICES else 0
        row = RATE if name == "advice" else i
        posted = with_entry(trees, name, row, column, lambda x: x + by)
        out[name] = call(posted, READS[name], name, row, column)
    return out


def assert_answers(contract: CheckContract, calls: list[Call], expected: bool) -> None:
    """Every call has this answer; those that have not are listed as (slot, i, j, answer)."""
    answers = zip(calls, contract.answers(calls), strict=True)
    assert [(c.a, c.b, c.c, answer) for c, answer in answers if answer is not expected] == []


def test_reads__are_there_for_every_step() -> None:
    assert list(READS) == NAMES


# ----- agreement with Python -----


@pytest.mark.parametrize("kind", KINDS, ids=lambda kind: kind.__name__)
def test_wrong_of_every_step__is_true_of_lies_alone(contract: CheckContract, kind: Kind) -> None:
    rng = np.random.default_rng(KINDS.index(kind))
    for seats, number in [(1, 3), (2, 2), (3, 2), (4, 3), (5, 2), (8, 2), (12, 3)]:
        for trees in list(rounds(seats, number, kind, rng))[-2:]:
            trees = sketched(trees, int(rng.choice([1, 20_000, 40_000])), rng)
            assert_answers(contract, honest(trees, READS, STEPS, rng, 3), False)
            assert_answers(contract, lies(trees, READS, STEPS, rng, 2), True)


@pytest.mark.parametrize("seats", [40, 260])
def test_wrong_with_many_seats__is_true_of_lies_alone(contract: CheckContract, seats: int) -> None:
    rng = np.random.default_rng(seats)
    *_, trees = rounds(seats, 2, agreeing, rng, missing=0.2 if seats == 40 else 0.85)
    trees = sketched(trees, 1, rng)

    assert_answers(contract, honest(trees, READS, STEPS, rng, 2), False)
    assert_answers(contract, lies(trees, READS, STEPS, rng, 2), True)


@pytest.mark.parametrize("reference", [0, 1])
@pytest.mark.parametrize("seats", [3, 4, 9])
def test_wrong_of_any_inputs__agrees_with_python(contract: CheckContract, seats: int, reference: int) -> None:
    rng = np.random.default_rng([seats, reference])
    for base in rounds(seats, 12, agreeing, rng, missing=0.15, reference=reference):
        if not base.case.included:
            continue
        trees = with_any_inputs(sketched(base, 1, rng), rng)
        places_ = [(name, *recomputed(trees, name, rng)) for name in NAMES if name != "picks"]
        for by in (0, 1, -1):
            calls = [
                call(with_entry(trees, name, i, j, lambda _, x=x, by=by: x + by), READS[name], name, i, j)
                for name, i, j, x in places_
            ]
            assert_answers(contract, calls, by != 0)


@pytest.mark.parametrize("square", [0, 1, 2])
def test_has_public_of_one_short_delta__is_whether_it_is_there_at_all(
    contract: CheckContract, square: int
) -> None:
    *_, base = rounds(4, 3, agreeing, np.random.default_rng(8))
    view, shape = copy(base.view), base.case.shape
    view.gram = view.gram.copy()
    for age in range(DELTAS):
        view.gram[shape.delta(age), shape.delta(age)] = square if age == 1 else 0
    trees = replace(base, gram=gram_tree(shape, view.gram, dict.fromkeys(base.case.present)), view=view)

    for posted in (0, 1):
        told = with_entry(trees, "has_public", 0, 0, lambda _, posted=posted: posted)
        answer = contract.answer(call(told, READS["has_public"], "has_public"))
        assert answer is (posted != min(square, 1))


@pytest.mark.parametrize("squares", [(F, F), (0, F), (F, 0)])
@pytest.mark.parametrize("before", [F, F + 1, 20_000, 4 * F - 1, 4 * F])
@pytest.mark.parametrize("cosine", [-F, 4914, 4915, 10_650, 10_651, F])
def test_learning_rate_after_two_deltas__is_what_python_makes_of_it(
    contract: CheckContract, cosine: int, before: int, squares: tuple[int, int]
) -> None:
    *_, base = rounds(4, 3, agreeing, np.random.default_rng(8), missing=0.0)
    view, shape = copy(base.view), base.case.shape
    view.gram, view.root, view.advice = view.gram.copy(), view.root.copy(), view.advice.copy()
    last, older = shape.delta(0), shape.delta(1)
    view.gram[last, last], view.gram[older, older] = squares
    view.gram[last, older] = view.gram[older, last] = cosine
    view.root[[last, older]] = [128 if square else 0 for square in squares]  # F is the square of 128
    view.advice[1], view.before_advice = before, ints([F, before, F, 65535])
    below = steps_tree(view, [])
    gram = gram_tree(shape, view.gram, dict.fromkeys(base.case.present))
    trees = replace(base, gram=gram, steps_below=below, view=view)
    right = int(recompute(STEPS, view, "advice", 1))

    for by in (0, 1, -1):
        told = with_entry(trees, "advice", 1, 0, lambda _, by=by: right + by)
        assert contract.answer(call(told, READS["advice"], "advice", 1)) is (by != 0)


@pytest.mark.parametrize("outlook", [0, 1, F, F + 1])
@pytest.mark.parametrize("likeness", [-1, 0, 1])
def test_voice_of_who_is_hardly_like_the_leader__is_what_python_makes_of_it(
    contract: CheckContract, likeness: int, outlook: int
) -> None:
    *_, base = rounds(4, 3, agreeing, np.random.default_rng(8), missing=0.0)
    view = copy(base.view)
    for name in ("cosine", "standing", "outlook", "outlook_median"):
        setattr(view, name, getattr(view, name).copy())
    view.pull_median, view.outlook_median[:], view.outlook_median[2] = 0, 0, F
    view.cosine[2, 1], view.standing[1], view.outlook[2, 1] = likeness, F, outlook
    trees = replace(base, steps=steps_tree(view, []), view=view)
    voice = int(recompute(STEPS, view, "voice", 1))
    assert voice == (F if outlook > max(likeness, 0) * F else 0)

    for by in (0, 1):
        told = with_entry(trees, "voice", 1, 0, lambda _, by=by: voice + by)
        assert contract.answer(call(told, READS["voice"], "voice", 1)) is (by != 0)


@pytest.mark.parametrize("seats", [3, 9])
def test_wrong_above_the_start_of_seats_that_revealed_before__is_true_of_lies_alone(
    contract: CheckContract, seats: int
) -> None:
    """Round 1 ended FLAT: nobody has its first round, yet there is no result below."""
    rng = np.random.default_rng(seats)
    trees = flat_before(seats, rng)

    assert_answers(contract, honest(trees, READS, STEPS, rng, 4), False)
    assert_answers(contract, lies(trees, READS, STEPS, rng, 2), True)


@pytest.mark.parametrize("kind", [agreeing, equal, tiny, zero], ids=lambda kind: kind.__name__)
@pytest.mark.parametrize("seats", [1, 2, 5])
def test_picks_of_any_other_row__are_wrong(contract: CheckContract, kind: Kind, seats: int) -> None:
    *_, trees = rounds(seats, 2, kind, np.random.default_rng(3), missing=0.1)
    shape, view, i = trees.case.shape, trees.view, min(trees.case.included)
    # Behind the candidates stand hashes: numbers as large as any.
    rows = [*range(-2, shape.rows + 40), 2**63 - 1, -(2**63)]
    calls = [
        call(with_entry(trees, "picks", i, k, lambda _, row=row: row), READS["picks"], "picks", i, k)
        for k in range(3)
        for row in rows
    ]

    answers = contract.answers(calls)

    right = [
        [row for row, answer in zip(rows, answers[k * len(rows) :], strict=False) if answer is False]
        for k in range(3)
    ]
    assert right == [[row] for row in view.picks[i]]


@pytest.mark.parametrize(
    "name", ["norm_median", "agreement_median", "coherence_past_median", "coherence_now_median"]
)
@pytest.mark.parametrize("seats", [1, 4, 9])
def test_medians__are_the_honest_number_alone(contract: CheckContract, name: str, seats: int) -> None:
    *_, trees = rounds(seats, 1, some_zero, np.random.default_rng(seats), missing=0.1)
    source = {"norm_median": "norm"}.get(name, name.removesuffix("_median"))
    values = sorted({0, -1, 1, -(2**127), 2**127 - 1, *map(int, getattr(trees.view, source))})
    calls = [call(with_entry(trees, name, 0, 0, lambda _, x=x: x), READS[name], name) for x in values]

    answers = contract.answers(calls)

    right = [x for x, answer in zip(values, answers, strict=True) if answer is False]
    assert right == [getattr(trees.view, name)]


# ----- refusals -----


DAMAGES: dict[str, Callable[[bytes], bytes]] = {
    "a byte short": lambda data: data[:-1],
    "a hash short": lambda data: data[:-32],
    "half": lambda data: data[: len(data) // 2],
    "empty": lambda data: b"",
    "a zero more": lambda data: data + b"\0",
    "a hash more": lambda data: data + bytes(32),
    "a leaf more": lambda data: data + data[:256],
    "shifted": lambda data: data[1:] + data[:1],
    "shifted by an entry": lambda data: data[8:] + data[:8],
    "twice": lambda data: data + data,
    "a bit changed at the start": lambda data: bytes([data[0] ^ 128]) + data[1:],
    "a bit changed in the middle": lambda d: d[: len(d) // 2] + bytes([d[len(d) // 2] ^ 1]) + d[len(d) // 2 + 1 :],
    "a bit changed at the end": lambda data: data[:-1] + bytes([data[-1] ^ 1]),
}  # fmt: skip


@pytest.mark.parametrize("damage", DAMAGES.values(), ids=list(DAMAGES))
def test_wrong_of_damaged_evidence__is_refused(
    contract: CheckContract, usual: Trees, damage: Callable[[bytes], bytes]
) -> None:
    """Of honest and of wrong entries alike."""
    calls = [*one_each(usual).values(), *one_each(usual, by=1).values()]
    answers = contract.answers(replace(call, evidence=damage(call.evidence)) for call in calls)

    assert all(isinstance(answer, Refused) for answer in answers)


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
    rng = np.random.default_rng(1)
    *_, before, now = rounds(12, 3, agreeing, rng, missing=0.0)
    questions, others = one_each(sketched(now, 1, rng)), one_each(sketched(before, 1, rng))
    calls = [replace(question, evidence=others[name].evidence) for name, question in questions.items()]

    assert all(isinstance(answer, Refused) for answer in contract.answers(calls))


@pytest.mark.parametrize(
    ("a", "b", "c"),
    [
        (0, 8, 0), (0, 16, 0), (0, 0, 1), (0, 2**255, 0),  # not a scalar of these
        (SLOT_OF["residual_gram"] + 1, 0, 0), (63, 0, 0), (64, 0, 0), (2**255, 0, 0),  # not a step of these
        (1, 0, 1), (1, 32, 0), (1, 2**255, 0),  # a vector: column, seat
        (2, 0, 32), (2, 12, 0), (2, 2**255, 0), (2, 0, 2**255), (4, 12, 0),  # a matrix
    ],
)  # fmt: skip
def test_wrong_of_coordinates_that_name_nothing__is_refused(
    contract: CheckContract, usual: Trees, a: int, b: int, c: int
) -> None:
    data = one_each(usual)["norm"].evidence
    answers = contract.answers(Call(usual, STEP, a, b, c, evidence) for evidence in (b"", data))

    assert set(answers) == {Refused("MarketNoSuchEntry")}


@pytest.mark.parametrize("name", [step.name for step in STEPS if step.kind == "matrix" and not step.carried])
def test_wrong_of_a_row_of_a_seat_that_is_not_included__is_refused(
    contract: CheckContract, usual: Trees, name: str
) -> None:
    absent = min(set(range(12)) - usual.case.included)
    question = one_each(usual)[name]

    assert contract.answer(replace(question, b=absent)) == Refused("MarketNoSuchEntry")


@pytest.mark.parametrize("check", [check for check in range(10) if check != STEP])
def test_wrong_of_another_check__is_refused(contract: CheckContract, usual: Trees, check: int) -> None:
    assert contract.answer(replace(one_each(usual)["norm"], check=check)) == Refused("MarketNotHere")


@pytest.mark.parametrize("name", ["kinship", "standing", "reputation", "strikes"])
@pytest.mark.parametrize("where", ["start", "first"])
def test_wrong_of_evidence_below_where_start_values_count__is_refused(
    contract: CheckContract, usual: Trees, name: str, where: str
) -> None:
    case = usual.case
    # a seat that is not included reads its strikes of before
    i = min(set(range(12)) - case.included) if name == "strikes" else min(case.included)
    j = max(case.included) if name == "kinship" else 0
    fresh = replace(
        usual, case=replace(case, **({"start": True} if where == "start" else {"first": [True] * 12}))
    )
    question = call(usual, READS[name], name, i, j)
    bare = call(fresh, READS[name], name, i, j)

    assert len(bare.evidence) < len(question.evidence)
    assert isinstance(contract.answer(replace(question, trees=fresh)), Refused)
    assert isinstance(contract.answer(replace(bare, trees=usual)), Refused)


# ----- gas -----


@pytest.mark.parametrize("reference", [False, True])
@pytest.mark.parametrize(("seats", "most"), [(100, 200_000), (1_000, 1_000_000)])
def test_gas_of_every_step__is_within_bounds(
    contract: CheckContract, seats: int, most: int, reference: bool
) -> None:
    # column 7: of a picked row in `gathered`, and in two leaves for `residual`
    trees = large(seats, 10**9, 3, 7, reference=reference)
    for name, question in one_each(trees, i=3, j=7).items():
        gas, size = contract.gas(question)
        assert size <= 1 << 16
        assert gas <= most, name
