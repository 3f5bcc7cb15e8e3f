"""Runs of the bench: the same by seed, what a network, a split and a harder task are, refusals."""

from __future__ import annotations

import numpy as np
import pytest

from benchmarks.robustness import data, named
from benchmarks.robustness.agreement import Agreement
from benchmarks.robustness.catalogue import ATTACKS
from benchmarks.robustness.nets import Cnn, Mlp
from benchmarks.robustness.rules import RULES, GramRule
from benchmarks.robustness.scene import Attack
from benchmarks.robustness.world import Outcome, Setting, World, net_of, play
from market.errors import InputError

SMALL = Setting(n=6, f=2, rounds=2, steps=2)


def once(attack: str = "none", rule: str = "agreement", seed: int = 0, **more: object) -> Outcome:
    return play(SMALL, data.digits(seed), RULES[rule](), ATTACKS[attack], seed, **more)  # type: ignore[arg-type]


def test_play__the_same_seed_gives_the_same_run() -> None:
    one, two, other = once("ad_dot"), once("ad_dot"), once("ad_dot", seed=1)

    assert (one.accuracy, one.weight) == (two.accuracy, two.weight)
    assert (one.accuracy, one.weight) != (other.accuracy, other.weight)


class Doubled(GramRule):
    """Advises twice the described learning rate, whatever happens."""

    @property
    def rate(self) -> float:
        return 2.0


def test_world_of_a_rule_that_advises__trains_with_its_rate() -> None:
    """One step is linear in the rate."""
    setting = Setting(n=6, rounds=2, steps=1)
    as_described, doubled = (
        World(setting, data.digits(0), rule, ATTACKS["none"], 0).train(0)
        for rule in (GramRule(Agreement()), Doubled(Agreement()))
    )

    assert doubled == pytest.approx(2 * as_described, abs=1e-6)
    assert as_described.any()


def test_play_paid__weights_of_the_aggregator_and_shares_of_one() -> None:
    found = once("sign_flip", paid=True)

    assert found.weight is not None
    assert found.pay is not None
    assert 0 <= found.pay < 2 / 6


@pytest.mark.parametrize("attack", ["fr_delta", "fr_delta_noise", "fr_mix"])
def test_play_paid_six_free_riders_of_twenty__earn_next_to_nothing(attack: str) -> None:
    """Together they earn more than the honest until ratios tell, and would be the median if they counted by that."""
    found = play(Setting(f=6), data.digits(0), RULES["agreement"](), ATTACKS[attack], 0, paid=True)

    assert found.pay is not None
    assert found.pay < 0.05 * 6 / 20


@pytest.mark.parametrize("name", dict(named.rules()))
def test_play_of_a_named_rule__weights_within_the_whole(name: str) -> None:
    rule = dict(named.rules())[name]()
    wide = Setting(n=9, f=2, rounds=2, steps=2)
    found = play(wide, data.digits(0), rule, ATTACKS["sign_flip"], 0)

    assert found.weight is not None
    assert 0 <= found.weight <= 1
    assert rule.name == name


def test_play_with_a_backdoor__reports_its_success() -> None:
    assert once("backdoor").success is not None
    assert once("edge_pgd").success is not None
    assert once("label_flip").success is None


def test_play_of_an_attack_with_a_wrong_shape__refused() -> None:
    with pytest.raises(InputError, match=r"E108 attack bad gave \(2, 3\), expected \(2, 4810\)"):
        play(
            SMALL,
            data.digits(0),
            RULES["average"](),
            Attack("bad", lambda s: np.zeros((2, 3), np.float32)),
            0,
        )


def test_play_of_an_attack_that_is_not_finite__refused() -> None:
    with pytest.raises(InputError, match="not finite"):
        play(
            SMALL, data.digits(0), RULES["average"](), Attack("bad", lambda s: s.own * np.float32(np.nan)), 0
        )


@pytest.mark.parametrize("net", [Mlp(16, 3, hidden=5), Cnn(6, 3, channels=2)])
def test_gradient__slope_of_the_loss(net: Mlp | Cnn) -> None:
    rng = np.random.default_rng(0)
    x = net.prepare(rng.random((1, 7, 16 if isinstance(net, Mlp) else 36)).astype(np.float32))
    y = rng.integers(0, 3, (1, 7))
    w = net.start(rng)[None]
    direction = rng.standard_normal(w.shape).astype(np.float32)

    def loss(at: np.ndarray) -> float:
        scores = net.logits(at[0], x[0]).astype(float)
        return float((np.log(np.exp(scores).sum(axis=1)) - scores[np.arange(7), y[0]]).mean())

    step = 1e-3 * direction
    slope = (loss(w + step) - loss(w - step)) / 2e-3
    assert float((net.gradient(w, x, y) * direction).sum()) == pytest.approx(slope, rel=0.01)


def test_net_of_data_that_is_no_image__refused_for_a_cnn() -> None:
    rows = data.Data(
        np.zeros((4, 5), np.float32), np.zeros(4, int), np.zeros((4, 5), np.float32), np.zeros(4, int)
    )
    with pytest.raises(InputError, match="square images"):
        net_of("cnn", rows)


@pytest.mark.parametrize("alpha", [None, 0.5, 0.1])
def test_split__disjoint_enough_for_all_and_the_owners_samples_kept(alpha: float | None) -> None:
    y = data.digits(0).y
    parts = data.split(y, 20, alpha, np.random.default_rng(0))
    together = np.concatenate(parts)

    assert len(set(together)) == len(together) == len(y) - data.ROOT
    assert together.min() == data.ROOT
    assert min(map(len, parts)) >= data.LEAST


@pytest.mark.parametrize(("seats", "fits"), [(10, True), (11, False)])
def test_split_of_too_few_samples__refused(seats: int, fits: bool) -> None:
    y = np.zeros(data.ROOT + 2 * data.LEAST * 10, int)
    if fits:
        assert len(data.split(y, seats, None, np.random.default_rng(0))) == seats
    else:
        with pytest.raises(InputError, match="260 samples are too few for 11 trainers: give 276"):
            data.split(y, seats, None, np.random.default_rng(0))


def test_moved__is_harder_and_keeps_copies_of_an_image_in_one_part() -> None:
    made = data.moved(0)

    assert made.x.shape == (3 * (1797 - data.TEST), data.SIDE**2)
    assert (made.y_test.reshape(-1, 3) == made.y_test[::3, None]).all()
    assert 0 <= made.x.min() <= made.x.max() <= 1
