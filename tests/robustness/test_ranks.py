"""Federated rank learning of the bench: orders, what attackers do to them, a short run."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from benchmarks.ranks import Ranked, Ranks, at_the_border, plain_mean, ranks_of, reversed_order
from benchmarks.robustness.world import Setting

SHORT = Setting(rounds=8)


def honest_order(honest: Ranks, f: int) -> Ranks:
    return ranks_of(honest.sum(axis=0))


def orders(n: int, edges: int, agree: float, seed: int) -> Ranks:
    rng = np.random.default_rng(seed)
    return ranks_of((agree * rng.normal(size=edges) + rng.normal(size=(n, edges))).astype(np.float32))


def kept(votes: Ranks) -> np.ndarray:
    return ranks_of(votes.sum(axis=0)) >= votes.shape[1] // 2


def test_ranks_of__position_of_each_edge_ties_by_number() -> None:
    assert ranks_of(np.array([[3, 1, 2], [5, 5, 0]])).tolist() == [[2, 0, 1], [1, 2, 0]]


@given(st.integers(2, 60), st.integers(0, 9))
def test_what_attackers_send__is_an_order_of_all_edges(edges: int, seed: int) -> None:
    honest = orders(5, edges, 1.0, seed)

    for sent in (reversed_order(honest), at_the_border(honest, 2)):
        assert sorted(sent.tolist()) == list(range(edges))


@pytest.mark.parametrize("seed", range(3))
def test_the_border__flips_more_of_the_mask_than_the_reversed_order(seed: int) -> None:
    honest = orders(12, 400, 2.0, seed)
    without = kept(honest)
    flips = [
        int((kept(np.vstack([honest, *[sent] * 8])) != without).sum())
        for sent in (reversed_order(honest), at_the_border(honest, 8))
    ]

    assert 2 * flips[0] < flips[1]


def test_masked__half_of_each_layer_at_one_size_and_no_biases() -> None:
    run = Ranked(SHORT, 64, 0, honest_order)
    weights = run.masked(run.scores()[None])[0]

    for layer, first in run.layers:
        used = weights[layer] != 0
        assert int(used.sum()) == len(first) - len(first) // 2
        assert len(set(abs(weights[layer][used]).tolist())) == 1
    assert int((weights != 0).sum()) == sum(int((weights[layer] != 0).sum()) for layer, _ in run.layers)


def test_run__learns_and_orders_stay_orders() -> None:
    run = Ranked(SHORT, 64, 0, honest_order)
    before = run.net.logits(run.masked(run.scores()[None])[0], run.data.x_test).argmax(axis=1)
    assert run.accuracy() > 0.6 > 2 * float((before == run.data.y_test).mean())

    for order in run.order:
        assert sorted(order.tolist()) == list(range(len(order)))


def test_run_under_attack__border_costs_more_than_reversed() -> None:
    attacked = replace(SHORT, f=8)
    found = [
        Ranked(attacked, 64, 0, attack).accuracy()
        for attack in (lambda h, f: reversed_order(h), at_the_border)
    ]

    assert found[1] < found[0]


def test_plain_mean__is_that_of_the_bench() -> None:
    from benchmarks.robustness.__main__ import play_cell
    from benchmarks.robustness.grid import MEAN, Cell

    played = play_cell(Cell(SHORT, MEAN, "none", 0), pay=False).accuracy

    assert plain_mean(SHORT, 64, 0) == pytest.approx(played, abs=0.02)  # the bench sends int16
