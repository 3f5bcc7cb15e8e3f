"""Means: of all updates as they are, or with lengths clipped to the median."""

from __future__ import annotations

from aggregator.fixed import ints
from aggregator.rules.form import FULL_WEIGHT, Rows, Rule, State, Verdict, verdict
from aggregator.rules.numbers import lengths, shortened, typical


class Mean(Rule):
    """The plain mean. Sizes that trainers declare are not weights: they cannot be checked."""

    name = "mean"
    paper = "McMahan et al. 2017, Communication-efficient learning of deep networks from decentralized data"

    def judge(self, rows: Rows, state: State) -> Verdict:
        """The same weight for everybody."""
        return verdict(ints([FULL_WEIGHT // rows.n] * rows.n))


class ClippedMean(Rule):
    """Mean of updates shortened to the lower median of the lengths that are not zero."""

    name = "clipped-mean"
    paper = "Sun et al. 2019, Can you really backdoor federated learning?"

    def judge(self, rows: Rows, state: State) -> Verdict:
        """The same weight for everybody, long updates shortened."""
        size = lengths(rows.trainers.diagonal())
        return verdict(ints([FULL_WEIGHT // rows.n] * rows.n), shortened(size, typical(size)))
