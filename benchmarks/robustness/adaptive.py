"""Attackers who know the rule, its parameters and state, the reference and the honest updates of the round.

They do not know this round's signs, which are drawn from the seals. Each round they choose, from mixtures of the
honest mean with a hostile direction, all at the median honest length, with and without noise that makes them look
as diverse as the honest, the one that serves their aim best under the rule itself. Greedy: they do not plan.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Final

import numpy as np
from numpy.typing import NDArray

from benchmarks.robustness.attacks import mean_cosine
from benchmarks.robustness.nets import Floats
from benchmarks.robustness.scene import Craft, Scene

MIXTURES: Final = (0.0, 0.4, 0.8)
"""Part of the honest mean in what is sent."""
NOISES: Final = (np.float32(0), np.float32(0.5), np.float32(1))
"""Part of the noise at which pairwise cosines equal the honest ones."""

Aim = Callable[[Scene, Floats, Floats, NDArray[np.float64]], float]
"""(scene, hostile direction, aggregate, coefficients) -> what is maximised."""


def against_mean(scene: Scene) -> Floats:
    """The opposite of the honest mean."""
    return -scene.mean


def against_signs(scene: Scene) -> Floats:
    """The opposite of its signs."""
    return np.asarray(-np.sign(scene.mean))


def against_spread(scene: Scene) -> Floats:
    """The direction of ALIE."""
    return -scene.spread


def fixed(scene: Scene) -> Floats:
    """One random direction for the whole run."""
    drawn = scene.memory.setdefault("fixed", scene.rng.standard_normal(scene.own.shape[1]))
    return np.asarray(drawn, np.float32)


def candidates(scene: Scene, direction: Floats) -> Iterator[Floats]:
    """All that is tried for a direction, (f, d) each."""
    good, bad = _unit(scene.mean), _unit(direction)
    cosine = min(max(mean_cosine(scene.honest), 0.02), 1.0)
    veil = np.float32(np.sqrt(1 / cosine - 1)) * scene.noise()
    for part in MIXTURES:
        core = _unit(part * good + (1 - part) * bad)
        for noise in NOISES:
            sent = core + noise * veil
            lengths = np.maximum(np.linalg.norm(sent, axis=1, keepdims=True), 1e-12)
            yield sent * (scene.length / lengths).astype(np.float32)


def dot(scene: Scene, direction: Floats, out: Floats, coefficients: NDArray[np.float64]) -> float:
    """The aggregate against the honest mean."""
    return -float(out @ scene.mean)


def displacement(scene: Scene, direction: Floats, out: Floats, coefficients: NDArray[np.float64]) -> float:
    """The distance of the aggregate from the honest mean."""
    return float(np.linalg.norm(out - scene.mean))


def push(scene: Scene, direction: Floats, out: Floats, coefficients: NDArray[np.float64]) -> float:
    """How far the aggregate goes in the hostile direction beyond what the honest part does."""
    if not coefficients.any():
        return float((out - scene.mean) @ _unit(direction))
    honest = coefficients[: len(scene.honest)].astype(np.float32) @ scene.honest
    return float((out - honest) @ _unit(direction))


def adaptive(aim: Aim, *directions: Callable[[Scene], Floats]) -> Craft:
    """The best candidate of all directions."""

    def craft(scene: Scene) -> Floats:
        best, sent = -np.inf, scene.own
        for make in directions:
            direction = make(scene)
            for candidate in candidates(scene, direction):
                value = aim(scene, direction, *scene.ask(candidate))
                if value > best:
                    best, sent = value, candidate
        return np.asarray(sent, np.float32)

    return craft


ADAPTIVE: Final[dict[str, Craft]] = {
    "ad_dot": adaptive(dot, against_mean, against_signs, against_spread),
    "ad_disp": adaptive(displacement, against_mean, against_signs, against_spread),
    "ad_w_mean": adaptive(push, against_mean),
    "ad_w_sign": adaptive(push, against_signs),
    "ad_fixed": adaptive(push, fixed),
}


def _unit(vector: Floats) -> Floats:
    return np.asarray(vector / max(float(np.linalg.norm(vector)), 1e-12))
