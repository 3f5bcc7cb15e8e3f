"""Nearest-neighbour mixing: each update is replaced by the mean of the n - f nearest to it, itself included."""

from __future__ import annotations

from aggregator.fixed import Ints, zeros
from aggregator.rules.form import Params, Rows, Rule, State, Verdict, verdict
from aggregator.rules.krum import equal_over
from aggregator.rules.numbers import distances, geometric_median, nearest, shares


def mixing_matrix(gram: Ints, kept: int) -> Ints:
    """Ints (n, n) of 0 and 1: row i marks the `kept` updates nearest to i. Mixed updates are `row @ u / kept`."""
    out = zeros(len(gram), len(gram))
    for i, row in enumerate(distances(gram)):
        # Its own distance is 0; among equals it comes first, copies of it after.
        row[i] = -1
        out[i, nearest(row, kept)] = 1
    return out


class _Mixing(Rule):
    uses_f = True

    def least(self, params: Params) -> int:
        """2 f + 1: an honest majority."""
        return 2 * params.faulty + 1


class MixedMean(_Mixing):
    """Mean of the mixed updates: what the trainers of MoNNA would hold on average after one step without a server."""

    name = "nna"
    paper = "Farhadkhani et al. 2023, Robust collaborative learning with linear gradient overhead (MoNNA)"

    def judge(self, rows: Rows, state: State) -> Verdict:
        """How often each update is among the nearest of somebody."""
        mix = mixing_matrix(rows.trainers, rows.n - rows.params.faulty)
        return verdict(shares(mix.sum(axis=0)))


class MixedMedian(_Mixing):
    """Geometric median of the mixed updates."""

    name = "nnm-geometric-median"
    paper = "Allouah et al. 2023, Fixing by mixing: a recipe for optimal Byzantine ML under heterogeneity"

    def judge(self, rows: Rows, state: State) -> Verdict:
        """Weights of the median, spread over the neighbours of each mixed update."""
        mix = mixing_matrix(rows.trainers, rows.n - rows.params.faulty)
        mixed = mix @ rows.trainers @ mix.T
        return verdict(shares(geometric_median(mixed) @ mix))


class NearestToReference(Rule):
    """MoNNA with the reference as the node that aggregates: mean of the n - f updates nearest to it.

    There are n + 1 nodes with it; it is one of its own n + 1 - f nearest and carries no weight in the model.
    """

    name = "monna"
    paper = MixedMean.paper
    uses_f = True
    uses_reference = True

    def judge(self, rows: Rows, state: State) -> Verdict:
        """Equal weight for the nearest."""
        row = distances(rows.gram)[rows.reference, : rows.n]
        return verdict(equal_over(nearest(row, rows.n - rows.params.faulty), rows.n))
