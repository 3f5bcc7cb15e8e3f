"""FoolsGold: who resembles somebody over the whole history shares weight with them."""

from __future__ import annotations

from typing import Final

import numpy as np

from aggregator.fixed import Ints, ints, zeros
from aggregator.rules.form import Rows, Rule, State, Verdict, verdict
from aggregator.rules.history import longer
from aggregator.rules.numbers import ONE, cosines, log2, shares

_MOST: Final = 99 * ONE // 100
_LN2: Final = 744261118
"""Natural logarithm of 2, Q30."""


class FoolsGold(Rule):
    """Also the similarity of SybilWall, where everybody sees everybody and no histories have to be passed on.

    Where all resemble each other completely nobody has weight and the round changes nothing.
    """

    name = "foolsgold"
    paper = "Fung, Yoon, Beschastnikh 2020, The limitations of federated learning in Sybil settings"

    def start(self, n: int) -> State:
        """Nothing was sent."""
        return {"history": zeros(n, n)}

    def judge(self, rows: Rows, state: State) -> Verdict:
        """Weights from the greatest resemblance of each."""
        history = longer(state["history"], rows)
        # Without products of distant rounds a sum can come out below zero: then there is no direction to compare.
        square = np.maximum(history.diagonal(), 0)
        np.fill_diagonal(history, square)
        return verdict(shares(_trust(cosines(history))), state={"history": history})


def _trust(alike: Ints) -> Ints:
    """Parts in Q30 from cosines (n, n)."""
    n = len(alike)
    np.fill_diagonal(alike, 0)
    most = alike.max(axis=1)
    for i in range(n):
        # Pardon: whoever is alike to somebody that is alike to others even more is not the origin.
        milder = most > most[i]
        alike[i, milder] = alike[i, milder] * most[i] // most[milder]
    free = np.minimum(np.maximum(ONE - alike.max(axis=1), 0), ONE)
    top = int(free.max())
    return ints([_logit(int(x) * ONE // top) if top else 0 for x in free])


def _logit(x: int) -> int:
    """ln(x / (1 - x)) + 1/2, kept within 0 and 1."""
    x = min(x, _MOST)
    if x <= 0:
        return 0
    odds = log2(x * ONE // (ONE - x) or 1) * _LN2 // ONE
    return max(0, min(odds + ONE // 2, ONE))
