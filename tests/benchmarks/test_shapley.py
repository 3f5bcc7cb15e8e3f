"""The truth that pay is compared with: Shapley values by their axioms, batched training by the plain one."""

from __future__ import annotations

import json
import sys
from itertools import permutations
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from benchmarks import contribution
from benchmarks.contribution import compared
from benchmarks.federated import Mlp, Training
from benchmarks.shapley import Batched, leave_one_out, members, retrained, shapley, truncated

games = st.integers(1, 5).flatmap(
    lambda n: st.lists(st.integers(-100, 100), min_size=1 << n, max_size=1 << n).map(np.array)
)


@settings(deadline=None)
@given(games)
def test_shapley_of_any_game__is_the_mean_gain_over_all_orders(values: np.ndarray) -> None:
    n = len(values).bit_length() - 1
    total = np.zeros(n)
    orders = list(permutations(range(n)))
    for order in orders:
        coalition = 0
        for seat in order:
            total[seat] += values[coalition | 1 << seat] - values[coalition]
            coalition |= 1 << seat

    assert shapley(values) == pytest.approx(total / len(orders), abs=1e-9)
    assert shapley(values).sum() == pytest.approx(values[-1] - values[0], abs=1e-9)


def test_leave_one_out__is_what_all_lose() -> None:
    """Values by mask: none, seat 0, seat 1, both."""
    assert leave_one_out(np.array([0.0, 1.0, 5.0, 7.0])).tolist() == [2.0, 6.0]


@pytest.mark.parametrize("seed", range(3))
def test_truncated_on_a_smooth_game__near_the_exact_values(seed: int) -> None:
    worth = np.random.default_rng(seed).uniform(0.5, 1.5, 6)
    values = np.sqrt(members(6) @ worth)

    estimate, asked = truncated(values, np.random.default_rng(seed))

    assert estimate == pytest.approx(shapley(values), rel=0.1)
    assert asked <= 64


def test_truncated_where_nothing_is_gained__zero_at_the_price_of_two() -> None:
    estimate, asked = truncated(np.zeros(16), np.random.default_rng(0))

    assert (estimate.tolist(), asked) == ([0.0] * 4, 2)


def test_descend_of_many__each_as_the_plain_gradient() -> None:
    mlp, rng = Mlp(8), np.random.default_rng(0)
    w = np.stack([mlp.start(rng) for _ in range(3)])
    x, y = rng.random((3, 5, 64)).astype(np.float32), rng.integers(0, 10, (3, 5))
    expected = [one - 0.1 * mlp.gradient(one, *batch) for one, *batch in zip(w.copy(), x, y, strict=True)]

    Batched(mlp).descend(w, x, y, 0.1)

    assert w == pytest.approx(np.stack(expected), abs=1e-5)
    assert Batched(mlp).accuracy(w, x[0], y[0]) == pytest.approx([mlp.accuracy(one, x[0], y[0]) for one in w])


def test_retrained_coalitions__mean_of_members_and_the_log_of_all() -> None:
    mlp, rng = Mlp(4), np.random.default_rng(0)
    data = rng.random((30, 64)).astype(np.float32), rng.integers(0, 10, 30)
    parts = [np.arange(0, 10), np.arange(10, 20), np.arange(20, 30)]
    start, training = mlp.start(rng), Training(4, 4, 3, 0.1)

    models, log = retrained(mlp, start, parts, data, training, 1, 5)

    alone = [models[1 << seat] for seat in range(3)]
    assert (models[0] == start).all()
    assert models[0b101] == pytest.approx((alone[0] + alone[2]) / 2, abs=1e-6)
    assert log[0][0] + log[0][1] == pytest.approx(np.stack(alone), abs=1e-6)


@pytest.mark.parametrize(
    ("score", "pearson", "spearman", "error"),
    [
        ([1, 2, 3], 1, 1, 0),
        ([3, 2, 1], -1, -1, 2 / 9),
        ([5, 5, 5], 0, 0, 1 / 9),
        ([-1, 0, 6], 0.924, 1, 1 / 3),
    ],
)
def test_compared__correlations_and_error_of_shares(
    score: list[float], pearson: float, spearman: float, error: float
) -> None:
    found = compared(np.array(score, dtype=float), np.array([1.0, 2.0, 3.0]))

    assert found == pytest.approx({"pearson": pearson, "spearman": spearman, "share_error": error}, abs=1e-3)


def test_main_with_a_report__runs_what_is_missing_and_refuses_other_rounds(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    report, ran = tmp_path / "report.json", list[tuple[str, int]]()
    line = {
        "scores": {"our pay": {"pearson": 1.0, "spearman": 1.0, "share_error": 0.0}},
        "ms_a_round": {},
        "gain": {"mean": 0.5},
        "accuracy": {"ours": 0.5},
    }
    monkeypatch.setattr(contribution, "measure", lambda s, n, rounds: ran.append((s, n)) or line)

    def run(seeds: int, rounds: int) -> None:
        words = ["--first", "3", "--seeds", str(seeds), "--rounds", str(rounds), "--report", str(report)]
        monkeypatch.setattr(sys, "argv", ["contribution", *words])
        contribution.main()

    run(1, 2)
    run(2, 2)

    assert ran == [(setting, seed) for seed in (3, 4) for setting in contribution.SETTINGS]
    assert len(json.loads(report.read_text())["runs"]) == 6
    with pytest.raises(SystemExit):
        run(2, 3)
    assert "2 rounds a run, not 3" in capsys.readouterr().err
