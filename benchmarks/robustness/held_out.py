"""Attacks that the rule was not chosen on, in the form that files of one's own have:
`--attack benchmarks/robustness/held_out.py:NAME`.

Each takes (honest float32 [h, d], own float32 [f, d], past_global float32 [k, d], round, rng) and returns what the
attackers send, float32 [f, d].
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from benchmarks.robustness.attacks import mean_cosine
from benchmarks.robustness.nets import Floats

Rng = np.random.Generator


def camps(honest: Floats, own: Floats, past_global: Floats, round: int, rng: Rng) -> Floats:
    """Two camps: every other attacker against the mean, the others against its signs."""
    mean = honest.mean(axis=0)
    return _veiled(honest, np.stack([-np.sign(mean) if i % 2 else -mean for i in range(len(own))]), 1.0, rng)


def back(honest: Floats, own: Floats, past_global: Floats, round: int, rng: Rng) -> Floats:
    """Back to the models before: against the sum of the last global deltas."""
    return _veiled(honest, _all(own, -past_global.sum(axis=0)), 0.5, rng) if len(past_global) else own


def turned(honest: Floats, own: Floats, past_global: Floats, round: int, rng: Rng) -> Floats:
    """The mean, turned by two thirds of a right angle toward one direction for the whole run."""
    mean, aside = _unit(honest.mean(axis=0)), np.random.default_rng(7).standard_normal(honest.shape[1])
    return _veiled(honest, _all(own, 0.5 * mean + _unit(aside - (aside @ mean) * mean)), 0.7, rng)


def largest(honest: Floats, own: Floats, past_global: Floats, round: int, rng: Rng) -> Floats:
    """Honest, but with the twentieth of the coefficients that move most the other way round."""
    out, mean = own.copy(), honest.mean(axis=0)
    out[:, np.argsort(-np.abs(mean))[: len(mean) // 20]] *= -1
    return out


def head(honest: Floats, own: Floats, past_global: Floats, round: int, rng: Rng) -> Floats:
    """Honest, but with the last eighth of the coefficients three times the other way round."""
    out = own.copy()
    out[:, -(own.shape[1] // 8) :] *= -3
    return out


def small(honest: Floats, own: Floats, past_global: Floats, round: int, rng: Rng) -> Floats:
    """A fiftieth of the honest update: its direction has weight and moves nothing."""
    return own * np.float32(0.02)


def shuffled(honest: Floats, own: Floats, past_global: Floats, round: int, rng: Rng) -> Floats:
    """Honest coefficients in another order, the same for all and always."""
    return own[:, np.random.default_rng(3).permutation(own.shape[1])]


def sleeper(honest: Floats, own: Floats, past_global: Floats, round: int, rng: Rng) -> Floats:
    """Honest for thirty rounds, then against the mean."""
    return own if round < 30 else _veiled(honest, _all(own, -honest.mean(axis=0)), 0.5, rng)


def pairs(honest: Floats, own: Floats, past_global: Floats, round: int, rng: Rng) -> Floats:
    """Each two attackers toward a direction of their own, a little against the mean."""
    drawn = [np.random.default_rng([11, i // 2]).standard_normal(honest.shape[1]) for i in range(len(own))]
    return _veiled(honest, _unit(np.stack(drawn)) - 0.4 * _unit(honest.mean(axis=0)), 0.3, rng)


def residual(honest: Floats, own: Floats, past_global: Floats, round: int, rng: Rng) -> Floats:
    """What is one's own in the honest update, and the common part the other way round."""
    return own - np.float32(2) * honest.mean(axis=0)


def axis(honest: Floats, own: Floats, past_global: Floats, round: int, rng: Rng) -> Floats:
    """Honest, mirrored at the first principal direction of the honest."""
    first = np.linalg.svd(_unit(honest), full_matrices=False)[2][0].astype(np.float32)
    return own - np.float32(2) * (own @ first)[:, None] * first


def fringe(honest: Floats, own: Floats, past_global: Floats, round: int, rng: Rng) -> Floats:
    """Toward the honest trainer that is least like the others, half against the mean."""
    mean = _unit(honest.mean(axis=0))
    least = _unit(honest)[np.argmin(_unit(honest) @ mean)]
    return _veiled(honest, _all(own, least - 0.5 * mean), 0.5, rng)


def straight(honest: Floats, own: Floats, past_global: Floats, round: int, rng: Rng) -> Floats:
    """The last global delta with little noise: the model goes straight on, and the advised learning rate grows."""
    return _veiled(honest, _all(own, past_global[0]), 0.5, rng) if len(past_global) else own


def _veiled(honest: Floats, core: NDArray[np.float64], part: float, rng: Rng) -> Floats:
    """Rows at the median honest length, with `part` of the noise at which they are as unlike as the honest."""
    cosine = min(max(mean_cosine(honest), 0.02), 1.0)
    noise = part * np.sqrt(1 / cosine - 1) * _unit(rng.standard_normal(core.shape))
    length = np.median(np.linalg.norm(honest, axis=1))
    return np.asarray(length * _unit(_unit(core) + noise), np.float32)


def _all(own: Floats, direction: NDArray[np.float64]) -> NDArray[np.float64]:
    return np.tile(direction, (len(own), 1))


def _unit(rows: NDArray[np.float64]) -> NDArray[np.float64]:
    return np.asarray(rows / np.maximum(np.linalg.norm(rows, axis=-1, keepdims=True), 1e-12))
