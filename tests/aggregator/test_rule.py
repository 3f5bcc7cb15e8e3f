"""The rule against a second, plain implementation of its formula, and its promises."""

from math import isqrt
from operator import mul

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sample_rounds import decided, random_sketch

from aggregator.decide import gram_of
from aggregator.rows import COLUMNS, Shape
from aggregator.rule import FULL_WEIGHT, START_REPUTATION, UNRELIABLE, leader
from aggregator.state import state_of
from aggregator.verdicts import reason, verdict

F = 1 << 14


def lmed(values: list[int]) -> int:
    return sorted(values)[(len(values) - 1) // 2]


def clip(x: int) -> int:
    return max(-F, min(F, x))


def naive_rule(g: list[list[int]], rep: list[int], old: list[list[int]] | None) -> dict[str, list]:
    """The formula as it is printed in the design, n >= 4 seats, all included; `old` is None at first."""
    n, seats = len(g), range(len(g))
    k = (n - 1) // 2
    nu = [isqrt(g[i][i]) for i in seats]
    c = [[clip(g[i][j] * F // (max(nu[i], 1) * max(nu[j], 1))) for j in seats] for i in seats]
    for i in seats:
        c[i][i] = F if nu[i] else 0
    base = lmed([x for x in nu if x]) if any(nu) else 0
    cl = [min(F, base * F // x) if x else 0 for x in nu]
    m = c if old is None else [[(9 * old[i][j] + c[i][j]) // 10 for j in seats] for i in seats]

    def top(rows: list[list[int]], i: int) -> int:
        best = sorted((max(0, rows[i][j]) for j in seats if j != i), reverse=True)[:k]
        return isqrt(sum(x * x for x in best) // k)

    qm, qc = [top(m, i) for i in seats], [top(c, i) for i in seats]
    d = [
        min(F, 13 * lmed(qm) * F // (10 * max(qm[i], 1)), 3 * lmed(qc) * F // (2 * max(qc[i], 1)))
        for i in seats
    ]
    D = [x * x // F for x in d]
    x = [max(rep[i], 64) * D[i] // F for i in seats]

    def lean(y: list[int]) -> list[int]:
        pulls = [sum(c[i][j] * y[j] for j in seats) for i in seats]
        return [
            (p - y[i] * F) * 128 // max(1, isqrt(max(0, sum(map(mul, y, pulls)))))
            for i, p in enumerate(pulls)
        ]

    seen = [[max(c[k][j], 0) * x[j] // F for j in seats] for k in seats]
    medians = [lmed(lean(y)) for y in seen]
    leader = medians.index(max(medians))
    if medians[leader] > max(0, lmed(lean(x))):
        heard = [sum(c[i][j] * seen[leader][j] for j in seats) for i in seats]
        x = [x[i] if heard[i] > seen[leader][i] * F else 0 for i in seats]
    v = [sum(c[i][j] * x[j] for j in seats) for i in seats]
    tot = sum(x[i] * v[i] for i in seats)
    a = [
        clip((v[i] - x[i] * F) * 128 // max(1, isqrt(max(1, tot - 2 * x[i] * v[i] + x[i] * x[i] * F))))
        if nu[i]
        else 0
        for i in seats
    ]
    ma = lmed(a)
    X = [min(F, max(a[i] + 819, 0) * F * 10 // (7 * (max(ma, 0) + 819))) for i in seats]
    R = [(19 * rep[i] + clip(a[i] * F // max(ma, 3277))) // 20 for i in seats]
    r = [max(R[i], 0) * D[i] // F * X[i] // F if nu[i] else 0 for i in seats]
    w = [y * FULL_WEIGHT // sum(r) if sum(r) else 0 for y in r]
    return {"kinship": m, "agreement": a, "reputation": R, "weight": w,
            "coefficient": [w[i] * cl[i] // F for i in seats]}  # fmt: skip


@settings(max_examples=30, deadline=None)
@given(st.integers(4, 9), st.integers(0, 2**32), st.sampled_from([0.6, 30, 1e4, 1e8]))
def test_rule_over_two_rounds__is_the_printed_formula(n: int, seed: int, scale: float) -> None:
    rng, shape = np.random.default_rng(seed), Shape(1, n)
    one, two = random_sketch(shape, rng, scale), random_sketch(shape, rng, scale)
    one[0], two[1] = -one[1], 0
    first = decided(one, shape, first=range(n))
    expected = naive_rule(gram_of(one)[:n, :n].tolist(), [START_REPUTATION] * n, None)
    second = decided(two, shape, state_of(first), list(first.reputation))
    later = naive_rule(gram_of(two)[:n, :n].tolist(), expected["reputation"], expected["kinship"])

    for view, naive in ((first, expected), (second, later)):
        assert {name: getattr(view, name).tolist() for name in naive} == naive


@settings(max_examples=20, deadline=None)
@given(st.integers(1, 12), st.integers(0, 2**32))
def test_coefficients__sum_to_at_most_65535_and_are_never_negative(n: int, seed: int) -> None:
    view = decided(random_sketch(Shape(1, n), np.random.default_rng(seed)), Shape(1, n), first=range(n))

    assert sum(view.coefficient) <= FULL_WEIGHT
    assert min(view.coefficient) >= 0


@pytest.mark.parametrize("n", [1, 2, 3])
def test_fewer_than_four_seats__weigh_the_same_and_change_no_state(n: int) -> None:
    shape = Shape(1, 5)
    view = decided(random_sketch(shape, np.random.default_rng(0)), shape, included=range(n), sealed=range(n))

    assert view.weight.tolist() == [65535 // n] * n + [0] * (5 - n)
    assert view.reputation.tolist() == [START_REPUTATION] * 5
    assert not view.kinship.any()
    assert not view.strikes.any()


def test_three_seats_one_zero__the_zero_weighs_nothing() -> None:
    shape = Shape(1, 3)
    sketch = random_sketch(shape, np.random.default_rng(0))
    sketch[1] = 0

    assert decided(sketch, shape).weight.tolist() == [32767, 0, 32767]


@pytest.mark.parametrize("n", [3, 4, 6])
def test_all_zero_updates__change_nothing(n: int) -> None:
    shape = Shape(1, n)
    view = decided(np.zeros((shape.rows, COLUMNS), np.int32), shape, first=range(n))

    assert not view.coefficient.any()
    assert not view.penalty.any()


@pytest.mark.parametrize("value", [1, 2**31 - 1, -(2**31)])
@pytest.mark.parametrize("n", [4, 7])
def test_all_equal_updates__weigh_the_same(n: int, value: int) -> None:
    shape = Shape(1, n)
    sketch = np.zeros((shape.rows, COLUMNS), np.int32)
    sketch[:n] = value
    view = decided(sketch, shape, first=range(n))

    assert set(view.weight) == {65535 // n}
    assert set(view.agreement) == {F}


def test_a_long_update__is_clipped_to_the_median() -> None:
    shape = Shape(1, 5)
    sketch = random_sketch(shape, np.random.default_rng(1))
    sketch[0] *= 100
    view = decided(sketch, shape, first=range(5))

    assert view.coefficient[0] * view.norm[0] <= view.norm_median * view.weight[0]
    assert view.weight[0] > 5000


def test_a_seat_sealed_but_left_out__moves_as_for_agreement_zero() -> None:
    shape = Shape(1, 6)
    view = decided(random_sketch(shape, np.random.default_rng(2)), shape, included=range(4), sealed=range(5))

    assert view.reputation[4] == 19 * START_REPUTATION // 20
    assert view.reputation[5] == START_REPUTATION
    assert (view.weight[4], view.pay[4]) == (0, 0)
    assert [verdict(view, seat) for seat in (4, 5)] == ["left out", "absent"]


def test_a_new_holder__starts_afresh() -> None:
    shape, rng = Shape(1, 5), np.random.default_rng(3)
    old = decided(random_sketch(shape, rng), shape, first=range(5))
    sketch = random_sketch(shape, rng)
    view = decided(sketch, shape, state_of(old), [1, 2, 3, 4, 5], first=[2])

    assert view.before_reputation.tolist() == [1, 2, START_REPUTATION, 4, 5]
    assert view.kinship[2].tolist() == view.cosine[2].tolist()
    assert view.kinship[:, 2].tolist() == view.cosine[:, 2].tolist()
    assert not view.before_twin[2].any()
    assert view.kinship[0, 1] == (9 * old.kinship[0, 1] + view.cosine[0, 1]) // 10


def flipping_rounds(count: int) -> list:
    shape, rng = Shape(1, 6), np.random.default_rng(4)
    state, reputation, views = None, None, []
    for number in range(count):
        common = rng.normal(0, 1000, COLUMNS)
        sketch = random_sketch(shape, rng, 100)
        sketch[:6] += common.astype(np.int32)
        sketch[5] = -common.astype(np.int32)
        views.append(decided(sketch, shape, state, reputation, first=range(6) if not number else ()))
        state, reputation = state_of(views[-1]), list(views[-1].reputation)
    return views


def test_three_strikes__cost_one_unit_each_round_from_then_on() -> None:
    views = flipping_rounds(5)

    assert [int(view.penalty[5]) for view in views] == [0, 0, 1, 1, 1]
    assert [verdict(view, 5) for view in views][1:3] == ["honest", "malicious"]
    assert not any(view.penalty[:5].any() for view in views)
    assert "3 rounds in a row" in reason(views[2], 5)


def test_a_seat_below_a_quarter__is_unreliable_and_costs_nothing() -> None:
    shape = Shape(1, 5)
    sketch = random_sketch(shape, np.random.default_rng(5), 100)
    view = decided(sketch, shape, reputation=[F, F, F, F, 0])

    assert view.reputation[4] < UNRELIABLE
    assert verdict(view, 4) == "unreliable"
    assert not view.penalty.any()


def test_a_tight_camp_of_two_fifths__outweighs_the_others_and_does_not_lead() -> None:
    rng, shape = np.random.default_rng(7), Shape(1, 20)
    core, pairs = rng.standard_normal(COLUMNS), rng.standard_normal((6, COLUMNS))
    sketch = np.zeros((shape.rows, COLUMNS))
    # The honest resemble each other in pairs, so colluders who do so in a group stay below the discount.
    sketch[:12] = core + 3 * np.repeat(pairs, 2, axis=0) + rng.standard_normal((12, COLUMNS))
    sketch[12:20] = rng.standard_normal((8, COLUMNS)) - core
    view = decided(np.rint(1000 * sketch).astype(np.int32), shape, first=range(20))

    assert np.mean(view.pull[12:]) > np.mean(view.pull[:12])
    assert leader(view) in range(12)
    assert (view.voice > 0).tolist() == [True] * 12 + [False] * 8
    assert (view.weight > 0).tolist() == [True] * 12 + [False] * 8
    assert not view.penalty.any()


def test_updates_that_resemble_nobody__have_no_leader_below_zero() -> None:
    shape = Shape(1, 6)
    sketch = np.zeros((shape.rows, COLUMNS), np.int32)
    # Corners of a simplex: every cosine is -0.2.
    sketch[:6, :6] = 6000 * np.eye(6, dtype=np.int32) - 1000
    view = decided(sketch, shape, first=range(6))

    assert max(view.outlook_median) <= 0
    assert leader(view) is None
    assert view.voice.tolist() == view.standing.tolist()


@pytest.mark.parametrize(("reputation", "least"), [(-F, 64), (0, 64), (63, 64), (64, 64), (65, 65)])
def test_standing__is_never_silent(reputation: int, least: int) -> None:
    shape = Shape(1, 5)
    sketch = random_sketch(shape, np.random.default_rng(5), 100)
    view = decided(sketch, shape, reputation=[reputation] * 5)

    assert view.standing.tolist() == [least * int(x) // F for x in view.discount]
    assert view.voice.any()
