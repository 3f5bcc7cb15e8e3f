"""Clusters from squared distances or inner products alone, without chance: density, two means, the widest gap."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise
from typing import Final

import numpy as np

from aggregator.fixed import Ints, ints
from aggregator.rules.numbers import distances

_STEPS: Final = 16
NOISE: Final = -1


def dense(table: Ints, reach: int, core: int) -> list[int]:
    """Cluster of each row (0, 1, ... by lowest member) or NOISE. `table`: squared distances, `reach`: the greatest of
    neighbours, `core`: neighbours, itself included, that make a row spread its cluster.

    DBSCAN (Ester et al. 1996); a border row belongs to the first cluster that reaches it.
    """
    near = [[j for j, x in enumerate(row) if x <= reach] for row in table]
    out = [NOISE] * len(near)
    clusters = 0
    for first, members in enumerate(near):
        if out[first] != NOISE or len(members) < core:
            continue
        queue = [first]
        while queue:
            i = queue.pop(0)
            if out[i] == NOISE:
                out[i] = clusters
                queue += near[i] if len(near[i]) >= core else []
        clusters += 1
    return out


def from_mean(gram: Ints, members: Sequence[int]) -> Ints:
    """Squared distances of all rows to the mean of `members` (floor)."""
    m, chosen = len(members), list(members)
    inside = int(gram[np.ix_(chosen, chosen)].sum())
    whole = m * m * gram.diagonal() - 2 * m * gram[:, chosen].sum(axis=1) + inside
    return np.asarray(whole // (m * m))


def halves(gram: Ints) -> tuple[list[int], list[int]]:
    """Two clusters, the larger first (at a tie the one of row 0): two means from the pair furthest apart, 16 steps."""
    table = distances(gram)
    first, second = divmod(int(np.argmax(table)), len(gram))
    sides = [bool(table[i, second] < table[i, first]) for i in range(len(gram))]
    for _ in range(_STEPS):
        here, there = _parts(sides)
        if not there:
            return here, there
        moved = from_mean(gram, there) < from_mean(gram, here)
        if all(moved) or list(moved) == sides:
            break
        sides = [bool(x) for x in moved]
    here, there = _parts(sides)
    return (here, there) if (len(here), -min(here)) >= (len(there), -min(there)) else (there, here)


def _parts(sides: Sequence[bool]) -> tuple[list[int], list[int]]:
    return [i for i, x in enumerate(sides) if not x], [i for i, x in enumerate(sides) if x]


def widest_gap(values: Sequence[int]) -> tuple[int, int]:
    """(width, value just above) of the widest gap between neighbours in order, the lowest one among equals."""
    ordered = sorted(values)
    gaps = ints([b - a for a, b in pairwise(ordered)])
    if not len(gaps):
        return 0, ordered[0] if ordered else 0
    at = int(np.argmax(gaps))
    return int(gaps[at]), ordered[at + 1]
