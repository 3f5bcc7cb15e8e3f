"""Stochastic rounding: exact round trip, unbiased, bit-reproducible, every bad array refused."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from market.errors import InputError, UpdateError
from trainer.quantise import Carry, dequantise, quantise, shrunk_to_fit
from trainer.seeds import CHUNK, derive, words

SEED = bytes(32)
E = 17


def lsb(values) -> np.ndarray:
    """Weights that are `values` LSB."""
    return (np.asarray(values, dtype=np.float64) * 2.0**-E).astype(np.float32)


@pytest.mark.parametrize("exponent", [8, 17, 24])
def test_quantise_of_all_int16__is_the_identity(exponent):
    every = np.arange(-32_768, 32_768).astype(np.int16)
    made = quantise(dequantise(every, exponent), None, exponent, SEED)
    assert np.array_equal(made.update, every)
    assert not made.residual.any()
    assert (made.saturated, made.vanished) == (0, 0)


def test_quantise_same_seed__gives_the_same_bits():
    delta = lsb(np.linspace(-300, 300, 5_001))
    first, again = quantise(delta, None, E, SEED), quantise(delta, None, E, SEED)
    assert np.array_equal(first.update, again.update)
    assert np.array_equal(first.residual, again.residual)
    assert not np.array_equal(first.update, quantise(delta, None, E, b"\1" * 32).update)


def test_words__is_raw_philox_whatever_the_chunks():
    assert np.concatenate(list(words(SEED, CHUNK + 3))).tolist()[:2] == next(words(SEED, 2)).tolist()
    assert [len(chunk) for chunk in words(SEED, CHUNK + 3)] == [CHUNK, 3]
    assert next(words(SEED, 1)).tolist() == [3_469_024_582_890_142_106]


def test_derive__depends_on_each_label_and_their_borders():
    seeds = {derive(SEED), derive(SEED, "ab"), derive(SEED, "a", "b"), derive(SEED, "a", "b", 1), derive(b"")}
    assert len(seeds) == 5


@pytest.mark.parametrize("value", [0.03, 0.5, -0.25, 17.9, -3.001])
def test_quantise_many_equal_values__is_unbiased(value):
    count = 200_000
    made = quantise(lsb(np.full(count, value)), None, E, SEED)
    fraction = value - np.floor(value)
    deviation = (fraction * (1 - fraction) / count) ** 0.5
    assert abs(made.update.mean() - value) < 5 * deviation
    assert set(made.update.tolist()) <= {int(np.floor(value)), int(np.floor(value)) + 1}


def test_quantise__carries_exactly_what_rounding_lost():
    delta = lsb(np.random.default_rng(1).normal(0, 50, 4_000))
    made = quantise(delta, None, E, SEED)
    assert np.allclose(made.update + made.residual, delta * 2.0**E, atol=1e-4)
    assert np.abs(made.residual).max() < 1


def test_quantise_over_rounds__arrives_below_one_lsb():
    delta, residual, total = lsb(np.full(1_000, 0.01)), None, np.zeros(1_000)
    for round_ in range(200):
        made = quantise(delta, residual, E, derive(SEED, round_))
        residual, total = made.residual, total + made.update
    # the residual keeps each coefficient within one LSB of 200 x 0.01 = 2
    assert np.abs(total - 2).max() <= 1
    assert abs(total.mean() - 2) < 0.1


def test_quantise__counts_what_vanished():
    made = quantise(lsb([0, 0.001, 0.001, 5, -7]), None, E, SEED)
    assert made.vanished_fraction == 2 / 5
    assert made.update.tolist()[3:] == [5, -7]


@pytest.mark.parametrize(("over", "is_refused"), [(0, False), (1, False), (2, False), (3, True)])
def test_quantise_around_one_permille_saturated__refuses_only_above(over, is_refused):
    values = np.zeros(2_000)
    values[5 : 5 + over] = 40_000.0
    if is_refused:
        with pytest.raises(
            UpdateError, match=r"E123 value 0\.305176 at index 5 exceeds \+-0\.249992; .*\(3 of 2000"
        ):
            quantise(lsb(values), None, E, SEED)
    else:
        made = quantise(lsb(values), None, E, SEED)
        assert made.saturated == over
        assert made.update[5 : 5 + over].tolist() == [32_767] * over
        assert not made.residual.any()  # what saturates is dropped, not carried


@pytest.mark.parametrize("value", [32_767.0, -32_768.0])
def test_quantise_at_the_ends__does_not_saturate(value):
    assert quantise(lsb([value] * 3), None, E, SEED).saturated == 0


@pytest.mark.parametrize("value", [32_768.0, -32_769.0])
def test_quantise_past_the_ends__saturates(value):
    with pytest.raises(UpdateError, match="E123"):
        quantise(lsb([value] * 3), None, E, SEED)


@pytest.mark.parametrize(
    ("delta", "residual", "message"),
    [
        (np.array([0, np.nan], np.float32), None, r"E120 non-finite value at index 1 \(nan\)"),
        (np.array([np.inf], np.float32), None, r"E120 non-finite value at index 0 \(inf\)"),
        (np.array([-np.inf], np.float32), None, r"\(-inf\)"),
        (np.zeros(2, np.float32), np.array([0, np.nan], np.float32), "E120"),
        (np.zeros(0, np.float32), None, r"E121 shape: got \(0,\), expected \(d,\)"),
        (np.zeros((2, 2), np.float32), None, r"E121 shape: got \(2, 2\)"),
        (np.zeros(2, np.float32), np.zeros(3, np.float32), r"E121 shape: got \(3,\), expected \(2,\)"),
        (np.zeros(2, np.float64), None, "E122 dtype: got float64, expected float32"),
        (np.zeros(2, np.float16), None, "E122 dtype: got float16, expected float32"),
        (np.zeros(2, np.int16), None, "E122 dtype: got int16, expected float32"),
        (np.array([3e38], np.float32), None, "E123"),
    ],
)
def test_quantise_bad_array__refuses(delta, residual, message):
    with pytest.raises(UpdateError, match=message):
        quantise(delta, residual, E, SEED)


@given(st.integers(1, 3_000), st.floats(0.1, 1e6))
def test_shrunk_to_fit__never_saturates_too_much(count, size):
    delta = lsb(np.random.default_rng(count).normal(0, size, count))
    fitted = shrunk_to_fit(delta, E)
    residual = np.full(count, 0.999, dtype=np.float32)
    assert quantise(fitted, residual, E, SEED).saturated_fraction <= 0.001
    if np.abs(delta).max() * 2**E < 32_000:
        assert fitted is delta


def test_carry__starts_the_same_round_again_and_goes_on():
    start, left = np.full(3, 0.25, np.float32), np.full(3, 0.5, np.float32)
    carry = Carry.from_bytes(Carry(7, start, left).to_bytes(), 3)
    assert carry.into(6) is None
    assert carry.into(7).tolist() == [0.25] * 3
    assert carry.into(8).tolist() == carry.into(20).tolist() == [0.5] * 3


@pytest.mark.parametrize(("start", "left"), [(None, None), (None, 1.0), (1.0, None)])
def test_carry_with_missing_parts__reads_back(start, left):
    parts = [None if part is None else np.full(2, part, np.float32) for part in (start, left)]
    carry = Carry.from_bytes(Carry(1, *parts).to_bytes(), 2)
    assert (carry.start is None, carry.left is None) == (start is None, left is None)


@pytest.mark.parametrize(
    "damage",
    [lambda b: b"", lambda b: b[:-1], lambda b: b + b"\0", lambda b: b"X" + b[1:]],
)
def test_carry_from_other_bytes__refuses(damage):
    kept = Carry(1, None, np.zeros(2, np.float32)).to_bytes()
    with pytest.raises(InputError, match=r"E124 residual: \d+ bytes that are not of 2 coefficients"):
        Carry.from_bytes(damage(kept), 2)
