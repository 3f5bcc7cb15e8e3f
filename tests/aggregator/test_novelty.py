"""Fits and residuals: close to the real-valued solution, and zero for what is public."""

from operator import mul

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sample_rounds import decided, random_sketch

from aggregator.novelty import NO_ROW, ONE, RIDGE, STEPS, solve
from aggregator.rows import COLUMNS, Shape
from aggregator.steps import Step, View
from aggregator.trees import entries_bytes

SHAPE = Shape(1, 6)


def sketch_of_public(seed: int = 0) -> np.ndarray:
    return random_sketch(SHAPE, np.random.default_rng(seed))


@settings(max_examples=40)
@given(st.integers(1, 8), st.integers(0, 2**32), st.booleans())
def test_solve__is_the_ridge_solution(size: int, seed: int, degenerate: bool) -> None:
    rng = np.random.default_rng(seed)
    vectors = rng.normal(size=(size + 1, 20))
    if degenerate and size > 1:
        vectors[1] = vectors[0]
    vectors /= np.linalg.norm(vectors, axis=1, keepdims=True)
    gram = vectors @ vectors.T
    integers = [int(x * ONE) for x in [*gram[:size, :size].ravel(), *gram[size, :size]]]
    expected = np.linalg.solve(gram[:size, :size] + np.eye(size) * RIDGE / ONE, gram[size, :size])

    assert np.array(solve(integers, size), float) / ONE == pytest.approx(expected, abs=1e-5)


def test_solve_of_missing_rows__is_zero() -> None:
    assert solve([0] * (64 + 8), 8) == [0] * 8


def test_residual__is_what_least_squares_leaves() -> None:
    sketch = sketch_of_public()
    view = decided(sketch, SHAPE)
    rows = [
        SHAPE.delta(0),
        SHAPE.delta(1),
        SHAPE.delta(2),
        SHAPE.past(0, 2),
        SHAPE.past(1, 2),
        *view.picks[2],
    ]
    public = sketch[[int(row) for row in rows]].astype(float)
    fitted, *_ = np.linalg.lstsq(public.T, sketch[2].astype(float), rcond=None)
    rest = sketch[2] - fitted @ public

    assert view.residual[2].astype(float) / 4 == pytest.approx(rest, abs=0.01 * np.linalg.norm(rest))


@pytest.mark.parametrize(
    "row", [SHAPE.delta(0), SHAPE.delta(2), SHAPE.past(0, 1), SHAPE.past(1, 1), SHAPE.past(1, 4)]
)
@pytest.mark.parametrize("factor", [1, -1, 3])
def test_residual_of_a_copy__is_nearly_nothing(row: int, factor: int) -> None:
    sketch = sketch_of_public()
    sketch[1] = factor * sketch[row]
    view = decided(sketch, SHAPE)

    assert 50 * view.residual_norm[1] < view.norm[1]
    assert 2 * view.residual_norm[0] > view.norm[0]


def test_residual_of_a_mix_of_three_peers__is_nearly_nothing() -> None:
    sketch = sketch_of_public()
    sketch[1] = sum(sketch[SHAPE.past(0, peer)] // 3 for peer in (0, 3, 5))
    view = decided(sketch, SHAPE)

    assert set(view.picks[1]) == {SHAPE.past(0, peer) for peer in (0, 3, 5)}
    assert 20 * view.residual_norm[1] < view.norm[1]


def test_residual_of_a_copy_of_a_tiny_file__is_nearly_nothing() -> None:
    """Fits are between unit vectors, so it does not help to have revealed the work at a small scale before."""
    sketch = sketch_of_public()
    sketch[SHAPE.past(0, 1)] = sketch[1] // 1000 * 1
    small = sketch[SHAPE.past(0, 1)].astype(np.int64) * 1000
    sketch[1] = small
    view = decided(sketch, SHAPE)

    assert 50 * view.residual_norm[1] < view.norm[1]


def test_residual_without_public_rows__is_the_update() -> None:
    sketch = sketch_of_public()
    sketch[SHAPE.seats :] = 0
    view = decided(sketch, SHAPE)

    assert (view.residual[0] == sketch[0].astype(object) << 2).all()
    assert (view.residual_gram == view.gram[:6, :6]).all()
    assert view.has_public == 0
    assert set(view.picks.ravel()) == {NO_ROW}


def test_candidates__never_name_own_or_missing_files() -> None:
    sketch = sketch_of_public()
    sketch[SHAPE.past(0, 3)] = 0
    view = decided(sketch, SHAPE)

    for seat in range(6):
        assert not {SHAPE.past(0, seat), SHAPE.past(1, seat), SHAPE.past(0, 3)} & set(view.picks[seat])


def test_picks_of_equal_candidates__take_the_lower_row() -> None:
    sketch = np.zeros((SHAPE.rows, COLUMNS), np.int32)
    sketch[:6] = 1000
    for seat in range(6):
        sketch[SHAPE.past(0, seat)] = 500
    view = decided(sketch, SHAPE)

    # Seat 0 is explained by its own file; what is left of all candidates is the same.
    assert view.picks[0].tolist() == sorted(view.picks[0])


@pytest.mark.parametrize("step", [step for step in STEPS if step.whole], ids=lambda step: step.name)
def test_all_rows_at_once__equal_those_row_by_row(step: Step) -> None:
    view = decided(sketch_of_public(), SHAPE, included=[0, 2, 3, 5])
    at_once = getattr(view, step.name)

    assert [step.entry(view, seat).tolist() for seat in view.included] == at_once[view.included].tolist()
    assert not at_once[[1, 4]].any()


@pytest.mark.parametrize("largest", [(1 << 28) - 1, 1 << 28, (1 << 28) + 1, 1 << 62])
def test_residuals_at_the_limit_of_words__are_those_of_python_integers(largest: int) -> None:
    """Sums at the limits of int32, all eight coefficients as large as they can be in words, and larger."""
    view = decided(sketch_of_public(), SHAPE)
    view.gathered = np.where(np.arange(view.gathered.shape[1]) % 2, (1 << 31) - 1, -(1 << 31)) * np.ones(
        (SHAPE.seats, 1), np.int64
    )
    signs = np.resize([1, -1, -1, 1, 1], view.fit.shape).astype(object)
    view.fit = signs * largest
    step = next(step for step in STEPS if step.name == "residual")

    at_once = step.compute(view)

    for seat in view.included:
        sums, fit = np.asarray(view.gathered)[seat].tolist(), view.fit[seat].tolist()
        plain = [
            (own << 20) - sum(map(mul, of_rows, fit)) + (1 << 17) >> 18
            for own, *of_rows in (sums[at : at + 9] for at in range(0, len(sums), 9))
        ]
        assert at_once[seat].tolist() == [min(max(x, -(1 << 31)), (1 << 31) - 1) for x in plain]
        assert step.entry(view, seat).tolist() == at_once[seat].tolist()
    assert {-(1 << 31), (1 << 31) - 1} <= set(at_once[0])


def test_gathered__has_nine_sketches_column_by_column() -> None:
    sketch = sketch_of_public()
    sketch[SHAPE.past(0, 2)] = 0
    view = decided(sketch, SHAPE)
    own = [SHAPE.delta(0), SHAPE.delta(1), SHAPE.delta(2), SHAPE.past(0, 2), SHAPE.past(1, 2)]
    nine = [2, *own, *(int(row) for row in view.picks[2])]

    assert view.gathered[2].tolist() == [int(sketch[row][c]) for c in range(COLUMNS) for row in nine]


def test_gathered_without_picks__is_zero_there() -> None:
    sketch = sketch_of_public()
    sketch[SHAPE.first_past :] = 0
    view = decided(sketch, SHAPE)

    assert view.picks[0].tolist() == [NO_ROW] * 3
    assert not view.gathered[0].reshape(COLUMNS, 9)[:, 4:].any()


@pytest.mark.parametrize(
    ("rest", "rounded"), [(-3, -1), (-2, 0), (-1, 0), (0, 0), (1, 0), (2, 1), (3, 1), (5, 1), (6, 2)]
)
def test_residual__is_rounded_to_a_quarter(rest: int, rounded: int) -> None:
    """`rest` in quarters of a quarter; a half goes up."""
    view = decided(sketch_of_public(), SHAPE)
    view.gathered[0] = [1] * 9 * COLUMNS
    view.fit[0] = [(1 << 20) - (rest << 16), *[0] * 7]

    assert set(step_named("residual").entry(view, 0)) == {rounded}


@pytest.mark.parametrize(
    ("own", "expected"), [(2**29 - 1, 2**31 - 4), (2**29, 2**31 - 1), (-(2**29), -(2**31)), (-(2**29) - 1, -(2**31))]
)  # fmt: skip
def test_residual__saturates_at_four_bytes(own: int, expected: int) -> None:
    sketch = sketch_of_public()
    sketch[SHAPE.seats :] = 0
    sketch[0] = own
    view = decided(sketch, SHAPE)

    assert set(view.residual[0]) == {expected}


def step_named(name: str) -> Step:
    return next(step for step in STEPS if step.name == name)


def any_view(seats: int) -> View:
    """Sketches of any int32, three picked rows (or none) and fits of any size; half of the seats are in."""
    rng, shape = np.random.default_rng(seats), Shape(1, seats)
    picks = rng.integers(shape.first_past, shape.rows, (seats, 3)).astype(object)
    picks[rng.random((seats, 3)) < 0.2] = NO_ROW
    fits = [
        [int(x) << int(rng.integers(0, 40)) for x in rng.integers(-(2**22), 2**22, 8)] for _ in range(seats)
    ]
    sketch = rng.integers(-(2**31), 2**31, (shape.rows, COLUMNS)) >> rng.integers(0, 31, (shape.rows, 1))
    included = sorted({0, *rng.integers(0, seats, seats // 2).tolist()})
    return View(shape=shape, sketch=sketch, picks=picks, fit=np.array(fits, dtype=object), included=included)


@pytest.mark.parametrize("seats", [1, 2, 3, 100, 1_000])
def test_gathered_and_residual_of_any_number_of_seats__are_the_written_formula(seats: int) -> None:
    """Another aggregator that reads the docstrings alone comes to the same bits."""
    view = any_view(seats)
    view.gathered = step_named("gathered").compute(view)
    shape, sketch = view.shape, view.sketch.tolist()
    assert not np.delete(view.gathered, view.included, axis=0).any()
    for i in [view.included[0], view.included[-1]]:
        own = [shape.delta(age) for age in range(3)] + [shape.past(age, i) for age in range(2)]
        lines = [[0] * COLUMNS if row == NO_ROW else sketch[row] for row in (i, *own, *view.picks[i])]
        rests = []
        for c in range(COLUMNS):
            rest = lines[0][c] * 2**20 - sum(
                f * line[c] for f, line in zip(view.fit[i], lines[1:], strict=True)
            )
            rests.append(max(-(2**31), min(2**31 - 1, (rest + 2**17) // 2**18)))

        assert view.gathered[i].tolist() == [line[c] for c in range(COLUMNS) for line in lines]
        assert step_named("residual").entry(view, i).tolist() == rests
        assert (
            np.frombuffer(entries_bytes(np.array(rests, dtype=object), 4).tobytes(), ">i4").tolist() == rests
        )
