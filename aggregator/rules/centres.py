"""Centres that no single update can move far: geometric median and centred clipping."""

from __future__ import annotations

from typing import Final

import numpy as np

from aggregator.fixed import Ints, lower_median, zeros
from aggregator.rules.form import Rows, Rule, State, Verdict, verdict
from aggregator.rules.numbers import ONE, from_combination, geometric_median, shares

_CLIPPING_STEPS: Final = 3


class GeometricMedian(Rule):
    """The point with the least sum of distances to all updates."""

    name = "geometric-median"
    paper = "Pillutla, Kakade, Harchaoui 2022, Robust aggregation for federated learning"

    def judge(self, rows: Rows, state: State) -> Verdict:
        """Weights of the point as a mixture of the updates."""
        return verdict(shares(geometric_median(rows.trainers)))


class CentredClipping(Rule):
    """Three times: move the centre by the mean of what each update differs from it, cut to a radius.

    The centre starts at zero and not at the last aggregate, whose own share in the centre no trainer could be
    given; the radius is the lower median of the distances, since a fixed one depends on the unit of the updates.
    """

    name = "centred-clipping"
    paper = "Karimireddy, He, Jaggi 2021, Learning from history for Byzantine robust optimization"

    def judge(self, rows: Rows, state: State) -> Verdict:
        """Weights of the centre; what they lack to 65535 is the share of the start, zero."""
        return verdict(_weights(rows.trainers))


def _weights(gram: Ints) -> Ints:
    n = len(gram)
    centre = zeros(n)
    for _ in range(_CLIPPING_STEPS):
        away = from_combination(gram, centre)
        radius = lower_median(away)
        cut = np.minimum(ONE, radius * ONE // np.maximum(away, 1))
        cut[away == 0] = ONE
        centre = np.asarray(centre * (n * ONE - int(cut.sum())) // (n * ONE) + cut // n)
    return np.asarray(centre * 65535 >> 30)
