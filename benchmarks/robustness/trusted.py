"""The default rule with the owner's reference: three tenths of the direction, and weights fall with the angle to it.

The second is one more factor of `presence` (after FLTrust: Cao, Fang, Liu, Gong 2021): the square of the cosine in
units of the median agreement, at most one.
"""

from __future__ import annotations

import numpy as np

from aggregator.fixed import F
from aggregator.rule import SLACK
from benchmarks.robustness.agreement import Agreement, Array


class Trusted(Agreement):
    """`Agreement` with a reference; weight falls with the angle to the reference."""

    name = "agreement+trust"
    paper = "arXiv:2012.13995"
    uses_reference = True

    def presence(self, agreement: Array, median: int, trust: Array) -> Array:
        """As it is, times the square of the positive part of the cosine with the reference, full from the median on."""
        trusted = np.minimum(F, np.maximum(trust, 0) * F // (max(median, 0) + SLACK))
        return super().presence(agreement, median, trust) * trusted // F * trusted // F
