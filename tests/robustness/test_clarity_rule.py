"""`clarity`, the join of `agreement` and `majority`: when it splits, what it carries, what a reputation counts."""

from __future__ import annotations

import numpy as np
import pytest

from aggregator.fixed import F
from benchmarks.robustness.agreement import GRAM_LIMIT, Agreement, Array, Params
from benchmarks.robustness.clarity import Clarity, kth_largest, likeness, moved, standing
from benchmarks.robustness.majority import CLEAR


def camps(honest: int, hostile: int, rng: np.random.Generator) -> Array:
    """Gram matrix of two camps that point away from each other, each as diverse inside: cosine 0.2."""
    core = rng.standard_normal(4000)
    rows = rng.standard_normal((honest + hostile, 4000)) + 0.5 * core
    rows[honest:] -= core
    whole = np.round(1000 * rows).astype(np.int64)
    return np.asarray(whole @ whole.T)


class Watched(Clarity):
    """Notes whether the split was tried."""

    tried = False

    def voices(self, cosine: Array, kinship: Array, main: Array) -> list[Array]:
        self.tried = True
        return super().voices(cosine, kinship, main)


@pytest.mark.parametrize("seed", range(5))
def test_two_camps_in_doubt__the_larger_one_is_believed_and_nobody_struck(seed: int) -> None:
    gram = camps(12, 8, np.random.default_rng(seed))
    judge = Watched()
    found = judge.weigh(gram, judge.start(20), Params())

    assert judge.tried
    assert found.weights[12:].sum() == 0
    assert found.weights[:12].min() > 0.5 * 65535 / 12
    assert found.state["strikes"].tolist() == [0] * 20


@pytest.mark.parametrize(("clarity", "tried"), [(0, True), (F // 2, False), (F, False)])
def test_split__not_tried_where_the_past_was_clear(clarity: int, tried: bool) -> None:
    # A weak common direction: the median agreement is between half of 0.15 and 0.15.
    rng = np.random.default_rng(3)
    rows = rng.standard_normal((20, 4000)) + 0.14 * rng.standard_normal(4000)
    whole = np.round(1000 * rows).astype(np.int64)
    judge = Watched()
    judge.weigh(whole @ whole.T, {**judge.start(20), "clarity": np.array([clarity])}, Params())

    assert judge.tried is tried


def test_split_of_a_round_without_agreement__tried_however_clear_the_past() -> None:
    gram = camps(10, 10, np.random.default_rng(0))
    judge = Watched()
    judge.weigh(gram, {**judge.start(20), "clarity": np.array([F])}, Params())

    assert judge.tried


@pytest.mark.parametrize(
    ("clarity", "median", "after"),
    [
        (0, CLEAR, F // 10),
        (0, CLEAR + 1, F // 10),
        (0, -5, 0),
        (F, CLEAR, F),
        (F, CLEAR - 1, F - 2),
        (F, 0, F - (F + 5) // 6),
        (F // 2, CLEAR // 2, F // 2),
    ],
)
def test_clarity__rises_by_a_tenth_and_falls_by_a_sixth(clarity: int, median: int, after: int) -> None:
    assert moved(np.array([clarity]), median).tolist() == [after]


@pytest.mark.parametrize(
    ("reputation", "counted"),
    [
        ([599, 600, 601, 1000, 1000, 2000, 2000], [599, 600, 600, 600, 600, 600, 600]),
        ([-5, 0, 10, 10, 20], [0, 0, 6, 6, 6]),
        ([-5, -5, -5, 7, 9], [0, 0, 0, 7, 9]),
    ],
)
def test_standing__at_most_six_tenths_of_the_median(reputation: list[int], counted: list[int]) -> None:
    assert standing(np.array(reputation)).tolist() == counted


def test_kth_largest__of_a_row_without_its_own_entry() -> None:
    cosine = np.array([[F, 5, 7, 1], [5, F, -2, 3], [7, -2, F, 3], [1, 3, 3, F]])

    assert kth_largest(cosine, 1).tolist() == [7, 5, 7, 3]
    assert kth_largest(cosine, 2).tolist() == [5, 3, 3, 3]


def test_likeness__falls_on_an_even_camp_among_pairs() -> None:
    # Eight of cosine 0.35 with each other; twelve in pairs of 0.8: the same root mean square, not the same fifth.
    cosine = np.zeros((20, 20), np.int64)
    cosine[12:, 12:] = 35 * F // 100
    for first in range(0, 12, 2):
        cosine[first, first + 1] = cosine[first + 1, first] = 80 * F // 100
    cosine[:12, :12] += F // 20
    np.fill_diagonal(cosine, F)
    found = likeness(cosine, np.full(20, F))

    assert Agreement().discount(cosine, cosine).tolist() == [F] * 20
    assert found[:12].tolist() == [F] * 12
    assert found[12:].max() < 0.1 * F


@pytest.mark.parametrize(("counted", "kept"), [(0, True), (F, False)])
def test_likeness_beside_noise__the_honest_keep_all_once_noise_counts_for_nothing(
    counted: int, kept: bool
) -> None:
    # Ten senders of noise, ten honest of cosine 0.3: the lower median is that of noise.
    cosine = np.zeros((20, 20), np.int64)
    cosine[:10, :10] = 30 * F // 100
    np.fill_diagonal(cosine, F)
    found = likeness(cosine, np.array([F] * 10 + [counted] * 10))

    assert (found[:10] == F).all() == kept


def test_kinship__the_plain_mean_of_the_first_rounds() -> None:
    rng, judge = np.random.default_rng(0), Clarity()
    state = judge.start(6)
    seen = []
    for _ in range(3):
        rows = np.round(1000 * rng.standard_normal((6, 50))).astype(np.int64)
        state = judge.weigh(rows @ rows.T, state, Params()).state
        lengths = np.linalg.norm(rows, axis=1)
        seen.append(rows @ rows.T / lengths / lengths[:, None])

    assert state["kinship"] / F == pytest.approx(np.mean(seen, axis=0), abs=3e-3)


def test_weigh_of_large_products__refused_at_the_limit() -> None:
    judge = Clarity()
    judge.weigh(np.diag(np.full(5, GRAM_LIMIT - 1)), judge.start(5), Params())

    with pytest.raises(ValueError, match=str(GRAM_LIMIT)):
        judge.weigh(np.diag(np.full(5, GRAM_LIMIT)), judge.start(5), Params())


@pytest.mark.parametrize(("n", "judged"), [(3, False), (4, True)])
def test_few_seats__equal_weights_and_no_state(n: int, judged: bool) -> None:
    judge, rows = Clarity(), np.round(1000 * np.eye(4)[:3]).astype(np.int64)
    rows = np.concatenate([rows, rows[:1]])[:n]
    state = judge.start(n)
    found = judge.weigh(rows @ rows.T, state, Params())

    assert (int(found.state["rounds"][0]) == 1) is judged
    assert judged or found.weights.tolist() == [21845] * 3
