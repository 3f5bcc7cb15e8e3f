"""The bench's array form of the default rule gives the integers of the aggregator; floats it is compared with."""

from __future__ import annotations

import numpy as np
import pytest

from aggregator.decide import Seats, decide, gram_of
from aggregator.fixed import F
from aggregator.rows import COLUMNS, Shape
from aggregator.rule import RATE
from aggregator.state import empty_state, state_of
from aggregator.verdicts import verdict
from benchmarks.robustness.agreement import GRAM_LIMIT, Agreement, Params, Verdict, isqrt
from benchmarks.robustness.rules import RULES, Around, FlTrust, GramRule, Mean, Posted, VectorRule
from benchmarks.robustness.trusted import Trusted


def updates(n: int, d: int, rng: np.random.Generator, like: float) -> np.ndarray:
    """Rows around a common direction, some of them zero, opposite or copies."""
    rows = 300 * (like * rng.standard_normal(d) + rng.standard_normal((n, d)))
    rows[1] = rows[0]
    rows[2] = -3 * rows[3 % n]
    rows[n - 1] *= rng.integers(0, 2)
    return np.clip(rows, -32768, 32767).astype(np.int16)


def sketch_sized(n: int, rng: np.random.Generator, like: float) -> np.ndarray:
    """Rows of a round, two global deltas among them that are as much alike as the updates."""
    rows, shape = updates(n + 2, COLUMNS, rng, like).astype(np.int32), Shape(1000, n)
    sketch = np.zeros((shape.rows, COLUMNS), np.int32)
    sketch[[*range(n), shape.delta(0), shape.delta(1)]] = rows
    return sketch


@pytest.mark.parametrize("n", [3, 4, 5, 9, 20])
@pytest.mark.parametrize("like", [0.0, 0.3, 2.0])
def test_weigh_over_rounds__the_aggregators_integers(n: int, like: float) -> None:
    rng, shape, judge = np.random.default_rng([n, int(10 * like)]), Shape(1000, n), Agreement()
    theirs, reputation, state = empty_state(n), [8192] * n, judge.start(n)
    for now in range(4):
        sketch = sketch_sized(n, rng, like)
        seats = Seats([True] * n, [True] * n, [now == 0] * n)
        view = decide(shape, sketch, seats, theirs, reputation, 10**6)
        rows = [*range(n), shape.delta(0), shape.delta(1)]
        found = judge.weigh(gram_of(sketch)[np.ix_(rows, rows)].astype(np.int64), state, Params(deltas=2))

        assert found.coefficients.tolist() == view.coefficient.tolist()
        if n >= 4:
            assert found.state["reputation"].tolist() == view.reputation.tolist()
            assert found.state["kinship"].tolist() == view.kinship.tolist()
            assert found.labels == [verdict(view, seat) for seat in range(n)]
        assert found.state["rate"].tolist() == [view.advice[RATE]]
        theirs, reputation, state = state_of(view), [int(r) for r in view.reputation], found.state


@pytest.mark.parametrize("n", [3, 4, 9, 15])
@pytest.mark.parametrize("kind", ["like them", "against them", "noise", "zero"])
def test_weigh_with_a_reference__the_aggregators_integers(n: int, kind: str) -> None:
    rng, shape, judge = np.random.default_rng([n, len(kind)]), Shape(1000, n), Trusted()
    theirs, reputation, state = empty_state(n), [8192] * n, judge.start(n)
    for now in range(5):
        sketch = sketch_sized(n, rng, 0.5)
        noise = 200 * rng.standard_normal(COLUMNS)
        mean = sketch[:n].mean(axis=0)
        row = {"like them": mean + noise, "against them": -mean, "noise": noise, "zero": 0 * noise}[kind]
        sketch[shape.reference] = row
        seats = Seats([True] * n, [True] * n, [now == 0] * n)
        view = decide(shape, sketch, seats, theirs, reputation, 10**6)
        rows = gram_of(sketch)[: n + 3, : n + 3].astype(np.int64)
        found = judge.weigh(rows, state, Params(reference=True, deltas=2))

        assert found.coefficients.tolist() == view.coefficient.tolist()
        if n >= 4:
            assert found.state["reputation"].tolist() == view.reputation.tolist()
            assert found.state["strikes"].tolist() == view.strikes.tolist()
            assert found.labels == [verdict(view, seat) for seat in range(n)]
        assert found.state["rate"].tolist() == [view.advice[RATE]]
        theirs, reputation, state = state_of(view), [int(r) for r in view.reputation], found.state


def test_isqrt__floor_of_the_root_up_to_the_limit() -> None:
    roots = np.array([1, 2, 3, 2**20 + 1, 2**30 - 1, 2**31 - 1])
    values = np.concatenate([roots**2 - 1, roots**2, roots**2 + 1])

    assert isqrt(values).tolist() == [*(roots - 1), *roots, *roots]
    assert isqrt(np.array([-5, 0])).tolist() == [0, 0]


@pytest.mark.parametrize(("entry", "fits"), [(GRAM_LIMIT - 1, True), (GRAM_LIMIT, False)])
def test_weigh_of_large_products__refused_at_the_limit(entry: int, fits: bool) -> None:
    gram = np.diag(np.full(5, entry))
    judge = Agreement()
    if fits:
        assert judge.weigh(gram, judge.start(5), Params()).weights.sum() <= 65535
    else:
        with pytest.raises(ValueError, match=str(GRAM_LIMIT)):
            judge.weigh(gram, judge.start(5), Params())


def test_fltrust__weights_are_the_positive_cosines() -> None:
    rng = np.random.default_rng(0)
    rows = np.round(1000 * (rng.standard_normal((7, 400)) + rng.standard_normal(400))).astype(np.int64)
    rows[2] *= -1
    judge = FlTrust()
    found = judge.weigh(rows @ rows.T, judge.start(6), Params(reference=True))
    lengths = np.linalg.norm(rows, axis=1)
    trust = np.maximum(0, rows[:6] @ rows[6] / lengths[:6] / lengths[6])

    assert found.weights / 65535 == pytest.approx(trust / trust.sum(), abs=1e-3)
    assert found.weights[2] == 0
    assert found.factors / 2**14 == pytest.approx(lengths[6] / lengths[:6], abs=1e-3)


def posted(n: int = 6, d: int = 2000) -> Posted:
    rng = np.random.default_rng(1)
    given, rest = updates(n, d, rng, 0.5), updates(n, d, rng, 0.5)
    return Posted(given, Around(rest[:1], rest[1:3], rest[None]), bytes(32))


@pytest.mark.parametrize("name", RULES)
def test_decide__delta_is_the_weighted_sum(name: str) -> None:
    rule, given = RULES[name](), posted()
    rule.begin(6, 2)
    out = rule.decide(given)

    assert out.shares is not None
    wanted = out.shares * 65535 / 65536 @ given.updates.astype(float)
    assert out.delta == pytest.approx(np.clip(wanted, -32768, 32767), abs=0.51)


def test_ask__changes_no_state() -> None:
    rule, given = GramRule(Agreement()), posted()
    rule.begin(6, 2)
    rule.decide(given)
    before = {name: values.copy() for name, values in rule.state.items()}
    rule.ask(-given.updates.astype(np.float32) * 2**-17, given.around)

    assert all((rule.state[name] == values).all() for name, values in before.items())


@pytest.mark.parametrize("value", [None, np.full(2000, np.nan, np.float32)])
def test_decide_of_a_vector_rule_without_a_result__changes_nothing(value: object) -> None:
    rule = VectorRule("broken", lambda f: lambda x: value)
    rule.begin(6, 2)

    assert not rule.decide(posted()).delta.any()


def test_coefficients__floor_of_weight_times_factor() -> None:
    found = Verdict(np.array([3, 65535]), np.array([1 << 13, (1 << 14) - 1]), {})

    assert found.coefficients.tolist() == [1, 65531]


def camps(honest: int, hostile: int, rng: np.random.Generator, noise: float = 1.0) -> np.ndarray:
    """Gram matrix of two camps that point away from each other, cosine 0.2 inside the first; `noise` of the second."""
    core = rng.standard_normal(4000)
    rows = rng.standard_normal((honest + hostile, 4000)) + 0.5 * core
    rows[honest:] = noise * rng.standard_normal((hostile, 4000)) - 0.5 * core
    whole = np.round(1000 * rows).astype(np.int64)
    return whole @ whole.T


@pytest.mark.parametrize("noise", [0.4, 1.0])
@pytest.mark.parametrize("seed", range(5))
def test_weigh_of_two_camps__the_larger_one_is_believed(seed: int, noise: float) -> None:
    gram = camps(12, 8, np.random.default_rng(seed), noise)
    found = Agreement().weigh(gram, Agreement().start(20), Params())

    assert found.weights[12:].sum() == 0
    assert found.weights[:12].min() > 0.5 * 65535 / 12


@pytest.mark.parametrize("larger", [11, 9])
def test_weigh_of_two_camps_about_as_large__one_seat_decides(larger: int) -> None:
    gram = camps(larger, 20 - larger, np.random.default_rng(0))
    weights = Agreement().weigh(gram, Agreement().start(20), Params()).weights

    assert (weights > 0).tolist() == [seat < larger if larger > 10 else seat >= larger for seat in range(20)]


def test_weigh_of_a_permuted_round__permuted_alike() -> None:
    rng, judge = np.random.default_rng(0), Agreement()
    gram, order = camps(7, 5, rng), rng.permutation(12)
    found, turned = (
        judge.weigh(g, judge.start(12), Params()).weights for g in (gram, gram[np.ix_(order, order)])
    )

    assert turned.tolist() == found[order].tolist()


@pytest.mark.parametrize("judge", [Agreement(), Trusted()])
def test_weigh_of_zero_updates__no_weight_and_no_error(judge: Agreement) -> None:
    found = judge.weigh(np.zeros((6, 6), np.int64), judge.start(6), Params())

    assert found.weights.tolist() == [0] * 6


def test_trusted__who_stands_at_a_right_angle_to_the_reference_has_no_weight() -> None:
    rng = np.random.default_rng(0)
    core, other = np.linalg.qr(rng.standard_normal((4000, 2)))[0].T * 60
    rows = [core + other + rng.standard_normal(4000) for _ in range(5)]
    rows += [other - 0.2 * core + rng.standard_normal(4000), core]
    whole = np.round(1000 * np.stack(rows)).astype(np.int64)
    plain, trusted = (
        judge.weigh(whole @ whole.T, judge.start(6), Params(reference=with_reference)).weights
        for judge, with_reference in ((Agreement(), False), (Trusted(), True))
    )

    assert plain[5] > 0
    assert trusted[5] == 0
    assert trusted[:5].min() > 0


@pytest.mark.parametrize(
    ("trust", "part"), [(-1, 0), (0, 0), (2048, F // 16), (4096, F // 4), (8191, 16380), (8192, F), (8193, F)]
)
def test_presence_with_a_reference__square_of_trust_in_units_of_the_median(trust: int, part: int) -> None:
    """All fully present, median 8192 - 819, so that 8192 is full trust."""
    full = np.full(1, 8192, np.int64)
    found = Trusted().presence(full, 8192 - 819, np.array([trust]))

    assert Agreement().presence(full, 8192 - 819, np.array([trust])) == F
    assert found.tolist() == [part]


@pytest.mark.parametrize(("deltas", "rate"), [(0, 1), (1, 1), (2, 1 + 1 / 8), (3, 1 + 1 / 8)])
def test_rate__is_one_until_two_rounds_went_one_way(deltas: int, rate: float) -> None:
    rng = np.random.default_rng(3)
    rows = (1000 * (rng.standard_normal(2000) + rng.standard_normal((8, 2000)))).astype(np.int16)
    none, public = np.zeros((0, 2000), np.int16), np.tile(rows[0], (deltas, 1))
    plain, advised = GramRule(Mean()), GramRule(Agreement())
    for rule in (plain, advised):
        rule.begin(8, 0)
        assert rule.rate == 1.0
        rule.decide(Posted(rows, Around(none, public, none[None]), bytes(32)))

    assert (plain.rate, advised.rate) == (1.0, rate)
