"""Attacks outside the bench's list: what each is, and that it plays."""

from __future__ import annotations

import inspect

import numpy as np
import pytest

from benchmarks.robustness import held_out
from benchmarks.robustness.__main__ import attack_of, data_of, rule_of
from benchmarks.robustness.files import SIGNATURE
from benchmarks.robustness.world import Setting, play

ATTACKS = {
    name: function
    for name, function in vars(held_out).items()
    if inspect.isfunction(function) and list(inspect.signature(function).parameters) == list(SIGNATURE)
}
H, F, D = 12, 5, 400


def sent(name: str, round_: int = 0, past: int = 3) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """(honest, own, what is sent) of one round."""
    rng = np.random.default_rng(4)
    common = rng.standard_normal(D)
    rows = (0.5 * common + rng.standard_normal((H + F, D))).astype(np.float32)
    honest, own = rows[:H], rows[H:]
    given = (honest.copy(), own.copy(), np.tile(common, (past, 1)).astype(np.float32))
    return honest, own, ATTACKS[name](*given, round_, np.random.default_rng(5))


@pytest.mark.parametrize("name", ATTACKS)
@pytest.mark.parametrize("past", [0, 1, 5])
def test_attack__finite_rows_of_the_right_shape_in_every_round(name: str, past: int) -> None:
    for round_ in (0, 29, 30, 39):
        _, own, out = sent(name, round_, past)
        assert out.shape == own.shape
        assert out.dtype == np.float32
        assert np.isfinite(out).all()


@pytest.mark.parametrize("name", ["camps", "back", "turned", "pairs", "fringe", "straight"])
def test_attack_behind_a_veil__as_long_as_the_honest(name: str) -> None:
    honest, _, out = sent(name)

    assert np.linalg.norm(out, axis=1) == pytest.approx(np.median(np.linalg.norm(honest, axis=1)), rel=1e-5)


@pytest.mark.parametrize(
    ("name", "way"),
    [("camps", -1), ("residual", -1), ("axis", -1), ("back", -1), ("straight", 1), ("small", 1)],
)
def test_attack__against_the_honest_mean_or_with_it(name: str, way: int) -> None:
    honest, _, out = sent(name)

    assert (way * (out @ honest.mean(axis=0)) > 0).all()


def test_sleeper__is_honest_until_round_thirty() -> None:
    _, own, out = sent("sleeper", 29)
    assert np.array_equal(out, own)

    honest, _, out = sent("sleeper", 30)
    assert (out @ honest.mean(axis=0) < 0).all()


@pytest.mark.parametrize(("name", "turned"), [("largest", D // 20), ("head", D // 8)])
def test_attack_on_some_coefficients__leaves_the_others(name: str, turned: int) -> None:
    _, own, out = sent(name)

    assert ((out != own).sum(axis=1) == turned).all()


def test_attack_of_a_file_in_a_run__plays() -> None:
    path = f"{held_out.__file__}:fringe"
    found = play(
        Setting(n=8, f=3, rounds=3), data_of("digits", 0), rule_of("agreement")(), attack_of(path), 0
    )

    assert list(inspect.signature(held_out.fringe).parameters) == list(SIGNATURE)
    assert 0 < found.accuracy < 1
