"""Exact helpers against the plainest way to write them."""

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from aggregator.fixed import (
    O,
    Words,
    bound,
    decayed,
    floor_sqrt,
    ints,
    lower_median,
    products,
    ramp,
    spread,
    weighted_quantile,
)


@settings(max_examples=40)
@given(st.data(), st.integers(0, 63))
def test_products_of_any_int64__are_exact(data: st.DataObject, bits: int) -> None:
    limit = 1 << bits
    values = st.integers(-limit, limit - 1)
    left = data.draw(st.lists(st.lists(values, min_size=4, max_size=4), min_size=1, max_size=3))
    right = data.draw(st.lists(st.lists(values, min_size=4, max_size=4), min_size=1, max_size=3))
    got = products(np.array(left, np.int64), np.array(right, np.int64))

    assert got.tolist() == [[sum(x * y for x, y in zip(a, b, strict=True)) for b in right] for a in left]


@pytest.mark.parametrize("value", [-(2**63), 2**63 - 1, -(2**17), 2**17 - 1, 2**17, -(2**17) - 1])
def test_products_of_the_widest_rows__do_not_round(value: int) -> None:
    row = np.full((1, 1 << 14), value, np.int64)

    assert products(row, row)[0, 0] == value * value << 14


def test_products_of_rows_too_long_or_unequal__are_refused() -> None:
    with pytest.raises(ValueError, match="cannot multiply"):
        products(np.zeros((1, (1 << 14) + 1), np.int64), np.zeros((1, (1 << 14) + 1), np.int64))
    with pytest.raises(ValueError, match="cannot multiply"):
        products(np.zeros((1, 3), np.int64), np.zeros((1, 4), np.int64))


@pytest.mark.parametrize(("value", "dtype"), [(1 << 20, int), ((1 << 31) - 1, int), (1 << 31, object)])
def test_products__are_words_where_no_sum_can_be_wider(value: int, dtype: type) -> None:
    row = np.full((1, 2), value, np.int64)

    assert products(row, row).dtype == dtype
    assert products(row, -row).tolist() == [[-2 * value * value]]


@pytest.mark.parametrize("value", [5, 1 << 70])
def test_spread__puts_rows_and_columns_at_their_places(value: int) -> None:
    out = spread(kept_or_wide([[value, 2], [3, 4]]), [0, 2], 4)

    assert isinstance(out, Words) == (value == 5)
    assert np.asarray(out).tolist() == [[value, 0, 2, 0], [0] * 4, [3, 0, 4, 0], [0] * 4]


def kept_or_wide(rows: list[list[int]]) -> NDArray[Any]:
    table = np.array(rows, dtype=object)
    return table if table.max() >= 1 << 63 else table.astype(np.int64)


LARGEST = (1 << 63) - 1


@pytest.mark.parametrize(
    "work",
    [
        lambda words: words + words,
        lambda words: words[0] * words[0],
        lambda words: words[0, 0] * words[0, 0],
        lambda words: 2 * words.sum(),
        lambda words: words @ words,
        lambda words: np.concatenate([words, words[:1]]) * words[0],
        lambda words: np.where(words > 0, words, 0) << 9,
        lambda words: np.diagonal(words) * 3,
    ],
)
def test_words__never_overflow(work: Callable[[Any], Any]) -> None:
    """Whatever is read or computed from them is what Python integers give."""
    wide = np.array([[LARGEST, 1], [-LARGEST, 7]], dtype=object)
    got = work(wide.astype(np.int64).view(Words))

    assert np.array_equal(got, work(wide))
    assert {type(x) for x in np.asarray(got, dtype=object).ravel()} == {int}


def test_words__take_what_fits_and_refuse_the_rest() -> None:
    words = np.zeros((2, 2), np.int64).view(Words)
    words[1] = ints([3, LARGEST])
    words[0, 0] -= 5

    assert words.tolist() == [[-5, 0], [3, LARGEST]]
    with pytest.raises(OverflowError):
        words[1, 1] += 1
    with pytest.raises(TypeError):
        words += 1


@given(st.lists(st.integers(), max_size=9))
def test_lower_median__leaves_no_more_below_than_above(values: list[int]) -> None:
    median = lower_median(values)

    assert median == (sorted(values)[(len(values) - 1) // 2] if values else 0)


@pytest.mark.parametrize(
    ("pairs", "median", "three_fifths"),
    [
        ([], 0, 0),
        ([(5, 0)], 0, 0),
        ([(5, 1)], 5, 5),
        ([(1, 1), (9, 1)], 1, 9),
        ([(9, 2), (1, 1)], 9, 9),
        ([(1, 1), (2, 0), (3, 1)], 1, 3),
        ([(-4, 3), (7, 2)], -4, -4),
        ([(-4, 5), (7, 4)], -4, 7),
        ([(-4, 30), (7, 20)], -4, -4),
        ([(-4, 29), (7, 20)], -4, 7),
    ],
)
def test_weighted_quantile__is_where_that_part_of_the_weight_is_reached(
    pairs: list[tuple[int, int]], median: int, three_fifths: int
) -> None:
    assert weighted_quantile(pairs, 1, 2) == median
    assert weighted_quantile(pairs, 3, 5) == three_fifths


@pytest.mark.parametrize(
    ("x", "part"), [(-1, 0), (100, 0), (101, O // 50), (149, 49 * O // 50), (150, O), (1 << 40, O)]
)
def test_ramp__is_linear_between_its_ends(x: int, part: int) -> None:
    assert ramp(x, 100, 50) == part


@pytest.mark.parametrize(("x", "kept"), [(0, 0), (15, 15), (16, 15), (-1, 0), (-16, -15), (-17, -15)])
def test_decayed__loses_the_floor_of_a_sixteenth(x: int, kept: int) -> None:
    assert decayed(x) == kept
    assert decayed(ints([x])).tolist() == [kept]


@given(st.integers(-5, 2**130))
def test_floor_sqrt__brackets(x: int) -> None:
    root = floor_sqrt(x)

    assert root * root <= max(x, 0) < (root + 1) ** 2


@given(st.integers(), st.integers(-9, 0), st.integers(0, 9))
def test_bound__stays_within(x: int, low: int, high: int) -> None:
    assert bound(x, low, high) == sorted((low, x, high))[1]


def test_ints_on_both_sides_of_2_to_63__stay_exact() -> None:
    wide = [1, -1, 2**63 + 1, -(2**70)]

    assert ints(wide).tolist() == wide
    assert ints([wide, wide]).tolist() == [wide, wide]
