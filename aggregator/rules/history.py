"""Inner products of what trainers sent over many rounds, as far as rows of a round can tell.

A round's Gram matrix holds the files of this round and of `past` rounds before. So sums over these rounds are exact,
and of the products of two rounds that lie further apart nothing can be had: a sum over all rounds leaves them out.
"""

from __future__ import annotations

from math import lcm

import numpy as np

from aggregator.fixed import Ints, ints, zeros
from aggregator.rules.form import Rows


def short_history(rows: Rows) -> Ints:
    """Inner products of the mean updates of this round and the past ones that are rows, times a common square."""
    ages = range(rows.params.past + 1)
    total = zeros(rows.n, rows.n)
    present = zeros(rows.n)
    for age in ages:
        present = present + (rows.between(age, age).diagonal() > 0)
        for other in ages:
            total = total + rows.between(age, other)
    scale = lcm(*range(1, len(ages) + 1))
    mean = ints([scale // max(int(x), 1) for x in present])
    return np.asarray(total * np.multiply.outer(mean, mean))


def longer(history: Ints, rows: Rows) -> Ints:
    """The sum over all rounds with this one added: products within a round and with the past rows."""
    out = history + rows.trainers
    for age in range(1, rows.params.past + 1):
        cross = rows.between(0, age)
        out = out + cross + cross.T
    return np.asarray(out)
