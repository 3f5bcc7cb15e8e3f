"""Attacks that are formulas on the updates of a round, and ways to vary an attack."""

from __future__ import annotations

from collections.abc import Callable
from statistics import NormalDist
from typing import Final

import numpy as np

from benchmarks.robustness.nets import Floats
from benchmarks.robustness.scene import Craft, Scene, honestly

SEARCH: Final = (0.1, 0.25, 0.5, 0.75, 1.0, 1.5, 2.0, 3.0, 5.0, 10.0)
"""Factors that searched attacks try."""


def sign_flip(scene: Scene) -> Floats:
    """Each sends the opposite of its honest update."""
    return -scene.own


def inner_product(scale: float) -> Craft:
    """- scale x honest mean (Xie, Koyejo, Gupta 2020; scale > 1 is "fall of empires")."""
    return lambda scene: scene.alike(-scale * scene.mean)


def little(z: float) -> Craft:
    """Mean - z x standard deviation: a little is enough (Baruch, Baruch, Goldberg 2019)."""
    return lambda scene: scene.alike(scene.mean - z * scene.spread)


def little_z(n: int, f: int) -> float:
    """The z of that paper: normal quantile of (n - f - s) / (n - f), s = floor(n / 2 + 1) - f."""
    s = n // 2 + 1 - f
    return NormalDist().inv_cdf(min(max((n - f - s) / (n - f), 0.01), 0.99))


def little_formula(scene: Scene) -> Floats:
    """`little` with the z of the paper."""
    h, f = len(scene.honest), len(scene.own)
    return little(little_z(h + f, f))(scene)


def searched(make: Callable[[float], Craft]) -> Craft:
    """The factor of `SEARCH` that moves the aggregate farthest from the honest mean, asked from the rule."""

    def craft(scene: Scene) -> Floats:
        tried = [make(factor)(scene) for factor in SEARCH]
        distances = [float(np.linalg.norm(scene.ask(sent)[0] - scene.mean)) for sent in tried]
        return tried[int(np.argmax(distances))]

    return craft


def min_max(scene: Scene) -> Floats:
    """Mean - g x spread with the largest g at which no honest update is farther from it than from another
    honest one (Shejwalkar, Houmansadr 2021)."""
    p, gaps = -_unit(scene.spread), scene.mean - scene.honest
    limit = _squared_distances(scene.honest).max()
    along, squares = gaps @ p, (gaps * gaps).sum(axis=1)
    g = (-along + np.sqrt(np.maximum(along**2 - squares + limit, 0))).min()
    return scene.alike(scene.mean + max(float(g), 0.0) * p)


def min_sum(scene: Scene) -> Floats:
    """As `min_max`, for the sum of squared distances to all honest updates."""
    p, gaps = -_unit(scene.spread), scene.mean - scene.honest
    limit = _squared_distances(scene.honest).sum(axis=1).max()
    h = len(scene.honest)
    along, squares = float((gaps @ p).sum()), float((gaps * gaps).sum())
    g = (-along + np.sqrt(max(along**2 - h * (squares - limit), 0))) / h
    return scene.alike(scene.mean + max(float(g), 0.0) * p)


def mimic(scene: Scene) -> Floats:
    """All copy the honest trainer who stands out most along the direction of largest variance, found online
    (Karimireddy, He, Jaggi 2022)."""
    gaps = scene.honest - scene.mean
    z = scene.memory.get("direction")
    z = _unit(gaps[0]) if z is None else z
    for _ in range(3):
        z = _unit(gaps.T @ (gaps @ z))
    scene.memory["direction"] = z
    sums = scene.memory.get("sums", 0) + np.abs(scene.honest @ z)
    scene.memory["sums"] = sums
    return scene.alike(scene.honest[int(np.argmax(sums))])


def mimic_low(scene: Scene) -> Floats:
    """All copy the honest trainer who resembles the honest mean least."""
    lengths = np.linalg.norm(scene.honest, axis=1)
    return scene.alike(scene.honest[int(np.argmin(scene.honest @ scene.mean / np.maximum(lengths, 1e-12)))])


def additive_noise(scene: Scene) -> Floats:
    """Honest updates with three times their length in noise."""
    return scene.own + 3 * scene.length * scene.noise()


def zeros(scene: Scene) -> Floats:
    """Nothing."""
    return np.zeros_like(scene.own)


def pure_noise(scene: Scene) -> Floats:
    """Noise of honest length."""
    return scene.length * scene.noise()


def last_delta(scale: float = 1.0, noise: float = 0.0) -> Craft:
    """The last global delta, scaled, with noise in units of its length; noise alone in round 1."""

    def craft(scene: Scene) -> Floats:
        if not len(scene.past_global):
            return pure_noise(scene)
        last = scene.past_global[0]
        return scale * scene.alike(last) + np.float32(noise * np.linalg.norm(last)) * scene.noise()

    return craft


def delta_mix(scene: Scene) -> Floats:
    """Each sends a random mixture of the last global deltas, at honest length."""
    if not len(scene.past_global):
        return pure_noise(scene)
    shares = scene.rng.dirichlet([1.0] * len(scene.past_global), len(scene.own)).astype(np.float32)
    mixed = shares @ scene.past_global
    return mixed * scene.length / np.maximum(np.linalg.norm(mixed, axis=1, keepdims=True), 1e-12)


def peer_copy(scene: Scene) -> Floats:
    """Each sends what another honest trainer sent in the round before."""
    if not scene.peers:
        return pure_noise(scene)
    order = np.arange(len(scene.own)) % len(scene.peers[0])
    return scene.peers[0][order]


def copies(noise: float) -> Craft:
    """One attacker's honest update from all identities, with noise in units of its length."""

    def craft(scene: Scene) -> Floats:
        one = scene.own[0]
        return scene.alike(one) + np.float32(noise * np.linalg.norm(one)) * scene.noise()

    return craft


def noised(craft: Craft) -> Craft:
    """Own noise for each attacker until their pairwise cosines match those of the honest."""

    def with_noise(scene: Scene) -> Floats:
        sent = craft(scene)
        return sent + matching_noise(scene, sent) * scene.noise()

    return with_noise


def matching_noise(scene: Scene, sent: Floats) -> np.float32:
    """Length of noise after which equal vectors have the mean cosine of the honest: |c|^2 (1 / cos - 1)."""
    cosine = min(max(mean_cosine(scene.honest), 0.02), 1.0)
    return np.float32(np.linalg.norm(sent, axis=1).mean() * np.sqrt(1 / cosine - 1))


def mean_cosine(rows: Floats) -> float:
    """Mean cosine of the pairs of rows; 1 for a single row."""
    units = rows / np.maximum(np.linalg.norm(rows, axis=1, keepdims=True), 1e-12)
    n = len(rows)
    return float((np.linalg.norm(units.sum(axis=0)) ** 2 - n) / (n * (n - 1))) if n > 1 else 1.0


def later(craft: Craft, rounds: int = 10) -> Craft:
    """Honest first, to build a reputation."""
    return lambda scene: honestly(scene) if scene.round < rounds else craft(scene)


def on_off(craft: Craft, period: int = 5) -> Craft:
    """Honest and hostile in turn, `period` rounds each."""
    return lambda scene: honestly(scene) if scene.round // period % 2 == 0 else craft(scene)


def boosted(scene: Scene) -> Floats:
    """Model replacement: n / f times the update (Bagdasaryan et al. 2020)."""
    f = len(scene.own)
    return scene.own * np.float32((len(scene.honest) + f) / f)


def projected(scene: Scene) -> Floats:
    """Back into the ball of honest length (projected gradient, Wang et al. 2020)."""
    lengths = np.linalg.norm(scene.own, axis=1, keepdims=True)
    return scene.own * np.minimum(1, scene.length / np.maximum(lengths, 1e-12)).astype(np.float32)


def _unit(vector: Floats) -> Floats:
    return np.asarray(vector / max(float(np.linalg.norm(vector)), 1e-12))


def _squared_distances(rows: Floats) -> Floats:
    squares = (rows * rows).sum(axis=1)
    return np.maximum(squares[:, None] + squares[None] - 2 * rows @ rows.T, 0)
