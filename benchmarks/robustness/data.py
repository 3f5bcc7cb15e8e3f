"""Data of the bench: digits, moved digits (a harder task that needs no download), files of one's own, splits."""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache
from math import isqrt
from pathlib import Path
from typing import Final

import numpy as np
from numpy.typing import NDArray
from scipy.ndimage import rotate
from sklearn.datasets import load_digits

from market.errors import InputError

Floats = NDArray[np.float32]
Labels = NDArray[np.int64]
Part = NDArray[np.int64]

TEST: Final = 360
ROOT: Final = 100
"""Training samples at the start of the order that no trainer gets: an owner may hold some of them."""
LEAST: Final = 8
"""Samples that every trainer has at least."""
COPIES: Final = 3
SIDE: Final = 10
TURN: Final = 20
"""Degrees."""
HOLE: Final = 2


@dataclass(frozen=True)
class Data:
    """A classification task: `x` float32 (N, p) in [0, 1], `y` int64 (N,), the same for the test part."""

    x: Floats
    y: Labels
    x_test: Floats
    y_test: Labels

    @property
    def classes(self) -> int:
        """Labels are 0 .. classes - 1."""
        return int(max(self.y.max(), self.y_test.max())) + 1

    @property
    def side(self) -> int:
        """Side of the square image that a row is; 0 if it cannot be one."""
        root = isqrt(self.x.shape[1])
        return root if root * root == self.x.shape[1] else 0


@lru_cache(maxsize=8)
def digits(seed: int) -> Data:
    """The 1,797 bundled 8 x 8 digits, 360 of them for the test."""
    images, labels = _shuffled(seed)
    return Data(images[TEST:], labels[TEST:], images[:TEST], labels[:TEST])


@lru_cache(maxsize=8)
def moved(seed: int) -> Data:
    """Digits put at a random place of 10 x 10, turned by up to 20 degrees, with noise and a hole of 2 x 2.

    Each image appears three times, always in the same part. Harder than the original: no linear model
    solves it, accuracy does not reach its ceiling in a run, and updates stay diverse to the end.
    """
    images, labels = _shuffled(seed)
    rng = np.random.default_rng([seed, 21])
    made = np.stack([_move(image, rng) for image in np.repeat(images, COPIES, axis=0)])
    again = np.repeat(labels, COPIES)
    return Data(made[TEST * COPIES :], again[TEST * COPIES :], made[: TEST * COPIES], again[: TEST * COPIES])


def from_file(path: Path) -> Data:
    """Arrays X, y, X_test, y_test of an .npz file. Raises InputError E108 for anything else."""
    try:
        with np.load(path, allow_pickle=False) as file:
            arrays = {name: file[name] for name in ("X", "y", "X_test", "y_test")}
    except (OSError, KeyError, ValueError) as problem:
        raise InputError(
            "E108", f"{path}: {problem}; give an .npz with the arrays X, y, X_test, y_test"
        ) from problem
    for part in ("", "_test"):
        x, y = arrays["X" + part], arrays["y" + part]
        if x.ndim != 2 or y.shape != (len(x),) or not np.issubdtype(y.dtype, np.integer):
            raise InputError(
                "E108",
                f"{path}: X{part} is {x.shape} and y{part} is {y.shape} of {y.dtype}; expected (N, p) numbers "
                "and (N,) integers: flatten images to rows",
            )
        if not np.isfinite(x).all() or (len(y) and y.min() < 0):
            raise InputError("E108", f"{path}: X{part} has values that are not finite or y{part} is negative")
    if arrays["X"].shape[1] != arrays["X_test"].shape[1]:
        widths = arrays["X"].shape[1], arrays["X_test"].shape[1]
        raise InputError(
            "E108", f"{path}: rows of X have {widths[0]} numbers, of X_test {widths[1]}; make them equal"
        )
    x, x_test = arrays["X"].astype(np.float32), arrays["X_test"].astype(np.float32)
    return Data(x, arrays["y"].astype(np.int64), x_test, arrays["y_test"].astype(np.int64))


def split(y: Labels, seats: int, alpha: float | None, rng: np.random.Generator) -> list[Part]:
    """Samples of each trainer: every class divided by a Dirichlet(alpha) draw; None: equal parts at random.

    The first `ROOT` samples stay with the owner. Raises InputError E108 when there are too few for all.
    """
    rows = np.arange(ROOT, len(y))
    if len(rows) < 2 * LEAST * seats:
        raise InputError(
            "E108", f"{len(y)} samples are too few for {seats} trainers: give {ROOT + 2 * LEAST * seats}"
        )
    if alpha is None:
        return [np.asarray(part) for part in np.array_split(rng.permutation(rows), seats)]
    parts: list[list[int]] = [[] for _ in range(seats)]
    for label in np.unique(y[rows]):
        own = rng.permutation(rows[y[rows] == label])
        cuts = (np.cumsum(rng.dirichlet([alpha] * seats))[:-1] * len(own)).astype(int)
        for part, chunk in zip(parts, np.split(own, cuts), strict=True):
            part.extend(chunk.tolist())
    _fill(parts)
    return [np.array(part) for part in parts]


def _fill(parts: list[list[int]]) -> None:
    """Samples move from the largest part to those below `LEAST`: very uneven draws stay possible."""
    for part in parts:
        while len(part) < LEAST:
            part.append(max(parts, key=len).pop())


def _shuffled(seed: int) -> tuple[Floats, Labels]:
    data = load_digits()
    order = np.random.default_rng([seed, 20]).permutation(len(data.target))
    return (data.data[order] / 16).astype(np.float32), data.target[order].astype(np.int64)


def _move(row: Floats, rng: np.random.Generator) -> Floats:
    image = rotate(row.reshape(8, 8), rng.uniform(-TURN, TURN), reshape=False, order=1)
    canvas = np.zeros((SIDE, SIDE), np.float32)
    top, left = rng.integers(0, SIDE - 8 + 1, 2)
    canvas[top : top + 8, left : left + 8] = image
    hole = rng.integers(0, SIDE - HOLE + 1, 2)
    canvas[hole[0] : hole[0] + HOLE, hole[1] : hole[1] + HOLE] = 0
    noisy = canvas + rng.normal(0, 0.05, canvas.shape)
    return np.clip(noisy, 0, 1).astype(np.float32).ravel()


SETS: Final = {"digits": digits, "moved": moved}
