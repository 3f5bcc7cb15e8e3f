"""A candidate for the default rule: the direction that a majority agrees with, and small steps in doubt.

It changes two things in `aggregator.rule`, both in integers from the same Gram matrix, each entry checkable from one
row and a few vectors.

1. The direction that agreement is measured against is no longer always that of the main voice. The strongest split
   of the trainers, by cosines of this round and by kinship, gives four more voices (both sides of both); agreement
   counts against the one of the five whose lower median agreement is largest. Attackers who point the other way
   and look as diverse as the honest make everybody disagree with the sum of all; the split tells two camps, and
   the median which camp is the larger one.
2. The whole weight is scaled by min(1, m / 0.15), m the median agreement weighted by reputation (at most the median
   one): where those who have earned a say do not see a common direction, the model hardly moves.
"""

from __future__ import annotations

from typing import Final

import numpy as np

from aggregator.fixed import F, weighted_median
from benchmarks.robustness.agreement import Agreement, Array, State, lower_median

TURNS: Final = 6
"""Steps of the power iteration."""
CLEAR: Final = 2458
"""0.15: weighted median agreement from which the whole step is made."""


class Majority(Agreement):
    """`Agreement` with both changes."""

    name = "majority"

    def voices(self, cosine: Array, kinship: Array, main: Array) -> list[Array]:
        """The main voice and both sides of both splits."""
        found = [main, *sides(cosine, main), *sides(kinship, main)]
        return [voice for voice in found if voice.any()] or [main]

    def pace(self, agreement: Array, state: State) -> int:
        """Full from a weighted median agreement of 0.15 on."""
        say = np.maximum(state["reputation"], 0)
        pairs = zip(agreement.tolist(), np.minimum(say, lower_median(say)).tolist(), strict=True)
        return min(F, max(weighted_median(pairs), 0) * F // CLEAR)


def sides(cosine: Array, say: Array) -> tuple[Array, Array]:
    """The two sides of the strongest split, as voices (n,) in F.

    Power iteration on the cosines off the diagonal, weighted by `say`, from the trainer whose squared cosines with
    the others sum to most (the first among equals); after each turn the largest entry is brought to F.
    """
    off = cosine.copy()
    np.fill_diagonal(off, 0)
    pole = int(np.argmax((off * off).sum(axis=1)))
    z = off[pole].copy()
    z[pole] = F
    for _ in range(TURNS):
        z = say * (off @ z // F) // F
        z = z * F // max(int(np.abs(z).max()), 1)
    return np.maximum(z, 0), np.maximum(-z, 0)
