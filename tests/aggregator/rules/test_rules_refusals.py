"""What named rules refuse: matrices that are none, too few trainers, a missing reference, names nobody knows."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from vectors import drawn, gram_of_rows, weighed

from aggregator.rules.form import Params
from aggregator.rules.registry import named, names
from market.errors import InputError

LEAST = {"krum": 3, "multi-krum": 3, "multi-metrics": 4}
"""Fewest trainers with f = 0; one where nothing is said."""
NEEDS_REFERENCE = {"monna", "fltrust"}


def refused(code: str, name: str, gram: Any, params: Params, n: int = 4) -> str:
    rule = named(name)
    with pytest.raises(InputError, match=code) as info:
        rule.weigh(gram, rule.start(n), params)
    return info.value.text


def params_of(name: str, **more: int) -> Params:
    return Params(reference=name in NEEDS_REFERENCE, **more)  # type: ignore[arg-type]


def test_weigh_gram_that_is_not_symmetric__refused_with_both_values() -> None:
    gram = gram_of_rows(drawn(1, 4))
    gram[1, 2] += 1

    text = refused("E190", "mean", gram, Params())

    assert f"got {gram[1, 2]} at (1, 2), expected {gram[2, 1]} as at (2, 1)" in text


@pytest.mark.parametrize(("diagonal", "is_refused"), [(-1, True), (0, False), (1, False)])
def test_weigh_gram_with_such_a_diagonal__refused_below_zero(diagonal: int, is_refused: bool) -> None:
    gram = gram_of_rows(drawn(1, 4))
    gram[2] = gram[:, 2] = 0
    gram[2, 2] = diagonal

    if is_refused:
        assert "squared length of -1 in row 2" in refused("E190", "mean", gram, Params())
    else:
        assert weighed("mean", gram).weights.tolist() == [65535 // 4] * 4


@pytest.mark.parametrize(
    "gram", [np.eye(4), np.ones((4, 3), np.int64), np.ones(4, np.int64), np.empty((0, 0), np.int64)]
)
def test_weigh_what_is_no_square_of_integers__refused(gram: Any) -> None:
    refused("E190", "mean", gram, Params())


@pytest.mark.parametrize("rows", [6, 7, 8, 9, 10])
def test_weigh_rows_that_do_not_fit_the_params__refused(rows: int) -> None:
    """n trainers, a reference, one delta, and a past row for each trainer: an even number."""
    gram, params = gram_of_rows(drawn(1, rows)), Params(reference=True, deltas=1, past=1)

    if rows % 2:
        assert f"got {rows} rows" in refused("E190", "mean", gram, params)
    else:
        assert len(named("mean").weigh(gram, {}, params).weights) == (rows - 2) // 2


@pytest.mark.parametrize("name", sorted(NEEDS_REFERENCE))
def test_weigh_without_the_reference__refused(name: str) -> None:
    assert "got no reference row" in refused("E191", name, gram_of_rows(drawn(1, 5)), Params())


@pytest.mark.parametrize("name", names())
@pytest.mark.parametrize("n", [0, 1, 2, 3, 4])
def test_weigh_few_trainers__defined_from_the_least_number_on(name: str, n: int) -> None:
    extra = 1 if name in NEEDS_REFERENCE else 0
    gram = gram_of_rows(drawn(3, 6)[: n + extra])

    if n == 0:
        refused("E190", name, gram, params_of(name), n)
    elif n < LEAST.get(name, 1):
        assert f"got {n} trainers" in refused("E191", name, gram, params_of(name), n)
    else:
        verdict = named(name).weigh(gram, named(name).start(n), params_of(name))
        assert 0 <= int(verdict.weights.sum()) <= 65535


@pytest.mark.parametrize(
    ("name", "least"), [("krum", 7), ("multi-krum", 7), ("nna", 5), ("nnm-geometric-median", 5), ("monna", 3)]
)
@pytest.mark.parametrize("more", [-1, 0, 1])
def test_weigh_two_attackers__needs_the_papers_number_of_trainers(name: str, least: int, more: int) -> None:
    n = least + more
    gram = gram_of_rows(drawn(3, n + (name in NEEDS_REFERENCE)))

    if more < 0:
        assert f"expected at least {least}" in refused("E191", name, gram, params_of(name, faulty=2), n)
    else:
        assert named(name).weigh(gram, {}, params_of(name, faulty=2)).weights.any()


@pytest.mark.parametrize("name", names())
def test_weigh_fewer_than_no_attackers__refused(name: str) -> None:
    gram = gram_of_rows(drawn(3, 6))

    refused("E191", name, gram, params_of(name, faulty=-1), 6 - (name in NEEDS_REFERENCE))


@pytest.mark.parametrize("name", ["rffl", "cgsv", "mud-hog", "foolsgold", "agreement"])
def test_weigh_state_of_other_trainers__refused(name: str) -> None:
    assert "got 5 seats, expected 4" in refused("E191", name, gram_of_rows(drawn(1, 4)), Params(), 5)


@pytest.mark.parametrize(("name", "version"), [("median", 1), ("agreement", 0), ("agreement", 2), ("", 1)])
def test_named_unknown__refused_with_the_names_there_are(name: str, version: int) -> None:
    with pytest.raises(InputError, match=r"E192 .*mud-hog 1"):
        named(name, version)
