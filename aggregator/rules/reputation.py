"""RFFL and CGSV: weights are moving averages of the cosine of each update with the aggregate."""

from __future__ import annotations

from typing import Final

import numpy as np

from aggregator.fixed import Ints, clip, ints, zeros
from aggregator.rules.form import Label, Rows, Rule, State, Verdict, verdict
from aggregator.rules.numbers import ONE, cosines, lengths, shares, shortened, typical

_FIRST_REMOVAL: Final = 10
"""Rounds before anybody is removed for good."""
_LEAST: Final = ONE // 1000


def _blend(before: Ints, now: Ints) -> Ints:
    """Moving average with the papers' 0.95."""
    return np.asarray((19 * before + now) // 20)


def _normal(values: Ints) -> Ints:
    """Values >= 0 scaled to a sum of one; all zero if they are."""
    return np.asarray(values * ONE // max(int(values.sum()), 1))


class Reputation(Rule):
    """RFFL. Clipping is to the median length; weights of the first round are equal, since sizes of data cannot be
    checked; a reputation below zero counts as zero, or it would turn the sign of everybody's share."""

    name = "rffl"
    paper = "Xu, Lyu 2020, A reputation mechanism is all you need (arXiv 2011.10464)"

    def start(self, n: int) -> State:
        """Equal reputations, nobody removed, no rounds."""
        return {"reputation": ints([ONE // max(n, 1)] * n), "removed": zeros(n), "rounds": zeros(1)}

    def judge(self, rows: Rows, state: State) -> Verdict:
        """Weights are the reputations before this round; its cosines move them for the next."""
        size = lengths(rows.trainers.diagonal())
        factors = shortened(size, typical(size))
        before, removed = state["reputation"], state["removed"]
        along = _along(rows.trainers, before * factors)
        after = _normal(np.maximum(_blend(before, along), 0) * (1 - removed))
        rounds = state["rounds"] + 1
        if rounds[0] > _FIRST_REMOVAL:
            weak = 3 * after * int((1 - removed).sum()) < ONE
            removed = np.where(weak, 1, removed)
            after = _normal(after * (1 - removed))
        labels: list[Label] = ["unreliable" if out else "honest" for out in state["removed"]]
        kept = {"reputation": after, "removed": removed, "rounds": rounds}
        return verdict(shares(before), factors, kept, labels)


def _along(gram: Ints, voices: Ints) -> Ints:
    """Cosine (Q30) of each row with the sum of `voices` x rows; 0 for a zero row or sum."""
    pulls = gram @ voices
    whole = lengths([max(int(voices @ pulls), 0)])[0]
    size = lengths(gram.diagonal())
    return np.asarray(clip((pulls << 90) // np.maximum(size * whole, 1), -ONE, ONE) * (size > 0))


class CosineShapley(Rule):
    """CGSV: as RFFL with all updates of length one, reputations of at least 0.001 and no removal.

    The unit of a model is lost with the lengths; updates are brought to the median length instead.
    """

    name = "cgsv"
    paper = "Xu et al. 2021, Gradient-driven rewards to guarantee fairness in collaborative machine learning"

    def start(self, n: int) -> State:
        """Equal reputations."""
        return {"reputation": ints([ONE // max(n, 1)] * n)}

    def judge(self, rows: Rows, state: State) -> Verdict:
        """Weights are the reputations before this round; its cosines move them for the next."""
        size, before = lengths(rows.trainers.diagonal()), state["reputation"]
        along = _along(cosines(rows.trainers), before)
        after = _normal(np.maximum(_blend(before, along), _LEAST))
        return verdict(shares(before), shortened(size, typical(size)), {"reputation": after})
