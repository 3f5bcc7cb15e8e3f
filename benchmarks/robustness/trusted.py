"""A candidate for the mode with a reference row: the default rule times the trust of FLTrust.

It changes one step of `Agreement` with its reference: `presence` is also multiplied by the positive part of the
cosine of the update with the reference (Cao, Fang, Liu, Gong 2021), one division in the check of an entry.
"""

from __future__ import annotations

import numpy as np

from aggregator.fixed import F
from benchmarks.robustness.agreement import Agreement, Array


class Trusted(Agreement):
    """`Agreement` with a reference; weight falls with the angle to the reference."""

    name = "agreement+trust"
    paper = "arXiv:2012.13995"

    def __init__(self) -> None:
        super().__init__(uses_reference=True)
        self.name = "agreement+trust"

    def presence(self, agreement: Array, median: int, trust: Array) -> Array:
        """As it is, times the positive part of the cosine with the reference."""
        return super().presence(agreement, median, trust) * np.maximum(trust, 0) // F
