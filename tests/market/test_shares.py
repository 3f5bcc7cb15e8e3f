"""Exact splits: sums to the unit, directions as named."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from market.shares import bps_down, equal_down, shares_down, shares_exact, thirds

AMOUNTS = st.integers(0, 2**96 - 1)
WEIGHTS = st.lists(st.integers(0, 2**64), max_size=20)


@given(AMOUNTS, WEIGHTS)
def test_shares_down__never_above_and_short_by_less_than_the_number_of_takers(
    amount: int, weights: list[int]
) -> None:
    shares = shares_down(amount, weights)
    takers = sum(weight > 0 for weight in weights)

    assert sum(shares) <= amount
    assert not takers or amount - sum(shares) < takers
    assert all(share == 0 for share, weight in zip(shares, weights, strict=True) if weight == 0)


@given(AMOUNTS, WEIGHTS)
def test_shares_exact__sums_to_the_amount(amount: int, weights: list[int]) -> None:
    shares, down = shares_exact(amount, weights), shares_down(amount, weights)

    assert sum(shares) == (amount if any(weights) else 0)
    assert all(0 <= share - floor <= 1 for share, floor in zip(shares, down, strict=True))


def test_shares_exact_ties__go_to_the_lower_index() -> None:
    assert shares_exact(2, [1, 1, 1]) == [1, 1, 0]
    assert shares_exact(10, [1, 2, 2]) == [2, 4, 4]


def test_shares_down_negative_weight__refuses() -> None:
    with pytest.raises(ValueError, match="negative"):
        shares_down(1, [1, -1])


@given(AMOUNTS)
def test_thirds__split_exactly_with_the_rest_to_the_escrow(amount: int) -> None:
    refuter, pot, escrow = thirds(amount)

    assert refuter + pot + escrow == amount
    assert refuter == pot <= escrow <= refuter + 2


@given(AMOUNTS, st.integers(1, 1024))
def test_equal_down__remainder_below_the_count(amount: int, count: int) -> None:
    share, rest = equal_down(amount, count)

    assert count * share + rest == amount
    assert 0 <= rest < count


@pytest.mark.parametrize(
    ("amount", "bps", "expected"), [(10_000, 1, 1), (9_999, 1, 0), (10_001, 10_000, 10_001)]
)
def test_bps_down__rounds_down(amount: int, bps: int, expected: int) -> None:
    assert bps_down(amount, bps) == expected
