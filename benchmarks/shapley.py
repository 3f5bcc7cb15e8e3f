"""Shapley values of trainers: exactly by retraining with every coalition, and as the literature approximates them.

All 2^n coalitions are trained side by side (numpy, one batched product a layer). Coalition `c` is a bit mask of seats.
"""

from __future__ import annotations

from collections.abc import Sequence
from math import factorial
from typing import Final

import numpy as np
from numpy.typing import NDArray

from benchmarks.federated import Floats, Mlp, Part, Training

Values = NDArray[np.float64]
Logged = tuple[Floats, Floats]
_AT_ONCE: Final = 256
"""Local trainings side by side: their weights stay in the cache of a core."""


def members(seats: int) -> NDArray[np.bool_]:
    """Bool (2^seats, seats): who is in each coalition."""
    return (np.arange(1 << seats)[:, None] >> np.arange(seats) & 1).astype(bool)


def shapley(values: Values) -> Values:
    """Shapley values (n,) of a game given as the values (2^n,) of all coalitions (Shapley 1953)."""
    n = len(values).bit_length() - 1
    inside, size = members(n), members(n).sum(axis=1)
    parts = [factorial(s) * factorial(n - s - 1) / factorial(n) for s in range(n)]
    out = np.zeros(n)
    for i in range(n):
        without = np.flatnonzero(~inside[:, i])
        gains = values[without | 1 << i] - values[without]
        out[i] = (np.array(parts)[size[without]] * gains).sum()
    return out


def leave_one_out(values: Values) -> Values:
    """What the value of all loses without each seat: (n,)."""
    n, whole = len(values).bit_length() - 1, len(values) - 1
    return np.array([values[whole] - values[whole ^ 1 << i] for i in range(n)])


class Batched:
    """Many MLPs of one shape side by side: weights (m, d), inputs (m, b, 64) or shared (b, 64)."""

    def __init__(self, mlp: Mlp) -> None:
        self.mlp = mlp

    def split(self, w: Floats) -> list[Floats]:
        """Views of the four tensors of each, biases as rows."""
        out, at = [], 0
        for shape in self.mlp.shapes:
            size = int(np.prod(shape))
            out.append(w[:, at : at + size].reshape(len(w), *((1, *shape) if len(shape) == 1 else shape)))
            at += size
        return out

    def descend(self, w: Floats, x: Floats, y: NDArray[np.int64], rate: float) -> None:
        """One step of plain SGD in place; x (m, b, 64), y (m, b)."""
        w1, b1, w2, b2 = self.split(w)
        h = np.maximum(x @ w1 + b1, 0)
        p = _softmax(h @ w2 + b2)
        np.put_along_axis(p, y[..., None], np.take_along_axis(p, y[..., None], 2) - 1, 2)
        p /= y.shape[1]
        back = (p @ w2.transpose(0, 2, 1)) * (h > 0)
        w2 -= rate * (h.transpose(0, 2, 1) @ p)
        b2 -= rate * p.sum(axis=1, keepdims=True)
        w1 -= rate * (x.transpose(0, 2, 1) @ back)
        b1 -= rate * back.sum(axis=1, keepdims=True)

    def accuracy(self, w: Floats, x: Floats, y: NDArray[np.int64]) -> Values:
        """Share of right answers of each on the same samples: (m,)."""
        out = []
        for one in np.split(w, range(_AT_ONCE, len(w), _AT_ONCE)):
            w1, b1, w2, b2 = self.split(one)
            answers = (np.maximum(x @ w1 + b1, 0) @ w2 + b2).argmax(axis=2)
            out.append((answers == y).mean(axis=1))
        return np.concatenate(out)


def _softmax(logits: Floats) -> Floats:
    out = np.exp(logits - logits.max(axis=2, keepdims=True))
    out /= out.sum(axis=2, keepdims=True)
    return out


def retrained(
    mlp: Mlp,
    start: Floats,
    parts: Sequence[Part],
    data: tuple[Floats, Part],
    training: Training,
    rounds: int,
    seed: int,
) -> tuple[Floats, list[Logged]]:
    """Final weights (2^n, d) of every coalition, by federated averaging with equal weights among its members, and
    what a server sees of the coalition of all: base (d,) and updates (n, d) of each round."""
    inside, many = members(len(parts)), Batched(mlp)
    log: list[Logged] = []
    models = np.tile(start.astype(np.float32), (len(inside), 1))
    pairs = np.argwhere(inside)
    for number in range(rounds):
        draws = [_draws(part, training, [seed, 5, seat, number]) for seat, part in enumerate(parts)]
        sums, base = np.zeros_like(models), models[-1].copy()
        seen = np.zeros((len(parts), mlp.d), np.float32)
        for some in np.split(pairs, range(_AT_ONCE, len(pairs), _AT_ONCE)):
            coalitions, seats = some.T
            w = models[coalitions].copy()
            rows = np.stack([draws[seat] for seat in seats], axis=1)
            for batch in rows:
                many.descend(w, data[0][batch], data[1][batch], training.rate)
            np.add.at(sums, coalitions, w)
            everyone = coalitions == len(models) - 1
            seen[seats[everyone]] = w[everyone] - base
        models[1:] = sums[1:] / inside[1:].sum(axis=1, keepdims=True)
        log.append((base, seen))
    return models, log


def _draws(part: Part, training: Training, seed: list[int]) -> NDArray[np.int64]:
    """Samples of a seat's batches in one round: (steps, batch), each epoch in a new order."""
    rng, need = np.random.default_rng(seed), training.steps * training.batch
    order = np.concatenate([rng.permutation(part) for _ in range(-(-need // len(part)))])
    return order[:need].reshape(training.steps, training.batch)


def truncated(values: Values, rng: np.random.Generator) -> tuple[Values, int]:
    """GTG-Shapley of one round (Liu et al. 2022) from its coalition values: estimate (n,), and how many coalitions it
    had to evaluate. Permutations led by each seat in turn; a permutation ends when what is left is worth less than
    0.001; it stops when estimates change by less than 5 % on average over the last ten."""
    n, whole = len(values).bit_length() - 1, len(values) - 1
    asked, total, history = {0, whole}, np.zeros(n), []
    for count in range(1, 20 * n + 1):
        lead = (count - 1) % n
        order = [lead, *rng.permutation([i for i in range(n) if i != lead]).tolist()]
        coalition, before = 0, float(values[0])
        for seat in order:
            if abs(values[whole] - before) < 0.001:
                break
            coalition |= 1 << seat
            asked.add(coalition)
            total[seat] += values[coalition] - before
            before = float(values[coalition])
        history.append(total / count)
        if count >= 30 and _settled(history):
            break
    return history[-1], len(asked)


def _settled(history: Sequence[Values]) -> bool:
    last = history[-1]
    changes = [np.abs(old - last) / np.maximum(np.abs(last), 1e-12) for old in history[-11:-1]]
    return bool(np.mean(changes) < 0.05)
