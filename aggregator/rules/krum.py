"""Krum and multi-Krum: the updates nearest to their own neighbours. Exact, ties go to the lower seat."""

from __future__ import annotations

from collections.abc import Sequence

from aggregator.fixed import Ints, ints
from aggregator.rules.form import FULL_WEIGHT, Params, Rows, Rule, State, Verdict, verdict
from aggregator.rules.numbers import distances, nearest

_PAPER = "Blanchard et al. 2017, Machine learning with adversaries: Byzantine tolerant gradient descent"


def krum_scores(gram: Ints, faulty: int) -> Ints:
    """Sum of squared distances of each row to its n - f - 2 nearest others (at least one)."""
    table, out = distances(gram), []
    for i, row in enumerate(table):
        others = sorted(int(x) for j, x in enumerate(row) if j != i)
        out.append(sum(others[: max(len(gram) - faulty - 2, 1)]))
    return ints(out)


def equal_over(kept: Sequence[int], n: int) -> Ints:
    """The same weight for the seats in `kept`, none for the others."""
    chosen = set(kept)
    return ints([FULL_WEIGHT // len(kept) if i in chosen else 0 for i in range(n)])


class Krum(Rule):
    """The one update with the least score."""

    name = "krum"
    paper = _PAPER
    uses_f = True

    def least(self, params: Params) -> int:
        """2 f + 3, as the paper asks."""
        return 2 * params.faulty + 3

    def judge(self, rows: Rows, state: State) -> Verdict:
        """All weight for one seat."""
        best = nearest(krum_scores(rows.trainers, rows.params.faulty), 1)
        return verdict(equal_over(best, rows.n))


class MultiKrum(Krum):
    """Mean of the n - f updates with the least scores."""

    name = "multi-krum"

    def judge(self, rows: Rows, state: State) -> Verdict:
        """Equal weight for n - f seats."""
        faulty = rows.params.faulty
        return verdict(equal_over(nearest(krum_scores(rows.trainers, faulty), rows.n - faulty), rows.n))
