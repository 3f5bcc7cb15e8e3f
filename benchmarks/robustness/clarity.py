"""A candidate for the default rule: `Agreement` with flatter weights, and the split of `Majority` only in doubt.

It joins the two. What changes in `aggregator.rule`, in integers from the same Gram matrix, each entry checkable from
one row and a few vectors:

1. Flatter weights: reputation counts up to 0.6 of its median, agreement in full from 0.4 of its median. Most of what
   attacks cost is not their push but the classes that only a few hold, whose holders agree least.
2. Earlier judgement: kinship is the plain mean of its first ten rounds, reputation moves faster in the first 14.
3. One more discount, on the (n div 4)-th largest kinship of a row: colluders who are as coherent as the honest by
   the root mean square, which pairs with like data dominate, are not so by this.
4. The directions of `Majority` are only tried while the median agreement with the main one is below
   0.15 x (1 - clarity); clarity is carried, rises by a tenth and falls by a sixth of its distance from
   median / 0.15. With it goes the pace of `Majority`.
5. A strike counts only in rounds whose main direction is the chosen one.
"""

from __future__ import annotations

from typing import Final

import numpy as np

from aggregator.fixed import F, weighted_median
from aggregator.rule import FULL_WEIGHT, HOSTILE, MIN_SEATS
from benchmarks.robustness.agreement import (
    GRAM_LIMIT,
    Array,
    Params,
    State,
    Verdict,
    cosines,
    isqrt,
    labels,
    lower_median,
)
from benchmarks.robustness.majority import CLEAR, Majority

SOFT: Final = 410
"""0.025: least median of the k-th kinship, some two deviations of the noise in a mean of ten rounds."""


class Clarity(Majority):
    """The join of `Agreement` and `Majority`."""

    name = "clarity"

    def start(self, n: int) -> State:
        """As `Agreement`; nothing has been clear."""
        return {**super().start(n), "clarity": np.zeros(1, np.int64)}

    def weigh(self, gram: Array, state: State, params: Params) -> Verdict:
        """One round. Raises ValueError for inner products that do not fit."""
        n, now = len(state["reputation"]), int(state["rounds"][0])
        if n < MIN_SEATS or np.abs(gram).max(initial=0) >= GRAM_LIMIT:
            return super().weigh(gram, state, params)
        gram = gram[:n, :n]
        norm = isqrt(np.diag(gram))
        cosine = cosines(gram, norm)
        past = min(9, now)
        kinship = (past * state["kinship"] + cosine) // (past + 1)
        counted = standing(state["reputation"])
        discount = np.minimum(self.discount(cosine, kinship), likeness(kinship, counted))
        main = self.main_voice({"reputation": counted}, discount)
        first = self.agreement(cosine, norm, main, None)
        clear = lower_median(first)
        agreement = first
        if clear < max((F - int(state["clarity"][0])) * CLEAR // F, 1):
            agreement = self.best(cosine, norm, self.voices(cosine, kinship, main), None)
        median = lower_median(agreement)
        reputation = self.reputation(state, agreement, median)
        presence = self.presence(agreement, median, np.full(n, F, np.int64))
        merit = standing(reputation) * discount // F * presence // F * (norm > 0)
        total = int(merit.sum())
        weights = merit * FULL_WEIGHT // total if total else np.zeros(n, np.int64)
        weights = weights * self.pace(agreement, state) // F
        trusted = clear > 0 and bool((agreement == first).all())
        hostile = (first <= -HOSTILE) & trusted & (2 * (kinship < 0).sum(axis=1) > n)
        strikes = np.where(hostile, state["strikes"] + 1, 0)
        after = {"reputation": reputation, "kinship": kinship, "strikes": strikes}
        after |= {"rounds": state["rounds"] + 1, "clarity": moved(state["clarity"], clear)}
        return Verdict(weights, self.clipping(norm), after, labels(reputation, strikes))

    def presence(self, agreement: Array, median: int, trust: Array) -> Array:
        """Agreement now: full from 0.4 of the median on."""
        full = 4 * (max(median, 0) + 819)
        return np.asarray(np.minimum(F, np.maximum(agreement + 819, 0) * F * 10 // full))

    def reputation(self, state: State, agreement: Array, median: int) -> Array:
        """Moving average over 7 rounds at first, over 20 from the fourteenth on."""
        old = min(19, 6 + int(state["rounds"][0]))
        scaled = np.clip(agreement * F // max(median, 3277), -F, F)
        return np.asarray((old * state["reputation"] + scaled) // (old + 1))


def standing(reputation: Array) -> Array:
    """What reputation counts: its positive part, up to 0.6 of the lower median where that is positive."""
    positive = np.maximum(reputation, 0)
    median = lower_median(positive)
    return np.minimum(positive, median * 6 // 10) if median else positive


def likeness(kinship: Array, counted: Array) -> Array:
    """What remains after the discount on the (n div 4)-th largest kinship, against the larger of its lower median
    and its median weighted by what reputation counts: senders of noise, who are like nobody, lower only the first."""
    kth = np.maximum(kth_largest(kinship, max(1, len(kinship) // 4)), 0)
    said = weighted_median(zip(kth.tolist(), counted.tolist(), strict=True))
    median = max(said, lower_median(kth), SOFT)
    least = np.minimum(F, 13 * median * F // (10 * np.maximum(kth, 1)))
    return np.asarray(least * least // F)


def kth_largest(cosine: Array, k: int) -> Array:
    """The k-th largest entry of each row but its own."""
    others = cosine.copy()
    np.fill_diagonal(others, -F)
    return np.asarray(-np.partition(-others, k - 1, axis=1)[:, k - 1])


def moved(clarity: Array, median: int) -> Array:
    """Clarity after a round with this median agreement with the main direction."""
    seen = min(F, max(median, 0) * F // CLEAR)
    return np.asarray(clarity + (seen - clarity) // np.where(seen > clarity, 10, 6))
