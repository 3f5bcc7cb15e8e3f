"""Every named rule against floats written from its paper, on random updates; and what all rules have in common."""

from __future__ import annotations

from collections.abc import Callable

import float_rules as paper
import numpy as np
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st
from vectors import DIMENSIONS, Updates, drawn, gram_of_rows, parts, seeds, sizes, weighed

from aggregator.rules.form import Params
from aggregator.rules.registry import DEFAULT, named, names

CLOSE = 2e-4
"""Weights are floors of 65,535ths, clip factors of 16,384ths."""
ONE_SHOT: dict[str, Callable[[Updates, int], paper.Floats]] = {
    "mean": paper.mean,
    "clipped-mean": paper.clipped_mean,
    "krum": paper.krum,
    "multi-krum": paper.multi_krum,
    "nna": paper.nna,
    "centred-clipping": paper.centred_clipping,
    "multi-metrics": paper.multi_metrics,
}
MEDIANS = {"geometric-median": paper.geometric_median, "nnm-geometric-median": paper.mixed_median}
USES_F = {"krum", "multi-krum", "nna", "nnm-geometric-median", "monna"}
NO_REFERENCE = [name for name in names() if not named(name).uses_reference]


def faulty(name: str, f: int) -> int:
    return f if name in USES_F else 0


@pytest.mark.parametrize("name", ONE_SHOT)
@settings(max_examples=25, deadline=None)
@given(seed=seeds, n=sizes, f=st.integers(0, 1))
def test_weigh_random_updates__as_the_paper_in_floats(name: str, seed: int, n: int, f: int) -> None:
    x = drawn(seed, n, f)

    got = parts(weighed(name, gram_of_rows(x), faulty=faulty(name, f)))

    assert got == pytest.approx(ONE_SHOT[name](x.astype(float), f), abs=CLOSE)


@pytest.mark.parametrize("name", MEDIANS)
@settings(max_examples=15, deadline=None)
@given(seed=seeds, n=sizes)
def test_weigh_median__as_far_from_all_as_the_best_point(name: str, seed: int, n: int) -> None:
    """Many weights give nearly the same point, so the sums of distances are compared, and the points."""
    x = drawn(seed, n, 1)
    f = faulty(name, 1)

    got, best = (w @ x for w in (parts(weighed(name, gram_of_rows(x), faulty=f)), MEDIANS[name](x * 1.0, f)))

    mixed = paper.mixing(x * 1.0, f) @ x if f else x * 1.0
    far = [float(np.linalg.norm(mixed - point, axis=1).sum()) for point in (got, best)]
    # Steps grow small near a point that several mixed updates share, and 32 of them end close by.
    slack = (0.1 if f else 0.001) * float(np.linalg.norm(x, axis=1).mean())
    assert far[0] - far[1] < slack
    assert np.linalg.norm(got - best) < slack


@settings(max_examples=15, deadline=None)
@given(seed=seeds, n=sizes, f=st.integers(0, 2))
def test_weigh_with_a_reference__as_the_papers_in_floats(seed: int, n: int, f: int) -> None:
    x = drawn(seed, n + 1)
    trainers, reference = x[:n], x[n]

    trusted = parts(weighed("fltrust", gram_of_rows(x), reference=True))
    near = parts(weighed("monna", gram_of_rows(x), reference=True, faulty=f))

    assert trusted == pytest.approx(paper.fltrust(trainers * 1.0, reference * 1.0), abs=CLOSE)
    assert near == pytest.approx(paper.monna(trainers * 1.0, reference * 1.0, f), abs=CLOSE)


@settings(max_examples=15, deadline=None, derandomize=True)  # ties in later rounds cannot be assumed away
@given(seed=seeds, n=st.integers(4, 10))
def test_weigh_flag__as_singular_vectors_of_the_updates(seed: int, n: int) -> None:
    x = drawn(seed, n)
    # A subspace is defined only if its last direction is not a tie.
    assume(least_gap(x * 1.0) > 1e-3)

    assert parts(weighed("flag", gram_of_rows(x))) == pytest.approx(paper.flag(x * 1.0), abs=1e-3)


def least_gap(x: paper.Floats) -> float:
    unit = x / np.linalg.norm(x, axis=1, keepdims=True)
    values = np.linalg.eigvalsh(unit @ unit.T)[::-1]
    m = (len(x) + 1) // 2
    return float(values[m - 1] - values[m])


@pytest.mark.parametrize("rounds", [1, 2, 10, 12, 14])
def test_weigh_reputations_over_rounds__as_the_papers_in_floats(rounds: int) -> None:
    history = [drawn(seed, 8, 2) for seed in range(rounds)]

    weights, gone = paper.rffl([x * 1.0 for x in history])
    for name, expected in {"rffl": weights, "cgsv": paper.cgsv([x * 1.0 for x in history])}.items():
        rule = named(name)
        state = rule.start(8)
        for x in history:
            verdict = rule.weigh(gram_of_rows(x), state, Params())
            state = verdict.state
        got = np.array([float(w) for w in verdict.weights]) / 65535
        assert got == pytest.approx(expected, abs=1e-3), name
        if name == "rffl":
            assert [label == "unreliable" for label in verdict.labels] == gone.tolist()


def test_weigh_rffl_long_after_the_tenth_round__attackers_are_removed_for_good() -> None:
    rule, state = named("rffl"), named("rffl").start(8)
    for seed in range(40):
        x = drawn(seed, 8)
        x[7] = -x[:7].sum(axis=0) // 7
        verdict = rule.weigh(gram_of_rows(x), state, Params())
        state = verdict.state

    assert verdict.labels == ["honest"] * 7 + ["unreliable"]
    assert verdict.weights[7] == 0


@settings(max_examples=15, deadline=None)
@given(seed=seeds, n=st.integers(3, 10))
def test_weigh_foolsgold_first_round__as_the_paper_in_floats(seed: int, n: int) -> None:
    x = drawn(seed, n)
    x[1] = x[0] + x[1] // 8

    assert parts(weighed("foolsgold", gram_of_rows(x))) == pytest.approx(paper.foolsgold(x * 1.0), abs=CLOSE)


def test_weigh_foolsgold_over_rounds_with_past_rows__exact_sums_of_three_rounds() -> None:
    """With the last two rounds as rows, products of three rounds are all there: the paper's history to the digit."""
    rounds, rule = [drawn(seed, 6, 2) for seed in range(3)], named("foolsgold")
    state = rule.start(6)
    for age in range(3):
        past = [rounds[age - 1 - k] if k < age else np.zeros((6, DIMENSIONS), np.int64) for k in range(2)]
        verdict = rule.weigh(gram_of_rows(rounds[age], *past), state, Params(past=2))
        state = verdict.state

    assert (state["history"] == gram_of_rows(sum(rounds))).all()
    assert parts(verdict) == pytest.approx(paper.foolsgold(sum(rounds) * 1.0), abs=CLOSE)


@pytest.mark.parametrize("name", NO_REFERENCE)
@settings(max_examples=6, deadline=None)
@given(seed=seeds, n=st.integers(6, 10), data=st.data())
def test_weigh_seats_in_another_order__weights_in_that_order(
    name: str, seed: int, n: int, data: st.DataObject
) -> None:
    x, order = drawn(seed, n, 1), data.draw(st.permutations(range(n)))

    one = weighed(name, gram_of_rows(x), faulty=faulty(name, 1))
    two = weighed(name, gram_of_rows(x[order]), faulty=faulty(name, 1))

    # Rotations in another order round in another order.
    slack = 2 if name in ("flag", "geometric-median", "nnm-geometric-median") else 0
    assert max(abs(two.weights - one.weights[order])) <= slack
    assert (two.factors == one.factors[order]).all()


@pytest.mark.parametrize("name", NO_REFERENCE)
@pytest.mark.parametrize("scale", [3, 1024])
def test_weigh_updates_in_another_unit__the_same_weights(name: str, scale: int) -> None:
    x = drawn(5, 9, 2)

    one, two = (weighed(name, gram_of_rows(y), faulty=faulty(name, 2)) for y in (x, scale * x))

    assert max(abs(two.weights - one.weights)) <= 2
    assert max(abs(two.factors - one.factors)) <= 1


@pytest.mark.parametrize("name", NO_REFERENCE)
@pytest.mark.parametrize("case", ["zeros", "copies", "one zero", "huge", "many"])
def test_weigh_degenerate_updates__sums_stay_in_bounds(name: str, case: str) -> None:
    x = {
        "zeros": np.zeros((7, DIMENSIONS), np.int64),
        "copies": np.repeat(drawn(1, 1), 7, axis=0),
        "one zero": np.concatenate([drawn(1, 6), np.zeros((1, DIMENSIONS), np.int64)]),
        "huge": drawn(1, 7) * 2**17,
        "many": drawn(1, 24, 6),
    }[case]

    verdict = weighed(name, gram_of_rows(x), faulty=faulty(name, 1))

    assert (verdict.weights >= 0).all()
    assert int(verdict.weights.sum()) <= 65535
    assert ((verdict.factors >= 0) & (verdict.factors <= 1 << 14)).all()
    assert int(verdict.coefficients().sum()) <= 65535
    assert len(verdict.labels) == len(x)
    # A machine integer that slipped in would overflow one day.
    everything = [verdict.weights, verdict.factors, *verdict.state.values()]
    assert {type(number) for values in everything for number in values.ravel()} == {int}


def test_named_default__is_the_rule_of_the_market() -> None:
    assert names()[0] == DEFAULT == "agreement"
    assert len(names()) == len(set(names()))
