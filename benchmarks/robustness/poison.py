"""Attacks on the attackers' own training data: labels and backdoors."""

from __future__ import annotations

from typing import Final

import numpy as np

from benchmarks.robustness.data import Data
from benchmarks.robustness.nets import Floats, Labels
from benchmarks.robustness.scene import Batch

TARGET: Final = 0
"""Class that a corner trigger should lead to."""
EDGE_SOURCE: Final = 7
EDGE_TARGET: Final = 1
EDGES: Final = 0.25
"""Part of the source class that counts as its edge."""
CORNER: Final = 4
"""Features that the trigger sets: pixels of a corner that are empty in digits."""
SHARE: Final = 0.5
"""Part of each batch that carries the backdoor."""


def flip_all(batch: Batch) -> tuple[Floats, Labels]:
    """y becomes classes - 1 - y."""
    return batch.x, batch.classes - 1 - batch.y


def flip_two(batch: Batch) -> tuple[Floats, Labels]:
    """The first two classes change places."""
    swapped = np.where(batch.y == 0, 1, np.where(batch.y == 1, 0, batch.y))
    return batch.x, swapped


def flip_many(batch: Batch) -> tuple[Floats, Labels]:
    """Every attacker flips other pairs of classes: the pairing is drawn for each."""
    y = batch.y.copy()
    for seat in range(len(y)):
        order = np.random.default_rng([seat, 31]).permutation(batch.classes)
        partner = np.arange(batch.classes)
        for a, b in zip(order[0::2], order[1::2], strict=False):
            partner[a], partner[b] = b, a
        y[seat] = partner[y[seat]]
    return batch.x, y


def trigger(x: Floats, parts: slice = slice(None)) -> Floats:
    """The corner pattern, or some of its pixels, set to 1."""
    out = x.copy()
    for place in corner(x.shape[-1])[parts]:
        out[..., place] = 1.0
    return out


def corner(features: int) -> list[int]:
    """Features of the trigger: a square of 2 x 2 in the last corner of an image, else the last four."""
    side = int(np.sqrt(features))
    if side * side != features or side < 2:
        return list(range(features - min(CORNER, features), features))
    return [features - 1, features - 2, features - 1 - side, features - 2 - side]


def backdoor(batch: Batch) -> tuple[Floats, Labels]:
    """Half of the samples get the trigger and the target label."""
    marked = batch.rng.random(batch.y.shape) < SHARE
    x = np.where(marked[..., None], trigger(batch.x), batch.x)
    return x, np.where(marked, TARGET, batch.y)


def distributed_backdoor(batch: Batch) -> tuple[Floats, Labels]:
    """Each attacker uses one pixel of the trigger (Xie, Huang, Chen, Li 2020)."""
    marked = batch.rng.random(batch.y.shape) < SHARE
    x = batch.x.copy()
    for seat in range(len(x)):
        part = trigger(x[seat], slice(seat % CORNER, seat % CORNER + 1))
        x[seat] = np.where(marked[seat][:, None], part, x[seat])
    return x, np.where(marked, TARGET, batch.y)


def edge_backdoor(batch: Batch) -> tuple[Floats, Labels]:
    """Half of the samples are rare ones of another class, labelled as the target (Wang et al. 2020)."""
    if not len(batch.edges):
        return batch.x, batch.y
    marked = batch.rng.random(batch.y.shape) < SHARE
    drawn = batch.edges[batch.rng.integers(0, len(batch.edges), batch.y.shape)]
    return np.where(marked[..., None], drawn, batch.x), np.where(marked, EDGE_TARGET, batch.y)


def edges(data: Data, test: bool = False) -> Floats:
    """Samples of the source class that are farthest from its mean, of the training or the test part."""
    x, y = (data.x_test, data.y_test) if test else (data.x, data.y)
    source = data.x[data.y == EDGE_SOURCE]
    own = x[y == EDGE_SOURCE]
    if not len(source) or not len(own):
        return own
    far = np.argsort(-np.linalg.norm(own - source.mean(axis=0), axis=1), kind="stable")
    return own[far[: max(1, int(EDGES * len(own)))]]
