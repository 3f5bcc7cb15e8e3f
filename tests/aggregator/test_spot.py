"""Draws of a spot check: in proportion to squared increments, of any share."""

import numpy as np
import pytest

from aggregator.rows import COLUMNS
from aggregator.sketch import Sketcher
from aggregator.watch.spot import drawn_segments, sums_tree
from tests.refute.refute_rounds import made


def sums_of(increments: np.ndarray[tuple[int, int], np.dtype[np.int64]]) -> np.ndarray:  # type: ignore[type-arg]
    """Running sums (rows, segments, 256) with an increment of this size in one column."""
    steps = np.zeros((*increments.shape, COLUMNS), np.int64)
    steps[:, :, 7] = increments
    return np.cumsum(steps, axis=1).astype(np.int32)


@pytest.mark.parametrize(("fraction", "count"), [(1e-9, 1), (0.25, 10), (0.26, 11), (1.0, 40)])
def test_drawn_segments__as_many_as_the_fraction_and_none_twice(fraction: float, count: int) -> None:
    drawn = drawn_segments(sums_of(np.full((4, 10), 5)), fraction)

    assert len(drawn) == len(set(drawn)) == count
    assert all(0 <= row < 4 and 0 <= segment < 10 for row, segment in drawn)


def test_drawn_segments__find_a_large_increment_that_a_uniform_draw_would_miss() -> None:
    increments = np.full((10, 100), 10)
    increments[3, 41] = 10_000
    found = sum((3, 41) in drawn_segments(sums_of(increments), 0.001) for _ in range(200))

    assert found > 190  # it has 99.9 % of the squared increments, and 0.1 % of the segments


def test_drawn_segments_of_nothing_but_zeros__still_draws() -> None:
    assert len(drawn_segments(np.zeros((2, 3, COLUMNS), np.int32), 0.5)) == 3


def test_drawn_segments_of_sums_that_wrap__sees_the_small_increment() -> None:
    """From 2^31 - 1 to -2^31 is one step of one."""
    sums = np.zeros((1, 2, COLUMNS), np.int32)
    sums[0, 0, 0], sums[0, 1, 0] = 2**31 - 1, -(2**31)

    assert all(drawn_segments(sums, 0.4) == [(0, 0)] for _ in range(20))


def test_sums_tree__is_the_tree_of_the_judged_round(tmp_path_factory: pytest.TempPathFactory) -> None:
    judged = made(tmp_path_factory.mktemp("round"), 4, 40_000, 2, (0, 1, 3))
    shape, present = judged.trees.case.shape, sorted(judged.trees.case.present)
    assert judged.judgement.sums is not None
    sums = np.fromfile(judged.judgement.sums, ">i4").reshape(len(present), shape.segments, COLUMNS)

    assert sums_tree(shape, present, sums, judged.inputs.poster).root == judged.judgement.roots.sketches
    data = judged.inputs.updates[1].path.read_bytes()
    sketcher = Sketcher(judged.inputs.seed, 2, sums[present.index(1), 1].astype(np.int32))
    sketcher.push(data[2 * 32_768 :])
    assert (sketcher.sums == sums[present.index(1), -1]).all()
