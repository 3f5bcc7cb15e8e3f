"""Sketches against the definition, bit by bit."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from aggregator.sketch import Sketcher, SketchRow, rotations, sketch_of
from market.codec import UPDATE, blocks, encode
from market.keccak import keccak256
from market.merkle import leaf_hash, root_of

SEED = keccak256(b"seed")
D = 2 * 16 * 1024 + 3000


def naive_sketch(update: NDArray[np.int16], seed: bytes) -> list[int]:
    padded = [*update.tolist(), *[0] * (-len(update) % 1024)]
    sums = [0] * 256
    for b in range(len(padded) // 256):
        h = int.from_bytes(keccak256(seed + b.to_bytes(32, "big")), "big")
        r = keccak256(seed + ((1 << 255) + b // 32).to_bytes(32, "big"))[b % 32]
        for k in range(256):
            w, j = divmod(k, 16)
            value = padded[256 * b + (k - r) % 256]
            sums[k] += -value if h >> (16 * (15 - j) + w) & 1 else value
    return [(s + 2**31) % 2**32 - 2**31 for s in sums]


def test_sketch_of_random_values__is_the_definition() -> None:
    update = np.random.default_rng(0).integers(-32768, 32768, 5000).astype(np.int16)

    assert sketch_of(blocks([encode(update, UPDATE)], 5000, UPDATE), SEED).tolist() == naive_sketch(
        update, SEED
    )


@settings(max_examples=20, deadline=None)
@given(st.integers(0, 1023), st.sampled_from([-32768, -1, 1, 32767]))
def test_sketch_of_one_coefficient__puts_it_in_one_column(at: int, value: int) -> None:
    update = np.zeros(1024, np.int16)
    update[at] = value
    sketch = sketch_of(iter([encode(update, UPDATE)]), SEED)

    assert sketch.tolist() == naive_sketch(update, SEED)
    assert np.abs(sketch).sum() == abs(value)


def test_sketch__is_linear_for_one_seed() -> None:
    rng = np.random.default_rng(1)
    a, b = rng.integers(-9000, 9000, (2, 3000)).astype(np.int16)
    s = {
        name: sketch_of(iter([encode(x, UPDATE)]), SEED)
        for name, x in (("a", a), ("b", b), ("2a-b", 2 * a - b))
    }

    assert (2 * s["a"] - s["b"] == s["2a-b"]).all()


def test_sketch_norm__estimates_the_norm() -> None:
    update = np.random.default_rng(2).normal(0, 1000, 30_000).astype(np.int16)
    sketch = sketch_of(iter([encode(update, UPDATE)]), SEED).astype(float)

    assert np.linalg.norm(sketch) == pytest.approx(np.linalg.norm(update.astype(float)), rel=0.2)


def test_sketch_of_mass_in_one_column__is_spread_by_the_rotation() -> None:
    """Coefficients equal modulo 256 would all meet in one column, and their signs could cancel."""
    update = np.zeros(256 * 64, np.int16)
    update[::256] = 1000

    assert (sketch_of(iter([encode(update, UPDATE)]), SEED) != 0).sum() > 30


@pytest.mark.parametrize("segments", [1, 2, 16])
def test_push_in_blocks__gives_the_running_sums_of_each_segment(segments: int) -> None:
    update = np.random.default_rng(3).integers(-32768, 32768, D).astype(np.int16)
    sketcher = Sketcher(SEED)
    sums = np.concatenate(
        [sketcher.push(b) for b in blocks([encode(update, UPDATE)], D, UPDATE, 16 * segments)]
    )

    ends = [16 * 1024, 32 * 1024, D]
    assert [row.tolist() for row in sums] == [naive_sketch(update[:end], SEED) for end in ends]
    assert (sketcher.sums == sums[-1]).all()


def test_sums_past_int32__wrap() -> None:
    sketcher = Sketcher(SEED)
    sketcher.sums[:] = 2**31 - 1
    update = np.ones(1024, np.int16)
    sketcher.push(encode(update, UPDATE))

    expected = [(2**31 - 1 + s + 2**31) % 2**32 - 2**31 for s in naive_sketch(update, SEED)]
    assert sketcher.sums.tolist() == expected


@given(st.integers(0, 100), st.integers(1, 100))
def test_rotations_from_any_row__are_bytes_of_the_stream(first: int, count: int) -> None:
    whole = rotations(SEED, 0, 200)

    assert rotations(SEED, first, count).tolist() == whole[first : first + count].tolist()


def test_sketch_row__has_the_poster_in_each_leaf() -> None:
    sums = np.arange(3 * 256, dtype=np.int32).reshape(3, 256) - 300
    tree = SketchRow(b"p" * 20, 5, 2)
    tree.push(sums)
    leaves = [
        leaf_hash(5 << 2 | k, b"p" * 20 + b"".join(int(x).to_bytes(4, "big", signed=True) for x in row))
        for k, row in enumerate(sums)
    ]

    assert tree.root() == root_of(leaves, 2)
