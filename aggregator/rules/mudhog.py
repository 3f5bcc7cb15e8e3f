"""MUD-HoG: who is malicious, who is merely unreliable, from short and long histories of updates."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

import numpy as np

from aggregator.fixed import Ints, ints, lower_median, zeros
from aggregator.rules.clusters import NOISE, dense, from_mean, halves, widest_gap
from aggregator.rules.form import Label, Rows, Rule, State, Verdict, verdict
from aggregator.rules.history import longer, short_history
from aggregator.rules.numbers import ONE, distances, geometric_median, lengths, shares

_QUIET: Final = 3
"""Rounds in which histories only grow."""
_CORE: Final = 5
_UNTARGETED_STRIKES: Final = 2
_TARGETED_STRIKES: Final = 4
_DOUBTS: Final = 3
_LEAST_GAP: Final = ONE // 10
_SEPARATED: Final = 2


class Histories(Rule):
    """Gram form, with these differences from the paper, which compares coordinates:

    - a geometric median in place of the coordinate-wise one;
    - the reach of DBSCAN is 3/2 of the typical distance to the fourth neighbour, since a fixed one fits one model;
    - two means and the widest gap always find somebody, so they count only if the gap is 0.1 of a cosine, or the
      squared distance of the means twice the spread of the larger part, with two seats at least in the smaller;
    - the short history is the mean over this round and the past rounds that are rows, the long one a sum without the
      products of rounds further apart (`aggregator.rules.history`).

    Malicious seats have no weight, unreliable ones half; both come back as soon as they behave.
    """

    name = "mud-hog"
    paper = "Gupta et al. 2022, Long-short history of gradients is all you need (arXiv 2208.10273)"

    def start(self, n: int) -> State:
        """No history, no strikes."""
        names = ("untargeted", "targeted", "doubts")
        return {"history": zeros(n, n), "rounds": zeros(1), **{name: zeros(n) for name in names}}

    def judge(self, rows: Rows, state: State) -> Verdict:
        """Strikes in a row make a label, labels make weights."""
        history, rounds = longer(state["history"], rows), state["rounds"] + 1
        short, everyone = short_history(rows), list(range(rows.n))
        known = _malicious(state)
        flips = loud = aims = weak = set[int]()
        if rounds[0] > _QUIET:
            flips = against(short, [i for i in everyone if not known[i]])
            loud = noisy(short, [i for i in everyone if i not in flips])
            rest = [i for i in everyone if i not in flips | loud]
            aims = aimed(history, rest)
            weak = doubtful(short, [i for i in rest if i not in aims])
        after = {
            "history": history,
            "rounds": rounds,
            "untargeted": _counted(state["untargeted"], flips | loud),
            "targeted": _counted(state["targeted"], aims),
            "doubts": _counted(state["doubts"], weak),
        }
        labels = _labels(after)
        parts = [{"honest": 2, "unreliable": 1, "malicious": 0}[label] for label in labels]
        return verdict(shares(parts), state=after, labels=labels)


def against(short: Ints, trusted: Sequence[int]) -> set[int]:
    """Rows that point away from the median of the trusted ones: sign flips."""
    if not trusted:
        return set()
    chosen = list(trusted)
    centre = geometric_median(short[np.ix_(chosen, chosen)])
    return {i for i, pull in enumerate(short[:, chosen] @ centre) if pull < 0}


def noisy(short: Ints, members: Sequence[int]) -> set[int]:
    """Rows that belong to no dense cluster and lie beyond the widest gap: additive noise."""
    if len(members) <= _CORE:
        return set()
    chosen = list(members)
    gram = short[np.ix_(chosen, chosen)]
    table = distances(gram)
    fourth = lower_median(sorted(row)[_CORE - 1] for row in table)
    found = dense(table, 9 * fourth // 4, _CORE)
    sizes = [found.count(cluster) for cluster in range(max(found) + 1)]
    if not sizes:
        return set()
    normal = [i for i, cluster in enumerate(found) if cluster == int(np.argmax(sizes))]
    away = lengths(np.maximum(from_mean(gram, normal), 0))
    others = [i for i in range(len(chosen)) if i not in normal]
    # The edge of the normal cluster stands for it, so that a single outlier has a gap too.
    _, bar = widest_gap([max(away[i] for i in normal), *(away[i] for i in others)])
    return {chosen[i] for i in others if found[i] == NOISE and away[i] >= bar}


def aimed(history: Ints, members: Sequence[int]) -> set[int]:
    """The smaller of two clusters of long histories if they are clearly two: targeted attacks. One row alone shares no
    aim with anybody: it may as well be a trainer with poor data."""
    if len(members) < 3:
        return set()
    chosen = list(members)
    gram = history[np.ix_(chosen, chosen)]
    large, small = halves(gram)
    if not 1 < len(small) < len(large):
        return set()
    spread = int(from_mean(gram, large)[large].sum())
    mean_gap = _between(gram, large, small)
    apart = mean_gap * len(large) > _SEPARATED * max(spread, 0)
    return {chosen[i] for i in small} if apart else set()


def doubtful(short: Ints, members: Sequence[int]) -> set[int]:
    """Rows below the widest gap of the cosines with the median, if it is wide and they are fewer: low quality."""
    if len(members) < 3:
        return set()
    chosen = list(members)
    gram = short[np.ix_(chosen, chosen)]
    centre = geometric_median(gram)
    pulls = gram @ centre
    whole = lengths([max(int(centre @ pulls), 0)])[0]
    along = (pulls << 90) // np.maximum(lengths(gram.diagonal()) * whole, 1)
    width, bar = widest_gap([int(x) for x in along])
    below = {chosen[i] for i, x in enumerate(along) if x < bar}
    return below if width > _LEAST_GAP and 2 * len(below) < len(chosen) else set()


def _between(gram: Ints, one: Sequence[int], two: Sequence[int]) -> int:
    """Squared distance of the means of two clusters (floor)."""
    a, b = len(one), len(two)
    within = int(gram[np.ix_(one, one)].sum()) * b * b + int(gram[np.ix_(two, two)].sum()) * a * a
    return (within - 2 * a * b * int(gram[np.ix_(one, two)].sum())) // (a * a * b * b)


def _counted(before: Ints, flagged: set[int]) -> Ints:
    """Rounds in a row: one more for the flagged, none for the others."""
    return ints([int(x) + 1 if i in flagged else 0 for i, x in enumerate(before)])


def _malicious(state: State) -> list[bool]:
    pairs = zip(state["untargeted"], state["targeted"], strict=True)
    return [bool(a >= _UNTARGETED_STRIKES or b >= _TARGETED_STRIKES) for a, b in pairs]


def _labels(state: State) -> list[Label]:
    doubted = state["doubts"] >= _DOUBTS
    return [
        "malicious" if bad else "unreliable" if doubt else "honest"
        for bad, doubt in zip(_malicious(state), doubted, strict=True)
    ]
