"""Pay: the printed formula, exact sums, and who must not be paid."""

from math import isqrt
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sample_rounds import FEE, POT, decided, random_sketch

from aggregator.fixed import F, O
from aggregator.pay import energy
from aggregator.rows import COLUMNS, Shape
from aggregator.state import state_of
from aggregator.steps import View


def play(rounds: int, cheats: dict[int, Any], n: int = 8, seed: int = 0) -> list[View]:
    """Honest seats send a common part, a part of their own and noise; deltas are means, files stay public."""
    shape, rng = Shape(1, n), np.random.default_rng(seed)
    own, past, deltas = rng.normal(0, 400, (n, COLUMNS)), [], []
    views: list[View] = []
    state, reputation = None, None
    for number in range(rounds):
        common = rng.normal(0, 1000, COLUMNS)
        updates = common + own + rng.normal(0, 800, (n, COLUMNS))
        for seat, cheat in cheats.items():
            updates[seat] = cheat(updates, deltas, past, rng)
        sketch = np.zeros((shape.rows, COLUMNS), np.int32)
        sketch[:n] = updates
        for age, delta in enumerate(deltas[:3]):
            sketch[shape.delta(age)] = delta
        for age, files in enumerate(past[:2]):
            sketch[shape.first_past + age * n : shape.first_past + (age + 1) * n] = files
        views.append(decided(sketch, shape, state, reputation, first=range(n) if not number else ()))
        state, reputation = state_of(views[-1]), list(views[-1].reputation)
        deltas.insert(0, (views[-1].coefficient.astype(float) @ updates / 65536).astype(np.int32))
        past.insert(0, sketch[:n].copy())
    return views


def silent(updates: Any, deltas: list, past: list, rng: np.random.Generator) -> Any:
    return rng.normal(0, 300, COLUMNS)


def rider(updates: Any, deltas: list, past: list, rng: np.random.Generator) -> Any:
    return deltas[0] + rng.normal(0, 50, COLUMNS) if deltas else silent(updates, deltas, past, rng)


def copier(updates: Any, deltas: list, past: list, rng: np.random.Generator) -> Any:
    return past[0][0] if past else silent(updates, deltas, past, rng)


def flipper(updates: Any, deltas: list, past: list, rng: np.random.Generator) -> Any:
    return -updates[0]


def zero(updates: Any, deltas: list, past: list, rng: np.random.Generator) -> Any:
    return np.zeros(COLUMNS)


@pytest.mark.parametrize("cheat", [silent, rider, copier, flipper, zero])
@pytest.mark.parametrize("seed", [0, 1, 2])
def test_pay_of_who_adds_nothing__is_below_a_twentieth(cheat: Any, seed: int) -> None:
    paid = sum(view.pay for view in play(8, {7: cheat}, seed=seed))

    assert 20 * paid[7] < sorted(paid[:7])[3]
    assert min(paid[:7]) > 0


def test_pay_of_two_who_send_the_same__is_that_of_one_in_the_long_run() -> None:
    twins = play(12, {7: lambda updates, *_: updates[6]})[-1]

    assert twins.crowd[6] == twins.crowd[7] == 2 * O
    assert set(twins.crowd[:6]) == {O}
    assert twins.pay[6] + twins.pay[7] < 1.3 * sorted(twins.pay[:6])[3]


def test_seats_with_the_same_data__are_no_twins() -> None:
    """Long training on one distribution leaves residuals that resemble each other; all alike is typical."""
    rng = np.random.default_rng(5)
    shared = rng.normal(0, 2000, (8, COLUMNS))

    def alike(number: int) -> Any:
        return lambda updates, deltas, past, _: shared[len(past)] + rng.normal(0, 1000, COLUMNS)

    last = play(8, {seat: alike(seat) for seat in range(8)})[-1]
    assert last.twin_bar > 20_000
    assert max(last.crowd) < 1.2 * O


@settings(max_examples=20, deadline=None)
@given(st.integers(1, 9), st.integers(0, 2**32))
def test_paid__is_at_most_the_pot_less_fee_and_short_by_less_than_a_unit_each(n: int, seed: int) -> None:
    shape = Shape(1, n)
    view = decided(random_sketch(shape, np.random.default_rng(seed)), shape, first=range(n))

    assert view.paid == sum(view.pay)
    assert POT - FEE - n < view.paid <= POT - FEE
    assert min(view.pay) >= 0


@pytest.mark.parametrize("n", [1, 3, 5])
def test_pay_without_any_contribution__is_the_same_for_all_included(n: int) -> None:
    shape = Shape(1, 6)
    view = decided(np.zeros((shape.rows, COLUMNS), np.int32), shape, included=range(n), sealed=range(6))

    assert view.pay.tolist() == [(POT - FEE) // n] * n + [0] * (6 - n)


def test_pay_of_nobody__is_nothing() -> None:
    shape = Shape(1, 4)
    view = decided(random_sketch(shape, np.random.default_rng(0)), shape, included=[])

    assert (view.paid, view.merit_sum) == (0, 0)


def test_agreed__is_the_leave_one_out_cosine() -> None:
    view = play(1, {}, n=6)[0]
    u = view.sketch[:6].astype(float)
    weights = view.pay_voice.astype(float) / O
    for i in range(6):
        rest = sum(weights[j] * u[j] for j in range(6) if j != i)
        cosine = u[i] @ rest / np.linalg.norm(u[i]) / np.linalg.norm(rest)
        assert view.agreed[i] / O == pytest.approx(cosine, abs=0.002)


def test_agreed_and_new_terms__are_the_printed_formula() -> None:
    view = play(4, {7: rider})[-1]
    n, g, b = 8, view.gram, view.residual_gram
    d = [max(isqrt(g[i, i]), 1) for i in range(n)]
    clipping = [min(F, F * view.norm_median // d[i]) for i in range(n)]
    said = [
        min(max(a, 0), 13107 * t // O) for a, t in zip(view.before_agreed_sum, view.before_age, strict=True)
    ]
    heard = [4096 + 61440 * x // (13107 * t // O) for x, t in zip(said, view.before_age, strict=True)]
    v = [4 * clipping[i] * heard[i] // (O + sum(view.alike[i])) for i in range(n)]

    def terms(products: Any, voices: list[int], i: int) -> list[int]:
        y = [sum(products[i, j] * voices[j] for j in range(n)) for i in range(n)]
        t = sum(x * z for x, z in zip(voices, y, strict=True))
        q = isqrt(max(t - 2 * voices[i] * y[i] + voices[i] ** 2 * products[i, i], 1))
        return [
            0 if i == j else ((O - view.alike[i, j]) * voices[j] * products[i, j] << 16) // (d[i] * q)
            for j in range(n)
        ]

    agreed = [sum(terms(g, v, i)) >> 16 for i in range(n)]
    new_voice = [v[i] * max(agreed[i], 0) // O for i in range(n)]
    before = view.before_new_sum
    assert view.agreed.tolist() == agreed
    assert view.new_sum.tolist() == [
        [x - x // 16 + term for x, term in zip(before[i], terms(b, new_voice, i), strict=True)]
        for i in range(n)
    ]
    assert view.earned.tolist() == [
        x - x // 16 + a * energy(view, i) // O
        for i, (x, a) in enumerate(zip(view.before_earned, agreed, strict=True))
    ]


def test_sums_of_a_seat_that_is_not_included__only_decay() -> None:
    first = play(5, {})[-1]
    view = decided(np.asarray(first.sketch, np.int32), first.shape, state_of(first), included=range(7))

    for name in ("earned", "agreed_sum", "age", "received"):
        before = getattr(first, name)[7]
        assert getattr(view, name)[7] == before - before // 16
    assert view.pay[7] == 0


def test_gate_in_the_first_round__is_open() -> None:
    view = play(1, {})[0]

    assert view.has_public == 0
    assert set(view.gate) == {energy(view, seat) for seat in range(8)} == {O}
    assert not view.age.any()


def test_doubt__is_the_standard_error_of_a_sum_of_the_pair_terms() -> None:
    view = play(5, {})[-1]
    for i in range(8):
        terms = np.array([view.new_sum[i, j] for j in range(8) if j != i], dtype=float) / (1 << 32)
        assert view.doubt[i] / O == pytest.approx(terms.std() * np.sqrt(7), abs=1e-4)


def test_received__is_what_each_was_paid_of_rounds_that_fade() -> None:
    views = play(6, {7: rider})
    for seat in range(8):
        kept = 0.0
        for view in views:
            kept = kept * 15 / 16 + view.pay[seat] / view.paid
        assert views[-1].received[seat] / (1 << 32) == pytest.approx(kept, rel=1e-4)


def test_pay_of_who_was_paid_too_little_before__makes_up_for_it() -> None:
    """A seat whose first rounds were bad luck is paid more than its share of the sums, the others less."""
    view = play(6, {})[-1]
    state = dict(state_of(view))
    even = decided(np.asarray(view.sketch, np.int32), view.shape, state)
    state["received"] = state["received"].copy()
    state["received"][0] //= 2
    later = decided(np.asarray(view.sketch, np.int32), view.shape, state)

    assert later.claim.tolist() == even.claim.tolist()
    assert later.pay[0] > 1.2 * even.pay[0]
    assert all(a < b for a, b in zip(later.pay[1:], even.pay[1:], strict=True))


@pytest.mark.parametrize("cheats", [{}, {7: rider}, {6: copier, 7: rider}])
@pytest.mark.parametrize("n", [7, 8])
def test_benefit_of_the_doubt__is_the_own_or_the_upper_median(cheats: dict[int, Any], n: int) -> None:
    view = play(6, {seat - 8 + n: cheat for seat, cheat in cheats.items()}, n)[-1]
    agreement = np.maximum(np.maximum(view.agreed_sum, 3276 * view.age // O), 1)
    most = sorted(view.doubt)[n // 2]

    assert view.doubt_median == most
    for i in range(n):
        best = view.newness[i] + min(view.doubt[i], most * 5 // 4)
        assert view.ratio[i] == best * O // agreement[i]
        granted = (view.newness[i] + 2 * min(view.doubt[i], most)) * O // agreement[i]
        judged = view.agreed_sum[i] * O > 3276 * view.age[i]
        part = (granted * O // view.ratio_bar - 40632) * O // 6553
        assert view.gate[i] == (min(max(part, 0), O) if judged else 0)


@pytest.mark.parametrize("agreement", [-1, 0, 13106, 13107, 13108])
def test_say__is_full_from_an_average_agreement_of_a_fifth_on(agreement: int) -> None:
    view = play(4, {})[-1]
    state = dict(state_of(view))
    state["age"], state["agreed_sum"] = state["age"].copy(), state["agreed_sum"].copy()
    state["age"][0], state["agreed_sum"][0] = 10 * O, 10 * agreement
    later = decided(np.asarray(view.sketch, np.int32), view.shape, state)
    heard = 4096 + 61440 * max(0, min(10 * agreement, 131070)) // 131070

    assert later.pay_voice[0] == 4 * later.clipping[0] * heard // later.crowd[0]
    assert (heard == O) == (agreement >= 13107)
