"""What an attacker sees and what an attack is."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from benchmarks.robustness.nets import Floats, Labels

Ask = Callable[[Floats], tuple[Floats, NDArray[np.float64]]]


@dataclass
class Scene:
    """A round, as the attackers see it before they send; updates in units of the model.

    `honest`: float32 (h, d), this round's honest updates. `own`: (f, d), what the attackers would send if they
    were honest, or trained on spoiled data if the attack spoils them. `past_global`: (k, d), newest first.
    `peers`: honest updates of the rounds before, newest first. `ask(crafted (f, d))`: aggregate and coefficients
    of all n under the rule of the project, attackers last. `memory`: kept from round to round.
    """

    honest: Floats
    own: Floats
    past_global: Floats
    round: int
    rng: np.random.Generator
    ask: Ask
    peers: Sequence[Floats] = ()
    memory: dict[str, Any] = field(default_factory=dict)

    @property
    def mean(self) -> Floats:
        """Mean of the honest updates."""
        return np.asarray(self.honest.mean(axis=0))

    @property
    def spread(self) -> Floats:
        """Standard deviation of the honest updates, coefficient by coefficient."""
        return np.asarray(self.honest.std(axis=0))

    @property
    def length(self) -> float:
        """Median norm of the honest updates."""
        return float(np.median(np.linalg.norm(self.honest, axis=1)))

    def alike(self, vector: Floats) -> Floats:
        """The same vector from every attacker."""
        return np.tile(vector.astype(np.float32), (len(self.own), 1))

    def noise(self) -> Floats:
        """Gaussian vectors of expected norm 1, one for each attacker."""
        f, d = self.own.shape
        return self.rng.standard_normal((f, d), np.float32) / np.float32(np.sqrt(d))


Craft = Callable[[Scene], Floats]
Spoil = Callable[["Batch"], tuple[Floats, Labels]]


@dataclass(frozen=True)
class Batch:
    """Training samples of the attackers in one round: `x` float32 (f, m, p), `y` int64 (f, m), `classes`.

    `edges`: rare samples (e, p) that an edge-case backdoor mislabels; `seed`: of this run.
    """

    x: Floats
    y: Labels
    classes: int
    edges: Floats
    rng: np.random.Generator


def honestly(scene: Scene) -> Floats:
    """What the attackers trained."""
    return scene.own


@dataclass(frozen=True)
class Attack:
    """`craft` makes what is sent from the scene. `spoil` changes the attackers' data before they train.

    `goal`: `corner` or `edge` for a backdoor whose success is measured. `seats`: how many of the f attackers
    take part (0: all; the others are honest).
    """

    name: str
    craft: Craft = honestly
    spoil: Spoil | None = None
    goal: str = ""
    seats: int = 0
