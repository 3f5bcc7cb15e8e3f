"""Attacks of the bench against the formulas of their papers."""

from __future__ import annotations

from statistics import NormalDist

import numpy as np
import pytest

from benchmarks.robustness import attacks, poison
from benchmarks.robustness.adaptive import ADAPTIVE
from benchmarks.robustness.catalogue import ATTACKS
from benchmarks.robustness.scene import Batch, Scene

H, F, D = 12, 8, 60


def scene(seed: int = 0, rounds: int = 3) -> Scene:
    """Honest updates around a common mean; the rule asked is the plain mean."""
    rng = np.random.default_rng(seed)
    common = rng.standard_normal(D)
    rows = (common + rng.standard_normal((H + F, D))).astype(np.float32)

    def ask(sent: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        everybody = np.concatenate([rows[:H], sent])
        return everybody.mean(axis=0), np.full(H + F, 1 / (H + F))

    past = rng.standard_normal((rounds, D)).astype(np.float32)
    return Scene(rows[:H], rows[H:], past, rounds, rng, ask, [rows[:H] + 1])


@pytest.mark.parametrize("name", ATTACKS)
def test_craft_of_each_attack__finite_float32_rows(name: str) -> None:
    sent = ATTACKS[name].craft(scene())

    assert sent.shape == (F, D)
    assert sent.dtype == np.float32
    assert np.isfinite(sent).all()


@pytest.mark.parametrize("name", ATTACKS)
def test_craft_of_each_attack_in_round_one__needs_no_past(name: str) -> None:
    first = scene(rounds=0)
    first.peers = []

    assert ATTACKS[name].craft(first).shape == (F, D)


def test_inner_product__is_minus_scale_times_mean() -> None:
    seen = scene()

    assert attacks.inner_product(0.5)(seen) == pytest.approx(np.tile(-0.5 * seen.honest.mean(0), (F, 1)))


def test_little__is_mean_less_z_deviations() -> None:
    seen = scene()
    expected = seen.honest.mean(axis=0) - 1.5 * seen.honest.std(axis=0)

    assert attacks.little(1.5)(seen)[3] == pytest.approx(expected, abs=1e-5)


@pytest.mark.parametrize(("n", "f", "needed"), [(50, 24, 2), (20, 8, 3), (20, 4, 7)])
def test_little_z__leaves_the_votes_that_a_majority_needs(n: int, f: int, needed: int) -> None:
    """With s = n // 2 + 1 - f supporters needed, z is where s of the n - f honest lie beyond."""
    assert n // 2 + 1 - f == needed
    assert attacks.little_z(n, f) == pytest.approx(NormalDist().inv_cdf((n - f - needed) / (n - f)))


def test_searched__takes_the_factor_that_hurts_most() -> None:
    seen = scene()
    best = attacks.searched(attacks.inner_product)(seen)

    # Against a plain mean the largest factor always wins.
    assert best == pytest.approx(attacks.inner_product(max(attacks.SEARCH))(seen))


def test_min_max__is_as_far_as_the_farthest_honest_pair() -> None:
    seen = scene()
    sent = attacks.min_max(seen)[0]
    pairs = np.linalg.norm(seen.honest[:, None] - seen.honest[None], axis=2)

    assert np.linalg.norm(seen.honest - sent, axis=1).max() == pytest.approx(pairs.max(), rel=1e-4)
    assert (sent - seen.mean) @ seen.spread < 0


def test_min_sum__has_the_largest_honest_sum_of_squares() -> None:
    seen = scene()
    sent = attacks.min_sum(seen)[0]
    sums = (np.linalg.norm(seen.honest[:, None] - seen.honest[None], axis=2) ** 2).sum(axis=1)

    assert (np.linalg.norm(seen.honest - sent, axis=1) ** 2).sum() == pytest.approx(sums.max(), rel=1e-4)


@pytest.mark.parametrize("craft", [attacks.mimic, attacks.mimic_low])
def test_mimic__copies_one_honest_trainer(craft: attacks.Craft) -> None:
    seen = scene()
    sent = craft(seen)

    assert (sent == sent[0]).all()
    assert (seen.honest == sent[0]).all(axis=1).sum() == 1


def test_noised__pairs_resemble_each_other_as_the_honest_do() -> None:
    honest, sent = [], []
    for seed in range(20):
        seen = scene(seed)
        honest.append(attacks.mean_cosine(seen.honest))
        sent.append(attacks.mean_cosine(attacks.noised(attacks.inner_product(0.5))(seen)))

    assert np.mean(sent) == pytest.approx(np.mean(honest), abs=0.05)


def test_mean_cosine__equals_the_mean_over_pairs() -> None:
    rows = scene().honest
    units = rows / np.linalg.norm(rows, axis=1, keepdims=True)
    pairs = (units @ units.T)[np.triu_indices(H, 1)]

    assert attacks.mean_cosine(rows) == pytest.approx(pairs.mean(), abs=1e-5)
    assert attacks.mean_cosine(rows[:1]) == 1


@pytest.mark.parametrize(("now", "hostile"), [(9, False), (10, True)])
def test_later__begins_after_ten_rounds(now: int, hostile: bool) -> None:
    seen = scene()
    seen.round = now
    sent = attacks.later(attacks.sign_flip)(seen)

    assert (sent == (-seen.own if hostile else seen.own)).all()


@pytest.mark.parametrize(("now", "hostile"), [(4, False), (5, True), (9, True), (10, False)])
def test_on_off__changes_every_five_rounds(now: int, hostile: bool) -> None:
    seen = scene()
    seen.round = now

    assert (attacks.on_off(attacks.sign_flip)(seen) != seen.own).any() == hostile


def test_adaptive__hurts_a_plain_mean_more_than_honesty_and_keeps_honest_length() -> None:
    seen = scene()
    sent = ADAPTIVE["ad_dot"](seen)

    assert seen.ask(sent)[0] @ seen.mean < seen.ask(seen.own)[0] @ seen.mean
    assert np.linalg.norm(sent, axis=1) == pytest.approx(seen.length, rel=1e-4)


def batch() -> Batch:
    rng = np.random.default_rng(0)
    x = rng.random((F, 40, 64)).astype(np.float32) / 2
    y = rng.integers(0, 10, (F, 40))
    return Batch(x, y, 10, rng.random((3, 64)).astype(np.float32), rng)


def test_flips__keep_samples_and_permute_labels() -> None:
    given = batch()
    for spoil in (poison.flip_all, poison.flip_two, poison.flip_many):
        x, y = spoil(given)
        assert (x == given.x).all()
        for seat in range(F):
            pairs = set(zip(given.y[seat], y[seat], strict=True))
            assert len(pairs) == len(set(given.y[seat])), "one label becomes one label"
        assert (y != given.y).any()


def test_backdoor__marks_the_corner_and_only_it() -> None:
    given = batch()
    x, y = poison.backdoor(given)
    marked = (x != given.x).any(axis=2)

    assert 0.3 < marked.mean() < 0.7
    assert (y[marked] == poison.TARGET).all()
    assert (y[~marked] == given.y[~marked]).all()
    assert set(np.flatnonzero((x != given.x).any(axis=(0, 1)))) == set(poison.corner(64)) == {63, 62, 55, 54}


def test_distributed_backdoor__one_pixel_each_and_the_whole_trigger_together() -> None:
    given = batch()
    x, _ = poison.distributed_backdoor(given)
    used = [set(np.flatnonzero((x[seat] != given.x[seat]).any(axis=0))) for seat in range(F)]

    assert all(len(pixels) == 1 for pixels in used)
    assert set.union(*used) == set(poison.corner(64))


@pytest.mark.parametrize(("features", "places"), [(3, [0, 1, 2]), (4, [3, 2, 1, 0]), (5, [1, 2, 3, 4])])
def test_corner_of_small_rows__stays_inside(features: int, places: list[int]) -> None:
    assert poison.corner(features) == places
