"""The named rules once more, from their papers, in floats and on the updates themselves instead of a Gram matrix.

Each takes updates (n, d) and returns the coefficient of every update in the aggregate, summing to at most one.
"""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]


def _unit(x: Floats) -> Floats:
    return x / np.linalg.norm(x, axis=1, keepdims=True)


def _typical(sizes: Floats) -> float:
    return float(np.sort(sizes)[(len(sizes) - 1) // 2])


def _cut(x: Floats, target: float) -> Floats:
    return np.minimum(1, target / np.linalg.norm(x, axis=1))


def _even(n: int, kept: list[int]) -> Floats:
    out = np.zeros(n)
    out[kept] = 1 / len(kept)
    return out


def mean(x: Floats, f: int = 0) -> Floats:
    return _even(len(x), list(range(len(x))))


def clipped_mean(x: Floats, f: int = 0) -> Floats:
    return mean(x) * _cut(x, _typical(np.linalg.norm(x, axis=1)))


def _apart(x: Floats) -> Floats:
    return np.array([[float(((a - b) ** 2).sum()) for b in x] for a in x])


def krum_scores(x: Floats, f: int) -> Floats:
    n = len(x)
    return np.array([np.sort(np.delete(row, i))[: n - f - 2].sum() for i, row in enumerate(_apart(x))])


def krum(x: Floats, f: int) -> Floats:
    return _even(len(x), [int(np.argmin(krum_scores(x, f)))])


def multi_krum(x: Floats, f: int) -> Floats:
    return _even(len(x), np.argsort(krum_scores(x, f))[: len(x) - f].tolist())


def mixing(x: Floats, f: int) -> Floats:
    n = len(x)
    return np.stack([_even(n, np.argsort(row)[: n - f].tolist()) for row in _apart(x)])


def nna(x: Floats, f: int) -> Floats:
    return np.asarray(mixing(x, f).mean(axis=0))


def median_point(x: Floats, steps: int = 2000) -> Floats:
    """Weights of the geometric median: Weiszfeld, until nothing moves."""
    w = np.full(len(x), 1 / len(x))
    for _ in range(steps):
        away = np.maximum(np.linalg.norm(x - w @ x, axis=1), 1e-9)
        w = (1 / away) / (1 / away).sum()
    return w


def geometric_median(x: Floats, f: int = 0) -> Floats:
    return median_point(x)


def mixed_median(x: Floats, f: int) -> Floats:
    mix = mixing(x, f)
    return np.asarray(median_point(mix @ x) @ mix)


def centred_clipping(x: Floats, f: int = 0) -> Floats:
    """By the centre itself; coefficients are read from it by least squares."""
    centre = np.zeros(x.shape[1])
    for _ in range(3):
        away = np.linalg.norm(x - centre, axis=1)
        centre = centre + ((x - centre) * np.minimum(1, _typical(away) / away)[:, None]).mean(axis=0)
    return np.asarray(np.linalg.lstsq(x.T, centre, rcond=None)[0])


def monna(x: Floats, reference: Floats, f: int) -> Floats:
    nearest = np.argsort(((x - reference) ** 2).sum(axis=1))[: len(x) - f]
    return _even(len(x), nearest.tolist())


def fltrust(x: Floats, reference: Floats) -> Floats:
    trust = np.maximum(_unit(x) @ reference / np.linalg.norm(reference), 0)
    return trust / trust.sum() * _cut(x, float(np.linalg.norm(reference))) if trust.any() else trust


def rffl(rounds: list[Floats]) -> tuple[Floats, Floats]:
    """Weights in the last of several rounds, and who is removed by then."""
    n = len(rounds[0])
    reputation, removed = np.full(n, 1 / n), np.zeros(n, bool)
    for number, x in enumerate(rounds, start=1):
        weights, gone = reputation, removed.copy()
        cut = x * _cut(x, _typical(np.linalg.norm(x, axis=1)))[:, None]
        whole = weights @ cut
        along = _unit(x) @ whole / np.linalg.norm(whole)
        reputation = np.maximum(0.95 * reputation + 0.05 * along, 0) * ~removed
        reputation = reputation / reputation.sum()
        if number > 10:
            removed = removed | (reputation < 1 / (3 * (~removed).sum()))
            reputation = reputation * ~removed / (reputation * ~removed).sum()
    return weights, gone


def cgsv(rounds: list[Floats]) -> Floats:
    """Weights in the last of several rounds."""
    reputation = np.full(len(rounds[0]), 1 / len(rounds[0]))
    for x in rounds:
        weights = reputation
        whole = weights @ _unit(x)
        along = _unit(x) @ whole / np.linalg.norm(whole)
        reputation = np.maximum(0.95 * reputation + 0.05 * along, 1e-3)
        reputation = reputation / reputation.sum()
    return weights


def foolsgold(history: Floats) -> Floats:
    """From summed updates, without the published code's division by zero."""
    n = len(history)
    alike = _unit(history) @ _unit(history).T - np.eye(n)
    most = alike.max(axis=1)
    for i in range(n):
        for j in range(n):
            if most[i] < most[j]:
                alike[i, j] *= most[i] / most[j]
    free = np.clip(1 - alike.max(axis=1), 0, 1)
    if not free.max():
        return free
    free = np.minimum(free / free.max(), 0.99)
    parts = [min(max(math.log(x / (1 - x)) + 0.5, 0), 1) if x > 0 else 0 for x in free]
    return np.array(parts) / sum(parts) if sum(parts) else np.array(parts)


def multi_metrics(x: Floats, f: int = 0) -> Floats:
    """With the Euclidean distance in place of the Manhattan one."""
    unit, size = _unit(x), np.linalg.norm(x, axis=1)
    features = np.stack(
        [
            ((1 - unit @ unit.T) ** 2).sum(axis=1),
            np.sqrt(_apart(x)).sum(axis=1),
            np.abs(size[:, None] - size[None]).sum(axis=1),
        ],
        axis=1,
    )
    inverse = np.linalg.inv(np.cov(features.T))
    scores = [row @ inverse @ row for row in features]
    return _even(len(x), np.argsort(scores)[: max(1, len(x) * 3 // 10)].tolist())


def flag(x: Floats, f: int = 0) -> Floats:
    """By singular vectors of the updates; coefficients of the projected mean of unit vectors."""
    unit, n = _unit(x), len(x)
    stress = np.ones(n)
    for _ in range(3):
        _, values, right = np.linalg.svd((stress[:, None] * unit).T, full_matrices=False)
        m = (n + 1) // 2
        basis = (stress[:, None] * unit).T @ right[:m].T / values[:m]
        used = stress
        inside = ((unit @ basis) ** 2).sum(axis=1)
        stress = (np.maximum(1 - inside, 0) + 1e-7) ** -0.25
    parts = used * (right[:m].T @ (right[:m] @ (1 / used)))
    parts = np.maximum(parts, 0)
    return parts / parts.sum() * _cut(x, _typical(np.linalg.norm(x, axis=1)))
